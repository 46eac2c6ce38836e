"""CEL expressions of a chain: filters that can never be true, and fields which the event lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from functions.cel.syntax import Call, Expr, Fold, Literal, Select
from functions.lint import events, trees
from functions.lint.hits import Hit
from functions.lint.known import filter_of, overlays_of, walk
from functions.lint.places import Place
from functions.lint.views import View

_EVENT_HEADER = "x-github-event"
_MAYBE_BOOL = frozenset({"bool", "dyn"})


def check(view: View) -> Iterator[Hit]:
    """Check every expression of one trigger's chain that sees the event as GitHub sent it, or any event."""
    for entry, known in walk(view):
        if entry is None:
            return
        names = None if known.replaced else known.events
        if source := filter_of(entry):
            place = entry.param_place("filter").below("value")
            yield from _filter(source, place, names, replaced=known.replaced)
        for position, _, expression in overlays_of(entry):
            tree = trees.tree(expression)
            if tree is not None:
                place = entry.param_place("overlays").below("value", position, "expression")
                yield from _missing(tree, place, names, positive=False)


def _filter(source: str, place: Place, names: list[str] | None, *, replaced: bool) -> Iterator[Hit]:
    tree = trees.tree(source)
    if tree is None:
        return
    kind = str(tree.type)
    if kind not in _MAYBE_BOOL:
        yield Hit("PH301", place, f"the filter is of type {kind} and never true", "compare it with something")
        return
    facts = _Facts()
    for part in trees.conjuncts(tree):
        facts.take(part)
    wanted = None if replaced else _narrowed(names, facts.events)
    for why in _impossible(names, wanted, facts, replaced=replaced):
        yield Hit("PH301", place, f"the filter can never be true: {why}")
        return
    if wanted:
        yield from _missing(tree, place, wanted, positive=True)


def _narrowed(names: list[str] | None, asked: list[frozenset[str]]) -> list[str] | None:
    wanted = names
    for allowed in asked:
        wanted = sorted(allowed) if wanted is None else [name for name in wanted if name in allowed]
    return wanted


def _impossible(names: list[str] | None, wanted: list[str] | None, facts: _Facts, *, replaced: bool) -> Iterator[str]:
    if facts.false:
        yield "a part of it is false"
    if wanted == [] and facts.events and not replaced:
        asked = ", ".join(sorted({name for allowed in facts.events for name in allowed}))
        yield f"it wants {asked}, and the chain lets {', '.join(names or []) or 'one of them only'} through"
        return
    for path, allowed in facts.values.items():
        if not frozenset.intersection(*allowed):
            yield f"{path} cannot equal several values at once"
    possible = events.actions(wanted) if wanted else None
    for value in _values(facts, "body.action"):
        if possible is not None and possible and value not in possible:
            yield f'no event of {", ".join(wanted or [])} has the action "{value}"'
    if wanted == ["push"]:
        for value in _values(facts, "body.ref"):
            if not value.startswith("refs/"):
                yield f'the ref of a push is written in full: "refs/heads/{value}"'


def _values(facts: _Facts, path: str) -> list[str]:
    """Return the values that a path may have, when one of them is all that a conjunct allows."""
    return [next(iter(allowed)) for allowed in facts.values.get(path, []) if len(allowed) == 1]


@dataclass(slots=True)
class _Facts:
    """What the conjuncts of a filter demand."""

    false: bool = False
    events: list[frozenset[str]] = field(default_factory=list)
    values: dict[str, list[frozenset[str]]] = field(default_factory=dict)

    def take(self, part: Expr) -> None:
        """Note what one conjunct demands."""
        if isinstance(part, Literal) and part.value is False:
            self.false = True
        if not isinstance(part, Call):
            return
        if part.function in ("_==_", "@in") and len(part.args) == 2:  # noqa: PLR2004 -- two operands
            left, right = part.args
            if part.function == "_==_" and isinstance(left, Literal):
                left, right = right, left
            self._equals(left, trees.texts(right))
        elif part.function == "match" and trees.is_header(part.target) and len(part.args) == 2:  # noqa: PLR2004 -- the same
            name, value = (trees.text(arg) for arg in part.args)
            if name and name.lower() == _EVENT_HEADER and value is not None:
                self.events.append(frozenset({value}))

    def _equals(self, left: Expr, values: frozenset[str] | None) -> None:
        if values is None:
            return
        if isinstance(left, Call) and left.function == "canonical" and trees.is_header(left.target):
            name = trees.text(left.args[0]) if left.args else None
            if name and name.lower() == _EVENT_HEADER:
                self.events.append(values)
        elif path := trees.path(left):
            self.values.setdefault(".".join(path), []).append(values)


def _missing(tree: Expr, place: Place, names: list[str] | None, *, positive: bool) -> Iterator[Hit]:
    if not names or not all(events.known(name) for name in names):
        return
    asked = _asked(tree)

    def lacks(name: str) -> bool:
        return name not in asked and not any(events.has_field(event, name) for event in names)

    which = f"the event {names[0]} does not have" if len(names) == 1 else "none of its events has"
    lacking = sorted(_fatal(tree, lacks, positive=positive))
    if lacking:
        others = events.events_with(lacking[0])
        hint = f"{', '.join(others[:4])} {'has' if len(others) == 1 else 'have'} it" if others else ""
        yield Hit("PH302", place, f"this reads a field that {which}", hint, tuple(f"body.{name}" for name in lacking))


def _asked(expr: Expr) -> frozenset[str]:
    """Return the fields at the body's top that an expression asks for: `has(body.a)`, `'a' in body`."""
    found: frozenset[str] = frozenset()
    if isinstance(expr, Select) and expr.test:
        path = trees.path(expr)
        found |= {path[1]} if path and path[0] == "body" and len(path) == 2 else set()  # noqa: PLR2004 -- body and it
    if isinstance(expr, Call) and expr.function == "@in" and trees.path(expr.args[1]) == ("body",):
        name = trees.text(expr.args[0])
        found |= {name} if name else set()
    return found.union(*map(_asked, trees.parts(expr)))


def _fatal(expr: Expr, lacks: Callable[[str], bool], *, positive: bool) -> frozenset[str]:
    """Return the fields at the body's top that are lacking and without which an expression surely fails.

    CEL's `||` and `&&` absorb a side's error when the other decides; of a condition, only one branch is evaluated.
    `positive` says that to be false is as bad as to fail, as it is for a filter and the sides of its `&&`.
    """
    path = trees.path(expr)
    if path and path[0] == "body" and len(path) > 1:
        return frozenset({path[1]}) if lacks(path[1]) else frozenset()
    match expr:
        case Call(function="_||_"):
            return _of_all([_fatal(arg, lacks, positive=positive) for arg in expr.args])
        case Call(function="_&&_"):
            sides = [_fatal(arg, lacks, positive=positive) for arg in expr.args]
            return frozenset[str]().union(*sides) if positive else _of_all(sides)
        case Call(function="_?_:_"):
            branches = [_fatal(arg, lacks, positive=positive) for arg in expr.args[1:]]
            return _fatal(expr.args[0], lacks, positive=False) | _of_all(branches)
        case Fold():
            return _fatal(expr.source, lacks, positive=False)
    return frozenset[str]().union(*(_fatal(part, lacks, positive=False) for part in trees.parts(expr)))


def _of_all(sides: list[frozenset[str]]) -> frozenset[str]:
    return frozenset[str]().union(*sides) if all(sides) else frozenset()
