"""Concurrency groups whose text a stranger can choose: PH206. Whoever spells another's group ends or outdates its runs.

A fork's branch may have any name, and a title, a comment or a description any words. The branch and tag of a push, and
what belongs to the repository, are there for those alone who may push.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from string import ascii_letters, digits

from functions.cel.kinds import BOOL
from functions.cel.syntax import Call, Expr
from functions.common.lenient import at, object_at
from functions.common.values import Json
from functions.lint import fields, trees
from functions.lint.hits import Hit
from functions.lint.known import Known, filter_of, overlays_of
from functions.lint.places import Place
from functions.lint.reach import references
from functions.lint.text import ANYTHING
from functions.lint.texts import parts_of, path_of
from functions.lint.views import Bound, View
from functions.model.annotations import GROUP

_MESSAGE = "whoever chooses this text can spell another's group, whose runs then end or never start"
_HINT = "add what nobody else has: pull-request-$(body.repository.id)-$(body.number); for pushes $(body.ref) is fine"
_MERGED = "what nobody else has runs into text that a stranger chooses, so that the two can spell another's group"
_APART = "set them apart by a character that the one cannot hold: $(body.number)/$(body.pull_request.head.ref)"
_WRITTEN = """
comment discussion issue merge_request object_attributes pullRequest pull_request pullrequest review workflow_job
workflow_run
"""
_OWN = """
account_id after author_id full_name hash head_sha html_url id iid label login node_id number path_with_namespace
sha source_project_id user_id username uuid
"""
_COMMON = """
app base destination enterprise hook installation label labels milestone organization project target workflow
"""
_STRANGERS = frozenset(_WRITTEN.split())
"""Parts of bodies in which people write who may not push."""
_TELLING = frozenset(_OWN.split())
"""Fields that tell one pull request, comment or contributor from all others; a head's `label` is OWNER:BRANCH."""
_SHARED = frozenset(_COMMON.split())
"""What several of them have in common."""
_NUMBERS = frozenset({"account_id", "author_id", "id", "iid", "number", "source_project_id", "user_id"})
_WHOLE = frozenset({"after", "hash", "head_sha", "node_id", "sha", "uuid"})
"""Those of one length: what stands beside them is no part of them."""
_LED = frozenset({"full_name", "html_url", "label", "path_with_namespace"})
"""Those that begin with whose they are, and with a character that no name holds."""
_NAMES = ascii_letters + digits + "-_.[]"
_Part = str | set[trees.Path]
"""A literal, or the fields of the body that are behind an expression."""
_SOURCES = (
    ("body", "object_attributes", "source"),
    ("body", "object_attributes", "source_project_id"),
    ("body", "pull_request", "head", "repo"),
    ("body", "pullrequest", "source", "repository"),
)
"""Where a change comes from: a filter that compares it lets no fork through."""


def check(view: View, known: Known) -> Iterator[Hit]:
    """Check the groups of one trigger's runs and Cancellations, but for those that only wait for each other."""
    asked = view.prepared.concurrency
    if asked is None or view.template is None or known.rewritten or _takes_no_fork(view):
        return
    overlays = _overlays(view)
    params = {f"tt.params.{bound.param.name}": tuple(_parts(bound, overlays)) for bound in view.bound}
    for entry in asked.resources:
        place = view.template_place.below("resourcetemplates", entry.position)
        written, where = _written(view.template.resources[entry.position], place)
        if entry.text or (entry.limit and not entry.mode):
            continue
        named = {shown: params[name] for name in params for shown in references(written, {name: ANYTHING})}
        chosen = tuple(shown for shown, parts in named.items() if any(_is_chosen(part, known) for part in parts))
        pieces = re.split(f"({'|'.join(map(re.escape, named))})", written)
        parts = [part for piece in pieces for part in named.get(piece, (piece,))]
        if not chosen or _stands_apart(parts, known) or _stands_apart(parts[::-1], known, leads=False):
            continue
        merged = any(_own(part) for part in parts)
        yield Hit("PH206", where, _MERGED if merged else _MESSAGE, _APART if merged else _HINT, chosen)


