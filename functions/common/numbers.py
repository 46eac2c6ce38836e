"""Whole numbers that others write, read within bounds: as digits in a header, or as a number of JSON."""

from __future__ import annotations

MAX_DIGITS = 18
"""Every number up to here is exact as a float, or nearly, and fits what anybody does with a time or an id."""


def whole(given: object, *, digits: int = MAX_DIGITS) -> int | None:
    """Return a number from 0 to 10^`digits` - 1, or None: whatever else was given is no number to reckon with."""
    if isinstance(given, str):
        return int(given) if len(given) <= digits and given.isascii() and given.isdecimal() else None
    if isinstance(given, bool) or not isinstance(given, int):
        return None
    return given if 0 <= given < 10**digits else None


def wait(given: object) -> float | None:
    """Return the seconds that another server asks to wait, up to eleven days, or None when it asks for none.

    Retry-After's date form is not used by any server that is talked to.
    """
    return float(asked) if (asked := whole(given, digits=6)) else None
