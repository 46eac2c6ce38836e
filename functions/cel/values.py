"""How CEL values are represented, and what is equal, comparable and contained.

    CEL                     Python
    int, uint, double       int, UInt, float (bool is CEL's bool, never a number)
    string, bytes, null     str, bytes, None
    list, map               a tuple, a CelMap; or JSON's list and dict as they came, in which every number is a double
    timestamp, duration     Timestamp, Duration (nanoseconds)
    type                    TypeValue

JSON is thus never converted: `plain` turns a JSON number into a double when it is read. A byte that is no UTF-8 (after
`truncate`) is a surrogate U+DC80 to U+DCFF in a str, as Python's surrogateescape writes it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from msgspec import Struct

from functions.cel.errors import BudgetError, CelEvaluationError, no_such_overload

Value: TypeAlias = object

MIN_INT, MAX_INT = -(2**63), 2**63 - 1
MAX_UINT = 2**64 - 1
MAX_COMPARE_DEPTH = 200


class UInt(int):
    """CEL's uint."""

    __slots__ = ()


class Timestamp(Struct, frozen=True):
    """An instant: nanoseconds since 1970, and the offset from UTC, in seconds, in which it was written."""

    nanos: int
    offset: int = 0

    def __eq__(self, other: object) -> bool:
        """Say whether it is the same instant, wherever it was written."""
        return isinstance(other, Timestamp) and self.nanos == other.nanos

    def __hash__(self) -> int:
        """Return the same for the same instant."""
        return hash(self.nanos)


class Duration(Struct, frozen=True):
    """A span of time in nanoseconds."""

    nanos: int


class TypeValue(Struct, frozen=True):
    """The value of `type(x)` and of a type's name."""

    name: str


class CelMap:
    """A map made by an expression; keys are kept apart by type (`1`, `1u` and `true` differ), as in Go's map."""

    __slots__ = ("entries",)

    def __init__(self) -> None:
        self.entries: dict[object, tuple[Value, Value]] = {}

    def add(self, key: Value, value: Value) -> None:
        """Put a value under a key; the last one under a key stays."""
        if type(key) is bytes:
            raise CelEvaluationError("internal error: unhashable map key of type bytes")
        self.entries[_key(key)] = (key, value)

    def __iter__(self) -> Iterator[Value]:
        return (key for key, _ in self.entries.values())

    def __len__(self) -> int:
        return len(self.entries)


_UNHASHABLE = frozenset({list, dict, tuple, bytes, CelMap})


def _key(key: Value) -> object:
    if type(key) in _UNHASHABLE:
        return object()  # in Go's map a list or a map is the same as itself alone
    return key if type(key) is str else (type(key), key)


MISSING = object()
KEYS = frozenset({str, int, UInt, bool, float})
"""What may stand in `x[key]`; a map that an expression makes holds other keys, too."""


def find(container: Value, key: Value) -> Value:
    """Return the value under a key of a map, or MISSING; numeric keys are found across their types."""
    if type(container) is dict:
        if type(key) is not str:
            return MISSING
        value: Value = container.get(key, MISSING)
        return float_of(value) if type(value) is int else value
    if type(container) is not CelMap:
        return MISSING
    kind = type(key)
    if kind in _UNHASHABLE:
        return MISSING
    entry = container.entries.get(_key(key))
    if entry is None and kind in _NUMBERS:
        number = whole(key)
        if number is not None:
            entry = container.entries.get((int, number)) or container.entries.get((UInt, number))
    return MISSING if entry is None else entry[1]


_NUMBERS = frozenset({int, UInt, float})
_TYPE_NAMES: dict[type, str] = {
    int: "int",
    UInt: "uint",
    float: "double",
    bool: "bool",
    str: "string",
    bytes: "bytes",
    type(None): "null_type",
    list: "list",
    tuple: "list",
    dict: "map",
    CelMap: "map",
    Timestamp: "google.protobuf.Timestamp",
    Duration: "google.protobuf.Duration",
    TypeValue: "type",
}


def type_name(value: Value) -> str:
    """CEL's name of the value's type."""
    return _TYPE_NAMES[type(value)]


def float_of(number: int) -> float:
    """Return a JSON integer as the double that CEL sees."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def plain(value: Value) -> Value:
    """Return a value read out of JSON."""
    return float_of(value) if type(value) is int else value


def whole(number: Value) -> int | None:
    """Return the integer that a number is, or None for a double with a fraction."""
    if type(number) is float:
        return int(number) if number.is_integer() else None
    return int(number)  # type: ignore[call-overload, no-any-return] # callers pass numbers alone


def elements(value: Value) -> list[Value] | tuple[Value, ...]:
    """Return a list's elements as CEL sees them. Raises CelEvaluationError when it is no list."""
    if type(value) is tuple:
        return value
    if type(value) is list:
        if int not in set(map(type, value)):
            return value
        return [float_of(item) if type(item) is int else item for item in value]
    raise no_such_overload()


