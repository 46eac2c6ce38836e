"""Commands in comments: lines that begin with a slash, outside quotes, code fences and what HTML hides."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

LONGEST = 1_000
"""Characters of a line that may be a command."""

_LINE = re.compile(r"([^\r\n]*)(?:\r\n|[\r\n]|\Z)")
_QUOTE = re.compile(r" {0,3}>")
_HTML = re.compile(r" {0,3}<(!--|(?:pre|script|style|textarea)(?=[\s>]|$))", re.IGNORECASE)
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_NAME = re.compile(r"/([A-Za-z][A-Za-z0-9_-]*)")


class Command(Struct, frozen=True):
    """`/name arg arg`."""

    name: str
    """Without the slash, as it is written."""
    args: tuple[str, ...]


def spoken_lines(text: str) -> Iterator[str]:
    """Yield the lines of a comment that its writer says: none of a quote, of a code fence or of hidden HTML.

    A quoted line begins with `>`; a fence ends at one of its own character that is as long, HTML at its own end, both
    with the text. https://spec.commonmark.org/0.31.2/#fenced-code-blocks, #html-blocks
    """
    fence = html = ""
    for found in _LINE.finditer(text):
        line = found[1]
        mark, rest = _fence(line)
        if fence:
            if mark.startswith(fence) and not rest.strip():
                fence = ""
        elif html:
            html = "" if html in line.lower() else html
        elif mark:
            fence = mark
        elif opened := _HTML.match(line):
            end = "-->" if opened[1] == "!--" else f"</{opened[1].lower()}>"
            html = "" if end in line[opened.end() :].lower() else end
        elif not _QUOTE.match(line):
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
