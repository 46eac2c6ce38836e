"""Bindings that fail: for every event (PH303), for some (PH304), or that hand over their own text (PH305)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from functions.lint import events, trees
from functions.lint.hits import Hit
from functions.lint.known import Known, filter_of, replaces
from functions.lint.texts import parts_of, path_of
from functions.lint.views import Bound, View
from functions.lint.wanted import filters
from functions.rendering.bindings import Expression

_ROOTS = ("body", "context", "extensions", "header")
_LITERAL = re.compile(
    r"\$\((?:(?!\$\()[^)])*$"  # never closed
    r"|\$[{\[]\s*\.?(?:body|header|extensions|context)\b[^}\]]*[}\]]?"
    r"|\{\{-?\s*\.?(?:body|header|extensions|context)\b.*?\}\}"
    r"|\$(?:body|header|extensions|context)\.[\w.-]+"
    r"|^(?:body|header|extensions)\.(?!(?:\w+\.)*(?:gz|html?|json|md|tar|tgz|txt|xml|ya?ml|zip)$)[A-Za-z_][\w.\[\]-]*$"
)
_NO_KEY = re.compile(r"[()'\"?]|==|&&|\|\|")
# which fields of a push say whether the branch or tag is gone, or has no commits of its own
_TELLING = frozenset({"deleted", "created", "after", "head_commit", "commits"})


def check(view: View, known: Known) -> Iterator[Hit]:
    """Check the params that one trigger binds."""
    defaulted = {param.name for param in view.template.params if param.default is not None} if view.template else set()
    for entry in view.bound:
        place = entry.place.below("value")
        for part in parts_of(entry.param):
            if isinstance(part, Expression):
                yield from _expression(part, entry, view, known, defaulted=entry.param.name in defaulted)
            elif match := _LITERAL.search(part):
                hint = "write $(…), as in $(body.after)"
                yield Hit("PH305", place, "the param gets this as literal text", hint, (match[0],))


def _expression(part: Expression, entry: Bound, view: View, known: Known, *, defaulted: bool) -> Iterator[Hit]:
    place = entry.place.below("value")
    path = path_of(part, every="")
    if path is None:
        return  # what does not parse is PH002's
    if why := _never(path, known):
        if defaulted:
            yield Hit("PH306", place, f"{part.text} always becomes the template's default: {why[0]}", why[1])
        else:
            yield Hit("PH303", place, f"{part.text} fails for every event: {why[0]}", why[1])
    elif path[0] == "body" and not defaulted and not known.replaced:
        yield from _lacking(path[1:], entry, view, known)


def _never(path: trees.Path, known: Known) -> tuple[str, str] | None:
    """Return why an expression finds nothing in any event, and what to do; None when it may."""
    root = path[0][:1].lower() + path[0][1:] if path[0] else ""  # Go's own names of these fields are found as well
    if bad := next((name for name in path if _NO_KEY.search(name)), ""):
        return f"{bad} is the name of a field here", "compute it with a CEL overlay, and bind $(extensions.NAME)"
    if root not in _ROOTS:
        hint = f"write {', '.join(_ROOTS[:-1])} or {_ROOTS[-1]}, without spaces"
        return f"there is no {path[0]}" if path[0] else "it begins with a space", hint
    if root == "context" and path[1:] and path[1:] not in (("eventID",), ("EventID",)):
        return "context has eventID alone", "write $(context.eventID)"
    if root == "extensions" and path[1:] and not known.makes(path[1:]):
        return f"no interceptor of the chain makes extensions.{path[1]}", "mind its spelling, or add a CEL overlay"
    if root == "header" and len(path) > 1 and _lower(path[1]) and not known.replaced:
        return f"headers are called as {_canonical(path[1])} is", f"write $(header.{_canonical(path[1])})"
    return None


def _lower(name: str) -> bool:
    return name != "*" and "-" in name and name != _canonical(name)


def _canonical(name: str) -> str:
    return "-".join(word[:1].upper() + word[1:].lower() for word in name.split("-"))


def _lacking(steps: trees.Path, entry: Bound, view: View, known: Known) -> Iterator[Hit]:
    names = known.events
    if names is None and known.provider in ("", "github") and steps[:1] == ("head_commit",):
        names = ["push"]  # no other event has it at the top
    if not steps or not names or not all(events.known(name) for name in names):
        return
    place, hint = entry.place.below("value"), f"give the param {entry.param.name} a default in the template"
    lacking = [name for name in names if not events.has_field(name, steps[0])]
    if len(lacking) == len(names):
        which = "none of its events has" if len(names) > 1 else f"the event {names[0]} does not have"
        yield Hit("PH303", place, f"body.{steps[0]} is a field that {which}", hint)
        return
    if lacking and not filters(view):
        yield Hit("PH304", place, f"body.{steps[0]} is missing from its event {', '.join(lacking)}", hint)
        return
    for event in names:
        if (hole := events.hole(event, steps)) and not _guarded(hole, view, known):
            yield Hit("PH304", place, *_said(event, hole, hint))
            return


def _said(event: str, hole: trees.Path, hint: str) -> tuple[str, str]:
    """Return what may be missing, and what to do."""
    listed = hole[-1] == "*"
    holder = "body." + ".".join(hole[:-1] if listed else hole)
    what, filtering = ("be empty", f"{holder}.size() > 0") if listed else ("be null or missing", f"{holder} != null")
    if event == "push" and hole in (("head_commit",), ("commits", "*")):
        what, filtering = f"{what} (a branch or tag is deleted)", "!body.deleted"
    elif not listed:
        filtering = f"has({holder}) && {filtering}"
    return f"{holder} of the event {event} may {what}", f"filter with {filtering}, or {hint}"


def _guarded(hole: trees.Path, view: View, known: Known) -> bool:
    """Say whether a filter looks at what may be missing, or at what tells it."""
    asked = [entry for entry in view.interceptors if filter_of(entry) or replaces(entry)]
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
