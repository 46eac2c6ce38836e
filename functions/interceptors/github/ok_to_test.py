"""The command `/ok-to-test` in a comment: a line of its own, perhaps with a commit."""

from __future__ import annotations

import re

from functions.common.commands import spoken_lines

_COMMAND = re.compile(r"/ok-to-test(?:[ \t]+([0-9A-Fa-f]{40}|[0-9A-Fa-f]{64}))?")
"""A commit is named whole: one that begins with the same few digits is made in minutes."""


def approved_commits(text: str) -> list[str]:
    """Return the commit that each command names, empty where it names none."""
    commands = (_COMMAND.fullmatch(line) for line in spoken_lines(text))
    return [(command[1] or "").lower() for command in commands if command]