def _stands_apart(parts: Sequence[_Part], known: Known, *, leads: bool = True) -> bool:
    """Say whether what nobody else has comes before all that a stranger chooses, and is set apart from that.

    `leads`: the parts are in their order, and not from the end.
    """
    own = between = ""
    for part in parts:
        if isinstance(part, str):
            between += part
        elif found := _own(part):
            if _is_chosen(part, known):  # an overlay of both, which is not taken apart
                return True
            own, between = found, ""
        elif _is_chosen(part, known):
            held = digits if own in _NUMBERS else _NAMES
            return bool(own) and (own in _WHOLE or (leads and own in _LED) or not set(between) <= set(held))
        elif own:
            return True
    return bool(own)


def _own(part: _Part) -> str:
    """Return the name of the field that is one pull request's, comment's or contributor's alone, if a part has one."""
    return next((path[-1] for path in part if _is_own(path)), "") if not isinstance(part, str) else ""


def _is_chosen(part: _Part, known: Known) -> bool:
    return not isinstance(part, str) and any(_chosen(path, known) for path in part)


def _written(resource: Mapping[str, Json], place: Place) -> tuple[str, Place]:
    """Return the group as a resource has it, and where it stands."""
    annotations = object_at(resource, "metadata", "annotations")
    if GROUP in annotations:
        return str(annotations[GROUP]), place.below("metadata", "annotations", GROUP)
    return str(at(resource, "spec", "concurrencyGroup") or ""), place.below("spec", "concurrencyGroup")


def _takes_no_fork(view: View) -> bool:
    """Say whether a filter looks at where a change comes from: what it lets through, people wrote who may push."""
    trees_of = (trees.tree(filter_of(entry)) for entry in view.interceptors if filter_of(entry))
    return any(
        path[: len(source)] == source
        for tree in trees_of
        for part in (trees.conjuncts(tree) if tree else ())
        if isinstance(part, Call) and part.function in ("_==_", "@in", "!_")
        for path in trees.paths(part)
        for source in _SOURCES
    )


def _overlays(view: View) -> dict[str, set[trees.Path]]:
    """Return the fields that overlays are made of, by the first name of the extension."""
    found: dict[str, set[trees.Path]] = {}
    for entry in view.interceptors:
        for _, key, expression in overlays_of(entry):
            tree = trees.tree(expression)
            made = {path for leaf in _leaves(tree) for path in _resolved(leaf, found)} if tree else set[trees.Path]()
            found.setdefault(key.partition(".")[0].partition("[")[0], set()).update(made)
    return found


def _leaves(expr: Expr) -> Iterator[trees.Path]:
    """Yield the paths that make up an expression's value, each whole; conditions only choose among values."""
    if path := trees.path(expr):
        yield path
    elif expr.type is not BOOL:
        for part in trees.parts(expr):
            yield from _leaves(part)


def _parts(bound: Bound, overlays: Mapping[str, set[trees.Path]]) -> Iterator[_Part]:
    for part in parts_of(bound.param):
        if isinstance(part, str):
            yield part
        elif path := path_of(part):
            yield _resolved(path, overlays)


def _resolved(path: trees.Path, overlays: Mapping[str, set[trees.Path]]) -> set[trees.Path]:
    """Return the fields of the body that are behind a path."""
    if path[:2] == ("extensions", "pr_body"):
        return {("body", "pull_request", *path[2:])}
    if path[:1] == ("extensions",) and len(path) > 1:
        return overlays.get(path[1], set())
    return {path}


def _chosen(path: trees.Path, known: Known) -> bool:
    """Say whether a stranger may write what stands at a path: not where a filter says who has, or what it is."""
    if path[:1] != ("body",) or not _STRANGERS.intersection(path[1:2]) or _is_own(path):
        return False
    author = (*path[:2], "author_association")
    if author in known.fixed and not known.fixed[author].sent:
        return False
    return fields.of_body(path[1:], provider=True, events=None).runs and bool(known.at(path).sent)


def _is_own(path: trees.Path) -> bool:
    """Say whether what stands at a path is one pull request's, comment's or contributor's alone."""
    steps = path[1:]
    if path[0] != "body" or not steps or steps[0] == "repository" or _SHARED.intersection(steps[:-1]):
        return False
    return steps[-1] in _TELLING
