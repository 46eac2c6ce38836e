"""CEL expressions of a chain: filters that can never be true, and fields which the events lack, or some of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

from msgspec.structs import replace

from functions.cel.kinds import BOOL
from functions.cel.syntax import Call, Expr, Fold, Literal, Select
from functions.delivery import canonical_name
from functions.lint import events, trees
from functions.lint.cel_text import EXPRESSION
from functions.lint.filters import Seen, narrowed, never
from functions.lint.hits import Hit
from functions.lint.known import Known, filter_of, overlays_of, walk
from functions.lint.lacking import as_sent, lack
from functions.lint.places import Place
from functions.lint.views import PlacedInterceptor, View


def check(view: View) -> Iterator[Hit]:
    """Check every expression of one trigger's chain that sees the event as it was sent, or any event."""
    steps = [(entry, as_sent(view, known)) for entry, known in walk(view)]
    for position, ((entry, known), (_, behind)) in enumerate(pairwise(steps)):
        if entry is None:
            return
        if source := filter_of(entry):
            names = None if known.replaced else known.events
            yield from _filter(source, entry.param_place("filter").below("value"), Seen(known, names))
        for number, _, expression in overlays_of(entry):
            if tree := trees.tree(expression):
                place = entry.param_place("overlays").below("value", number, "expression")
                names = None if behind.replaced else behind.events
                hits = list(_missing(tree, place, known, names, positive=False))
                yield from hits or _sometimes(tree, place, behind, view.interceptors[: position + 1])
                yield from _cut(tree, place, behind, view)


def _filter(source: str, place: Place, seen: Seen) -> Iterator[Hit]:
    tree = trees.tree(source)
    if tree is None:
        return
    if found := never(tree, seen):
        yield Hit("PH301", place, *found)
    else:
        names = None if seen.known.replaced else narrowed(seen.names, tree)
        yield from _missing(tree, place, seen.known, names, positive=True)


def _sometimes(tree: Expr, place: Place, known: Known, asked: tuple[PlacedInterceptor, ...]) -> Iterator[Hit]:
    """Yield what an overlay reads and some events lack: it cannot be computed then, and the trigger fails."""
    # event by event: of a condition each branch may be for another one
    for one in [replace(known, events=[event]) for event in known.events] if known.events else [known]:

        def lacks(path: trees.Path, one: Known = one) -> bool:
            return path[0] == "body" and all(lack(path[1:], seen, asked) for seen in (known, one))

        for path in sorted(_fatal(tree, lacks, positive=False)):
            for seen in (one, known):
                if (found := lack(path[1:], seen, asked)) and not found.always:
                    yield Hit("PH304", place, found.message, f"filter with {found.filtering}")
                    return


def _missing(tree: Expr, place: Place, known: Known, names: list[str] | None, *, positive: bool) -> Iterator[Hit]:
    if not known.replaced and (never_there := sorted(_fatal(tree, _misspelt, positive=positive))):
        name = never_there[0][1]
        hint = f"write header.canonical('{name}'), or spell it as Go does: {canonical_name(name)}"
        yield Hit("PH302", place, "this reads a header by a name that none has", hint, (f"header['{name}']",))
        return
    unmade = _fatal(tree, lambda path: path[0] == "extensions" and not known.makes(path[1:]), positive=positive)
    if unmade:
        hint = "overlays see those of the interceptors before theirs: make it there, and mind its spelling"
        about = tuple(sorted(".".join(path) for path in unmade))
        yield Hit("PH302", place, "no interceptor before this one makes what it reads", hint, about)
        return
    if not names or not all(events.known(name) for name in names):
        return
    asked = _asked(tree)

    def lacks(path: trees.Path) -> bool:
        return (
            path[0] == "body" and path[1] not in asked and not any(events.has_field(event, path[1]) for event in names)
        )

    which = f"the event {names[0]} does not have" if len(names) == 1 else "none of its events has"
    lacking = sorted({path[1] for path in _fatal(tree, lacks, positive=positive)})
    if lacking:
        hint = events.having(lacking[0], names)
        if lacking[0] == "extensions":
            hint = "extensions stand beside the body: write extensions.NAME"
        yield Hit("PH302", place, f"this reads a field that {which}", hint, tuple(f"body.{name}" for name in lacking))


