"""Functions on strings: CEL's own and cel-go's strings extension (its ext/strings.go)."""

from __future__ import annotations

from functions.cel.errors import CelEvaluationError, no_such_overload, number
from functions.cel.frame import Frame, integer, items, text
from functions.cel.values import CelMap, Value
from functions.go.text import runes

# Unicode's White_Space, which Go's TrimSpace cuts; Python's strip also takes U+001C to U+001F.
_SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_UPPER = {lower: lower - 32 for lower in range(ord("a"), ord("z") + 1)}
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_QUOTED = {
    ord(char): escaped
    for char, escaped in zip('\a\b\f\n\r\t\v\\"', (*(rf"\{c}" for c in "abfnrtv"), r"\\", r"\""), strict=True)
}


def _out_of_range(index: int) -> CelEvaluationError:
    return CelEvaluationError(f"index out of range: {number(index)}")


def size(_: Frame, value: Value) -> Value:
    """Code points, bytes, elements or entries."""
    if type(value) in {str, bytes, list, tuple, dict, CelMap}:
        return len(value)  # type: ignore[arg-type] # all of these have a length
    raise no_such_overload()


def contains(frame: Frame, value: Value, part: Value) -> Value:
    """`value.contains(part)`."""
    frame.spend(1 + (len(text(value)) >> 10))
    return text(part) in text(value)


def starts_with(frame: Frame, value: Value, prefix: Value) -> Value:
    """`value.startsWith(prefix)`."""
    frame.spend(1 + (len(text(prefix)) >> 10))
    return text(value).startswith(text(prefix))


def ends_with(frame: Frame, value: Value, suffix: Value) -> Value:
    """`value.endsWith(suffix)`."""
    frame.spend(1 + (len(text(suffix)) >> 10))
    return text(value).endswith(text(suffix))


def char_at(_: Frame, value: Value, index: Value) -> Value:
    """Return the character at an index; one past the end it is empty."""
    string, at = text(value), integer(index)
    if not 0 <= at <= len(string):
        raise _out_of_range(at)
    return runes(string[at : at + 1])


def index_of(frame: Frame, value: Value, part: Value, *offset: Value) -> Value:
    """Return the first index of a part, at an offset or later; -1 without one."""
    string, sought = text(value), text(part)
    at = integer(offset[0]) if offset else 0
    if at < 0:
        raise _out_of_range(at)
    if not sought:
        return min(at, len(string))
    frame.spend(1 + (len(string) >> 10))
    return string.find(sought, at)


def last_index_of(frame: Frame, value: Value, part: Value, *offset: Value) -> Value:
    """Return the last index of a part, at an offset or earlier; -1 without one."""
    string, sought = text(value), text(part)
    at = integer(offset[0]) if offset else len(string)
    if at < 0:
        raise _out_of_range(at)
    if not sought:
        return min(at, len(string))
    if offset and at >= len(string):
        return -1
    frame.spend(1 + (len(string) >> 10))
    return string.rfind(sought, 0, at + len(sought))


def lower_ascii(frame: Frame, value: Value) -> Value:
    """`value.lowerAscii()`."""
    frame.produce(len(text(value)))
    return runes(text(value)).translate(_LOWER)


def upper_ascii(frame: Frame, value: Value) -> Value:
    """`value.upperAscii()`."""
    frame.produce(len(text(value)))
    return runes(text(value)).translate(_UPPER)


def replace(frame: Frame, value: Value, old: Value, new: Value, *limit: Value) -> Value:
    """`value.replace(old, new)`, at most `limit` times if that is not negative."""
    string, sought, put = text(value), text(old), text(new)
    count = integer(limit[0]) if limit else -1
    frame.spend(1 + (len(string) >> 8))
    hits = string.count(sought) if sought else len(string) + 1
    if count >= 0:
        hits = min(hits, count)
    frame.produce(len(string) + hits * max(0, len(put) - len(sought)))
    return string.replace(sought, put, -1 if count < 0 else min(count, hits))


def split(frame: Frame, value: Value, separator: Value, *limit: Value) -> Value:
    """`value.split(separator)`, into at most `limit` parts if that is not negative."""
    string, cut = text(value), text(separator)
    count = integer(limit[0]) if limit else -1
    if count == 0:
        return ()
    frame.produce(len(string) + 64 * (1 + (string.count(cut) if cut else len(string))))
    if cut:
        return tuple(string.split(cut, -1 if count < 0 else min(count - 1, len(string) + 1)))
    if count < 0 or count >= len(string):
        return tuple(string)
    return (*string[: count - 1], string[count - 1 :])


def substring(frame: Frame, value: Value, start: Value, *end: Value) -> Value:
    """Return the characters from `start`, up to but without `end`."""
    string, first = text(value), integer(start)
    if end:
        last = integer(end[0])
        if first > last:
            raise CelEvaluationError(f"invalid substring range. start: {number(first)}, end: {number(last)}")
    else:
        last = len(string)
    if not 0 <= first <= len(string):
        raise _out_of_range(first)
    if not 0 <= last <= len(string):
        raise _out_of_range(last)
    frame.produce(last - first)
    return runes(string[first:last])


def trim(frame: Frame, value: Value) -> Value:
    """`value.trim()`."""
    frame.produce(len(text(value)))
    return text(value).strip(_SPACES)


def join(frame: Frame, value: Value, *separator: Value) -> Value:
    """Return a list of strings as one."""
    between = text(separator[0]) if separator else ""
    parts = items(frame, value)
    for part in parts:
        if type(part) is not str:
            raise CelEvaluationError("join: invalid input: an element is no string")
    frame.produce(sum(len(part) for part in parts) + len(between) * len(parts))  # type: ignore[arg-type, misc] # strings
    return between.join(parts)  # type: ignore[arg-type] # strings


def quote(frame: Frame, value: Value) -> Value:
    """Return the string in double quotes, escaped as in a CEL literal."""
    string = runes(text(value))
    frame.produce(2 * len(string))
    return f'"{string.translate(_QUOTED)}"'


def reverse(frame: Frame, value: Value) -> Value:
    """Return a string's characters or a list's elements, the other way round."""
    if type(value) is str:
        frame.produce(len(value))
        return runes(value)[::-1]
    parts = items(frame, value)
    frame.produce(32 * len(parts))
    return tuple(reversed(parts))
