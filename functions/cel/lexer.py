"""Text to tokens, and the places that mistakes are reported at, as cel-go has both.

Source: cel-go's parser/gen/CEL.g4 (https://github.com/google/cel-go/blob/master/parser/gen/CEL.g4).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from functions.cel.errors import CelCompileError

# cel-go's own limit on the code points of an expression.
MAX_EXPRESSION = 100_000
_READABLE = 40

# Escapes are checked where literals are decoded.
_SHORT = r"""(?:"(?:[^"\\\n\r]|\\.)*"|'(?:[^'\\\n\r]|\\.)*'|[rR]"[^"\n\r]*"|[rR]'[^'\n\r]*')"""
_LONG = (
    r'''(?:"""(?:[^\\]|\\.)*?"""|[rR]"""[\s\S]*?"""'''
    r"""|'''(?:[^\\]|\\.)*?'''|[rR]'''[\s\S]*?''')"""
)
_TOKEN = re.compile(
    r"(?P<skip>(?:[\t\n\f\r ]+|//[^\n]*)+)"
    rf"|(?P<bytes>[bB](?:{_LONG}|{_SHORT}))"
    rf"|(?P<string>{_LONG}|{_SHORT})"
    r"|(?P<double>[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|\.[0-9]+(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<uint>(?:0x[0-9a-fA-F]+|[0-9]+)[uU])"
    r"|(?P<int>0x[0-9a-fA-F]+|[0-9]+)"
    r"|(?P<name>[_a-zA-Z][_a-zA-Z0-9]*)"
    r"|(?P<quoted>`[_a-zA-Z0-9./ -]+`)"
    r"|(?P<symbol>\|\||&&|[<>=!]=|[-<>+*/%!?:.,()\[\]{}])"
)
_KEYWORDS = {"true": "bool", "false": "bool", "null": "null", "in": "symbol"}


class Token(NamedTuple):
    """A terminal: its kind, its text and where it starts, in code points from 0.

    Kinds are bytes, string, double, uint, int, bool, null, name, quoted, symbol and end.
    """

    kind: str
    text: str
    offset: int


def tokens(source: str) -> list[Token]:
    """Return the tokens of an expression, the last of them its end.

    Raises CelCompileError for what is no token, with its place, and for an expression that is too long.
    """
    if len(source) > MAX_EXPRESSION:
        raise CelCompileError(f"expression code point size exceeds limit: size: {len(source)}, limit {MAX_EXPRESSION}")
    found: list[Token] = []
    at = 0
    while at < len(source):
        hit = _TOKEN.match(source, at)
        if hit is None:
            raise CelCompileError(failure(source, at, f"Syntax error: token recognition error at: '{source[at]}'"))
        kind, text = str(hit.lastgroup), hit.group()
        if kind == "name":
            kind = _KEYWORDS.get(text, kind)
        if kind != "skip":
            found.append(Token(kind, text, at))
        at = hit.end()
    return [*found, Token("end", "<EOF>", at)]


def failure(source: str, offset: int, message: str) -> str:
    """Return one mistake with its place: line and column from 1, as cel-go reports them."""
    line = source.count("\n", 0, offset) + 1
    return f"ERROR: <input>:{line}:{offset - source.rfind(chr(10), 0, offset)}: {message}"


def unexpected(source: str, token: Token, before: Token | None) -> CelCompileError:
    """Return the error for a token that does not fit behind the one before it."""
    if token.text == "?" and before is not None and before.text in {".", "[", "{", ","}:
        return CelCompileError(failure(source, before.offset, f"unsupported syntax '{before.text}?'"))
    text = token.text if len(token.text) <= _READABLE else token.text[:_READABLE] + "…"
    return CelCompileError(failure(source, token.offset, f"Syntax error: mismatched input '{text}'"))
