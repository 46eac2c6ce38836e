"""Finds references that lead nowhere: variables, locals, resources, modules, their outputs and attributes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.infra.hcl import Block, arguments, blocks, expressions, of_kind, unquoted
from tests.infra.schemas import kept

_NAMED = re.compile(r"(?<![\w.\"-])(var|local)\.(\w+)")
_MODULE = re.compile(r"(?<![\w.\"-])module\.(\w+)(?:\[[^]]*\])?(?:\.(\w+))?")
_RESOURCE = re.compile(
    r"(?<![\w./\"-])(data\.)?((?:google|github|kubernetes|archive|time|terraform)_\w+)\.(\w+)(?:\[[^]]*\])?(?:\.(\w+))?"
)
_META_ARGUMENTS = frozenset({"source", "version", "count", "for_each", "providers", "depends_on"})


def dangling(module: Path) -> Iterator[str]:
    """Say every reference of a module that leads nowhere."""
    names = {
        "var": set(of_kind(module, "variable")),
        "local": {name for block in blocks(module) if block.kind == "locals" for name in arguments(block.body)},
    }
    for block in blocks(module):
        for text in expressions(block.body):
            for kind, name in _NAMED.findall(text):
                if name not in names[kind]:
                    yield f"{block.name}: {kind}.{name}"
            for name, output in _MODULE.findall(text):
                yield from _module(module, block, name, output)
            for data, kind, name, attribute in _RESOURCE.findall(text):
                yield from _resource(module, block, "data" if data else "resource", f"{kind}.{name}", attribute)
    for call in of_kind(module, "module").values():
        yield from _call(module, call)


def _source(module: Path, name: str) -> Path | None:
    call = of_kind(module, "module").get(name)
    return (module / unquoted(call.body["source"])).resolve() if call else None


def _module(module: Path, block: Block, name: str, output: str) -> Iterator[str]:
    source = _source(module, name)
    if source is None:
        yield f"{block.name}: module.{name}"
    elif output and output not in of_kind(source, "output"):
        yield f"{block.name}: module.{name}.{output}"


def _resource(module: Path, block: Block, kind: str, address: str, attribute: str) -> Iterator[str]:
    found = of_kind(module, kind).get(address)
    if found is None:
        yield f"{block.name}: {address}"
        return
    schema = kept().of(found) or {}
    if attribute and attribute not in {*schema.get("attributes", {}), *schema.get("block_types", {})}:
        yield f"{block.name}: {address}.{attribute}"


def _call(module: Path, call: Block) -> Iterator[str]:
    source = _source(module, call.labels[0])
    if source is None or not source.is_dir():
        yield f"{call.name}: source {call.body['source']}"
        return
    variables = of_kind(source, "variable")
    given = set(arguments(call.body)) - _META_ARGUMENTS
    for name in sorted(given - set(variables)):
        yield f"{call.name}: the module has no variable {name}"
    for name, variable in variables.items():
        if "default" not in variable.body and name not in given:
            yield f"{call.name}: the module needs {name}"
