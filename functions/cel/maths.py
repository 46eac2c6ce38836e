"""cel-go's math extension. Source: cel-go ext/math.go."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable

from functions.cel.errors import CelEvaluationError, no_such_overload, number
from functions.cel.frame import Frame, items
from functions.cel.values import MAX_UINT, MIN_INT, UInt, Value, compare

_NUMBERS = frozenset({int, UInt, float})
_BITS = 64


def _double(value: Value) -> float:
    if type(value) is not float:
        raise no_such_overload()
    return value


def _extremum(name: str, *, least: bool) -> Callable[..., Value]:
    def choose(best: Value, value: Value) -> Value:
        order = compare(best, value)
        if order is None:
            raise CelEvaluationError("NaN values cannot be ordered")
        return value if (order > 0 if least else order < 0) else best

    def extremum(frame: Frame, value: Value, *more: Value) -> Value:
        if type(value) in {list, tuple} and not more:
            parts = items(frame, value)
            if not parts:
                raise CelEvaluationError(f"{name}(list) argument must not be empty")
        else:
            parts = (value, *more)
        frame.spend(len(parts))
        best = parts[0]
        if type(best) not in _NUMBERS:
            raise no_such_overload()
        for part in parts[1:]:
            best = choose(best, part)
        return best

    return extremum


least = _extremum("math.@min", least=True)
greatest = _extremum("math.@max", least=False)


def _rounding(compute: Callable[[float], float]) -> Callable[..., Value]:
    def rounded(_: Frame, value: Value) -> Value:
        number = _double(value)
        if not math.isfinite(number):
            return number
        return math.copysign(compute(number), number)

    return rounded


ceil = _rounding(lambda number: float(math.ceil(number)))
floor = _rounding(lambda number: float(math.floor(number)))
trunc = _rounding(lambda number: float(math.trunc(number)))


def _half_away(number: float) -> float:
    whole = math.trunc(number)
    return float(whole + (1 if number > 0 else -1)) if abs(number - whole) >= 0.5 else float(whole)  # noqa: PLR2004 - a half


round_half_away = _rounding(_half_away)


def is_inf(_: Frame, value: Value) -> Value:
    """`math.isInf(x)`."""
    return math.isinf(_double(value))


def is_nan(_: Frame, value: Value) -> Value:
    """`math.isNaN(x)`."""
    return math.isnan(_double(value))


def is_finite(_: Frame, value: Value) -> Value:
    """`math.isFinite(x)`."""
    return math.isfinite(_double(value))


def absolute(_: Frame, value: Value) -> Value:
    """`math.abs(x)`."""
    if type(value) is int:
        if value == MIN_INT:
            raise CelEvaluationError("integer overflow")
        return abs(value)
    return value if type(value) is UInt else abs(_double(value))


def sign(_: Frame, value: Value) -> Value:
    """-1, 0 or 1, in the number's own type."""
    if type(value) is int:
        return (value > 0) - (value < 0)
    if type(value) is UInt:
        return UInt(value > 0)
    number = _double(value)
    return number if math.isnan(number) else float((number > 0) - (number < 0))


def sqrt(_: Frame, value: Value) -> Value:
    """Return the square root as a double; NaN below zero."""
    if type(value) not in _NUMBERS:
        raise no_such_overload()
    number = float(value)  # type: ignore[arg-type] # a number
    return math.nan if number < 0 else math.sqrt(number)


def _bitwise(compute: Callable[[int, int], int]) -> Callable[..., Value]:
    def both(_: Frame, left: Value, right: Value) -> Value:
        if type(left) is int and type(right) is int:
            return compute(left, right)
        if type(left) is UInt and type(right) is UInt:
            return UInt(compute(int(left), int(right)))
        raise no_such_overload()

    return both


bit_and = _bitwise(operator.and_)
bit_or = _bitwise(operator.or_)
bit_xor = _bitwise(operator.xor)


def bit_not(_: Frame, value: Value) -> Value:
    """`math.bitNot(x)`."""
    if type(value) is int:
        return ~value
    if type(value) is UInt:
        return UInt(MAX_UINT ^ int(value))
    raise no_such_overload()


def _shift(name: str, compute: Callable[[int, int], int]) -> Callable[..., Value]:
    def shifted(_: Frame, value: Value, bits: Value) -> Value:
        if type(bits) is not int or type(value) not in {int, UInt}:
            raise no_such_overload()
        if bits < 0:
            raise CelEvaluationError(f"{name}() negative offset: {number(bits)}")
        if bits >= _BITS:
            return UInt(0) if type(value) is UInt else 0
        pattern = compute(int(value) & MAX_UINT, bits) & MAX_UINT  # type: ignore[call-overload] # an integer
        if type(value) is UInt:
            return UInt(pattern)
        return pattern - 2**_BITS if pattern >= 2 ** (_BITS - 1) else pattern

    return shifted


bit_shift_left = _shift("math.bitShiftLeft", operator.lshift)
bit_shift_right = _shift("math.bitShiftRight", operator.rshift)
