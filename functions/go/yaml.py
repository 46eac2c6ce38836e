"""YAML's events composed into values, bounded, never a Python object; a dialect says what its scalars mean.

Composed here and not by PyYAML: bounds, duplicate keys and go-yaml's meaning of scalars belong to this step. Manifests,
CEL's parseYAML and OWNERS files are read so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import yaml
from msgspec import Struct

from functions.common.shown import shown
from functions.common.values import Json
from functions.go.encode import folded
from functions.go.floats import format_general
from functions.go.yaml_scalars import CORE, YamlError

LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""libyaml's parser where PyYAML has it."""

PLACEHOLDER = "render the template first: {{ and }} are no YAML"

_MAP_TAGS = (None, "!", f"{CORE}map")
_SEQ_TAGS = (None, "!", f"{CORE}seq")
_MERGE = object()


class Dialect(Struct, frozen=True):
    """What the scalars of a text mean, and how strictly it is read."""

    plain: Callable[[str], Json]
    """Of a scalar without quotes and tag. Raises YamlError."""
    tagged: Callable[[str, str], Json]
    """Of a tag and the text behind it. Raises YamlError."""
    levels: int
    """Of nesting."""
    strict: bool = False
    """Keys that stand twice, and tags of collections beside YAML's own, are mistakes."""
    places: bool = False
    """Each value is wanted with its place."""


class Node:
    """One value and where it stands: for a field, the position of its key. Lines and columns start at 1."""

    __slots__ = ("children", "column", "line", "value")

    def __init__(self, value: Json, children: Sequence[Node] | dict[str, Node] | None, line: int, column: int) -> None:
        self.value = value
        self.children = children
        self.line = line
        self.column = column

    def at(self, path: tuple[str | int, ...]) -> Node:
        """Return the node at `path`, names in any case, or the nearest one above it that exists."""
        node = self
        for step in path:
            children = node.children
            if isinstance(children, dict):
                child = (children.get(step) or _folded(children, step)) if isinstance(step, str) else None
            else:
                child = children[step] if children and isinstance(step, int) and step < len(children) else None
            if child is None:
                return node
            node = child
        return node


def _folded(children: Mapping[str, Node], name: str) -> Node | None:
    return next((child for given, child in children.items() if folded(given) == folded(name)), None)


class Parser(Protocol):
    """What gives the events of a stream, from libyaml or from PyYAML's own parser."""

    def get_event(self) -> Any:  # PyYAML's stubs do not tell which event has which attributes
        """Return the next event, None after the last."""


class TooManyValuesError(YamlError):
    """The text is an alias bomb, or too large; nothing more is read of it."""


class TooDeepError(YamlError):
    """The text nests too deeply."""


