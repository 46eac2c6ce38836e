"""CEL values to JSON, as Tekton's cel interceptor turns a result into an overlay.

Source: Process in Tekton's pkg/interceptors/cel/cel.go, the ConvertToNative methods of cel-go's common/types for
google.protobuf.Value, and protojson.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from typing import cast

from functions.cel.errors import BudgetError, CelConversionError
from functions.cel.frame import FREE
from functions.cel.times import format_duration, format_timestamp
from functions.cel.values import CelMap, Duration, Timestamp, TypeValue, UInt, Value, elements, entries, type_name
from functions.common.limits import UNLIMITED, Limits
from functions.common.values import Json
from functions.go.encode import TextTooLongError, go_text
from functions.go.text import is_valid

MAX_SAFE = 2**53 - 1
MAX_DEPTH = 400
MAX_SIZE = 64 * 1024 * 1024
_NODE = 32  # bytes that any value counts for, which also bounds the time: two million take some seconds
_LIST, _DICT, _SLOT, _ENTRY = 96, 192, 8, 80  # what new ones take; texts and numbers are the value's own
_PLAIN_BELOW = 1e21
_UNFIT = frozenset({type(None), UInt, Timestamp, Duration, TypeValue})


def _failed(why: str) -> CelConversionError:
    return CelConversionError(f"failed to convert overlay result to type: {why}")


def _beyond(why: str) -> BudgetError:
    return BudgetError(f"failed to convert overlay result to type: {why}")


def to_json(value: Value, limits: Limits = UNLIMITED) -> object:
    """Return the JSON value of an overlay's result.

    Integers beyond 2^53 become strings, bytes base64, doubles that are whole plain integers. Raises
    CelConversionError for what has no JSON there: null, uint, timestamp, duration and type at the top, a double that
    is not finite, a map whose keys are not strings, a string that is no UTF-8. Raises BudgetError for one that nests or
    becomes too much, and what `limits` raise.
    """
    if type(value) in _UNFIT:
        raise _failed(f"type conversion error from '{type_name(value)}' to '[]uint8'")
    return _Conversion(limits=limits).json(value, 0)


class _Conversion:
    """One conversion, with what it may still produce: a value may hold the same list many times over."""

    def __init__(self, spend: Callable[[int], None] | None = None, limits: Limits = UNLIMITED) -> None:
        self.room = MAX_SIZE
        self.spend = spend
        self.limits = limits
        self.free = FREE

    def json(self, value: Value, depth: int) -> object:
        if depth > MAX_DEPTH:
            raise _beyond(f"the result is nested deeper than {MAX_DEPTH} levels")
        self.room -= _NODE + (len(value) if isinstance(value, str | bytes) else 0)
        if self.spend is not None:
            self.spend(2)
        if self.room < 0:
            raise _beyond(f"the result is larger than {MAX_SIZE} bytes")
        match value:
            case None | bool():
                return value
            case str() | bytes() | float() | int() | Timestamp() | Duration():
                return _scalar(value)
            case list() | tuple():
                self._produce(_LIST + _SLOT * len(value))
                return [self.json(item, depth + 1) for item in elements(value)]
            case dict() | CelMap():
                self._produce(_DICT + _ENTRY * len(value))
                return {_name(key): self.json(item, depth + 1) for key, item in entries(value)}
        raise _failed(f"unsupported type conversion from '{type_name(value)}' to google.protobuf.Value")

    def _produce(self, size: int) -> None:
        self.free -= size
        if self.free < 0:
            self.limits.in_time("convert the result")
            more = max(FREE, -self.free)
            self.limits.take(more)
            self.free += more


def _scalar(value: str | bytes | float | Timestamp | Duration) -> object:
    match value:
        case str():
            return _string(value)
        case int():
            number = int(value)
            return number if -MAX_SAFE <= number <= MAX_SAFE else str(number)
        case bytes():
            return base64.b64encode(value).decode()
        case Timestamp():
            return format_timestamp(value)
        case Duration():
            return format_duration(value)
    return _double(value)


def _string(value: str) -> str:
    if not is_valid(value):
        raise _failed("proto: field google.protobuf.Value.string_value contains invalid UTF-8")
    return value


def _name(key: Value) -> str:
    if type(key) is not str:
        raise _failed(f"unsupported type conversion from '{type_name(key)}' to string")
    return _string(key)


def _double(value: float) -> int | float:
    if not math.isfinite(value):
        shown = "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
        raise _failed(f"proto: google.protobuf.Value.number_value: invalid {shown} value")
    if not value.is_integer() or abs(value) >= _PLAIN_BELOW or (value == 0 and math.copysign(1, value) < 0):
        return value  # -0 stays -0
    if abs(value) <= MAX_SAFE:
        return int(value)
    # Go prints the shortest digits and fills up with zeros
    mantissa, _, exponent = repr(value).partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = fraction.rstrip("0")
    return int(whole + fraction + "0" * (int(exponent or 0) - len(fraction)))


def marshalled(value: Value, spend: Callable[[int], None]) -> str:
    """JSON text as Go's json.Marshal gives it of a structpb value: compact, keys sorted, HTML escaped.

    Raises CelConversionError for what has no JSON, and BudgetError for what is too long.
    """
    try:
        text = go_text(cast("Json", _Conversion(spend).json(value, 0)))
    except TextTooLongError as error:
        raise BudgetError(f"failed to marshal to json: {error.reason}") from error
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text
