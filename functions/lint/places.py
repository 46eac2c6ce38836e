"""Where things stand in the texts: from a resource and a path to line and column, and the comments that silence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from functions.common.values import Json
from functions.go.yaml import Node
from functions.go.yaml_scalars import YamlError
from functions.model.documents import decode_text, read_documents
from functions.model.findings import Path, path_text
from functions.model.resources import Source

_IGNORE = re.compile(r"#.*\bpipehook:ignore=(PH[0-9]{3}(?:\s*,\s*PH[0-9]{3})*)")
_ALONE = re.compile(r"\s*#")


class Place(Struct, frozen=True):
    """Something in a manifest: the object it belongs to, and its path in there."""

    source: Source
    path: Path
    subject: str

    def below(self, *steps: str | int) -> Place:
        """Return the place of a field below this one."""
        return Place(self.source, (*self.path, *steps), self.subject)

    @property
    def text(self) -> str:
        """The path as people write it."""
        return path_text(self.path)


def items(value: Json) -> Iterator[tuple[int, dict[str, Json]]]:
    """Yield the objects of a list, each with its position."""
    for position, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, dict):
            yield position, item


class Places:
    """The parsed texts of the manifests, by file."""

    def __init__(self, texts: Mapping[str, str | bytes]) -> None:
        self._objects: dict[tuple[str, int], Node] = {}
        self._ignored: dict[tuple[str, int], frozenset[str]] = {}
        for file, raw in texts.items():
            try:
                text = decode_text(raw)
            except YamlError:
                continue  # loading has told
            self._read_comments(file, text)
            for node in read_documents(text)[0]:
                self._add(file, node)

    def position(self, place: Place) -> tuple[int, int]:
        """Return line and column of a place, or of the nearest thing above it; 0 for what is not known."""
        node = self._objects.get((place.source.file, place.source.line))
        if node is None:
            return place.source.line, 0
        found = node.at(place.path)
        return found.line, found.column

    def objects(self, group: str) -> Iterator[tuple[Place, str, dict[str, Json]]]:
        """Yield every object of an API group, as it is written, with its place and name."""
        for (file, line), node in self._objects.items():
            value = node.value
            if isinstance(value, dict) and str(value.get("apiVersion")).startswith(f"{group}/"):
                metadata = value.get("metadata")
                name = str(metadata.get("name")) if isinstance(metadata, dict) else ""
                yield Place(Source(file, line), (), f"{value.get('kind')} {name}"), name, value

    def ignored(self, file: str, line: int) -> frozenset[str]:
        """Return the rules that a comment on this line, or alone on the line above, silences."""
        return self._ignored.get((file, line), frozenset())

    def _add(self, file: str, node: Node) -> None:
        value = node.value
        if isinstance(value, dict) and isinstance(value.get("items"), list) and str(value.get("kind")).endswith("List"):
            items = node.at(("items",))
            for item in items.children if isinstance(items.children, list) else ():
                self._add(file, item)
            return
        self._objects.setdefault((file, node.line), node)

    def _read_comments(self, file: str, text: str) -> None:
        for number, line in enumerate(text.split("\n"), start=1):
            found = _IGNORE.search(line)
            if found is None:
                continue
            rules = frozenset(rule.strip() for rule in found[1].split(","))
            target = number + 1 if _ALONE.match(line) else number
            self._ignored[file, target] = self._ignored.get((file, target), frozenset()) | rules
