"""Regular expressions that are compiled when first used: a cold start defines some ninety and uses a few of them."""

from __future__ import annotations

import re
from typing import AnyStr, cast


class _Pattern:
    """Stands for a compiled pattern; an attribute is looked up once, then it is as close as the pattern's own."""

    def __init__(self, text: str | bytes, flags: int) -> None:
        self._text = text
        self._flags = flags

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):  # the protocols of copying and the like are not the pattern's
            raise AttributeError(name)
        found: object = getattr(re.compile(self._text, self._flags), name)
        setattr(self, name, found)
        return found


def pattern(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return what acts as `re.compile(text, flags)`; a mistake in `text` shows when it is first used."""
    return cast("re.Pattern[AnyStr]", _Pattern(text, flags))
