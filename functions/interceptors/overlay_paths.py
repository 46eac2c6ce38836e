r"""Where an overlay's value goes in the extensions: the paths of sjson, which Tekton's cel interceptor uses.

A path is parts between dots; `\` takes the next character as it is. A part of digits is an index where an array
stands or nothing does yet, `-1` appends to an array, and a colon before a part makes it a name whatever it looks
like. Source: https://github.com/tidwall/sjson (SetRawBytes). The queries of gjson (parts with `|#@*?`) set nothing
that is not there before, so as keys of overlays they are mistakes, and refused as such; so are empty parts.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from functions.common.errors import LastingError
from functions.common.values import Json

MAX_INDEX = 1_000
"""The highest index: what lies below it is filled up with null."""

_QUERY = frozenset("|#@*?")
_MAX_DIGITS = 9


class Part(Struct, frozen=True):
    """One step of a path."""

    name: str
    forced: bool
    """Written with a colon: a name, never an index."""

    @property
    def index(self) -> int | None:
        """The place in an array, None when this part names none."""
        return None if self.forced else _number(self.name)

    @property
    def appends(self) -> bool:
        """Whether this is `-1`, the place behind an array's last."""
        return self.name == "-1" and not self.forced


Path = tuple[Part, ...]


def parse_path(key: str) -> Path:
    """Return the parts of an overlay's key. Raises LastingError when it can never be one."""
    parts: list[Part] = []
    text, forced, rest = "", False, iter(key)
    started = False
    for character in rest:
        if not started and character == ":":
            forced = started = True
        elif character == ".":
            parts.append(_part(text, key, forced=forced))
            text, forced, started = "", False, False
        elif character in _QUERY:
            raise LastingError(f"failed to sjson for key '{key}': write \\{character} for the character itself")
        else:
            started = True
            text += next(rest, "") if character == "\\" else character
    parts.append(_part(text, key, forced=forced))
    return tuple(parts)


def _part(text: str, key: str, *, forced: bool) -> Part:
    if not text:
        raise LastingError(f"failed to sjson for key '{key}': path cannot be empty, nor can a part of it")
    return Part(text, forced)


def placed(document: Json, path: Sequence[Part], value: Json) -> Json:
    """Return a copy of `document` with `value` at `path`; what the copy shares with the original is not changed.

    Raises LastingError when a name leads into an array.
    """
    if not path:
        return value
    part, rest = path[0], path[1:]
    if isinstance(document, dict):
        return {**document, part.name: placed(document.get(part.name), rest, value)}
    if isinstance(document, list):
        return _placed_in_list(document, part, rest, value)
    # sjson starts anew where nothing, null or another scalar stood, but appends to nothing alone
    if part.index is not None or (part.appends and document is None):
        return _placed_in_list([], part, rest, value)
    return {part.name: placed(None, rest, value)}


def _placed_in_list(items: list[Json], part: Part, rest: Sequence[Part], value: Json) -> list[Json]:
    if part.appends:
        return [*items, placed(None, rest, value)]
    index = _number(part.name)
    if index is not None and index < len(items):
        return [*items[:index], placed(items[index], rest, value), *items[index + 1 :]]
    if part.index is None:
        raise LastingError(f"cannot set array element for non-numeric key '{part.name}'")
    if part.index > MAX_INDEX:
        raise LastingError(f"an index may be {MAX_INDEX} at most: write :{part.name} for the name")
    return [*items, *[None] * (part.index - len(items)), placed(None, rest, value)]


def _number(text: str) -> int | None:
    if not text.isascii() or not text.isdigit():
        return None
    return int(text.lstrip("0")[:_MAX_DIGITS] or "0")  # enough of a longer one to be beyond every index
