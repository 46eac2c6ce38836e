"""The command `/ok-to-test` in a comment: a line of its own, outside quotes and code fences, perhaps with a commit."""

from __future__ import annotations

import re

_LINE = re.compile(r"\r\n|\r|\n")
_COMMAND = re.compile(r"/ok-to-test(?:[ \t]+([0-9A-Fa-f]{40}|[0-9A-Fa-f]{64}))?")
"""A commit is named whole: one that begins with the same few digits is made in minutes."""
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")


def approved_commits(text: str) -> list[str]:
    """Return the commit that each command names, empty where it names none.

    A quoted line begins with `>` and so is no command; a fence ends at one of its own character that is as long, or
    with the text. https://spec.commonmark.org/0.31.2/#fenced-code-blocks
    """
    found: list[str] = []
    fence = ""
    for line in _LINE.split(text):
        mark, rest = _fence(line)
        if fence:
            if mark.startswith(fence) and not rest.strip():
                fence = ""
        elif mark:
            fence = mark
        elif command := _COMMAND.fullmatch(line):
            found.append((command[1] or "").lower())
    return found


def _fence(line: str) -> tuple[str, str]:
    match = _FENCE.fullmatch(line)
    if match is None or (match[1][0] == "`" and "`" in match[2]):
        return "", ""
    return match[1], match[2]
