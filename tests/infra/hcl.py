"""Reads Terraform's files with python-hcl2 into something that tests can ask."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import hcl2

INFRA = Path(__file__).resolve().parents[2] / "infra"

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Block:
    """A labelled block of the top level, such as `resource "google_x" "this"`."""

    kind: str
    labels: tuple[str, ...]
    body: Body
    module: Path
    """Directory that the block belongs to."""

    @property
    def name(self) -> str:
        return ".".join((self.kind, *self.labels))


def unquoted(text: Any) -> Any:
    """Take off the quotes that python-hcl2 leaves on strings and labels; a heredoc becomes its lines."""
    if not isinstance(text, str):
        return text
    heredoc = re.fullmatch(r'"?<<-?(\w+)\n(.*?)\n\s*\1"?', text, re.DOTALL)
    if heredoc:
        return " ".join(line.strip() for line in heredoc.group(2).splitlines())
    return text[1:-1].replace('\\"', '"') if len(text) > 1 and text[0] == text[-1] == '"' else text


def directories() -> list[Path]:
    """Find every directory that is a Terraform module."""
    return sorted({file.parent for file in INFRA.rglob("*.tf") if ".terraform" not in file.parts})


def parse(text: str, module: Path = INFRA) -> list[Block]:
    """Give the blocks of one file's text."""
    return list(_blocks(hcl2.loads(text), module))


@cache
def blocks(module: Path) -> tuple[Block, ...]:
    """Give the blocks of every file of a module."""
    return tuple(block for file in sorted(module.glob("*.tf")) for block in parse(file.read_text(), module))


def of_kind(module: Path, kind: str) -> dict[str, Block]:
    """Give a module's blocks of a kind by their labels, joined by dots."""
    return {".".join(block.labels): block for block in blocks(module) if block.kind == kind}


def _blocks(document: Mapping[str, Any], module: Path) -> Iterator[Block]:
    for kind, entries in document.items():
        if isinstance(entries, list) and not kind.startswith("__"):
            for entry in entries:
                yield from _labelled(kind, (), entry, module)


def _labelled(kind: str, labels: tuple[str, ...], entry: Body, module: Path) -> Iterator[Block]:
    if entry.get("__is_block__"):
        yield Block(kind, labels, entry, module)
        return
    for label, inner in entry.items():
        if isinstance(inner, Mapping):
            yield from _labelled(kind, (*labels, unquoted(label)), inner, module)


def is_block(value: Any) -> bool:
    """Tell a nested block from an argument whose value is a list or an object."""
    return isinstance(value, list) and bool(value) and isinstance(value[0], Mapping) and "__is_block__" in value[0]


def arguments(body: Body) -> dict[str, Any]:
    """Give a block's arguments, without its nested blocks and comments."""
    return {name: value for name, value in body.items() if not name.startswith("__") and not _nested(name, value)}


def nested(body: Body) -> Iterator[tuple[str, Body]]:
    """Give a block's nested blocks, with the content of dynamic ones under their real names."""
    for name, value in body.items():
        if name == "dynamic":
            for entry in value:
                for label, dynamic in entry.items():
                    if isinstance(dynamic, Mapping):
                        yield unquoted(label), dynamic["content"][0]
        elif is_block(value):
            for block in value:
                yield name, block


def _nested(name: str, value: Any) -> bool:
    return name == "dynamic" or is_block(value)


def expressions(value: Any) -> Iterator[str]:
    """Give every text inside a body, in which references may stand."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            if name != "__comments__":
                yield from expressions(name)
                yield from expressions(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from expressions(inner)
