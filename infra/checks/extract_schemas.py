"""Makes tests/infra/schemas/*.json: the published provider schemas of the resource types that infra/ uses.

The providers' registry is not needed: the schemas come from the provider bindings on PyPI, at the versions pinned here
(86 MB together, which is why the extract is kept in the repository and the bindings are not installed by the tests).

    python infra/checks/extract_schemas.py           # write, after infra/ began to use another type or a pin changed
    python infra/checks/extract_schemas.py --check   # compare what is kept with what is published; exit 1 if it differs
"""
# ruff: noqa: T201, S603 -- a command prints, and starts pip

from __future__ import annotations

import argparse
import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

INFRA = Path(__file__).resolve().parents[1]
SCHEMAS = INFRA.parent / "tests" / "infra" / "schemas"

PINS = {
    "google": "cdktn-provider-google==21.1.0",
    "kubernetes": "cdktn-provider-kubernetes==17.1.0",
    "github": "cdktn-provider-github==18.0.0",
    "archive": "cdktn-provider-archive==14.0.1",
    "time": "cdktn-provider-time==14.0.2",
}
"""Provider -> the package with its bindings. The package says which provider version it was made from."""

_USED = re.compile(r'^\s*(resource|data)\s+"(([a-z]+)_[a-z0-9_]+)"', re.MULTILINE)
_SIMPLE = {"string": "string", "number": "number", "boolean": "bool", "any": "dynamic"}
_ENTRY = re.compile(
    r"^ +(\w+): \{\n +value: .*\n +isBlock: (\w+),\n +type: \"(\w+)\",\n +storageClassType: \"(\w+)\",", re.MULTILINE
)
_FLAGS = re.compile(r"^    // (\w+) - computed: (\w+), optional: (\w+), required: (\w+)\n(.*)\n(.*)$", re.MULTILINE)
_CLASS = re.compile(r"^class (\w+) extends [\w.]+ \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_FUNCTION = re.compile(r"^function (\w+)ToHclTerraform\(struct\) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_MEMBER = re.compile(r"= new (\w+?)(OutputReference|List|Map|MapList)\(this, \"\w+\"(?:, (true|false))?\)")
_COMPUTED_MAP = re.compile(r"= new cdktn\.(String|Number|Boolean|Any)Map\(")
_GETTER = re.compile(r"this\.get(\w+?)Attribute\(")
_INTERFACE = re.compile(
    r"^export interface (\w+) (extends cdktn\.TerraformMetaArguments )?\{\n(.*?)^\}", re.MULTILINE | re.DOTALL
)
_ALLOWED = re.compile(r"Possible values: \[([^]]+)\](?:(?!\*/).)*?#(\w+) \w+#\w+\}", re.DOTALL)
_GETTER_TYPES = {
    "String": "string", "Number": "number", "Boolean": "bool", "List": ["list", "string"],
    "StringMap": ["map", "string"], "NumberMap": ["map", "number"], "BooleanMap": ["map", "bool"],
    "NumberList": ["list", "number"], "AnyMap": ["map", "dynamic"],
}  # fmt: skip


def used_types(infra: Path) -> dict[str, set[tuple[str, str]]]:
    """Find what the .tf files use: provider -> {(`resource` or `data`, type)}."""
    used: dict[str, set[tuple[str, str]]] = {}
    for file in sorted(infra.rglob("*.tf")):
        if ".terraform" not in file.parts:
            for kind, name, provider in _USED.findall(file.read_text()):
                used.setdefault(provider, set()).add((kind, name))
    return used


class Bindings:
    """The JavaScript of one provider's bindings, from which a schema can be read."""

    def __init__(self, wheel: Path) -> None:
        with zipfile.ZipFile(wheel) as archive:
            (name,) = (name for name in archive.namelist() if name.endswith(".jsii.tgz"))
            self._tarball = archive.read(name)
        self._sources: dict[str, str] = {}

    def load(self, directories: set[str]) -> None:
        """Read the modules in one pass: a compressed archive has no random access."""
        wanted = {f"package/lib/{directory}/index.js": directory for directory in directories}
        wanted |= {f"package/lib/{directory}/index.d.ts": f"{directory}.d.ts" for directory in directories}
        wanted["package/package.json"] = "package.json"
        with tarfile.open(fileobj=io.BytesIO(self._tarball)) as tar:
            for member in tar:
                stream = tar.extractfile(member) if member.name in wanted else None
                if stream is not None:
                    self._sources[wanted[member.name]] = stream.read().decode()
        missing = directories - self._sources.keys()
        if missing:
            raise SystemExit(f"no such type in the provider's bindings: {', '.join(sorted(missing))}")

    def provider(self) -> tuple[str, str]:
        """Give the provider's address and version."""
        described = json.loads(self._sources["package.json"])["cdktn"]["provider"]
        return described["name"], described["version"]

    def block(self, directory: str) -> dict[str, Any]:
        """Give the schema of one resource, data source or provider, as `terraform providers schema -json` writes it."""
        source = self._sources[directory]
        classes = dict(_CLASS.findall(source))
        entries = {
            _key(name): {entry[0]: entry[1:] for entry in _ENTRY.findall(body)}
            for name, body in _FUNCTION.findall(source)
        }
        allowed = {
            "" if top else _key(name): {
                found[1]: re.findall(r'"([^"]+)"', found[0]) for found in _ALLOWED.findall(body)
            }
            for name, top, body in _INTERFACE.findall(self._sources[f"{directory}.d.ts"])
        }
        (top,) = (body for body in classes.values() if "synthesizeHclAttributes" in body)
        own = {entry[0]: entry[1:] for entry in _ENTRY.findall(top)}
        return _block(top, own, Parts(classes, entries, allowed))


@dataclass(frozen=True, slots=True)
class Parts:
    """What one module of the bindings is made of, by class (in lower case but for `classes`; "" is the whole)."""

    classes: dict[str, str]
    entries: dict[str, dict[str, Any]]
    allowed: dict[str, dict[str, list[str]]]
    """The values that the documentation of an argument lists as possible."""


def _key(name: str) -> str:
    return name.lower()


def _block(body: str, own: dict[str, Any], parts: Parts, key: str = "") -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    blocks: dict[str, Any] = {}
    for name, computed, optional, required, first, second in _FLAGS.findall(body):
        flags = {
            flag: True
            for flag, said in (("computed", computed), ("optional", optional), ("required", required))
            if said == "true"
        }
        member = _MEMBER.search(first)
        if member:
            nested_name, shape, wraps_set = member.groups()
            nested_key = _key(nested_name)
            nested = _block(
                parts.classes[nested_name + "OutputReference"], parts.entries.get(nested_key, {}), parts, nested_key
            )
            is_block, nesting, _ = own.get(name, ("false", "list", ""))
            if wraps_set == "true":
                nesting = "set"
            if is_block == "true":
                blocks[name] = _nested_block(nested, nesting, single=shape == "OutputReference", flags=flags)
            else:
                attributes[name] = {"type": _object_type(nested, nesting), **flags}
            continue
        attributes[name] = {"type": _type(own.get(name), first + second), **flags}
        if name.endswith("_wo"):
            attributes[name]["write_only"] = True
        if name in parts.allowed.get(key, {}):
            attributes[name]["allowed"] = parts.allowed[key][name]
    return {key: value for key, value in (("attributes", attributes), ("block_types", blocks)) if value}


def _nested_block(block: dict[str, Any], nesting: str, *, single: bool, flags: dict[str, bool]) -> dict[str, Any]:
    if nesting == "struct":
        return {"nesting_mode": "single", "block": block}
    described: dict[str, Any] = {"nesting_mode": nesting, "block": block}
    if flags.get("required"):
        described["min_items"] = 1
    if single:
        described["max_items"] = 1
    return described


def _object_type(block: dict[str, Any], nesting: str) -> Any:
    members = {name: attribute["type"] for name, attribute in block.get("attributes", {}).items()}
    whole = ["object", members]
    return whole if nesting == "struct" else [nesting if nesting in ("list", "set", "map") else "list", whole]


def _type(entry: tuple[str, str, str] | None, code: str) -> Any:
    if entry:
        _, kind, storage = entry
        if kind == "simple":
            return _SIMPLE[storage]
        element = _SIMPLE.get(storage.removesuffix("List").removesuffix("Map"))
        if kind in ("list", "set", "map") and element:
            return [kind, element]
    computed_map = _COMPUTED_MAP.search(code)
    if computed_map:
        return _GETTER_TYPES[f"{computed_map.group(1)}Map"]
    getter = _GETTER.search(code)
    return _GETTER_TYPES.get(getter.group(1), "dynamic") if getter else "dynamic"


def _directory(kind: str, name: str, provider: str) -> str:
    dashed = name.replace("_", "-")
    return f"data-{dashed}" if kind == "data" else dashed.removeprefix(f"{provider}-")


def extract(provider: str, used: set[tuple[str, str]], wheel: Path) -> dict[str, Any]:
    """Give the schemas of the used types of one provider."""
    bindings = Bindings(wheel)
    directories = {(kind, name): _directory(kind, name, provider) for kind, name in used}
    bindings.load({*directories.values(), "provider"})
    address, version = bindings.provider()
    found: dict[str, dict[str, Any]] = {"resource": {}, "data": {}}
    for (kind, name), directory in sorted(directories.items()):
        found[kind][name] = bindings.block(directory)
    return {
        "from": PINS[provider],
        "provider": address,
        "version": version,
        "configuration": bindings.block("provider"),
        "resources": found["resource"],
        "data_sources": found["data"],
    }


def _download(into: Path) -> Iterator[tuple[str, Path]]:
    for provider, requirement in PINS.items():
        folder = into / provider
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), requirement]
        subprocess.run(command, check=True)
        (wheel,) = folder.glob("*.whl")
        yield provider, wheel


def main() -> int:
    """Write the extracts, or with --check compare them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a kept extract is stale")
    check = parser.parse_args().check
    used = used_types(INFRA)
    stale = []
    with tempfile.TemporaryDirectory() as folder:
        for provider, wheel in _download(Path(folder)):
            schema = extract(provider, used.get(provider, set()), wheel)
            text = json.dumps(schema, sort_keys=True, indent=None, separators=(",", ":"))
            text = text.replace('"from":', '\n"from":').replace('{"attributes":', '\n{"attributes":') + "\n"
            file = SCHEMAS / f"{provider}.json"
            if check and (not file.exists() or file.read_text() != text):
                stale.append(file.name)
            elif not check:
                SCHEMAS.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
            types = len(schema["resources"]) + len(schema["data_sources"])
            print(f"{provider} {schema['version']}: {types} types, {len(text) // 1024} KiB")
    if stale:
        print(f"stale: {', '.join(stale)}; run python infra/checks/extract_schemas.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
