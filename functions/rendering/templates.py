"""Templates: from params to the resources to create, in one pass over the parsed template's strings.

Tekton replaces in JSON text, param after param in random order, so event data may be expanded again or break out of
its string. Here a value can only ever become characters of the string in which its reference stood. That also leaves
the annotation `triggers.tekton.dev/old-escape-quotes` without effect: values are always escaped correctly.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from functions.common.errors import LastingError
from functions.common.limits import UNLIMITED, Limits
from functions.common.values import Json
from functions.go.encode import decode_pasted
from functions.model.annotations import CLUSTER, PREFIX
from functions.model.resources import TemplateSpec

MAX_RESOURCE_BYTES = 1_572_864
"""1.5 MiB: what etcd takes in one request by default (--max-request-bytes)."""
MAX_DEPTH = 200
"""Levels of nesting in a template."""

_UID = "$(uid)"
_PARAM = "$(tt.params."
_REFERENCE = re.compile(r"(\$\((?:uid|tt\.params\.(?:(?!\$\()[^)])*)\))")
_OPENED = re.compile(r"\$\([^\s()]*$")
"""A reference of Pipelines that the template begins and an inserted value would complete."""
_BREAK = re.compile(r"^(?=\()|(?<=\$)(?=\(|\Z)")
"""Where a value could be a part of a variable of Pipelines, whatever a template or a Pipeline puts beside it."""
_MAX_WIDTH = 4  # bytes of a character in Python
_MAX_BYTES_PER_CHARACTER = 6  # a control character in JSON: backslash, u, four digits

_Inserted = Mapping[str, str]
"""What stands for each reference, by the reference's own text."""
_Render = Callable[[_Inserted], Json]


class CompiledTemplate(Struct, frozen=True):
    """A template whose strings are parsed; immutable, so threads share it."""

    defaults: Mapping[str, str]
    """The declared defaults, decoded as they stand in the template's string; a param without one is not in it."""
    references: frozenset[str]
    """The names in `$(tt.params.NAME)`, declared or not."""
    resources: tuple[_Resource, ...]
    clusters: tuple[str, ...] = ()
    """What each resource says of its cluster, empty where it says nothing."""
    literal: bool = False
    """No value ever forms a variable of Pipelines (the annotation `pipehook.dev/pipelines-variables`)."""
    places: tuple[str, ...] = ()
    """What tells each of several resources from the others, whatever their order: see `places_of`."""

    def render(self, params: Mapping[str, str], *, uid: str, limits: Limits = UNLIMITED) -> list[dict[str, Json]]:
        """Return the resources, in order, with every `$(tt.params.NAME)` and `$(uid)` replaced, keys included.

        `params` go before the declared defaults; a reference to neither stays as it is. In what is inserted, `$(`
        becomes `$$(` (Tekton's escapeTektonVariables), which Kubernetes reads as `$(` in a container's command, args
        and env; the same where `$` and `(` only meet at the edge of something inserted. Tekton Pipelines knows no such
        escape. It finds each of its variables by `$(` alone (pkg/substitution ApplyReplacements, v1.ResultRef), again
        after each substitution, so nothing that keeps these two characters together holds: a `literal` template puts a
        space between them, and one after a `$` at the end and before a `(` at the beginning of a value, which a
        Pipeline's own text or another param may complete.

        The caller may change the returned objects themselves, `metadata` and all below it: they are new with each
        call. Other parts without references are shared between calls. Raises LastingError when two keys of an object
        become equal, and when a resource exceeds MAX_RESOURCE_BYTES. What is inserted takes memory of `limits` in each
        of its places; raises as `Limits.take`.
        """
        inserted = {_UID: uid}
        for name in self.references:
            value = params.get(name)
            if value is None:
                value = self.defaults.get(name)
            if value is not None:
                inserted[f"{_PARAM}{name})"] = _BREAK.sub(" ", value) if self.literal else value.replace("$(", "$$(")
        return [resource.render(inserted, limits) for resource in self.resources]


