"""What parsing a JSON text will take, told from its bytes: in C, in linear time, before anything is made of them.

A value takes up to a hundred times the bytes that it is written in (`[],`), so the memory that a body needs follows
from its shape. The figures are CPython's, rounded up; `tests/go/test_json_shape.py` holds them against a process.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from itertools import accumulate, chain, compress
from operator import methodcaller

from msgspec import Struct

_LIST = 96  # with four slots
_DICT = 192  # with five
_KEY = 80  # a slot of a grown dict, and one of the parser's own table of keys
_KNOWN_KEY = 104  # what a key takes less that was met before: its string, and that second slot
_SLOT = 16
_SCALAR = 32
_STRING = 64
_WIDE_STRING = 80
_WIDER = 4  # bytes more for each, of a string with anything beyond Latin-1

_WINDOW = 128 * 1024
_MANY = 223 * 1024 * 1024
"""Bytes from which it is worth to look which keys are the same: nearly as many as a delivery may have."""
_MAX_KEYS = 20_000
"""Keys that are remembered for that."""

_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_NO_MARKS = bytes(set(range(256)) - set(b"[{,:"))
_NO_STRUCTURE = bytes(set(range(256)) - set(b'[]{},:"'))
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_CONTINUATION = bytes(range(0x80, 0xC0))
_ESCAPED = re.compile(rb'\\[\\"]')
_BY_NUMBER = re.compile(rb"\\u")  # three times as fast as `in`
_BEYOND_16_BITS = tuple(bytes((lead,)) for lead in range(0xF0, 0xF5))


class Shape(Struct, frozen=True):
    """A text's nesting and number of values, and the bytes that parsing it takes at most, beside the text itself."""

    depth: int
    values: int
    size: int


def rough_shape_of(raw: bytes) -> Shape:
    """Return what a text in UTF-8 has at most, as if nothing stood in strings: a quarter of the work of `shape_of`."""
    lists, dicts, commas, colons = map(raw.translate(None, _NO_MARKS).count, (b"[", b"{", b",", b":"))
    strings = lists + dicts + commas + colons + 1  # one before each comma, colon and end
    size = lists * _LIST + dicts * _DICT + colons * _KEY + commas * (_SLOT + _SCALAR) + _SCALAR + _text_size(raw)
    size += strings * _WIDE_STRING + (1 + _WIDER) * len(raw)
    return Shape(lists + dicts, lists + dicts + commas, size)


def shape_of(raw: bytes) -> Shape:
    """Return the shape of a text in UTF-8; of one that is no JSON, the shape that a parser can meet until it ends."""
    lists = dicts = commas = colons = quotes = deepest = level = 0
    for window in _windows(raw):
        outside = _outside(window, inside=quotes % 2)
        quotes += window.count(b'"')
        lists += outside.count(b"[")
        dicts += outside.count(b"{")
        commas += outside.count(b",")
        colons += outside.count(b":")
        steps = array("b", outside.translate(_STEPS, _NO_BRACKETS))
        deepest = max(chain((deepest,), accumulate(steps, initial=level)))
        level += sum(steps)
    strings = (quotes + 1) // 2
    scalars = max(0, commas + 1 - (strings - colons))
    size = lists * _LIST + dicts * _DICT + colons * _KEY + commas * _SLOT + scalars * _SCALAR + _text_size(raw)
    if _is_narrow(raw):
        size += strings * _STRING + len(raw)
    else:
        size += strings * _WIDE_STRING + len(raw) + _WIDER * _wide(raw)
    if size > _MANY:
        size -= _KNOWN_KEY * _known_keys(raw)
    return Shape(deepest, lists + dicts + commas, size)


def _windows(raw: bytes) -> Iterator[bytes]:
    """Yield the text in pieces, for the memory that looking at it takes, without escaped backslashes and quotes."""
    start = 0
    while start < len(raw):
        window = raw[start : start + _WINDOW]
        if (len(window) - len(window.rstrip(b"\\"))) % 2:  # no escape is cut apart
            window = raw[start : start + _WINDOW + 1]
        start += len(window)
        # looking costs a tenth of replacing
        yield window.replace(b"\\\\", b"__").replace(b'\\"', b"__") if _ESCAPED.search(window) else window


def _outside(window: bytes, *, inside: int) -> bytes:
    """Return brackets, commas and colons that stand in no string; with `inside` 1 the window begins in one."""
    # most strings hold none of these, so nothing is left of them but their quotes; where it was another string's end
    # and one's beginning that came together, the two are one from now on, which changes nothing outside of them
    return b"".join(window.translate(None, _NO_STRUCTURE).replace(b'""', b"").split(b'"')[inside::2])


def _text_size(raw: bytes) -> int:
    """Return the bytes of the text as Python holds it, in one, two or four for each character."""
    if raw.isascii():
        return len(raw)
    # while a wide text is decoded, the narrow part that it began with is still there
    width = 5 if any(lead in raw for lead in _BEYOND_16_BITS) else 3
    return len(raw.translate(None, _CONTINUATION)) * width


def _is_narrow(text: bytes) -> bool:
    return text.isascii() and not _BY_NUMBER.search(text)


def _wide(raw: bytes) -> int:
    """Return the bytes of the strings that may hold a character beyond Latin-1."""
    found = length = inside = 0
    wide = False  # the string that the window before ended in, of `length` so far
    for window in _windows(raw):
        first, *parts = window.split(b'"')
        narrow = _is_narrow(window)
        if inside:
            length += len(first)
            wide = wide or not (narrow or _is_narrow(first))
        if parts:
            found += length if inside and wide else 0
            last = parts.pop()
            if not narrow:
                found += sum([len(string) for string in parts[inside::2] if not _is_narrow(string)])
            inside = (inside + len(parts) + 1) % 2
            length, wide = len(last), not (narrow or _is_narrow(last))
    return found + (length if inside and wide else 0)


def _known_keys(raw: bytes) -> int:
    """Return how many keys are the same as others: the parser makes one string of them."""
    known: set[int] = set()
    found = inside = 0
    for window in _windows(raw):
        parts = window.split(b'"')
        strings, behind = parts[1 - inside :: 2], parts[2 - inside :: 2]
        keys = list(compress(strings, map(methodcaller("startswith", b":"), behind)))
        known.update(map(hash, keys))
        found += len(keys)
        inside = (inside + len(parts) + 1) % 2
        if len(known) > _MAX_KEYS:
            break
    return found - len(known)
