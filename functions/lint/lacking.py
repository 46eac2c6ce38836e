"""Fields of the body that all or some events of a chain lack: what reads them fails, and with it the trigger."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from functions.lint import events, trees
from functions.lint.known import Known, filter_of, trees_of
from functions.lint.texts import parts_of, path_of
from functions.lint.views import PlacedInterceptor, View
from functions.rendering.bindings import Expression

# which fields of a push say whether the branch or tag is gone, or has no commits of its own
_TELLING = frozenset({"after", "checkout_sha", "commits", "created", "deleted", "head_commit", "total_commits_count"})


_SEVERAL = 3


class Lack(Struct, frozen=True):
    """Why a field is not there. `always`: in no event of the chain; `filtering` is a filter after which it is."""

    message: str
    always: bool = False
    filtering: str = ""


def lack(steps: trees.Path, known: Known, asked: Sequence[PlacedInterceptor]) -> Lack | None:
    """Say what a path below the body lacks behind the interceptors `asked`; None when nothing, or nobody knows."""
    names = known.events
    if names is None and known.provider in ("", "github") and steps[:1] == ("head_commit",):
        names = ["push"]  # no other event has it at the top
    if known.provider == "gitlab" and steps[:1] == ("head_commit",):
        return None if known.replaced else Lack("body.head_commit is a field that no event of GitLab has", always=True)
    if known.replaced or not steps or not names or not all(events.known(name) for name in names):
        return None
    lacking = [name for name in names if not events.has_field(name, steps[0])]
    if len(lacking) == len(names):
        which = "none of its events has" if len(names) > 1 else f"the event {names[0]} does not have"
        return Lack(f"body.{steps[0]} is a field that {which}", always=True)
    if lacking and not any(map(filter_of, asked)):
        message = f"body.{steps[0]} is missing from its event {', '.join(lacking)}"
        return Lack(message, filtering=f"has(body.{steps[0]})")
    for event in names:
        if (hole := events.hole(event, steps)) and not _guarded(hole, known, asked):
            return _said(event, hole)
    return None


def as_sent(view: View, known: Known) -> Known:
    """Return what is known, less what its events tell where the body is the sender's own under a provider's header.

    That is where it reads several fields that no event at all has, and none that its events have.
    """
    bound = (part for entry in view.bound for part in parts_of(entry.param) if isinstance(part, Expression))
    written = (path for entry in view.interceptors for tree in trees_of(entry) for path in trees.paths(tree))
    paths = (*written, *(path_of(part) or ("",) for part in bound))
    read = {path[1] for path in paths if path[0] == "body" and len(path) > 1}
    names = known.events or ()
    if not names or any(events.has_field(name, field) for name in names for field in read):
        return known
    unknown = [field for field in read if not events.events_with(field, gitlab=events.gitlab(names))]
    return known if len(unknown) < _SEVERAL else replace(known, events=None, provider="")


def _said(event: str, hole: trees.Path) -> Lack:
    listed = hole[-1] == "*"
    holder = "body." + ".".join(hole[:-1] if listed else hole)
    what, filtering = ("be empty", f"{holder}.size() > 0") if listed else ("be null or missing", f"{holder} != null")
    if event == "push" and hole in (("head_commit",), ("commits", "*")):
        what, filtering = f"{what} (a branch or tag is deleted)", "!body.deleted"
    elif not listed:
        filtering = f"has({holder}) && {filtering}"
    return Lack(f"{holder} of the event {event} may {what}", filtering=filtering)


def _guarded(hole: trees.Path, known: Known, asked: Sequence[PlacedInterceptor]) -> bool:
    """Say whether a filter looks at what may be missing, or at what tells it."""
    named = tuple(step for step in hole if step != "*")
    fixed = known.fixed.get(("body", "ref"))
    for entry in asked:
        tree = trees.tree(filter_of(entry))
        read = set(trees.paths(tree)) if tree else set()
        telling = {path[1] for path in read if path[0] == "body" and len(path) > 1}
        if any(path[1 : 1 + len(named)] == named for path in read):
            return True
        if hole[0] in ("head_commit", "commits"):
            if telling & _TELLING or ("ref" in telling and fixed is not None and not fixed.sent):
                return True
        elif hole != ("issue", "pull_request") and telling:
            return True  # which events it lets through decides, and a rare hole is not worth a guess
    return False