class _Resource(Struct, frozen=True):
    """One resource template."""

    build: Callable[[_Inserted], dict[str, Json]]
    size: int
    """Bytes of the template as JSON."""
    references: tuple[str, ...]
    """The references in it, one for each place where one stands."""
    label: str

    def render(self, inserted: _Inserted, limits: Limits) -> dict[str, Json]:
        characters = sum([len(inserted.get(reference, "")) + 1 for reference in self.references])
        if characters <= MAX_RESOURCE_BYTES:
            limits.take(characters if all(map(str.isascii, inserted.values())) else _MAX_WIDTH * characters)
            resource = self.build(inserted)
            # measuring costs more than rendering, so it is done only when a generous estimate is too large
            generous = self.size + characters * _MAX_BYTES_PER_CHARACTER
            if generous <= MAX_RESOURCE_BYTES or _size(resource) <= MAX_RESOURCE_BYTES:
                return resource
        raise LastingError(
            f"{self.label} is larger with its params than the {MAX_RESOURCE_BYTES} bytes (1.5 MiB) that etcd takes: "
            "bind less of the event"
        )


def _size(resource: Mapping[str, Json]) -> int:
    text = json.dumps(resource, ensure_ascii=False, separators=(",", ":"))
    return len(text.encode("utf-8", "surrogatepass"))


def compile_template(spec: TemplateSpec, *, literal: bool = False) -> CompiledTemplate:
    """Parse the strings of a template once.

    Raises LastingError when it nests deeper than MAX_DEPTH, when a `literal` one has values name variables, and when
    a param is a part of the annotation that names a cluster.
    """
    defaults = {param.name: decode_pasted(param.default) for param in spec.params if param.default is not None}
    resources = tuple(
        _compile_resource(index, resource, literal=literal) for index, resource in enumerate(spec.resources)
    )
    used = {reference for resource in resources for reference in resource.references if reference != _UID}
    names = frozenset(reference[len(_PARAM) : -1] for reference in used)
    clusters = tuple(_cluster(resource, entry.label) for resource, entry in zip(spec.resources, resources, strict=True))
    return CompiledTemplate(defaults, names, resources, clusters, literal, places_of(spec.resources))


def _cluster(resource: Mapping[str, Json], label: str) -> str:
    """Return the cluster that a resource names. Raises LastingError where an event could be what names it."""
    metadata = resource.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    for key, value in annotations.items() if isinstance(annotations, dict) else ():
        # any other key that becomes this one is taken off what is created (naming.stamp)
        if key.startswith(PREFIX) and "$(" in key:
            raise LastingError(f"{label}: the name of an annotation {PREFIX}… must stand as it is, without a param")
        if key == CLUSTER and (not isinstance(value, str) or not value or "$(" in value):
            raise LastingError(
                f"{label}: the annotation {CLUSTER} must be a name of CLUSTERS as it stands: an event must not choose"
            )
    return str(annotations.get(CLUSTER, "")) if isinstance(annotations, dict) else ""


def places_of(resources: Sequence[Mapping[str, Json]]) -> tuple[str, ...]:
    """Return a hash of what each resource of a template says before anything of an event is in it, those alike counted.

    None for a single resource, which nothing needs to be told from.
    """
    if len(resources) == 1:
        return ()
    texts = [json.dumps(resource, sort_keys=True).encode() for resource in resources]
    return tuple(f"{hashlib.sha256(text).hexdigest()}.{texts[:n].count(text)}" for n, text in enumerate(texts))


def _compile_resource(index: int, resource: Mapping[str, Json], *, literal: bool) -> _Resource:
    fields = dict(resource)
    compiler = _Compiler(f"resourcetemplates[{index}] ({fields.get('kind', 'no kind')})", literal=literal)
    build = compiler.mapping(fields, fresh=False, depth=0)
    return _Resource(build, _size(fields), tuple(compiler.references), compiler.label)


