"""cel-go's lists, sets and encoders extensions (its ext/{lists,sets,encoders}.go), and Tekton's first and last."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from functions.cel.errors import BudgetError, CelEvaluationError, no_such_overload, number
from functions.cel.frame import Frame, integer, items, text
from functions.cel.values import Duration, Timestamp, Value, comparable, elements, equal, plain
from functions.go.text import go_bytes

MAX_FLATTEN = 100
MAX_RANGE = 1_000_000  # cel-go's own
_BASE64 = re.compile(r"[A-Za-z0-9+/]*")


def first(_: Frame, value: Value) -> Value:
    """Return the first element, or null."""
    return _at(value, 0)


def last(_: Frame, value: Value) -> Value:
    """Return the last element, or null."""
    return _at(value, -1)


def _at(value: Value, place: int) -> Value:
    if type(value) is not list and type(value) is not tuple:
        raise no_such_overload()
    if not value:
        return None
    return plain(value[place]) if type(value) is list else value[place]


def slice_list(frame: Frame, value: Value, start: Value, end: Value) -> Value:
    """Return the elements from `start`, up to but without `end`."""
    parts, low, high = items(frame, value), integer(start), integer(end)
    if low < 0 or high < 0:
        raise CelEvaluationError(f"cannot slice({number(low)}, {number(high)}), negative indexes not supported")
    if low > high:
        raise CelEvaluationError(
            f"cannot slice({number(low)}, {number(high)}), start index must be less than or equal to end index"
        )
    if high > len(parts):
        raise CelEvaluationError(f"cannot slice({number(low)}, {number(high)}), list is length {len(parts)}")
    frame.produce(32 * (high - low))
    return tuple(parts[low:high])


def flatten(frame: Frame, value: Value, *depth: Value) -> Value:
    """Return Lists within the list opened up, one level or as many as said."""
    levels = integer(depth[0]) if depth else 1
    if levels < 0:
        raise CelEvaluationError("level must be non-negative")
    if type(value) not in {list, tuple}:
        raise no_such_overload()
    made: list[Value] = []
    _flatten(frame, value, levels, made, 0)
    return tuple(made)


def _flatten(frame: Frame, value: Value, levels: int, made: list[Value], depth: int) -> None:
    if depth > MAX_FLATTEN:
        raise BudgetError(f"lists are opened up to {MAX_FLATTEN} levels, and these nest deeper")
    parts = elements(value)
    frame.produce(32 * (1 + len(parts)))
    for part in parts:
        if levels > 0 and type(part) in {list, tuple}:
            _flatten(frame, part, levels - 1, made, depth + 1)
        else:
            made.append(part)


def sort(frame: Frame, value: Value) -> Value:
    """`value.sort()`."""
    return sort_by_keys(frame, value, value)


def sort_by_keys(frame: Frame, value: Value, keys: Value) -> Value:
    """Return the elements in the order of their keys, all of one comparable type."""
    parts, by = items(frame, value), items(frame, keys)
    if not parts:
        return tuple(parts)
    if not comparable(by[0]):
        raise CelEvaluationError("list elements must be comparable")
    kind = type(by[0])
    if any(type(key) is not kind for key in by):
        raise CelEvaluationError("list elements must have the same type")
    frame.produce(32 * len(parts))
    frame.spend(len(parts) * len(parts).bit_length())
    ranks: list[Any] = [key.nanos if isinstance(key, Timestamp | Duration) else key for key in by]
    return tuple(parts[at] for at in sorted(range(len(parts)), key=ranks.__getitem__))


def range_list(frame: Frame, count: Value) -> Value:
    """Return the integers from 0 up to but without `count`."""
    size = integer(count)
    if size < 0:
        raise CelEvaluationError(f"lists.range: size must be non-negative, got {number(size)}")
    if size > MAX_RANGE:
        raise CelEvaluationError(f"lists.range: size exceeds maximum allowed ({MAX_RANGE})")
    frame.produce(32 * size)
    return tuple(range(size))


def distinct(frame: Frame, value: Value) -> Value:
    """Return the elements without those equal to an earlier one."""
    parts = items(frame, value)
    if parts and all(type(part) is str for part in parts):
        frame.produce(64 * len(parts))
        return tuple(dict.fromkeys(parts))
    made: list[Value] = []
    for part in parts:
        frame.spend(1 + len(made))
        if not any(equal(part, known, frame.spend) for known in made):
            made.append(part)
    return tuple(made)


def _within(frame: Frame, parts: list[Value] | tuple[Value, ...], whole: list[Value] | tuple[Value, ...]) -> bool:
    frame.spend(len(parts) * len(whole))
    return all(any(equal(part, item, frame.spend) for item in whole) for part in parts)


def sets_contains(frame: Frame, whole: Value, part: Value) -> Value:
    """Whether every element of the second list is in the first."""
    return _within(frame, items(frame, part), items(frame, whole))


def sets_equivalent(frame: Frame, left: Value, right: Value) -> Value:
    """Whether each list contains the other."""
    return _within(frame, items(frame, left), items(frame, right)) and _within(
        frame, items(frame, right), items(frame, left)
    )


def sets_intersects(frame: Frame, left: Value, right: Value) -> Value:
    """Whether the lists have an element in common."""
    first_list, second_list = items(frame, left), items(frame, right)
    frame.spend(len(first_list) * len(second_list))
    return any(any(equal(part, item, frame.spend) for item in second_list) for part in first_list)


def base64_encode(frame: Frame, value: Value) -> Value:
    """Bytes as standard base64."""
    if type(value) is not bytes:
        raise no_such_overload()
    frame.produce(2 * len(value))
    return base64.b64encode(value).decode()


def base64_decode(frame: Frame, value: Value) -> Value:
    """Return standard base64, with or without padding, as bytes."""
    frame.produce(len(text(value)))
    return decoded(text(value))


def decoded(value: str) -> bytes:
    """Return what Go's StdEncoding, and without padding RawStdEncoding, make of it; line breaks do not count.

    Raises CelEvaluationError when it is no base64.
    """
    kept = value.replace("\r", "").replace("\n", "")
    body = kept.rstrip("=") if len(kept) % 4 == 0 and not kept.endswith("===") else kept
    hit = _BASE64.match(body)
    end = hit.end() if hit else 0
    if end != len(body) or len(body) % 4 == 1:
        raise CelEvaluationError(f"illegal base64 data at input byte {len(go_bytes(body[:end]))}")
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4))
    except binascii.Error as error:  # pragma: no cover - the checks above leave nothing
        raise CelEvaluationError("illegal base64 data") from error
