"""Values as Go's encoding/json prints them, and literal text as Tekton's templates decode it.

Tekton pastes a param's text into a template's JSON and parses the result. We put decoded text into parsed strings
instead, so this module answers one question: which characters stand in the string in the end?
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from contextlib import suppress

from functions.common.errors import LimitError
from functions.common.values import Json
from functions.go.floats import format_json

MAX_TEXT = 1_572_864
"""Characters (1.5 Mi) of one value's text: no object in etcd is larger, so a longer text is of no use anywhere."""

_TOO_LONG = f"its text is longer than {MAX_TEXT} characters, more than any object can hold"
_ENCODER = json.JSONEncoder(ensure_ascii=False)
_SORTED = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"), sort_keys=True)
_SCALARS = frozenset({str, int, float, bool, type(None)})
_SURROGATE = re.compile("[\ud800-\udfff]")


class TextTooLongError(LimitError):
    """The text of a value is longer than MAX_TEXT."""


class Ordered(dict[str, Json]):
    """An object that prints in its own order, as a Go struct does, and not sorted by key, as a Go map does."""

    __slots__ = ()


def go_text(value: Json) -> str:
    r"""Return the text that belongs into a string slot: a string itself, anything else as compact JSON.

    Keys are sorted by code point (which is the order of their UTF-8 bytes, Go's), numbers have Go's form, but
    integers keep all their digits. Go writes `<`, `>`, `&`, U+2028 and U+2029 as `\u003c`…; here they stand as
    themselves, because that is what the template's own decoding makes of those escapes. It takes little memory beside
    the text. Raises TextTooLongError beyond MAX_TEXT characters.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, list | dict) and _is_alike(value):
        with suppress(RecursionError):  # it goes deeper than the encoder does
            return _bounded(_SORTED.encode(value))
    text = io.StringIO()
    for piece in _pieces(value):
        text.write(piece)
        if text.tell() > MAX_TEXT:
            raise TextTooLongError(_TOO_LONG)
    return text.getvalue()


def _is_alike(root: list[Json] | dict[str, Json]) -> bool:
    """Say whether Python's own encoder, which is in C, writes a value as Go does: there are no floats in it.

    Raises TextTooLongError for what is certain to be too long, so that nothing is made of it.
    """
    length = 0
    alike = True
    containers: list[list[Json] | dict[str, Json]] = [root]
    while containers:
        container = containers.pop()
        if isinstance(container, dict):
            alike = alike and not isinstance(container, Ordered)
            length += sum(map(len, container)) + 3 * len(container)
            items = list(container.values())
        else:
            items = container
        kinds = set(map(type, items))
        alike = alike and float not in kinds
        length += 2 * len(items)  # with a comma each
        if str in kinds:
            length += sum([len(item) for item in items if isinstance(item, str)])
        if length > MAX_TEXT + 1:
            raise TextTooLongError(_TOO_LONG)
        if not kinds <= _SCALARS:
            containers += [item for item in items if isinstance(item, list | dict)]
    return alike


def _pieces(root: Json) -> Iterator[str]:
    opened: list[tuple[Iterator[tuple[str, Json]], str]] = [(iter((("", root),)), "")]
    while opened:
        rest, end = opened[-1]
        for before, item in rest:
            if isinstance(item, list | dict):
                start, after = "{}" if isinstance(item, dict) else "[]"
                opened.append((_entries(item), after))
                yield before + start
                break
            yield before + _scalar(item)
        else:
            opened.pop()
            yield end


def _entries(container: list[Json] | dict[str, Json]) -> Iterator[tuple[str, Json]]:
    """Yield each item with what stands before it."""
    if isinstance(container, list):
        for index, item in enumerate(container):
            yield "," if index else "", item
        return
    for index, key in enumerate(container if isinstance(container, Ordered) else sorted(container)):
        yield f"{',' if index else ''}{_ENCODER.encode(key)}:", container[key]


def _bounded(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise TextTooLongError(_TOO_LONG)
    return text


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
