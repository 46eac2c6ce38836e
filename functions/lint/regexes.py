"""Which characters stand in what a regular expression matches or removes, for the forms that people clean with."""

from __future__ import annotations

import re
from collections.abc import Iterator

from functions.lint.text import EVERY

_PIECE = re.compile(
    r"\\.|\[\^?\]?(?:\\.|\[:\^?[a-z]+:\]|[^\]\\])*\]"  # an escape, a class
    r"|\(\?[a-zA-Z-]*:|\(\?P?<[^>]*>|[()|^$]|\{[0-9,]*\}|[*+?]|.",
    re.DOTALL,
)
_QUANTIFIER = re.compile(r"\{[0-9,]*\}|[*+?]")
_CLASS_OF_LETTER = {"d": r"[0-9]", "D": r"[^0-9]", "w": r"[0-9A-Za-z_]", "W": r"[^0-9A-Za-z_]"}
_CLASS_OF_LETTER |= {"s": r"[\t\n\f\r ]", "S": r"[^\t\n\f\r ]"}
_POSIX = {"alnum": "0-9A-Za-z", "alpha": "A-Za-z", "digit": "0-9", "lower": "a-z", "upper": "A-Z", "word": "0-9A-Za-z_"}
_POSIX |= {"space": r"\t\n\v\f\r ", "punct": "!-/:-@\\[-`{-~", "xdigit": "0-9A-Fa-f"}


def matched(source: str) -> frozenset[str] | None:
    """Return the characters of a text that the whole expression matches: `^[a-z]+$`; None when it says nothing."""
    pieces, folded = _pieces(source)
    if not pieces or pieces[0] not in ("^", r"\A") or pieces[-1] not in ("$", r"\z") or _alternates(pieces):
        return None
    found: frozenset[str] = frozenset()
    for piece in pieces[1:-1]:
        if piece in ("(", ")", "|") or piece.startswith("(?") or _QUANTIFIER.fullmatch(piece):
            if piece.startswith("(?") and "i" in piece[2:].split(":")[0]:
                return None
            continue
        chars = _of(piece, folded)
        if chars is None:
            return None
        found |= chars
    return found


def removed(source: str) -> frozenset[str] | None:
    """Return the characters of which no text holds any once all matches are replaced: `[^a-z]+`; None as above."""
    pieces, folded = _pieces(source)
    if pieces[:1] == ["("] and pieces[-1:] == [")"]:
        pieces = pieces[1:-1]
    if len(pieces) == 1 or (len(pieces) == 2 and pieces[1] in ("+", "*", "{1,}")):  # noqa: PLR2004 -- a class, repeated
        return _of(pieces[0], folded)
    if set(pieces[1::2]) == {"|"} and len(pieces) % 2:
        parts = [_of(piece, folded) for piece in pieces[::2]]
        return frozenset(char for part in parts if part for char in part) if all(parts) else None
    return None


def _pieces(source: str) -> tuple[list[str], re.RegexFlag]:
    folded = source.startswith("(?i)")
    return _PIECE.findall(source.removeprefix("(?i)")), re.IGNORECASE if folded else re.NOFLAG


def _alternates(pieces: list[str]) -> bool:
    return any(piece == "|" and not depth for piece, depth in _depths(pieces))


def _depths(pieces: list[str]) -> Iterator[tuple[str, int]]:
    depth = 0
    for piece in pieces:
        depth += (piece.startswith("(")) - (piece == ")")
        yield piece, depth


def _of(piece: str, flags: re.RegexFlag) -> frozenset[str] | None:
    """Return the characters that one piece matches, None when it is no such piece."""
    if piece in ("^", "$", r"\b", r"\A", r"\z"):
        return frozenset()
    if piece.startswith("\\"):
        letter = piece[1:]
        if letter in _CLASS_OF_LETTER:
            return _class(_CLASS_OF_LETTER[letter], flags)
        return _class(f"[{piece}]" if letter.isalnum() else f"[\\{letter}]", flags)
    if piece.startswith("["):
        return _class(piece, flags)
    if piece == ".":
        return EVERY - {"\n"}
    return _class(f"[{re.escape(piece)}]", flags) if len(piece) == 1 and piece not in "()|*+?" else None


def _class(source: str, flags: re.RegexFlag) -> frozenset[str] | None:
    for name, chars in _POSIX.items():
        source = source.replace(f"[:{name}:]", chars)
    try:
        found = re.compile(source.replace("[[", r"[\["), re.ASCII | flags)
    except re.error:
        return None
    return frozenset(char for char in EVERY if found.fullmatch(char))
