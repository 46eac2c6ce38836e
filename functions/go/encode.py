"""Values as Go's encoding/json prints them, and literal text as Tekton's templates decode it.

Tekton pastes a param's text into a template's JSON and parses the result. We put decoded text into parsed strings
instead, so this module answers one question: which characters stand in the string in the end?
"""

from __future__ import annotations

import json
import re

from functions.common.errors import LastingError
from functions.common.values import Json
from functions.go.floats import format_json

MAX_TEXT = 1_572_864
"""Characters (1.5 Mi) of one value's text: no object in etcd is larger, so a longer text is of no use anywhere."""

_ENCODER = json.JSONEncoder(ensure_ascii=False)
_SURROGATE = re.compile("[\ud800-\udfff]")


class TextTooLongError(LastingError):
    """The text of a value is longer than MAX_TEXT."""


class Ordered(dict[str, Json]):
    """An object that prints in its own order, as a Go struct does, and not sorted by key, as a Go map does."""

    __slots__ = ()


class _Token(str):
    """Punctuation on the work stack, told apart from the strings of the value."""

    __slots__ = ()


_COMMA, _OPEN_LIST, _CLOSE_LIST, _OPEN_MAP, _CLOSE_MAP = (_Token(mark) for mark in ",[]{}")


def go_text(value: Json) -> str:
    r"""Return the text that belongs into a string slot: a string itself, anything else as compact JSON.

    Keys are sorted by code point (which is the order of their UTF-8 bytes, Go's), numbers have Go's form, but
    integers keep all their digits. Go writes `<`, `>`, `&`, U+2028 and U+2029 as `\u003c`…; here they stand as
    themselves, because that is what the template's own decoding makes of those escapes. Raises TextTooLongError
    beyond MAX_TEXT characters.
    """
    if isinstance(value, str):
        return value
    out: list[str] = []
    length = 0
    stack: list[Json] = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, _Token):
            piece = str(item)
        elif isinstance(item, list):
            piece = "["
            stack.append(_CLOSE_LIST)
            for index in range(len(item) - 1, -1, -1):
                stack.append(item[index])
                if index:
                    stack.append(_COMMA)
        elif isinstance(item, dict):
            piece = "{"
            stack.append(_CLOSE_MAP)
            keys = list(item) if isinstance(item, Ordered) else sorted(item)
            for index in range(len(keys) - 1, -1, -1):
                stack.append(item[keys[index]])
                stack.append(_Token(f"{',' if index else ''}{_ENCODER.encode(keys[index])}:"))
        else:
            piece = _scalar(item)
        out.append(piece)
        length += len(piece)
        if length > MAX_TEXT:
            raise TextTooLongError(f"its text is longer than {MAX_TEXT} characters, more than any object can hold")
    return "".join(out)


def _scalar(value: float | str | None) -> str:
    if isinstance(value, str):
        return _ENCODER.encode(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value)
    return format_json(value)


def folded(name: str) -> str:
    """Return what two names have in common when Go takes them for one field: encoding/json folds case."""
    # beyond ASCII only the long s and the Kelvin sign fold to a letter in it; lower() does the latter
    return name.lower().replace("\u017f", "s")


def decode_pasted(literal: str) -> str:
    r"""Return what a literal segment of a binding's value or of a default becomes in the template's string.

    Tekton pastes it into JSON text, so `\n` written in the manifest becomes a newline. A segment that is no JSON
    string content by itself (a lone backslash, a quote, a line break) broke Tekton's template; it is taken as written.
    """
    if "\\" not in literal:
        return literal
    try:
        decoded = json.loads(f'"{literal}"')
    except ValueError:
        return literal
    return _SURROGATE.sub("\ufffd", decoded) if isinstance(decoded, str) else literal
