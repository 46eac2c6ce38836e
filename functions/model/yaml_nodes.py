"""YAML as Kubernetes reads it, with a line and column for every value: bounded, never a Python object.

PyYAML (libyaml where it is there) gives the events; values are composed here, because the bounds, duplicate keys
and go-yaml's meaning of scalars belong to this step.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import yaml

from functions.model.yaml_scalars import YamlError, resolve_plain, resolve_tagged
from functions.values import Json

MAX_BYTES = 8 << 20
"""Bytes of one text: five times what etcd takes for one object."""
MAX_DEPTH = 100
"""Levels of nesting."""
MAX_NODES = 500_000
"""Values in one text, with every alias counted as what it stands for: a thousand triggers have about 60,000."""

_SEPARATOR = re.compile(r"^---(?=[ \t\r\n]|$)", re.MULTILINE)
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|(?!^)\ufeff")
_ONLY_COMMENTS = re.compile(r"(?:[ \t]*(?:#.*)?\r?\n)*(?:[ \t]*(?:#.*)?)?")
_MAP_TAGS = (None, "!", "tag:yaml.org,2002:map")
_SEQ_TAGS = (None, "!", "tag:yaml.org,2002:seq")


class Node:
    """One value and where it stands: for a field, the position of its key. Lines and columns start at 1."""

    __slots__ = ("children", "column", "line", "value")

    def __init__(self, value: Json, children: Sequence[Node] | dict[str, Node] | None, line: int, column: int) -> None:
        self.value = value
        self.children = children
        self.line = line
        self.column = column

    def at(self, path: tuple[str | int, ...]) -> Node:
        """Return the node at `path`, or the nearest one above it that exists."""
        node = self
        for step in path:
            children = node.children
            if isinstance(children, dict):
                child = children.get(step) if isinstance(step, str) else None
            else:
                child = children[step] if children and isinstance(step, int) and step < len(children) else None
            if child is None:
                return node
            node = child
        return node


class _Parser(Protocol):
    def get_event(self) -> Any:  # PyYAML's stubs do not tell which event has which attributes
        """Return the next event, None after the last."""


_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def decode_text(raw: str | bytes) -> str:
    """Return manifest text. Raises YamlError when it is too long, no UTF-8, or holds control characters."""
    if len(raw) > MAX_BYTES:
        raise YamlError(f"the text is longer than {MAX_BYTES >> 20} MiB", line=1, column=1)
    if isinstance(raw, bytes):
        try:
            raw = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            raise YamlError("the text is not UTF-8", line=line, column=1, hint="save the file as UTF-8") from error
    if found := _UNPRINTABLE.search(raw):
        start = found.start()
        column = start - (raw.rfind("\n", 0, start) + 1) + 1
        code = ord(raw[start])
        raise YamlError(f"the control character U+{code:04X} is not allowed", line=_line(raw, start), column=column)
    return raw.removeprefix("\ufeff")


def read_documents(text: str) -> tuple[list[Node], list[YamlError]]:
    """Return the documents of a text from `decode_text`, null ones left out, and everything that is wrong in it.

    As kubectl does, the text is cut at its `---` lines first, so a mistake in one document leaves the others.
    """
    documents: list[Node] = []
    mistakes: list[YamlError] = []
    budget = _Budget()
    for first_line, chunk in _chunks(text):
        composer = _Composer(_PARSER(chunk), first_line, mistakes, budget)
        try:
            documents += [node for node in composer.documents() if node.value is not None]
        except YamlError as error:
            mistakes.append(error)
        except yaml.YAMLError as error:
            mistakes.append(_translated(error, first_line))
    return documents, mistakes


def load_go_yaml(text: str) -> Json:
    """Return the first document of a text as sigs.k8s.io/yaml's Unmarshal does: of duplicate keys the last wins.

    Raises YamlError, a ValueError, which quotes nothing of the text.
    """
    checked = decode_text(text)
    composer = _Composer(_PARSER(checked), 1, None, _Budget())
    try:
        node = next(composer.documents(), None)
    except yaml.YAMLError as error:
        raise _translated(error, 1) from error
    return None if node is None else node.value


def _chunks(text: str) -> Iterator[tuple[int, str]]:
    # a chunk begins at its own `---`, so that what follows on that line belongs to it
    start = line = 0
    for end in [*(match.start() for match in _SEPARATOR.finditer(text)), len(text)]:
        chunk = text[start:end]
        directives = chunk.startswith("%") or "\n%" in chunk
        if directives and end < len(text) and all(row[:1] in ("%", "#", "") for row in chunk.splitlines()):
            continue  # %YAML and %TAG belong to the document that they precede
        if not _ONLY_COMMENTS.fullmatch(chunk):
            yield line + 1, chunk
        line += chunk.count("\n")
        start = end


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _translated(error: yaml.YAMLError, first_line: int) -> YamlError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or "the text cannot be read"
    hint = ""
    if "\\t" in problem or "tab" in problem:
        hint = "indent with spaces, never with tabs"
    if mark is None:
        return YamlError(f"not YAML: {problem}", line=first_line, column=1, hint=hint)
    return YamlError(f"not YAML: {problem}", line=first_line + mark.line, column=mark.column + 1, hint=hint)


class _Budget:
    """How many values a text has so far, aliases counted as what they stand for."""

    def __init__(self) -> None:
        self.spent = 0

    def spend(self, count: int, line: int) -> None:
        self.spent += count
        if self.spent > MAX_NODES:
            raise YamlError(f"more than {MAX_NODES} values, aliases expanded", line=line, hint="split the file")


class _Composer:
    """Turns one stream of events into nodes. With `mistakes` None, of duplicate keys the last wins."""

    def __init__(self, parser: _Parser, first_line: int, mistakes: list[YamlError] | None, budget: _Budget) -> None:
        self._next = parser.get_event
        self._first_line = first_line
        self._mistakes = mistakes
        self._budget = budget
        self._anchors: dict[str, tuple[Node, int] | None] = {}

    def documents(self) -> Iterator[Node]:
        while (event := self._next()) is not None:
            if type(event) is yaml.DocumentStartEvent:
                self._anchors = {}
                yield self._node(self._next(), 0)

    def _node(self, event: Any, depth: int) -> Node:
        mark = event.start_mark
        line = self._first_line + mark.line
        column = mark.column + 1
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self._budget.spend(1, line)
            node = Node(self._scalar(event, line, column), None, line, column)
            if event.anchor is not None:
                self._anchors[event.anchor] = node, 1
            return node
        if kind is yaml.AliasEvent:
            return self._alias(event.anchor, line, column)
        if depth >= MAX_DEPTH:
            raise YamlError(f"values nest deeper than {MAX_DEPTH} levels", line=line, column=column)
        before = self._budget.spent
        self._budget.spend(1, line)
        anchor = event.anchor
        if anchor is not None:
            self._anchors[anchor] = None
        collection = self._mapping if kind is yaml.MappingStartEvent else self._sequence
        node = collection(event, depth + 1, line, column)
        if anchor is not None:
            self._anchors[anchor] = node, self._budget.spent - before
        return node

    def _scalar(self, event: Any, line: int, column: int) -> Json:
        try:
            if event.tag is not None:
                return resolve_tagged(event.tag, event.value)
            return resolve_plain(event.value) if event.implicit[0] else event.value
        except YamlError as error:
            self._fault(YamlError(error.message, line=line, column=column, hint=error.hint))
            return None

    def _alias(self, name: str, line: int, column: int) -> Node:
        if name not in self._anchors:
            raise YamlError(f"the alias *{name} stands for nothing: no anchor has this name before it", line=line)
        found = self._anchors[name]
        if found is None:
            raise YamlError(f"the alias *{name} stands inside what it refers to", line=line, column=column)
        node, size = found
        self._budget.spend(size, line)
        return Node(node.value, node.children, line, column)

    def _sequence(self, event: Any, depth: int, line: int, column: int) -> Node:
        self._check_tag(event.tag, _SEQ_TAGS, line, column)
        items: list[Node] = []
        while type(following := self._next()) is not yaml.SequenceEndEvent:
            items.append(self._node(following, depth))
        return Node([item.value for item in items], items, line, column)

    def _mapping(self, event: Any, depth: int, line: int, column: int) -> Node:
        self._check_tag(event.tag, _MAP_TAGS, line, column)
        children: dict[str, Node] = {}
        merged: list[Node] = []
        while type(following := self._next()) is not yaml.MappingEndEvent:
            if _is_merge(following):
                merged.append(self._node(self._next(), depth))
                continue
            key_node = self._node(following, depth)
            key = self._key(key_node)
            child = self._node(self._next(), depth)
            child.line, child.column = key_node.line, key_node.column
            if key in children and self._mistakes is not None:
                first = children[key].line
                self._fault(
                    YamlError(
                        f'the key "{key[:64]}" stands twice in one object, first in line {first}',
                        line=key_node.line,
                        column=key_node.column,
                        hint="keep one of them",
                    )
                )
            children[key] = child
        for node in merged:
            self._merge(node, children)
        return Node({key: child.value for key, child in children.items()}, children, line, column)

    def _merge(self, node: Node, children: dict[str, Node]) -> None:
        sources = node.children if isinstance(node.children, list) else [node]
        for source in sources:
            if not isinstance(source.children, dict):
                self._fault(YamlError("<< takes an object or a list of objects", line=node.line, column=node.column))
                return
            for key, child in source.children.items():
                children.setdefault(key, child)

    def _key(self, node: Node) -> str:
        value = node.value
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (int, float)):
            return str(value)
        raise YamlError("a key must be a string", line=node.line, column=node.column, hint="put it in quotes")

    def _check_tag(self, tag: str | None, allowed: tuple[str | None, ...], line: int, column: int) -> None:
        if tag not in allowed:
            self._fault(
                YamlError(
                    "only the core tags !!str, !!int, !!float, !!bool, !!null, !!map and !!seq may be used",
                    line=line,
                    column=column,
                )
            )

    def _fault(self, error: YamlError) -> None:
        if self._mistakes is None:
            raise error
        self._mistakes.append(error)


def _is_merge(event: Any) -> bool:
    return type(event) is yaml.ScalarEvent and event.value == "<<" and event.tag is None and bool(event.implicit[0])
