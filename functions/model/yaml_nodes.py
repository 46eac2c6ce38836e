"""YAML events composed into values, with a line and column for each: bounded, never a Python object.

Composed here and not by PyYAML: bounds, duplicate keys and go-yaml's meaning of scalars belong to this step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import yaml

from functions.common.shown import shown
from functions.common.values import Json
from functions.go.encode import folded
from functions.model.findings import MAX_MISTAKES
from functions.model.yaml_scalars import ONLY_CORE_TAGS, YamlError, resolve_plain, resolve_tagged

MAX_DEPTH = 100
"""Levels of nesting."""
MAX_NODES = 500_000
"""Values in one text, with every alias counted as what it stands for: a thousand triggers have about 60,000."""

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


class Budget:
    """How many values a text has so far, aliases counted as what they stand for."""

    def __init__(self) -> None:
        self.spent = 0

    def spend(self, count: int, line: int) -> None:
        """Count values that begin in `line`. Raises TooManyValuesError above MAX_NODES."""
        self.spent += count
        if self.spent > MAX_NODES:
            raise TooManyValuesError(
                f"the text holds more than {MAX_NODES} values, aliases counted as what they stand for", line=line
            )


class Composer:
    """Turns one stream of events into nodes; what leaves the rest readable is added to `mistakes`."""

    def __init__(self, parser: Parser, first_line: int, mistakes: list[YamlError], budget: Budget) -> None:
        self._next = parser.get_event
        self._first_line = first_line
        self._mistakes = mistakes
        self._budget = budget
        self._anchors: dict[str, tuple[Node, int] | None] = {}

    def documents(self) -> Iterator[Node]:
        """Compose document after document. Raises YamlError and yaml.YAMLError for what ends the stream."""
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

    def _mistake(self, mistake: YamlError) -> None:
        """Keep what leaves the rest readable. Raises the one with which there are too many."""
        if len(self._mistakes) >= MAX_MISTAKES:
            raise mistake
        self._mistakes.append(mistake)

    def _scalar(self, event: Any, line: int, column: int) -> Json:
        try:
            if event.tag is not None:
                return resolve_tagged(event.tag, event.value)
            return resolve_plain(event.value) if event.implicit[0] else event.value
        except YamlError as error:
            self._mistake(YamlError(error.message, line=line, column=column, hint=error.hint))
            return None

    def _alias(self, name: str, line: int, column: int) -> Node:
        if name not in self._anchors:
            raise YamlError(
                f"the alias *{shown(name)} stands for nothing: no anchor has this name before it", line=line
            )
        found = self._anchors[name]
        if found is None:
            raise YamlError(f"the alias *{shown(name)} stands inside what it refers to", line=line, column=column)
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
            if key in children:
                first = children[key].line
                self._mistake(
                    YamlError(
                        f'the key "{shown(key)}" stands twice in one object, first in line {first}',
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
                self._mistake(YamlError("<< takes an object or a list of objects", line=node.line, column=node.column))
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
            self._mistake(
                YamlError(
                    ONLY_CORE_TAGS,
                    line=line,
                    column=column,
                )
            )


def _is_merge(event: Any) -> bool:
    return type(event) is yaml.ScalarEvent and event.value == "<<" and event.tag is None and bool(event.implicit[0])