def entries(value: Value) -> Iterator[tuple[Value, Value]]:
    """Return a map's keys and values as CEL sees them. Raises CelEvaluationError when it is no map."""
    if type(value) is dict:
        return ((key, float_of(item) if type(item) is int else item) for key, item in value.items())
    if type(value) is CelMap:
        return iter(value.entries.values())
    raise no_such_overload()


def equal(left: Value, right: Value, spend: Callable[[int], None], depth: int = 0) -> bool:
    """CEL's heterogeneous equality: numbers by value across their types, anything else within its type."""
    kind, other = type(left), type(right)
    if kind is other and kind in _DIRECT:
        if left is not right and kind in _TEXTS:
            spend(len(left) >> 10)  # type: ignore[arg-type] # texts have a length
        return left == right
    if kind in _NUMBERS:
        return other in _NUMBERS and compare_numbers(left, right) == 0
    if depth > MAX_COMPARE_DEPTH:
        raise BudgetError("values are nested too deeply to be compared")
    if kind in _LISTS:
        if other not in _LISTS or len(left) != len(right):  # type: ignore[arg-type] # both are lists here
            return False
        spend(len(left))  # type: ignore[arg-type] # a list
        return all(equal(a, b, spend, depth + 1) for a, b in zip(elements(left), elements(right), strict=True))
    if kind in _MAPS:
        if other not in _MAPS or len(left) != len(right):  # type: ignore[arg-type] # both are maps here
            return False
        spend(len(left))  # type: ignore[arg-type] # a map
        for key, value in entries(left):
            found = find(right, key)
            if found is MISSING or not equal(value, found, spend, depth + 1):
                return False
        return True
    return kind is other and left == right


_DIRECT = frozenset({str, float, int, UInt, bool, bytes, type(None)})
_TEXTS = frozenset({str, bytes})
_LISTS = frozenset({list, tuple})
_MAPS = frozenset({dict, CelMap})
_ORDERED = frozenset({str, bytes, bool})


def compare_numbers(left: Value, right: Value) -> int | None:
    """-1, 0 or 1, or None when one is NaN. A double and an integer are compared as doubles, as cel-go does."""
    if type(left) is float or type(right) is float:
        if type(left) is not float and type(right) is float:
            swapped = compare_numbers(right, left)
            return None if swapped is None else -swapped
        first: float = left  # type: ignore[assignment] # the branch above swaps
        if math.isnan(first) or (type(right) is float and math.isnan(right)):
            return None
        if type(right) is not float:
            low, high = (0.0, 2.0**64) if type(right) is UInt else (-(2.0**63), 2.0**63)
            if first < low:
                return -1
            if first > high:
                return 1
        second = float(right)  # type: ignore[arg-type] # a number
        return (first > second) - (first < second)
    return _order(left, right)


def _is_nan(value: Value) -> bool:
    return type(value) is float and math.isnan(value)


def _order(left: Any, right: Any) -> int:
    return int(left > right) - int(left < right)


def compare(left: Value, right: Value) -> int | None:
    """-1, 0 or 1, or None when one is NaN. Raises CelEvaluationError for values that have no order between them."""
    kind = type(left)
    if kind in _NUMBERS and type(right) in _NUMBERS:
        return compare_numbers(left, right)
    if kind is not type(right):
        if _is_nan(left) or (_is_nan(right) and comparable(left)):
            return None
        raise no_such_overload()
    if kind in _ORDERED:
        return _order(left, right)
    if kind is Timestamp or kind is Duration:
        return _order(left.nanos, right.nanos)  # type: ignore[attr-defined] # two of one kind
    raise no_such_overload()


def contains(container: Value, value: Value, spend: Callable[[int], None]) -> bool:
    """`value in container`. Raises CelEvaluationError when it is neither a list nor a map."""
    kind = type(container)
    if kind is dict or kind is CelMap:
        return find(container, value) is not MISSING
    if kind in _LISTS:
        spend(1 + len(container) // 3)  # type: ignore[arg-type] # a list
    if kind is list and type(value) is str:
        return value in container  # type: ignore[operator] # a JSON list; str equality is CEL's
    return any(equal(value, item, spend) for item in elements(container))


def comparable(value: Value) -> bool:
    """Whether values of this one's type have an order, as sort() needs it."""
    return type(value) in _NUMBERS or type(value) in _ORDERED or type(value) in {Timestamp, Duration}
