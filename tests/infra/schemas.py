"""The kept provider schemas, and what a block says against them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.infra.hcl import Block, Body, arguments, nested, unquoted

SCHEMAS = Path(__file__).resolve().parent / "schemas"

_BUILT_IN = {
    "attributes": {
        "id": {"type": "string", "computed": True},
        "input": {"type": "dynamic", "optional": True},
        "output": {"type": "dynamic", "computed": True},
        "triggers_replace": {"type": "dynamic", "optional": True},
    }
}
"""terraform_data, which Terraform itself provides: https://developer.hashicorp.com/terraform/language/resources/terraform-data"""

_META = frozenset({"count", "for_each", "provider", "depends_on"})
_META_BLOCKS = frozenset({"lifecycle"})


@dataclass(frozen=True, slots=True)
class Schemas:
    """Every kept schema: types by `resource` and `data`, and each provider's address and version."""

    types: Mapping[str, Mapping[str, Any]]
    versions: Mapping[str, str]

    def of(self, block: Block) -> Mapping[str, Any] | None:
        """Give the schema of a resource or data source, or None when its type does not exist (or was not kept)."""
        found: Mapping[str, Any] | None = self.types[block.kind].get(block.labels[0])
        return found


@cache
def kept() -> Schemas:
    """Read what is kept."""
    types: dict[str, dict[str, Any]] = {"resource": {"terraform_data": _BUILT_IN}, "data": {}}
    versions = {}
    for file in SCHEMAS.glob("*.json"):
        schema = json.loads(file.read_text())
        types["resource"].update(schema["resources"])
        types["data"].update(schema["data_sources"])
        versions[schema["provider"].removeprefix("registry.terraform.io/")] = schema["version"]
    return Schemas(types, versions)


def mistakes(block: Block) -> list[str]:
    """Say what is wrong with a resource or data source: names, arguments, blocks, and what is missing."""
    schema = kept().of(block)
    if schema is None:
        return [f"{block.name}: no such type; if it is new here, run python infra/checks/extract_schemas.py"]
    body = {name: value for name, value in block.body.items() if name not in _META}
    return [f"{block.name}{problem}" for problem in _problems(body, schema, meta=_META_BLOCKS)]


def _problems(body: Body, schema: Mapping[str, Any], meta: frozenset[str] = frozenset()) -> Iterator[str]:
    attributes = schema.get("attributes", {})
    blocks = schema.get("block_types", {})
    given = arguments(body)
    for name, value in given.items():
        if name in blocks:
            yield f": {name} is a block, not an argument"
        elif name not in attributes:
            yield f": there is no argument {name}"
        elif not (attributes[name].get("optional") or attributes[name].get("required")):
            yield f": {name} is set by the provider alone"
        elif _literal(value) and "allowed" in attributes[name] and unquoted(value) not in attributes[name]["allowed"]:
            yield f": {name} must be one of {', '.join(attributes[name]['allowed'])}"
    for name, attribute in attributes.items():
        if attribute.get("required") and name not in given:
            yield f": {name} is required"
    counts: dict[str, int] = {}
    for name, inner in nested(body):
        if name in meta:
            continue
        counts[name] = counts.get(name, 0) + 1
        if name not in blocks:
            yield f": there is no block {name}"
        else:
            yield from (f".{name}{problem}" for problem in _problems(inner, blocks[name]["block"]))
    for name, described in blocks.items():
        if counts.get(name, 0) < described.get("min_items", 0):
            yield f": block {name} is required"
        if counts.get(name, 0) > described.get("max_items", counts.get(name, 0)) and "dynamic" not in body:
            yield f": block {name} may stand there {described['max_items']} time(s)"


def _literal(value: Any) -> bool:
    return isinstance(value, str) and value.startswith('"') and "${" not in value
