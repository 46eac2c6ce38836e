"""Globs over paths, made into RE2's expressions: linear time, whatever the glob and the path.

Those of `paths` are gitignore's, read as in a CODEOWNERS file: https://git-scm.com/docs/gitignore#_pattern_format and
https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners
Those of `pathChanged` are what Pipelines as Code reads, https://github.com/gobwas/glob without separators.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Any

from msgspec import Struct

from functions.cel.errors import CelEvaluationError
from functions.cel.regex import compiled

MAX_GLOBS = 1_000

_ANY, _SEGMENT, _CHARACTER = ".*", "[^/]*", "[^/]"


class Globs(Struct, frozen=True):
    """A list of globs. The last one that matches a path decides: it is among the wanted ones, or not after a `!`."""

    groups: tuple[tuple[bool, Any], ...]
    """Last first: whether these globs want a path, and one expression for all of them."""

    def want(self, path: str) -> bool:
        """Say whether a path is wanted."""
        raw = path.encode("utf-8", "replace")
        return next((wanted for wanted, expression in self.groups if expression.search(raw)), False)


@lru_cache(maxsize=32)  # constant ones are kept by their programs
def gitignore_globs(globs: tuple[str, ...]) -> Globs:
    """Read globs as gitignore has them. Raises CelEvaluationError for one that is none, or a list of `!` alone."""
    if len(globs) > MAX_GLOBS:
        raise CelEvaluationError(f"a list of more than {MAX_GLOBS} globs is not read")
    if globs and all(glob.startswith("!") for glob in globs):
        raise CelEvaluationError("globs with ! alone match no path: begin with the paths that they are taken from")
    found: list[tuple[bool, Any]] = []
    for excluded, group in groupby(globs, lambda glob: glob.startswith("!")):
        each = "|".join(_gitignore(glob.removeprefix("!")) for glob in group)
        found.append((not excluded, compiled(rf"(?s)\A(?:{each})\z")))
    return Globs(tuple(reversed(found)))


@lru_cache(maxsize=32)
def gobwas_glob(glob: str) -> Globs:
    """Read a glob as Pipelines as Code does. Raises CelEvaluationError for one that is none."""
    return Globs(((True, compiled(rf"(?s)\A(?:{_gobwas(glob)})\z")),))


def _gitignore(glob: str) -> str:
    inner = glob.strip("/")
    if not inner:
        raise CelEvaluationError("an empty glob matches no path")
    directory = glob.endswith("/")
    *above, (name, wild) = _segments(inner)
    made = "" if "/" in glob.removesuffix("/") else "(?:.*/)?"
    made += "".join("(?:.*/)?" if segment == "**" else f"{segment}/" for segment, _ in above)
    made += ".+" if name == "**" else name
    if directory:
        made += "/.+"
    elif not wild:
        made += "(?:/.+)?"  # what names a directory means all that is in it
    return made


def _segments(glob: str) -> Iterator[tuple[str, bool]]:
    """Yield what stands between slashes as expressions (`**` as it is), and whether it has a wildcard."""
    start = at = 0
    while at <= len(glob):
        if at == len(glob) or glob[at] == "/":
            segment = glob[start:at]
            if segment == "":
                raise CelEvaluationError("a glob has two slashes in a row")
            yield (segment, True) if segment == "**" else _segment(segment)
            start = at + 1
        elif glob[at] == "\\":
            _, at = _literal(glob, at)
        at += 1


def _segment(segment: str) -> tuple[str, bool]:
    made, wild, at = "", False, 0
    while at < len(segment):
        char = segment[at]
        if char == "[":
            expression, at = _class(segment, at, negations="!^", slash=False)
            made, wild = made + expression, True
            continue
        if char in "*?":
            made, wild = made + (_SEGMENT if char == "*" else _CHARACTER), True
        else:
            char, at = _literal(segment, at)
            made += _quoted(char)
        at += 1
    return made, wild


def _gobwas(glob: str) -> str:
    made, depth, at = "", 0, 0
    while at < len(glob):
        char = glob[at]
        if char == "[":
            expression, at = _class(glob, at, negations="!", slash=True)
            made += expression
            continue
        if char in "*?":
            made += _ANY if char == "*" else "."
        elif char == "{":
            made, depth = f"{made}(?:", depth + 1
        elif char == "}" and depth:
            made, depth = f"{made})", depth - 1
        elif char == "," and depth:
            made += "|"
        else:
            char, at = _literal(glob, at)
            made += _quoted(char)
        at += 1
    if depth:
        raise CelEvaluationError("a glob has a { without its }")
    return made


def _literal(glob: str, at: int) -> tuple[str, int]:
    """Return a character, or the one behind a backslash, and where it stands."""
    if glob[at] != "\\":
        return glob[at], at
    if at + 1 == len(glob):
        raise CelEvaluationError("a glob ends with a backslash")
    return glob[at + 1], at + 1


def _class(glob: str, at: int, *, negations: str, slash: bool) -> tuple[str, int]:
    """Return `[…]` as an expression and where it ends. It takes a slash only where `slash` says so."""
    at += 1
    negated = glob[at : at + 1] in tuple(negations)
    at += negated
    first, spans = at, list[tuple[str, str]]()
    while glob[at : at + 1] != "]" or at == first:
        if at >= len(glob):
            raise CelEvaluationError("a glob has a [ without its ]")
        if glob.startswith("[:", at):
            raise CelEvaluationError("a glob names a class of characters, such as [:alpha:]: write its ranges")
        low, at = _literal(glob, at)
        high = low
        if glob[at + 1 : at + 2] == "-" and glob[at + 2 : at + 3] not in ("", "]"):
            high, at = _literal(glob, at + 2)
        if high < low:
            raise CelEvaluationError("a glob has a range whose end is before its beginning")
        spans.append((low, high))
        at += 1
    if not slash:
        spans = [*spans, ("/", "/")] if negated else list(_without_slash(spans))
    if not spans:
        return r"[^\x{0}-\x{10FFFF}]", at + 1  # [/]: no character of a segment
    inside = "".join(f"{_quoted(low)}-{_quoted(high)}" for low, high in spans)
    return f"[{'^' * negated}{inside}]", at + 1


def _without_slash(spans: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for low, high in spans:
        if not low <= "/" <= high:
            yield low, high
            continue
        if low < "/":
            yield low, "."
        if high > "/":
            yield "0", high


def _quoted(char: str) -> str:
    return char if char.isalnum() and char.isascii() else rf"\x{{{ord(char) if _whole(char) else ord('?'):x}}}"


def _whole(char: str) -> bool:
    return not "\ud800" <= char <= "\udfff"
