"""Commands in comments: lines that begin with a slash, outside quotes and code fences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST = 1_000
"""Characters of a line that may be a command."""

_LINE = re.compile(r"[^\r\n]+")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_NAME = re.compile(r"/([A-Za-z][A-Za-z0-9_-]*)")


@dataclass(frozen=True, slots=True)
class Command:
    """`/name arg arg`."""

    name: str
    """Without the slash, as it is written."""
    args: tuple[str, ...]


def spoken_lines(text: str) -> Iterator[str]:
    """Yield the lines of a comment that its writer says: none of a code fence.

    A quoted line begins with `>` and so is no command; a fence ends at one of its own character that is as long, or
    with the text. https://spec.commonmark.org/0.31.2/#fenced-code-blocks
    """
    fence = ""
    for found in _LINE.finditer(text):
        line = found[0]
        mark, rest = _fence(line)
        if fence:
            if mark.startswith(fence) and not rest.strip():
                fence = ""
        elif mark:
            fence = mark
        else:
            yield line


def command_in(text: str) -> Command | None:
    """Return the first command of a comment: a slash and a name where a line begins, then words."""
    for line in spoken_lines(text):
        if not line.startswith("/") or len(line) > LONGEST:
            continue
        name, *args = line.split()
        if found := _NAME.fullmatch(name):
            return Command(found[1], tuple(args))
    return None


def _fence(line: str) -> tuple[str, str]:
    match = _FENCE.fullmatch(line)
    if match is None or (match[1][0] == "`" and "`" in match[2]):
        return "", ""
    return match[1], match[2]
