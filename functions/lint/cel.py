"""CEL filters and overlays: those that can never be true, and those that read fields which the event lacks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field

from functions.cel.errors import CelError
from functions.cel.parser import read
from functions.cel.program import compile_expression
from functions.cel.syntax import Call, Expr, Fold, Ident, ListExpr, Literal, MapExpr, Select
from functions.dataclass import dataclass
from functions.lint import events
from functions.lint.hits import Hit
from functions.lint.places import Place
from functions.lint.views import PlacedInterceptor, View
from functions.lint.wanted import event_types

_EVENT_HEADER = "x-github-event"
_MAYBE_BOOL = frozenset({"bool", "dyn"})
_BRANCHES = frozenset({"_||_", "_?_:_"})


def check(view: View) -> Iterator[Hit]:
    """Check every expression of one trigger's chain."""
    names = event_types(view)
    for entry in view.interceptors:
        if entry.spec.ref_name != "cel" or entry.spec.ref_kind != "ClusterInterceptor":
            continue
        source = entry.param("filter")
        if isinstance(source, str) and source:
            yield from _filter(source, entry.param_place("filter").below("value"), names)
        yield from _overlays(entry, names)


def _overlays(entry: PlacedInterceptor, names: list[str] | None) -> Iterator[Hit]:
    overlays = entry.param("overlays")
    place = entry.param_place("overlays").below("value")
    for position, overlay in enumerate(overlays if isinstance(overlays, list) else ()):
        expression = overlay.get("expression") if isinstance(overlay, dict) else None
        tree = _tree(expression) if isinstance(expression, str) else None
        if tree is not None:
            yield from _missing(tree, place.below(position, "expression"), names)


def _tree(source: str) -> Expr | None:
    try:
        compile_expression(source)
        return read(source)
    except CelError:
        return None  # the trigger's own problem says so: PH002


def _filter(source: str, place: Place, names: list[str] | None) -> Iterator[Hit]:
    tree = _tree(source)
    if tree is None:
        return
    kind = compile_expression(source).result_type
    if kind not in _MAYBE_BOOL:
        yield Hit("PH301", place, f"the filter is of type {kind} and never true", "compare it with something")
        return
    facts = _Facts()
    for part in _conjuncts(tree):
        facts.take(part)
    wanted = _narrowed(names, facts.events)
    for why in _impossible(names, wanted, facts):
        yield Hit("PH301", place, f"the filter can never be true: {why}")
    if wanted:
        yield from _missing(tree, place, wanted)


def _narrowed(names: list[str] | None, asked: list[frozenset[str]]) -> list[str] | None:
    wanted = names
    for allowed in asked:
        wanted = sorted(allowed) if wanted is None else [name for name in wanted if name in allowed]
    return wanted


def _impossible(names: list[str] | None, wanted: list[str] | None, facts: _Facts) -> Iterator[str]:
    if facts.false:
        yield "a part of it is false"
    if wanted == [] and facts.events:
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
            self._equals(left, _texts(right))
        elif part.function == "match" and _is_header(part.target) and len(part.args) == 2:  # noqa: PLR2004 -- the same
            name, value = (_text(arg) for arg in part.args)
            if name and name.lower() == _EVENT_HEADER and value is not None:
                self.events.append(frozenset({value}))

    def _equals(self, left: Expr, values: frozenset[str] | None) -> None:
        if values is None:
            return
        if isinstance(left, Call) and left.function == "canonical" and _is_header(left.target):
            name = _text(left.args[0]) if left.args else None
            if name and name.lower() == _EVENT_HEADER:
                self.events.append(values)
        elif path := _path(left):
            self.values.setdefault(".".join(path), []).append(values)


def _conjuncts(expr: Expr) -> Iterator[Expr]:
    if isinstance(expr, Call) and expr.function == "_&&_":
        for arg in expr.args:
            yield from _conjuncts(arg)
    else:
        yield expr


def _missing(tree: Expr, place: Place, names: list[str] | None) -> Iterator[Hit]:
    if not names or not all(events.known(name) for name in names):
        return
    read_fields: dict[str, None] = {}
    guarded: set[str] = set()
    _collect(tree, read_fields, guarded)
    for name in read_fields:
        if name not in guarded and not any(events.has_field(event, name) for event in names):
            which = f"the event {names[0]} does not have" if len(names) == 1 else "none of its events has"
            others = events.events_with(name)
            hint = f"{', '.join(others[:4])} {'has' if len(others) == 1 else 'have'} it" if others else ""
            yield Hit("PH302", place, f"body.{name} is a field that {which}", hint)


def _collect(expr: Expr, read_fields: dict[str, None], guarded: set[str]) -> None:
    """Gather the fields at the body's top that are read whatever else the expression does."""
    path = _path(expr)
    if path and path[0] == "body" and len(path) > 1:
        if isinstance(expr, Select) and expr.test:
            guarded.add(path[1])
        else:
            read_fields.setdefault(path[1])
        return
    match expr:
        case Call():
            parts = [*([expr.target] if expr.target else []), *expr.args]
            # of a disjunction or a condition, only what is evaluated first is sure to be read
            for part in parts[:1] if expr.function in _BRANCHES else parts:
                _collect(part, read_fields, guarded)
        case Select():
            _collect(expr.operand, read_fields, guarded)
        case ListExpr():
            for item in expr.items:
                _collect(item, read_fields, guarded)
        case MapExpr():
            for _, value in expr.entries:
                _collect(value, read_fields, guarded)
        case Fold():
            _collect(expr.source, read_fields, guarded)


def _path(expr: Expr) -> list[str] | None:
    if isinstance(expr, Ident):
        return [expr.name]
    if isinstance(expr, Select):
        base = _path(expr.operand)
        return [*base, expr.field] if base else None
    if isinstance(expr, Call) and expr.function == "_[_]":
        base, key = _path(expr.args[0]), _text(expr.args[1])
        return [*base, key] if base and key is not None else None
    return None


def _is_header(expr: Expr | None) -> bool:
    return isinstance(expr, Ident) and expr.name == "header"


def _text(expr: Expr) -> str | None:
    return expr.value if isinstance(expr, Literal) and isinstance(expr.value, str) else None


def _texts(expr: Expr) -> frozenset[str] | None:
    if isinstance(expr, ListExpr):
        found = [_text(item) for item in expr.items]
        return None if None in found else frozenset(text for text in found if text is not None)
    text = _text(expr)
    return None if text is None else frozenset({text})
