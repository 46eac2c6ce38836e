"""The parser: client-go's grammar, read as client-go reads it, from one expression to the steps of a Path."""

from __future__ import annotations

import math
import re

from functions.rendering.jsonpath.nodes import Constant, Field, Filter, Identifier, Recursive, Slice, Union, Wildcard
from functions.rendering.jsonpath.path import Path
from functions.rendering.jsonpath.strings import unquote
from functions.rendering.jsonpath.values import GoInt, JsonPathError
from functions.rendering.jsonpath.walk import Node, Nodes

_RELAXED = re.compile(r"\{\.?([^{}]+)\}|\.?([^{}]+)")
_FIELD = re.compile(r"(?:\\(?:.|\Z)|[^\\ \t\r\n.,\[\]$@{}])*", re.DOTALL)
_IDENTIFIER = re.compile(r"[^ \t\r\n.,\[\]$@{}]*")
_NUMBER = re.compile(r"[+-]?[.\d]*")
_BRACKETS = re.compile(r"[^\]\n]*")
_KEY = re.compile(r"'([^']*)'")
_SLICE = re.compile(r"(-?[0-9]*)(:-?[0-9]*)?(:-?[0-9]*)?")
_COMPARISON = re.compile(r"([^!<>=]+)([!<>=]+)(.+)")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_FLOAT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")
_INT64 = 2**63


def compile_path(expression: str) -> Path:
    """Compile what stands between `$(` and `)`: `body.ref`, `.body.ref`, `{body.ref}` or `{.body.ref}`.

    Raises JsonPathError with the text of client-go (or of Tekton's relaxedJSONPathExpression).
    """
    if not expression:
        return Path(expression, None)
    match = _RELAXED.fullmatch(expression)
    if match is None:
        raise JsonPathError(
            "unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'"
        )
    return Path(expression, _parse_action(f".{match[1] or match[2]}"))


def _parse_action(inside: str) -> Nodes:
    return tuple(_Parser(inside).parse())


class _Parser:
    """Reads one action, which ends with the closing brace; no other brace can stand in it unescaped."""

    def __init__(self, inside: str) -> None:
        self._text = inside + "}"
        self._at = 0
        self._nodes: list[Node] = []

    def parse(self) -> list[Node]:
        while not self._text.startswith("}", self._at):
            if self._text.startswith("[?(", self._at):
                self._filter()
            elif self._text.startswith("..", self._at):
                self._recursive()
            else:
                self._element()
        return self._nodes

    def _next(self) -> str:
        """Consume one character; an empty string is the end."""
        char = self._text[self._at : self._at + 1]
        self._at += len(char)
        return char

    def _match(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        text = match[0] if match else ""
        self._at += len(text)
        return text

    def _element(self) -> None:
        char = self._next()
        if char in ("", "\r", "\n"):
            raise JsonPathError("unclosed action")
        if char in " @$":  # the current object needs no step, and `$` is not the root here
            return
        if char == "[":
            self._array()
        elif char in "'\"":
            self._quote(char)
        elif char == ".":
            self._field()
        elif char in "+-" or char.isdecimal():
            self._at -= 1
            self._number()
        elif _is_alphanumeric(char):
            self._at -= 1
            self._identifier()
        else:
            shown = f" '{char}'" if char.isprintable() else ""
            raise JsonPathError(f"unrecognized character in action: U+{ord(char):04X}{shown}")

    def _recursive(self) -> None:
        if self._nodes and isinstance(self._nodes[-1], Recursive):
            raise JsonPathError("invalid multiple recursive descent")
        self._at += 2
        self._nodes.append(Recursive())
        if _is_alphanumeric(self._text[self._at : self._at + 1]):
            self._field()

    def _field(self) -> None:
        name = self._match(_FIELD)
        self._nodes.append(Wildcard() if name == "*" else Field(name.replace("\\", "")))

    def _identifier(self) -> None:
        word = self._match(_IDENTIFIER)
        self._nodes.append(Constant(word == "true") if word in ("true", "false") else Identifier(word))

    def _number(self) -> None:
        digits = self._match(_NUMBER)
        if _INTEGER.fullmatch(digits) and -_INT64 <= _bounded_int(digits) < _INT64:
            self._nodes.append(Constant(GoInt(digits)))
        elif _FLOAT.fullmatch(digits) and math.isfinite(number := float(digits)):
            self._nodes.append(Constant(number))
        else:
            raise JsonPathError(f"cannot parse number {digits}")

    def _array(self) -> None:
        inside = self._match(_BRACKETS)
        if self._next() != "]":
            raise JsonPathError("unterminated array")
        parts = inside.split(",")
        if len(parts) > 1:
            self._nodes.append(Union(tuple(_parse_action(f"[{part.strip(' ')}]") for part in parts)))
        elif key := _KEY.fullmatch(inside):
            self._nodes.extend(_parse_action(f".{key[1]}"))
        else:
            self._nodes.append(_slice(":" if inside == "*" else inside))

    def _filter(self) -> None:
        self._at += len("[?(")
        begin = self._at
        opening = ""
        closed = False
        while True:
            char = self._next()
            if char in ("", "\n"):
                raise JsonPathError("unterminated filter")
            if char in "'\"":
                if not opening:
                    opening = char
                elif char == opening and self._text[self._at - 2] != "\\":
                    closed = True
            elif char == ")" and bool(opening) == closed:
                break
        if self._next() != "]":
            raise JsonPathError("unclosed array expect ]")
        condition = self._text[begin : self._at - 2]
        match = _COMPARISON.fullmatch(condition)
        if match is None:
            self._nodes.append(Filter(_parse_action(condition), "", ()))
        else:
            self._nodes.append(Filter(_parse_action(match[1]), match[2], _parse_action(match[3])))

    def _quote(self, quote: str) -> None:
        begin = self._at - 1
        while True:
            char = self._next()
            if char in ("", "\n"):
                raise JsonPathError("unterminated quoted string")
            if char == quote and self._text[self._at - 2] != "\\":
                break
        self._nodes.append(Constant(unquote(self._text[begin : self._at]), once=True))


def _slice(inside: str) -> Slice:
    match = _SLICE.fullmatch(inside)
    if match is None:
        raise JsonPathError(f"invalid array index {inside}")
    start = _index(match[1])
    stop = _index((match[2] or "")[1:])
    derived = not match[2]
    if derived:
        stop = (start or 0) + 1
    return Slice(start, stop, derived, _index((match[3] or "")[1:]))


def _index(digits: str) -> int | None:
    if not digits:
        return None
    if digits == "-" or not -_INT64 <= _bounded_int(digits) < _INT64:
        raise JsonPathError(f"array index {digits} is not a number")
    return int(digits)


def _bounded_int(digits: str) -> int:
    # Python refuses to read integers of thousands of digits; any value beyond int64 will do for those
    return int(digits) if len(digits) <= 100 else _INT64  # noqa: PLR2004 -- far more than int64's 19


def _is_alphanumeric(char: str) -> bool:
    return bool(char) and (char == "_" or char.isalpha() or char.isdecimal())
