"""Reading one object's fields: types checked strictly, unknown fields refused, every mistake collected with its place.

Kubernetes' rule for null holds throughout: a field that is null is a field that is not there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct, field

from functions.common.values import Json
from functions.go.encode import folded
from functions.model.findings import MAX_MISTAKES, Doubt, Mistake, Note, Path, did_you_mean, path_text
from functions.model.resources import Source

if TYPE_CHECKING:
    from functions.go.yaml import Node

Choice = TypeVar("Choice", bound=str)

_NO_HINTS: Mapping[str, str] = {}


class Reading(Struct):
    """The reading of one object: where it stands, and what was found in it so far."""

    place: Source
    node: Node | None
    """The object's place in its text; None when it came as JSON."""
    subject: str = ""
    mistakes: list[Mistake] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def mistake(self, path: Path, message: str, hint: str = "") -> None:
        """Collect a mistake at `path`, up to one more than are listed."""
        if self.full:
            return
        line, column = self._position(path)
        self.mistakes.append(Mistake(self.place.file, line, column, self.subject, path_text(path), message, hint))

    def note(self, path: Path, message: str, hint: str = "") -> None:
        """Collect a note at `path`."""
        if len(self.notes) >= MAX_MISTAKES:
            return
        line, column = self._position(path)
        self.notes.append(Note(self.place.file, line, column, self.subject, path_text(path), message, hint))

    def doubt(self, path: Path, message: str, hint: str = "") -> None:
        """Collect a doubt at `path`."""
        line, column = self._position(path)
        self.notes.append(Doubt(self.place.file, line, column, self.subject, path_text(path), message, hint))

    @property
    def full(self) -> bool:
        """Whether there are more mistakes than are listed."""
        return len(self.mistakes) > MAX_MISTAKES

    def source(self, path: Path) -> Source:
        """Return where the value at `path` stands."""
        return Source(self.place.file, self.node.at(path).line) if self.node else self.place

    def _position(self, path: Path) -> tuple[int, int]:
        if self.node is None:
            return self.place.line, 0
        found = self.node.at(path)
        return found.line, found.column


