"""Text from outside, as a log, a reply or a terminal may have it: bounded, and nothing in it but what can be seen."""

from __future__ import annotations

from collections.abc import Iterable

NAME = 253
"""Characters of a name that are shown: Kubernetes has no longer ones."""
LISTED = 10
"""How many of a list are shown."""


def printable(text: str, *, keep: str = "") -> str:
    """Return text of which every character can be seen, `?` in the place of others but for those of `keep`.

    So go line breaks, terminals' escapes, what turns the direction of writing, what has no width, and lone surrogates.
    The length does not change.
    """
    if text.isprintable():  # false for what Unicode calls "other" or "separator", but for the blank
        return text
    return "".join(character if character.isprintable() or character in keep else "?" for character in text)


def shown(text: str, limit: int = 64) -> str:
    """Return text from outside as a message may quote it: printable, on one line, and cut after `limit` characters."""
    if len(text) <= limit:
        return text if text.isprintable() else printable(text)
    return f"{printable(text[:limit])}…"


def listed(texts: Iterable[str], *, separator: str = ", ", most: int = LISTED) -> str:
    """Return the first texts of a list as one, with how many were left out."""
    found = list(texts)
    more = f"{separator}and {len(found) - most} more" if len(found) > most else ""
    return separator.join(found[:most]) + more