class _Compiler:
    """Turns one resource template into functions; it remembers the references on the way."""

    def __init__(self, label: str, *, literal: bool) -> None:
        self.label = label
        self.literal = literal
        self.references: list[str] = []

    def value(self, value: Json, *, fresh: bool, depth: int) -> _Render | None:
        """Return what builds the value, or None when the template's own can be used."""
        if depth > MAX_DEPTH:
            raise LastingError(f"{self.label} nests deeper than {MAX_DEPTH} levels")
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return self.sequence(value, fresh=fresh, depth=depth)
        if isinstance(value, dict):
            before = len(self.references)
            build = self.mapping(value, fresh=fresh, depth=depth)
            return build if fresh or len(self.references) > before else None
        return None

    def text(self, text: str) -> Callable[[_Inserted], str] | None:
        """Return what builds a string with references in it."""
        if "$(" not in text:
            return None
        pieces = _REFERENCE.split(text)
        if len(pieces) == 1:
            return None
        if self.literal and any(_OPENED.search(piece) for piece in pieces[:-1:2]):
            raise LastingError(
                f"{self.label}: a param stands inside of a variable $(…), so a value would choose which, and "
                "pipehook.dev/pipelines-variables says literal"
            )
        self.references.extend(pieces[1::2])
        if len(pieces) == 3 and not pieces[0] and not pieces[2]:  # noqa: PLR2004 -- nothing, reference, nothing
            return _whole(pieces[1])
        return _joined(tuple(pieces), " " if self.literal else "$")

    def sequence(self, items: list[Json], *, fresh: bool, depth: int) -> _Render | None:
        """Return what builds a list."""
        changed: list[tuple[int, _Render]] = []
        for index, item in enumerate(items):
            build = self.value(item, fresh=fresh, depth=depth + 1)
            if build is not None:
                changed.append((index, build))
        return _list(items, changed) if changed or fresh else None

    def mapping(self, fields: dict[str, Json], *, fresh: bool, depth: int) -> Callable[[_Inserted], dict[str, Json]]:
        """Return what builds an object; at depth 0 `metadata` is fresh with all below it."""
        keys: list[tuple[str, Callable[[_Inserted], str]]] = []
        changed: list[tuple[str, _Render]] = []
        for key, field in fields.items():
            # a key with a reference may become `metadata`
            below = fresh or (depth == 0 and (key == "metadata" or "$(" in key))
            build_key = self.text(key)
            if build_key is not None:
                keys.append((key, build_key))
            build = self.value(field, fresh=below, depth=depth + 1)
            if build is not None:
                changed.append((key, build))
        build_fields = _dict(fields, changed)
        return _renamed(build_fields, dict(keys), self.label) if keys else build_fields


def _whole(reference: str) -> Callable[[_Inserted], str]:
    def build(inserted: _Inserted) -> str:
        return inserted.get(reference, reference)

    return build


def _joined(pieces: tuple[str, ...], between: str) -> Callable[[_Inserted], str]:
    def build(inserted: _Inserted) -> str:
        out = ""
        for index, piece in enumerate(pieces):
            text = inserted.get(piece, piece) if index % 2 else piece
            # neither side holds `$(`, but together they would: two params must not make up a variable
            out += f"{between}{text}" if text.startswith("(") and out.endswith("$") else text
        return out

    return build


def _list(items: list[Json], changed: list[tuple[int, _Render]]) -> _Render:
    def build(inserted: _Inserted) -> Json:
        built = items.copy()
        for index, build_item in changed:
            built[index] = build_item(inserted)
        return built

    return build


def _dict(fields: dict[str, Json], changed: list[tuple[str, _Render]]) -> Callable[[_Inserted], dict[str, Json]]:
    def build(inserted: _Inserted) -> dict[str, Json]:
        built = fields.copy()
        for key, build_field in changed:
            built[key] = build_field(inserted)
        return built

    return build


def _renamed(
    build_fields: Callable[[_Inserted], dict[str, Json]], keys: Mapping[str, Callable[[_Inserted], str]], label: str
) -> Callable[[_Inserted], dict[str, Json]]:
    def build(inserted: _Inserted) -> dict[str, Json]:
        built: dict[str, Json] = {}
        for key, value in build_fields(inserted).items():
            name = keys[key](inserted) if key in keys else key
            if name in built:
                # the name may come from the event, so the message shows the template's text of the key
                raise LastingError(f"{label}: the key {key} becomes equal to another key of its object")
            built[name] = value
        return built

    return build
