"""Loading manifests: files, directories, texts and single objects become a Registry, or every mistake at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NoReturn

from msgspec import Struct

from functions.common.values import Json
from functions.go.yaml import Node
from functions.go.yaml_scalars import YamlError
from functions.model.decode import CLUSTER_SCOPED, GROUP, KINDS, decode
from functions.model.documents import decode_text, read_documents
from functions.model.fields import Reading, described
from functions.model.findings import MAX_MISTAKES, ManifestError, Mistake, Note
from functions.model.resources import REGISTRY_FIELDS, Registry, Resource, Source

SUFFIXES = (".json", ".yaml", ".yml")
"""What is read in a directory, as by `kubectl apply -f`."""
KUSTOMIZATIONS = frozenset({"kustomization.yaml", "kustomization.yml"})
"""For kustomize alone: no manifests, although they lie beside them."""


class Loaded(Struct, frozen=True):
    """What was loaded, and what is worth knowing about it."""

    registry: Registry
    notes: tuple[Note, ...] = ()


def load_path(path: str | Path, *, namespace: str) -> Loaded:
    """Load a manifest file, or the manifest files of a directory; `namespace` is for objects that name none.

    Raises ManifestError with every mistake in all the files.
    """
    return load_documents(read_manifests(path), namespace=namespace)


def read_manifests(path: str | Path) -> dict[str, bytes]:
    """Return the text of a manifest file, or of the files `*.yaml`, `*.yml` and `*.json` of a directory, by name.

    As `kubectl apply -f` does, sub-directories are not entered. Hidden files and kustomization files are passed over.
    Raises ManifestError when there is none, or one cannot be read.
    """
    path = Path(path)
    try:
        files = _manifest_files(path) if path.is_dir() else [path]
        texts = {file.as_posix(): file.read_bytes() for file in files}
    except FileNotFoundError:
        _refuse(path, "does not exist", "set TRIGGERS_SOURCE to a file or directory of manifests")
    except OSError as error:
        _refuse(error.filename or path, f"cannot be read: {error.strerror}")
    if not texts:
        within = ", ".join(_folders_with_manifests(path))
        hint = f"folders in it are not entered: name one that holds some ({within})" if within else ""
        _refuse(path, f"holds no manifests: no file ends in {', '.join(SUFFIXES)}", hint)
    return texts


def _manifest_files(directory: Path) -> list[Path]:
    return sorted(
        file
        for file in directory.iterdir()
        if file.suffix in SUFFIXES
        and not file.name.startswith(".")
        and file.name not in KUSTOMIZATIONS
        and file.is_file()
    )


def _folders_with_manifests(directory: Path, *, shown: int = 5) -> list[str]:
    found: list[str] = []
    for name, folders, _ in os.walk(directory):  # passes over what cannot be read
        folders[:] = sorted(folder for folder in folders if not folder.startswith("."))
        found += [
            folder.as_posix()
            for folder in (Path(name, entry) for entry in folders)
            if os.access(folder, os.R_OK | os.X_OK) and _manifest_files(folder)
        ]
        if len(found) > shown:
            return [*found[:shown], "…"]
    return found


def _refuse(path: object, message: str, hint: str = "") -> NoReturn:
    raise ManifestError([Mistake(str(path), 0, 0, "", "", message, hint)])


def load_documents(texts: Mapping[str, str | bytes], *, namespace: str) -> Loaded:
    """Load manifests from texts by file name (YAML streams, or JSON). Raises ManifestError with every mistake."""
    collector = _Collector(namespace)
    for file, raw in texts.items():
        try:
            text = decode_text(raw)
        except YamlError as error:
            collector.mistakes.append(_mistake(file, error))
            continue
        documents, errors = read_documents(text)
        collector.mistakes += [_mistake(file, error) for error in errors]
        if len(collector.mistakes) > MAX_MISTAKES:
            break
        ours = any(_is_ours(node.value) for node in documents)
        for node in documents:
            if ours or _is_object(node.value, file):
                collector.add(file, node)
            else:
                collector.pass_over(file, node)
    return collector.loaded()


def decode_object(obj: Mapping[str, Json], *, source: Source, namespace: str) -> Resource | None:
    """Return one object, as a cluster's API gives it, as a resource; None when its kind is not ours.

    Raises ManifestError with every mistake in it.
    """
    reading = Reading(source, None)
    resource = decode(obj, reading, namespace=namespace)
    if reading.mistakes:
        raise ManifestError(reading.mistakes)
    return resource


def _mistake(file: str, error: YamlError) -> Mistake:
    return Mistake(file, error.line, error.column, "", "", error.message, error.hint)


class _Collector:
    """Gathers resources by kind and name, mistakes and notes."""

    def __init__(self, namespace: str) -> None:
        self.mistakes: list[Mistake] = []
        self._notes: list[Note] = []
        self._namespace = namespace
        self._found: dict[str, dict[object, Resource]] = {field: {} for field in REGISTRY_FIELDS.values()}

    def add(self, file: str, node: Node) -> None:
        """Take one document."""
        if len(self.mistakes) > MAX_MISTAKES:
            return
        reading = Reading(Source(file, node.line), node)
        values = node.value
        if not isinstance(values, dict):
            reading.mistake((), f"must be an object with apiVersion and kind, not {described(values)}")
            self.mistakes += reading.mistakes
            return
        if _is_list(values):
            self._add_items(file, node, values, reading)
            return
        resource = decode(values, reading, namespace=self._namespace)
        if resource is not None and not reading.mistakes:
            self._keep(str(values["kind"]), resource, reading)
        self.mistakes += reading.mistakes
        self._notes += reading.notes[: MAX_MISTAKES - len(self._notes)]

    def pass_over(self, file: str, node: Node) -> None:
        """Note a document that is no Kubernetes object, in a file without any of ours: a payload, values of a chart."""
        reading = Reading(Source(file, node.line), node)
        reading.note((), "is no Kubernetes object and passed over", "move it elsewhere, or give apiVersion and kind")
        self._notes += reading.notes[: MAX_MISTAKES - len(self._notes)]

    def _add_items(self, file: str, node: Node, values: Mapping[str, Json], reading: Reading) -> None:
        items = values.get("items")
        if items is not None and not isinstance(items, list):
            reading.mistake(("items",), f"must be a list, not {described(items)}")
            self.mistakes += reading.mistakes
        elif items:
            for position, item in enumerate(items):
                found = node.at(("items", position))
                # JSON's own parser tells no lines: then the item stands where the list stands
                self.add(file, found if found.value is item else Node(item, None, node.line, node.column))

    def _keep(self, kind: str, resource: Resource, reading: Reading) -> None:
        metadata = resource.metadata
        key = metadata.name if kind in CLUSTER_SCOPED else (metadata.namespace, metadata.name)
        found = self._found[REGISTRY_FIELDS[kind]]
        if key in found:
            reading.mistake((), f"stands twice, first at {found[key].source}", "keep one of them")
        else:
            found[key] = resource

    def loaded(self) -> Loaded:
        """Return what was gathered. Raises ManifestError when anything was wrong."""
        if self.mistakes:
            raise ManifestError(self.mistakes)
        # the keys and values of each mapping fit its field: `_keep` chose both by kind
        mappings = {field: MappingProxyType(found) for field, found in self._found.items()}
        notes = sorted(self._notes, key=lambda note: (note.file, note.line, note.column))
        return Loaded(Registry(**mappings), tuple(dict.fromkeys(notes)))  # type: ignore[arg-type] # see the line above


def _is_ours(value: Json) -> bool:
    if not isinstance(value, dict):
        return False
    items = value.get("items")
    if _is_list(value) and isinstance(items, list) and any(_is_ours(item) for item in items):
        return True
    return str(value.get("apiVersion")).startswith(f"{GROUP}/")


def _is_object(value: Json, file: str) -> bool:
    """Say whether a document is, or was meant to be, an object of Kubernetes, or a list of them."""
    if isinstance(value, list):
        return any(_is_object(item, file) for item in value)
    if not isinstance(value, dict):
        return False
    kind, api_version = value.get("kind"), value.get("apiVersion")
    if api_version is not None or (isinstance(kind, str) and kind in KINDS):
        return True
    return "metadata" in value and not file.endswith(".json")


def _is_list(values: Mapping[str, Json]) -> bool:
    kind, api_version = values.get("kind"), values.get("apiVersion")
    if not isinstance(kind, str) or not isinstance(api_version, str):
        return False
    return (kind == "List" and api_version == "v1") or (kind.endswith("List") and api_version.startswith(f"{GROUP}/"))
