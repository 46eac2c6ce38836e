"""Text to parse tree: a lexer and an LALR driver over the tables made from cel-python's grammar.

The driver is a few lines and lark is not: importing lark costs 30 to 50 ms at a cold start, which no part of this
needs once the tables exist (see `build_tables`).
"""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from typing import Any, NamedTuple

from functions.cel.errors import CelCompileError
from functions.dataclass import dataclass
from functions.patterns import pattern

# cel-go's own limit on the code points of an expression.
MAX_EXPRESSION = 100_000


class Token(NamedTuple):
    """A terminal: its name, its text and where it starts, in code points from 0."""

    kind: str
    text: str
    offset: int


class Node(NamedTuple):
    """A rule of the grammar with what it consists of, punctuation included."""

    rule: str
    children: list[Any]  # Token | Node

    @property
    def offset(self) -> int:
        """Where its text starts."""
        first: Any = self
        while isinstance(first, Node):
            first = first.children[0]
        return int(first.offset)


@dataclass(frozen=True, slots=True)
class Tables:
    """`tables.json`, with the lexer compiled."""

    lexer: re.Pattern[str]
    keywords: dict[str, str]
    operators: dict[str, str]
    rules: list[tuple[str, int, bool, bool]]
    states: list[dict[str, int]]
    start: int
    end: int


_lock = threading.Lock()
_loaded: list[Tables] = []


def tables() -> Tables:
    """Return the tables, read at the first use."""
    if not _loaded:
        with _lock:
            if not _loaded:
                _loaded.append(_read())
    return _loaded[0]


def _read() -> Tables:
    raw = json.loads(Path(__file__).with_name("tables.json").read_bytes())
    operators = sorted(raw["operators"], key=len, reverse=True)
    groups = [f"(?P<skip>{raw['skipped']})"]
    groups += [f"(?P<{name}>{pattern})" for name, pattern in raw["terminals"].items()]
    groups.append(f"(?P<op>{'|'.join(map(re.escape, operators))})")
    return Tables(
        lexer=pattern("|".join(groups)),
        keywords=raw["keywords"],
        operators=raw["operators"],
        rules=[tuple(rule) for rule in raw["rules"]],
        states=raw["states"],
        start=raw["start"],
        end=raw["end"],
    )


def position(source: str, offset: int) -> str:
    """`line:column`, both from 1, as cel-go reports places."""
    line = source.count("\n", 0, offset) + 1
    return f"{line}:{offset - (source.rfind(chr(10), 0, offset) + 1) + 1}"


def failure(source: str, offset: int, message: str) -> str:
    """One mistake at one place."""
    return f"ERROR: <input>:{position(source, offset)}: {message}"


def parse(source: str) -> Node | Token:
    """Return the tree of an expression.

    Raises CelCompileError for a syntax error, with its place.
    """
    if len(source) > MAX_EXPRESSION:
        raise CelCompileError(f"expression code point size exceeds limit: size: {len(source)}, limit {MAX_EXPRESSION}")
    known = tables()
    states, rules = known.states, known.rules
    stack = [known.start]
    values: list[Any] = []
    for token in [*_tokens(source, known), Token("$END", "<EOF>", len(source))]:
        while True:
            action = states[stack[-1]].get(token.kind)
            if action is None:
                raise CelCompileError(_unexpected(source, token, values[-1] if values else None))
            if action >= 0:
                stack.append(action)
                values.append(token)
                break
            rule, size, vanishes, inlined = rules[-1 - action]
            children: list[Any] = []
            for value in values[len(values) - size :]:
                if type(value) is list:
                    children += value
                else:
                    children.append(value)
            del values[len(values) - size :], stack[len(stack) - size :]
            values.append(children if inlined else children[0] if vanishes and size == 1 else Node(rule, children))
            stack.append(states[stack[-1]][rule])
            if stack[-1] == known.end and token.kind == "$END":
                return values[0]  # type: ignore[no-any-return] # the stack holds tokens, nodes and lists of them
    raise AssertionError("unreachable: the end of the input is accepted or refused")


def _unexpected(source: str, token: Token, before: object) -> str:
    if token.text == "?" and isinstance(before, Token) and before.text in {".", "[", "{", ","}:
        return failure(source, before.offset, f"unsupported syntax '{before.text}?'")
    text = token.text if len(token.text) <= 40 else token.text[:40] + "…"  # noqa: PLR2004 - a readable length
    return failure(source, token.offset, f"Syntax error: mismatched input '{text}'")


def _tokens(source: str, known: Tables) -> list[Token]:
    found: list[Token] = []
    at = 0
    match = known.lexer.match
    while at < len(source):
        hit = match(source, at)
        if hit is None:
            problem = "unsupported syntax:" if source[at] == "`" else "Syntax error: token recognition error at:"
            raise CelCompileError(failure(source, at, f"{problem} '{source[at]}'"))
        kind = hit.lastgroup or ""
        text = hit.group()
        if kind == "IDENT":
            kind = known.keywords.get(text, kind)
        elif kind == "op":
            kind = known.operators[text]
        if kind != "skip":
            found.append(Token(kind, text, at))
        at = hit.end()
    return found