def _cut(tree: Expr, place: Place, known: Known, view: View) -> Iterator[Hit]:
    """Yield where an overlay takes the third part of a ref for the branch, which may have more; a tag seldom has."""
    tags = any("refs/tags" in filter_of(entry) for entry in view.interceptors)
    fixed = ("body", "ref") in known.fixed or (known.events and events.PUSHES.isdisjoint(known.events))
    splits = [part for part in trees.nodes(tree) if _splits_ref(part)]
    # with more of them it looks at other parts, too
    if fixed or known.rewritten or tags or len(splits) != 1 or any(map(_names_branches, view.interceptors)):
        return
    for part in _values(tree):
        match part:
            case Call(function="_[_]", args=[Call() as split, Literal(value=2)]):
                if split is splits[0] and (EXPRESSION, trees.key(part)) not in known.fixed:
                    hint = "write body.ref.replace('refs/heads/', '')"
                    yield Hit("PH309", place, "of a branch feature/x this takes feature alone", hint)


def _splits_ref(expr: Expr) -> bool:
    match expr:
        case Call(function="split", target=Expr() as target):
            return trees.path(target) == ("body", "ref")
    return False


def _names_branches(entry: PlacedInterceptor) -> bool:
    """Say whether a filter wants branches that begin with a word of their own: `refs/heads/feature-`."""
    tree = trees.tree(filter_of(entry)) if filter_of(entry) else None
    for part in trees.nodes(tree) if tree else ():
        match part:
            case Call(function="startsWith", target=Expr() as target, args=[Literal(value=str(start))]):
                word = start.removeprefix("refs/heads/")
                if trees.path(target) == ("body", "ref") and word not in ("", start) and "/" not in word:
                    return True
    return False


def _values(expr: Expr) -> Iterator[Expr]:
    """Yield what an expression's value is made of: its parts but for conditions, which only choose among values."""
    if expr.type is not BOOL:
        yield expr
        for part in trees.parts(expr):
            yield from _values(part)


def _misspelt(path: trees.Path) -> bool:
    return path[0] == "header" and path[1] not in ("*", canonical_name(path[1]))


def _asked(expr: Expr) -> set[str | None]:
    """Return the fields at the body's top that an expression asks for: `has(body.a)`, `'a' in body`."""
    found: set[str | None] = set()
    for node in trees.nodes(expr):
        if isinstance(node, Select) and node.test and trees.path(node.operand) == ("body",):
            found.add(node.field)
        if isinstance(node, Call) and node.function == "@in" and trees.path(node.args[1]) == ("body",):
            found.add(trees.text(node.args[0]))
    return found


def _fatal(expr: Expr, lacks: Callable[[trees.Path], bool], *, positive: bool) -> frozenset[trees.Path]:
    """Return the paths of the event that are lacking and without which an expression surely fails.

    CEL's `||` and `&&` absorb a side's error when the other decides; of a condition, only one branch is evaluated.
    `positive` says that to be false is as bad as to fail, as it is for a filter and the sides of its `&&`.
    """
    if isinstance(expr, Select) and expr.test:
        return _fatal(expr.operand, lacks, positive=False)
    path = trees.path(expr)
    if path and path[0] in ("body", "extensions", "header") and len(path) > 1:
        return frozenset({path}) if lacks(path) else frozenset()
    match expr:
        case Call(function="_||_"):
            return _of_all([_fatal(arg, lacks, positive=positive) for arg in expr.args])
        case Call(function="_&&_"):
            sides = [_fatal(arg, lacks, positive=positive) for arg in expr.args]
            return frozenset[trees.Path]().union(*sides) if positive else _of_all(sides)
        case Call(function="_?_:_"):
            branches = [_fatal(arg, lacks, positive=positive) for arg in expr.args[1:]]
            return _fatal(expr.args[0], lacks, positive=False) | _of_all(branches)
        case Fold():
            return _fatal(expr.source, lacks, positive=False)
    return frozenset[trees.Path]().union(*(_fatal(part, lacks, positive=False) for part in trees.parts(expr)))


def _of_all(sides: list[frozenset[trees.Path]]) -> frozenset[trees.Path]:
    return frozenset[trees.Path]().union(*sides) if all(sides) else frozenset()