class Budget:
    """How many values a text has so far, aliases counted as what they stand for."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.spent = 0

    def spend(self, count: int, line: int) -> None:
        """Count values that begin in `line`. Raises TooManyValuesError."""
        self.spent += count
        if self.spent > self._most:
            raise TooManyValuesError(
                f"the text holds more than {self._most} values, aliases counted as what they stand for", line=line
            )


class _Open:
    """A collection that is being read."""

    __slots__ = ("anchor", "before", "children", "column", "items", "key", "line", "merged")

    def __init__(self, *, mapping: bool, anchor: str | None, before: int, line: int, column: int) -> None:
        self.children: dict[str, Node] | None = {} if mapping else None
        self.items: list[Node] = []
        self.merged: list[Node] = []
        self.key: Node | object | None = None
        self.anchor = anchor
        self.before = before
        self.line = line
        self.column = column


class Composer:
    """Turns one stream of events into nodes; what leaves the rest readable is given to `mistake`."""

    def __init__(
        self,
        parser: Parser,
        dialect: Dialect,
        budget: Budget,
        *,
        first_line: int = 1,
        mistake: Callable[[YamlError], None] | None = None,
    ) -> None:
        """`mistake` may raise what it is given, and does when it is left out."""
        self._next = parser.get_event
        self._dialect = dialect
        self._first_line = first_line
        self._mistake = mistake or _raised
        self._budget = budget
        self._anchors: dict[str, tuple[Node, int] | None] = {}

    def documents(self) -> Iterator[Node]:
        """Compose document after document. Raises YamlError and yaml.YAMLError for what ends the stream."""
        while (event := self._next()) is not None:
            if type(event) is yaml.DocumentStartEvent:
                self._anchors = {}
                yield self._document()

    def _document(self) -> Node:
        opened: list[_Open] = []
        while True:
            event = self._next()
            kind = type(event)
            line = self._first_line + event.start_mark.line
            column = event.start_mark.column + 1
            if kind is yaml.ScalarEvent:
                if opened and _is_merge(event, opened[-1]):
                    opened[-1].key = _MERGE
                    continue
                self._budget.spend(1, line)
                node, anchor, size = Node(self._scalar(event, line, column), None, line, column), event.anchor, 1
            elif kind is yaml.AliasEvent:
                node, anchor, size = self._alias(event.anchor, line, column), None, 0
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                opened.append(self._opened(event, len(opened), line, column))
                continue
            else:
                closed = opened.pop()
                node, anchor, size = self._closed(closed), closed.anchor, self._budget.spent - closed.before
            if anchor is not None:
                self._anchors[anchor] = node, size
            if not opened:
                return node
            self._add(opened[-1], node)

    def _scalar(self, event: Any, line: int, column: int) -> Json:
        try:
            if event.tag is not None:
                return self._dialect.tagged(event.tag, event.value)
            value: str = event.value
            return self._dialect.plain(value) if event.implicit[0] else value
        except YamlError as error:
            self._mistake(YamlError(error.message, line=line, column=column, hint=error.hint))
            return None

    def _alias(self, name: str, line: int, column: int) -> Node:
        if name not in self._anchors:
            raise YamlError(
                "an alias stands for nothing", line=line, column=column, hint=f"no anchor before it is &{shown(name)}"
            )
        found = self._anchors[name]
        if found is None:
            raise YamlError(
                "an alias stands inside what it refers to", line=line, column=column, hint=f"see &{shown(name)}"
            )
        node, size = found
        self._budget.spend(size, line)
        return Node(node.value, node.children, line, column)

    def _opened(self, event: Any, depth: int, line: int, column: int) -> _Open:
        if depth >= self._dialect.levels:
            raise TooDeepError(f"values nest deeper than {self._dialect.levels} levels", line=line, column=column)
        mapping = type(event) is yaml.MappingStartEvent
        if self._dialect.strict and event.tag not in (_MAP_TAGS if mapping else _SEQ_TAGS):
            self._mistake(YamlError(ONLY_CORE_TAGS, line=line, column=column))
        before = self._budget.spent
        self._budget.spend(1, line)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        return _Open(mapping=mapping, anchor=event.anchor, before=before, line=line, column=column)

    def _closed(self, closed: _Open) -> Node:
        children: Sequence[Node] | dict[str, Node]
        value: Json
        if closed.children is None:
            children = closed.items
            value = [item.value for item in children]
        else:
            for node in closed.merged:
                self._merge(node, closed.children)
            children = closed.children
            value = {key: child.value for key, child in children.items()}
        return Node(value, children if self._dialect.places else None, closed.line, closed.column)

    def _add(self, parent: _Open, node: Node) -> None:
        children, key = parent.children, parent.key
        if children is None:
            parent.items.append(node)
        elif key is None:
            parent.key = node
        else:
            parent.key = None
            if not isinstance(key, Node):
                parent.merged.append(node)
                return
            name = _name(key)
            node.line, node.column = key.line, key.column
            if self._dialect.strict and name in children:
                self._mistake(
                    YamlError(
                        f'the key "{shown(name)}" stands twice in one object, first in line {children[name].line}',
                        line=key.line,
                        column=key.column,
                        hint="keep one of them",
                    )
                )
            children[name] = node

    def _merge(self, node: Node, children: dict[str, Node]) -> None:
        """Add what stands in an object, or in objects of a list, unless it is there: Go's way with `<<`."""
        below = node.children if isinstance(node.children, list) else None
        for place, source in enumerate(node.value if isinstance(node.value, list) else [node.value]):
            if not isinstance(source, dict):
                self._mistake(YamlError("<< takes an object or a list of objects", line=node.line, column=node.column))
                return
            known = (below[place] if below else node).children
            for key, value in source.items():
                if key not in children:
                    there = known[key] if isinstance(known, dict) else None
                    children[key] = there or Node(value, None, node.line, node.column)


ONLY_CORE_TAGS = "only the core tags !!str, !!int, !!float, !!bool, !!null, !!map and !!seq may be used"
"""What is said about any other tag."""


def _raised(mistake: YamlError) -> None:
    raise mistake


def _is_merge(event: Any, parent: _Open) -> bool:
    return (
        event.value == "<<"
        and parent.children is not None
        and parent.key is None
        and event.tag is None
        and bool(event.implicit[0])
    )


def _name(key: Node) -> str:
    """Return a key as sigs.k8s.io/yaml makes it a string."""
    value = key.value
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return format_general(value)
    if isinstance(value, int):
        return str(value)
    placeholder = isinstance(value, dict) and not any(value.values())
    hint = PLACEHOLDER if placeholder else "put it in quotes"
    raise YamlError("a key must be a string", line=key.line, column=key.column, hint=hint)
