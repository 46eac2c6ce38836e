"""CEL's conversions: `int(x)`, `string(x)` and their like. Source: the ConvertToType methods of cel-go common/types."""

from __future__ import annotations

import math

from functions.cel.errors import CelEvaluationError, no_such_overload
from functions.cel.frame import Frame
from functions.cel.times import (
    MAX_SECONDS,
    MIN_SECONDS,
    SECOND,
    format_duration,
    format_timestamp,
    parse_duration,
    parse_timestamp,
)
from functions.cel.values import MAX_INT, MAX_UINT, MIN_INT, Duration, Timestamp, TypeValue, UInt, Value, type_name
from functions.go.floats import format_general, parse_float, parse_int
from functions.go.text import go_bytes

_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})


def _impossible(source: str, target: str) -> CelEvaluationError:
    return CelEvaluationError(f"type conversion error from '{source}' to '{target}'")


def to_bool(_: Frame, value: Value) -> Value:
    """`bool(x)`."""
    if type(value) is str:
        if value in _TRUE:
            return True
        if value in _FALSE:
            return False
        raise _impossible("string", "bool")
    if type(value) is bool:
        return value
    raise no_such_overload()


def to_bytes(frame: Frame, value: Value) -> Value:
    """`bytes(x)`."""
    if type(value) is str:
        frame.produce(len(value))
        return go_bytes(value)
    if type(value) is bytes:
        return value
    raise no_such_overload()


def to_double(_: Frame, value: Value) -> Value:
    """`double(x)`."""
    if type(value) is str:
        number = parse_float(value)
        if number is None:
            raise _impossible("string", "double")
        return number
    if type(value) in {int, UInt, float}:
        return float(value)  # type: ignore[arg-type] # a number
    raise no_such_overload()


def to_dyn(_: Frame, value: Value) -> Value:
    """`dyn(x)`."""
    return value


def to_type(_: Frame, value: Value) -> Value:
    """`type(x)`."""
    return TypeValue(type_name(value))


def _integral(value: float, low: float, high: float, overflow: str) -> int:
    if not low < value < high:
        raise CelEvaluationError(overflow)
    return math.trunc(value)


def to_int(_: Frame, value: Value) -> Value:
    """`int(x)`: doubles are cut, timestamps give seconds, durations nanoseconds."""
    match value:
        case bool():
            raise no_such_overload()
        case float():
            return _integral(value, -(2.0**63), 2.0**63, "integer overflow")
        case UInt():
            if value > MAX_INT:
                raise CelEvaluationError("integer overflow")
            return int(value)
        case int():
            return value
        case str():
            number = parse_int(value, MIN_INT, MAX_INT, signed=True)
            if number is None:
                raise _impossible("string", "int")
            return number
        case Timestamp():
            return value.nanos // SECOND
        case Duration():
            return value.nanos
    raise no_such_overload()


def to_uint(_: Frame, value: Value) -> Value:
    """`uint(x)`."""
    match value:
        case bool():
            raise no_such_overload()
        case float():
            # -0.5 is cut to 0 in C, but cel-go refuses anything below zero
            if value < 0:
                raise CelEvaluationError("unsigned integer overflow")
            return UInt(_integral(value, -1.0, 2.0**64, "unsigned integer overflow"))
        case UInt():
            return value
        case int():
            if value < 0:
                raise CelEvaluationError("unsigned integer overflow")
            return UInt(value)
        case str():
            number = parse_int(value, 0, MAX_UINT, signed=False)
            if number is None:
                raise _impossible("string", "uint")
            return UInt(number)
    raise no_such_overload()


def to_string(frame: Frame, value: Value) -> Value:
    """`string(x)`."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(int(value))
        case float():
            return format_general(value)
        case bytes():
            frame.produce(len(value))
            try:
                return value.decode()
            except UnicodeDecodeError as error:
                raise CelEvaluationError("invalid UTF-8 in bytes, cannot convert to string") from error
        case Timestamp():
            return format_timestamp(value)
        case Duration():
            return format_duration(value)
    raise no_such_overload()


def to_timestamp(_: Frame, value: Value) -> Value:
    """`timestamp(x)`: of an RFC 3339 text, or of seconds since 1970."""
    if type(value) is str:
        return parse_timestamp(value)
    if type(value) is int:
        if not MIN_SECONDS <= value <= MAX_SECONDS:
            raise CelEvaluationError("timestamp overflow")
        return Timestamp(value * SECOND)
    if type(value) is Timestamp:
        return value
    raise no_such_overload()


def to_duration(_: Frame, value: Value) -> Value:
    """`duration(x)`: of a text like `1h30m`."""
    if type(value) is str:
        return parse_duration(value)
    if type(value) is Duration:
        return value
    raise no_such_overload()
