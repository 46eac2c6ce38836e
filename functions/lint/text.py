"""What is known of a text before any event: the characters it may hold, and who chooses them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from string import ascii_letters, ascii_lowercase, digits

from msgspec import Struct

OTHER = "\u00e9"
"""Stands for every character beyond ASCII."""
EVERY = frozenset(map(chr, range(128))) | {OTHER}
ALPHANUMERIC = frozenset(ascii_letters + digits)
SHELL_SAFE = ALPHANUMERIC | frozenset("-_./:@[]{},+=%#")
"""No shell reads more than a word in these (`[bot]` may at most match a file's name)."""
LABEL = ALPHANUMERIC | frozenset("-_.")
"""Kubernetes' label values (apimachinery's validation.IsValidLabelValue)."""
NAME = frozenset(ascii_lowercase + digits + "-.")
"""Kubernetes' object names (validation.IsDNS1123Subdomain)."""


class Text(Struct, frozen=True, kw_only=True):
    """What a text may be. The default is what a stranger may write, of which nothing is known."""

    chars: frozenset[str] = EVERY
    sent: frozenset[str] = EVERY
    """Those of them that the sender of an event chooses: not those of the manifests' own words."""
    always: frozenset[str] = frozenset()
    """Characters that it holds in every event."""
    shortest: int = 0
    dash: bool = True
    """Whether it may begin with one."""
    known: bool = False
    """Whether a schema or an expression says so; else it is a guess, on which only what is dangerous is judged."""

    @property
    def runs(self) -> bool:
        """Whether a shell that reads it may be made to do something else."""
        return not self.sent <= SHELL_SAFE

    def then(self, other: Text) -> Text:
        """Return what is known of this text with another one behind it."""
        return Text(
            chars=self.chars | other.chars,
            sent=self.sent | other.sent,
            always=self.always | other.always,
            shortest=self.shortest + other.shortest,
            dash=self.dash or (not self.shortest and other.dash),
            known=self.known and other.known,
        )

    def either(self, other: Text) -> Text:
        """Return what is known of a text that is this one or the other."""
        return Text(
            chars=self.chars | other.chars,
            sent=self.sent | other.sent,
            always=self.always & other.always,
            shortest=min(self.shortest, other.shortest),
            dash=self.dash or other.dash,
            known=self.known and other.known,
        )

    def mapped(self, change: Callable[[frozenset[str]], frozenset[str]]) -> Text:
        """Return what is known after characters were taken away or changed."""
        chars = change(self.chars)
        return Text(chars=chars, sent=change(self.sent), dash="-" in chars, known=self.known)

    def part(self, longest: int | None = None) -> Text:
        """Return what is known of a piece of it."""
        shortest = 0 if longest is None else min(self.shortest, longest)
        return Text(chars=self.chars, sent=self.sent, shortest=shortest, dash="-" in self.chars, known=self.known)


ANYTHING = Text()
FREE = Text(known=True)
"""Text that people write, by the schema of the event."""


def constant(text: str) -> Text:
    """Return a word of the manifests."""
    chars = frozenset(map(_ascii, text))
    return Text(chars=chars, sent=frozenset(), always=chars, shortest=len(text), dash=text.startswith("-"), known=True)


def made_of(chars: str, *, always: str = "", shortest: int = 0, dash: bool = False, known: bool = True) -> Text:
    """Return a text of these characters, as a provider fixes it."""
    found = frozenset(chars)
    return Text(chars=found, sent=found, always=frozenset(always), shortest=shortest, dash=dash, known=known)


def one_of(texts: Iterable[Text]) -> Text | None:
    """Return what is known of a text that is one of several; None of none."""
    found = list(texts)
    return reduce(Text.either, found) if found else None


def _ascii(character: str) -> str:
    return character if character.isascii() else OTHER