class Fields:
    """The fields of one object within a resource."""

    __slots__ = ("path", "reading", "values")

    def __init__(
        self,
        reading: Reading,
        path: Path,
        values: Mapping[str, Json],
        known: frozenset[str] | None,
        hints: Mapping[str, str] = _NO_HINTS,
    ) -> None:
        """Look at `values`; fields that are not `known` are mistakes (None: any field may stand here)."""
        self.reading = reading
        self.values = values
        self.path = path
        if known is not None and not known.issuperset(values):
            for name in values:
                if reading.full:  # suggesting names takes long
                    break
                if name not in known:
                    self._take(name, known, hints)

    def _take(self, name: str, known: frozenset[str], hints: Mapping[str, str]) -> None:
        """Take a field in another case for the one that it is; anything else that is unknown is a mistake.

        As Tekton's webhook, which decodes and rewrites all but metadata: its CRDs prune nothing before
        (x-kubernetes-preserve-unknown-fields), and it refuses unknown fields.
        """
        meant = next((field for field in known if folded(field) == folded(name)), "")
        if meant and meant not in self.values and "metadata" not in (meant, *self.path):
            self.values = {meant if given == name else given: value for given, value in self.values.items()}
            self.note(name, "is read in any case, as Tekton reads it", f'write "{meant}"')
            return
        hint = hints.get(name) or did_you_mean(name, sorted(known))
        self.mistake(name, "unknown field", hint or f"known are {', '.join(sorted(known))}")

    def has(self, name: str) -> bool:
        """Say whether a field is there and not null."""
        return self.values.get(name) is not None

    def stands(self, name: str) -> bool:
        """Say whether a field is there, null or not."""
        return name in self.values

    def raw(self, name: str) -> Json:
        """Return a field as it stands, None when it is missing."""
        return self.values.get(name)

    def mistake(self, name: str, message: str, hint: str = "") -> None:
        """Collect a mistake at the field `name`; with an empty name, at the object itself."""
        self.reading.mistake((*self.path, name) if name else self.path, message, hint)

    def note(self, name: str, message: str, hint: str = "") -> None:
        """Collect a note at the field `name`."""
        self.reading.note((*self.path, name), message, hint)

    def require(self, name: str, hint: str = "") -> bool:
        """Collect a mistake unless the field `name` is there."""
        if self.has(name):
            return True
        self.mistake(name, "this field is required", hint)
        return False

    def text(self, name: str, *, required: bool = False) -> str:
        """Return a string, empty when it is missing; a `required` one must neither be missing nor empty."""
        if required and not self.require(name):
            return ""
        text = self.optional_text(name)
        if required and text == "":
            self.mistake(name, "must not be empty")
        return text or ""

    def optional_text(self, name: str) -> str | None:
        """Return a string, None when it is missing."""
        value = self.values.get(name)
        if value is None or isinstance(value, str):
            return value
        self._mistyped((*self.path, name), "a string", value)
        return None

    def choice(self, name: str, choices: tuple[Choice, ...]) -> Choice:
        """Return one of `choices`; the first of them when the field is missing, empty or wrong."""
        value = self.text(name)
        for choice in choices:
            if choice == value:
                return choice
        if value:
            wanted = f"must be one of {', '.join(choices)}" if len(choices) > 1 else f"must be {choices[0]}"
            self.mistake(name, wanted, did_you_mean(value, choices))
        return choices[0]

    def integer(self, name: str, *, low: int, high: int) -> int | None:
        """Return an integer between `low` and `high`, both included; None when it is missing."""
        value = self.values.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            self._mistyped((*self.path, name), "an integer", value)
            return None
        if not low <= value <= high:
            self.mistake(name, f"must be between {low} and {high}")
            return None
        return value

    def section(self, name: str, known: frozenset[str] | None, hints: Mapping[str, str] = _NO_HINTS) -> Fields | None:
        """Return the fields of an object, None when it is missing."""
        value = self.values.get(name)
        if value is None:
            return None
        path = (*self.path, name)
        if not isinstance(value, dict):
            self._mistyped(path, "an object", value)
            return None
        return Fields(self.reading, path, value, known, hints)

    def sections(self, name: str, known: frozenset[str] | None, hints: Mapping[str, str] = _NO_HINTS) -> list[Fields]:
        """Return the fields of each object in a list; none when it is missing."""
        found: list[Fields] = []
        for position, item in enumerate(self._items(name)):
            path = (*self.path, name, position)
            if isinstance(item, dict):
                found.append(Fields(self.reading, path, item, known, hints))
            else:
                self._mistyped(path, "an object", item)
        return found

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of strings; empty when it is missing."""
        found: list[str] = []
        for position, item in enumerate(self._items(name)):
            if isinstance(item, str):
                found.append(item)
            else:
                self._mistyped((*self.path, name, position), "a string", item)
        return tuple(found)

    def text_map(self, name: str) -> dict[str, str]:
        """Return an object whose values are strings; empty when it is missing."""
        section = self.section(name, None)
        found: dict[str, str] = {}
        for key, value in section.values.items() if section else ():
            if isinstance(value, str):
                found[key] = value
            else:
                self._mistyped((*self.path, name, key), "a string", value)
        return found

    def _items(self, name: str) -> Sequence[Json]:
        value = self.values.get(name)
        if value is None:
            return ()
        if isinstance(value, list):
            return value
        self._mistyped((*self.path, name), "a list", value)
        return ()

    def _mistyped(self, path: Path, wanted: str, value: Json) -> None:
        hint = ""
        if wanted == "a string" and isinstance(value, bool):
            hint = "put it in quotes: YAML reads yes, no, on and off as booleans"
        elif wanted == "a string" and isinstance(value, (int, float)):
            hint = "put it in quotes"
        self.reading.mistake(path, f"must be {wanted}, not {described(value)}", hint)


def described(value: Json) -> str:
    """Return the type of a value as messages call it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "a string"
    return "a list" if isinstance(value, list) else "an object"
