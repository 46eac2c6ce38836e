"""CEL's operators on numbers, strings, lists, timestamps and durations.

Numbers never mix types; what overflows is an error; division and modulo go toward zero. Source: cel-go common/types.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from functions.cel.errors import CelEvaluationError, no_such_overload
from functions.cel.frame import Frame
from functions.cel.times import duration, timestamp
from functions.cel.values import MAX_INT, MAX_UINT, MIN_INT, Duration, Timestamp, UInt, Value, elements

_LISTS = frozenset({list, tuple})


def _int(value: int) -> int:
    if not MIN_INT <= value <= MAX_INT:
        raise CelEvaluationError("integer overflow")
    return value


def _uint(value: int) -> UInt:
    if not 0 <= value <= MAX_UINT:
        raise CelEvaluationError("unsigned integer overflow")
    return UInt(value)


def _float(compute: Callable[[float, float], float], left: float, right: float) -> float:
    try:
        return compute(left, right)
    except OverflowError:
        return math.inf


def add(frame: Frame, left: Value, right: Value) -> Value:
    """`left + right`."""
    match left, right:
        case (str(), str()) | (bytes(), bytes()):
            frame.produce(len(left) + len(right))  # type: ignore[arg-type] # texts
            return left + right  # type: ignore[operator] # two of one type
        case (bool(), _) | (_, bool()):
            raise no_such_overload()
        case UInt(), UInt():
            return _uint(int(left) + int(right))
        case float(), float():
            return left + right
        case Timestamp(), Duration():
            return timestamp(left.nanos + right.nanos, left.offset)
        case Duration(), Timestamp():
            return timestamp(left.nanos + right.nanos, right.offset)
        case Duration(), Duration():
            return duration(left.nanos + right.nanos)
    if type(left) is int and type(right) is int:
        return _int(left + right)
    if type(left) in _LISTS and type(right) in _LISTS:
        first, second = elements(left), elements(right)
        frame.produce(32 * (len(first) + len(second)))
        return (*first, *second)
    raise no_such_overload()


def subtract(_: Frame, left: Value, right: Value) -> Value:
    """`left - right`."""
    match left, right:
        case Timestamp(), Duration():
            return timestamp(left.nanos - right.nanos, left.offset)
        case Timestamp(), Timestamp():
            return duration(left.nanos - right.nanos)
        case Duration(), Duration():
            return duration(left.nanos - right.nanos)
    return _numeric(operator.sub, left, right)


def multiply(_: Frame, left: Value, right: Value) -> Value:
    """`left * right`."""
    return _numeric(operator.mul, left, right)


def _numeric(compute: Callable[..., Any], left: Value, right: Value) -> Value:
    kind = type(left)
    if kind is not type(right):
        raise no_such_overload()
    if kind is int:
        return _int(compute(left, right))
    if kind is UInt:
        return _uint(compute(int(left), int(right)))  # type: ignore[call-overload] # two uints
    if kind is float:
        return compute(left, right)
    raise no_such_overload()


def divide(_: Frame, left: Value, right: Value) -> Value:
    """`left / right`: toward zero for integers, IEEE for doubles."""
    kind = type(left)
    if kind is not type(right):
        raise no_such_overload()
    if isinstance(left, float) and isinstance(right, float):
        if right == 0.0:
            if left == 0.0 or math.isnan(left):
                return math.nan
            return math.copysign(math.inf, left) * math.copysign(1.0, right)
        return _float(operator.truediv, left, right)
    if kind is not int and kind is not UInt:
        raise no_such_overload()
    first, second = int(left), int(right)  # type: ignore[call-overload] # two integers
    if second == 0:
        raise CelEvaluationError("division by zero")
    quotient = abs(first) // abs(second)
    signed = -quotient if (first < 0) != (second < 0) else quotient
    return _int(signed) if kind is int else UInt(signed)


def modulo(_: Frame, left: Value, right: Value) -> Value:
    """`left % right`: with the sign of the left side."""
    kind = type(left)
    if kind is not type(right) or (kind is not int and kind is not UInt):
        raise no_such_overload()
    first, second = int(left), int(right)  # type: ignore[call-overload] # two integers
    if second == 0:
        raise CelEvaluationError("modulus by zero")
    if first == MIN_INT and second == -1 and kind is int:
        raise CelEvaluationError("integer overflow")
    rest = abs(first) % abs(second)
    signed = -rest if first < 0 else rest
    return signed if kind is int else UInt(signed)


def negate(_: Frame, value: Value) -> Value:
    """`-value`."""
    if type(value) is int:
        return _int(-value)
    if type(value) is float:
        return -value
    raise no_such_overload()
