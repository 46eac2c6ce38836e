"""Quoted strings of an expression: Go's escapes, in double or single quotes (client-go's UnquoteExtend)."""

from __future__ import annotations

import re

from functions.rendering.jsonpath.values import JsonPathError

_SIMPLE = dict(zip("abfnrtv\\", b"\a\b\f\n\r\t\v\\", strict=True))
_ESCAPE = re.compile(r"([abfnrtv\\'\"])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})")
_MAX_BYTE, _MAX_RUNE = 0xFF, 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)


def unquote(quoted: str) -> str:
    """Return the text of a string with its quotes. Raises JsonPathError for an escape that Go does not know."""
    quote, inside = quoted[0], quoted[1:-1]
    if "\\" not in inside and quote not in inside:
        return inside
    out = bytearray()
    at = 0
    while at < len(inside):
        char = inside[at]
        at += 1
        if char == quote:
            raise _invalid(quoted)
        if char != "\\":
            out += char.encode("utf-8", "replace")
            continue
        match = _ESCAPE.match(inside, at)
        if match is None:
            raise _invalid(quoted)
        out += _escaped(match, quote, quoted)
        at = match.end()
    return out.decode("utf-8", "replace")


def _escaped(match: re.Match[str], quote: str, quoted: str) -> bytes:
    simple, hexadecimal, short, long, octal = match.groups()
    if simple:
        if simple in _SIMPLE:
            return bytes((_SIMPLE[simple],))
        if simple != quote:
            raise _invalid(quoted)
        return simple.encode()
    if hexadecimal:
        return bytes((int(hexadecimal, 16),))
    if octal:
        if int(octal, 8) > _MAX_BYTE:
            raise _invalid(quoted)
        return bytes((int(octal, 8),))
    rune = int(short or long, 16)
    if rune > _MAX_RUNE or rune in _SURROGATES:
        raise _invalid(quoted)
    return chr(rune).encode()


def _invalid(quoted: str) -> JsonPathError:
    return JsonPathError(f"unquote string {quoted} error invalid syntax")
