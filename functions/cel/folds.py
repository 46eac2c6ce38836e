"""The comprehension macros: all, exists, exists_one, map, filter and sortBy, over lists and the keys of maps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from functions.cel.errors import CelEvaluationError, no_such_overload
from functions.cel.frame import Eval, Frame
from functions.cel.functions import implementation
from functions.cel.logic import decided
from functions.cel.predicates import Predicate
from functions.cel.values import CelMap, Value, float_of


def fold(macro: str, *, source: Eval, slot: int, condition: Eval | None, result: Eval | None, weight: int) -> Eval:
    """Return the closure of a macro; `weight` is what one element costs of the budget."""
    if condition is not None and macro in {"all", "exists"}:
        return _quantifier(source, slot, condition, weight, decides=macro == "exists")
    if condition is not None and macro == "exists_one":
        return _exists_one(source, slot, condition, weight)
    if macro == "sortBy" and result is not None:
        return _sort_by(source, slot, result, weight)
    return _map(source, slot, condition, result, weight)


def fold_texts(macro: str, simple: Predicate, source: Eval, otherwise: Callable[[Eval], Eval]) -> Eval:
    """Return the closure of a macro that goes through a list of strings alone in C, and `otherwise` through others."""
    through = _THROUGH[macro]

    def evaluate(frame: Frame) -> Value:
        value = source(frame)
        if (type(value) is not list and type(value) is not tuple) or set(map(type, value)) != _TEXT:
            return otherwise(lambda _: value)(frame)
        # strings may be long, and conditions look at all of them
        frame.spend(1 + len(value) // 4 + (sum(map(len, value)) >> 8))
        return through(simple, value)

    return evaluate


_TEXT = {str}
_THROUGH: dict[str, Callable[[Predicate, list[Value] | tuple[Value, ...]], Value]] = {
    "all": lambda simple, texts: all(map(simple, texts)),
    "exists": lambda simple, texts: any(map(simple, texts)),
    "exists_one": lambda simple, texts: sum(map(simple, texts)) == 1,
    "filter": lambda simple, texts: tuple(filter(simple, texts)),
}


def _elements(value: Value) -> Iterable[Value]:
    if type(value) is tuple:
        return value
    if type(value) is list:
        return (float_of(item) if type(item) is int else item for item in value)
    if type(value) is dict or type(value) is CelMap:
        return iter(value)
    raise CelEvaluationError("expected iterable type")


def _quantifier(source: Eval, slot: int, condition: Eval, weight: int, *, decides: bool) -> Eval:
    """All and exists: `&&` and `||` over the elements, so they absorb errors as these do."""

    def terms(frame: Frame) -> Iterator[Eval]:
        for item in _elements(source(frame)):
            frame.spend(weight)
            frame.slots[slot] = item
            yield condition

    return lambda frame: decided(frame, terms(frame), decides=decides)


def _holds(value: Value) -> bool:
    if type(value) is not bool:
        raise no_such_overload()
    return value


def _exists_one(source: Eval, slot: int, condition: Eval, weight: int) -> Eval:
    def evaluate(frame: Frame) -> Value:
        count = 0
        for item in _elements(source(frame)):
            frame.spend(weight)
            frame.slots[slot] = item
            count += _holds(condition(frame))
        return count == 1

    return evaluate


def _map(source: Eval, slot: int, condition: Eval | None, result: Eval | None, weight: int) -> Eval:
    def evaluate(frame: Frame) -> Value:
        made: list[Value] = []
        for item in _elements(source(frame)):
            frame.spend(weight)
            frame.slots[slot] = item
            if condition is None or _holds(condition(frame)):
                made.append(item if result is None else result(frame))
        return tuple(made)

    return evaluate


def _sort_by(source: Eval, slot: int, key: Eval, weight: int) -> Eval:
    sort = implementation("@sortByAssociatedKeys")

    def evaluate(frame: Frame) -> Value:
        items = source(frame)
        keys: list[Value] = []
        for item in _elements(items):
            frame.spend(weight)
            frame.slots[slot] = item
            keys.append(key(frame))
        return sort(frame, items, tuple(keys))

    return evaluate
