"""Makes the tables of infra/README.md from the .tf files: python -m tests.infra.readme_tables rewrites them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.infra.hcl import INFRA, Block, blocks, of_kind, unquoted

README = INFRA / "README.md"
_FILES = {
    "variables.tf": "What is deployed, and where",
    "variables-functions.tf": "Sizes",
    "variables-settings.tf": "Settings",
    "variables-secrets.tf": "Secrets",
    "variables-queue.tf": "Queue and sweep",
    "variables-github.tf": "GitHub",
    "variables-statuses.tf": "Statuses",
    "variables-watching.tf": "Watching",
}
_MARKED = re.compile(r"(<!-- (\S+) (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|").strip()


def _type(value: Any) -> str:
    text = str(unquoted(value)).removeprefix("${").removesuffix("}")
    return "`object`" if text.startswith("object(") else f"`{_cell(text)}`"


def _default(block: Block) -> str:
    if "default" not in block.body:
        return "required"
    value = block.body["default"]
    if value is True or value is False:
        return f"`{str(value).lower()}`"
    if isinstance(value, list):
        return f"`[{', '.join(str(item) for item in value)}]`"
    if isinstance(value, dict):
        inner = ", ".join(f"{key} = {[*map(unquoted, items)]}" for key, items in value.items())
        return f"`{{{inner}}}`".replace("'", '"')
    return f"`{value}`" if value not in ("${null}", None) else "`null`"


def _members(block: Block) -> str:
    """Give an object's members with their defaults, in which most of what can be set stands."""
    text = str(block.body["type"])
    found = re.findall(r"(\w+) = optional\([^,]+?, (\"[^\"]*\"|\[[^]]*\]|[^),]+)\)", text)
    required = re.findall(r"(\w+) = string\b", text)
    said = [*(f"`{name}`" for name in required), *(f"`{name} = {default}`" for name, default in found)]
    return f" Members: {', '.join(said)}." if said else ""


def inputs(names: dict[str, Block]) -> Iterator[str]:
    """Make the table of some variables."""
    yield "| name | what | type | default |"
    yield "|---|---|---|---|"
    for name, block in names.items():
        what = _cell(unquoted(block.body["description"])) + _members(block)
        yield f"| `{name}` | {what} | {_type(block.body['type'])} | {_default(block)} |"


def outputs(module: Path) -> Iterator[str]:
    """Make the table of a module's outputs."""
    yield "| name | what |"
    yield "|---|---|"
    for name, block in of_kind(module, "output").items():
        yield f"| `{name}` | {_cell(unquoted(block.body['description']))} |"


def _root_inputs() -> Iterator[str]:
    everything = of_kind(INFRA, "variable")
    for file, title in _FILES.items():
        names = re.findall(r'^variable "(\w+)"', (INFRA / file).read_text(), re.MULTILINE)
        yield from (f"### {title}", "", *inputs({name: everything[name] for name in names}), "")


def _resources(module: Path) -> Iterator[str]:
    types = sorted({block.labels[0] for block in blocks(module) if block.kind == "resource"})
    yield ", ".join(f"`{name}`" for name in types) + "."


def table(kind: str, place: str) -> str:
    """Make what belongs between two markers: inputs, outputs or resources of a module."""
    module = INFRA if place == "." else INFRA / place
    if kind == "inputs":
        lines = _root_inputs() if place == "." else inputs(of_kind(module, "variable"))
    elif kind == "outputs":
        lines = outputs(module)
    else:
        lines = _resources(module)
    return "\n".join(lines).rstrip() + "\n"


def renewed(text: str) -> str:
    """Give a README's text with its marked parts made anew."""
    return _MARKED.sub(lambda found: f"{found[1]}{table(found[2], found[3])}{found[4]}", text)


if __name__ == "__main__":
    README.write_text(renewed(README.read_text()))
