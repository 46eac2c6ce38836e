"""What a check hands to the lint: a rule, a place and a sentence."""

from __future__ import annotations

from msgspec import Struct

from functions.lint.places import Place


class Hit(Struct, frozen=True):
    """One thing that a check found. All hits of one rule at one place become one finding, `about` put together."""

    rule: str
    place: Place
    message: str
    hint: str = ""
    about: tuple[str, ...] = ()
    """References and names that stand at the end of the sentence."""
