"""What loading finds: mistakes, which stop the load, and notes, which do not; each with file, line and path."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

from functions.common.errors import ConfigurationError
from functions.common.shown import shown

Path = tuple[str | int, ...]
MAX_MISTAKES = 100
"""How many mistakes, or notes, of one text are gathered and listed: who has more of them has made one many times."""
_LONGEST_NAME = 64
_PLAIN_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


class Finding(Struct, frozen=True):
    """One thing found in the manifests. Its text names fields, kinds and objects; it never quotes a value."""

    file: str
    line: int
    """From 1; 0 when there is no line, as for objects read from a cluster."""
    column: int
    subject: str
    """Kind and name of the object, as `EventListener goldstine-lab/build`; empty outside any."""
    path: str
    """The field, as `spec.triggers[0].interceptors[0].ref.name`; empty for the object itself."""
    message: str
    hint: str = ""
    """What would be right."""

    def __str__(self) -> str:
        """Return `file:line: subject: path: message; hint`, what is empty left out."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        text = ": ".join(part for part in (place, self.subject, self.path, self.message) if part)
        return f"{text}; {self.hint}" if self.hint else text


class Mistake(Finding, frozen=True):
    """Something that stops the load."""


class Note(Finding, frozen=True):
    """Something that loads but is worth knowing: an old spelling that was rewritten, a field without effect."""


class Doubt(Note, frozen=True):
    """Something that loads and is mostly a slip: a name that nobody reads."""


class ManifestError(ConfigurationError):
    """The manifests have mistakes of structure: `found` lists them (MAX_MISTAKES at most), `mistakes` their texts."""

    def __init__(self, found: Iterable[Mistake]) -> None:
        # a field that is read twice (to tell forms of an entry apart, say) is wrong once
        known = sorted(dict.fromkeys(found), key=lambda mistake: (mistake.file, mistake.line, mistake.column))
        self.found = tuple(known[:MAX_MISTAKES])
        count = "one mistake" if len(known) == 1 else f"{len(self.found)} mistakes"
        if len(known) > MAX_MISTAKES:
            count = f"more than {count}, of which {MAX_MISTAKES} are listed"
        super().__init__(f"the trigger manifests have {count}", [str(mistake) for mistake in self.found])


def path_text(path: Path) -> str:
    """Return a path as people write it: `spec.params[0].name`, `metadata.labels["a/b"]`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_FIELD.fullmatch(step):
            text += f".{shown(step)}" if text else shown(step)
        else:
            text += f'["{shown(step)}"]'
    return text


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """Return `did you mean "x"?` when something known is close to `name`, else an empty string."""
    from difflib import get_close_matches  # noqa: PLC0415 -- only a mistake needs it, and a cold start has none

    if len(name) > _LONGEST_NAME:
        return ""
    by_lower = {word.lower(): word for word in known}
    close = get_close_matches(name.lower(), by_lower, n=1)
    return f'did you mean "{by_lower[close[0]]}"?' if close else ""
