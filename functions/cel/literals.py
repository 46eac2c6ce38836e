"""Literals: numbers with their ranges, strings and bytes with cel-go's escapes.

Source: cel-go's parser/unescape.go and parser.go (https://github.com/google/cel-go/tree/master/parser).
"""

from __future__ import annotations

import math

from functions.cel.values import MAX_INT, MAX_UINT, MIN_INT, UInt

_SIMPLE = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    "'": "'",
    '"': '"',
    "`": "`",
    "?": "?",
}
_CODES = {"x": 2, "X": 2, "u": 4, "U": 8}


class BadLiteralError(ValueError):
    """The text is no literal; the message is cel-go's."""


def number(kind: str, text: str) -> object:
    """Return an int, a uint or a double (the kinds of tokens), the first with its sign.

    Raises BadLiteralError when it is out of range.
    """
    if kind == "double":
        value = float(text)
        if math.isinf(value):
            raise BadLiteralError("invalid double literal")
        return value
    digits = text.rstrip("uU")
    if len(digits) > 70:  # noqa: PLR2004 - leading zeros aside, no 64-bit number is longer
        raise BadLiteralError(f"invalid {kind} literal")
    whole = int(digits, 16 if "0x" in digits else 10)
    if kind == "uint":
        if whole > MAX_UINT:
            raise BadLiteralError("invalid uint literal")
        return UInt(whole)
    if not MIN_INT <= whole <= MAX_INT:
        raise BadLiteralError("invalid int literal")
    return whole


def string(text: str) -> str | bytes:
    """Return a string or bytes literal, quotes and prefixes included.

    Raises BadLiteralError for an escape that is none.
    """
    of_bytes = text[0] in "bB"
    if of_bytes:
        text = text[1:]
    raw = text[0] in "rR"
    if raw:
        text = text[1:]
    quotes = 3 if text[:3] in {'"""', "'''"} else 1
    body = text[quotes:-quotes].replace("\r\n", "\n").replace("\r", "\n")
    if raw or "\\" not in body:
        return body.encode("utf-8", "surrogatepass") if of_bytes else body
    parts = _unescaped(body, of_bytes=of_bytes)
    if of_bytes:
        return b"".join(p if isinstance(p, bytes) else p.encode("utf-8", "surrogatepass") for p in parts)
    return "".join(str(part) for part in parts)


def _unescaped(body: str, *, of_bytes: bool) -> list[str | bytes]:
    parts: list[str | bytes] = []
    at = 0
    while (slash := body.find("\\", at)) >= 0:
        parts.append(body[at:slash])
        escape = body[slash + 1 : slash + 2]
        if escape in _SIMPLE and escape:
            parts.append(_SIMPLE[escape])
            at = slash + 2
            continue
        if escape in _CODES and escape:
            digits = body[slash + 2 : slash + 2 + _CODES[escape]]
            at = slash + 2 + _CODES[escape]
            fits = len(digits) == _CODES[escape] and all(c in "0123456789abcdefABCDEF" for c in digits)
            code = int(digits, 16) if fits else -1
        else:
            digits = body[slash + 1 : slash + 4]
            at = slash + 4
            fits = len(digits) == 3 and digits[0] in "0123" and all(c in "01234567" for c in digits)  # noqa: PLR2004 - \ooo
            code = int(digits, 8) if fits else -1
        if code < 0 or (of_bytes and escape in "uU"):
            raise BadLiteralError("unable to unescape string")
        if of_bytes:
            parts.append(bytes([code]))
        else:
            if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:  # noqa: PLR2004 - no Unicode scalar value
                raise BadLiteralError("invalid unicode code point")
            parts.append(chr(code))
    parts.append(body[at:])
    return parts
