"""The resources in templates: scripts that event data reaches, names, accounts and versions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from functions.lint.hits import Hit
from functions.lint.params import tainted
from functions.lint.places import Place
from functions.lint.views import View
from functions.model.findings import Path
from functions.values import Json

_REFERENCE = re.compile(
    r"\$\((?:tt\.params|params|inputs\.params)(?:\.|\[['\"])([A-Za-z0-9_.-]+?)(?:['\"]\])?(?:\[\*\])?\)"
)
_SHELLS = frozenset({"sh", "bash", "ash", "dash", "zsh", "ksh", "/bin/sh", "/bin/bash", "/usr/bin/bash", "/bin/ash"})
_DNS_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_PREFIX = re.compile(r"[a-z0-9][-a-z0-9.]*")
_MAX_NAME = 253
_OLD_VERSIONS = ("tekton.dev/v1alpha1", "tekton.dev/v1beta1")
_RUNS = ("PipelineRun", "TaskRun")


def check(view: View) -> Iterator[Hit]:
    """Check the resources of one trigger's template."""
    dangerous = tainted(view)
    for position, resource in enumerate(view.template.resources if view.template else ()):
        place = view.template_place.below("resourcetemplates", position)
        yield from _scripts(resource, place, dangerous)
        yield from _names(resource, place, dangerous)
        yield from _account(resource, place)
        yield from _version(resource, place)


def _scripts(resource: Mapping[str, Json], place: Place, dangerous: frozenset[str]) -> Iterator[Hit]:
    reached = _reached(resource, dangerous)
    for path, step in _objects(dict(resource), ()):
        script = step.get("script")
        if isinstance(script, str) and (names := _among(script, reached)):
            yield Hit("PH202", place.below(*path, "script"), _pasted("the script", names), _BY_ENVIRONMENT)
        arguments = [(part, at, text) for part in ("command", "args") for at, text in _texts(step.get(part))]
        shell = any(text in _SHELLS for _, _, text in arguments) and any(
            re.fullmatch(r"-[a-z]*c[a-z]*", text) for _, _, text in arguments
        )
        ended = False
        for part, at, text in arguments:
            ended = ended or text == "--"
            names = _among(text, reached)
            if not names:
                continue
            where = place.below(*path, part, at)
            if shell:
                yield Hit("PH202", where, _pasted("the shell's command", names), _BY_ENVIRONMENT)
            elif text.startswith("$(") and not ended:
                yield Hit(
                    "PH203", where, _pasted("the argument", names), 'write it as --option=…, or put "--" before it'
                )


_BY_ENVIRONMENT = 'hand it over in env, and write "$NAME" in the script'


def _pasted(what: str, names: list[str]) -> str:
    return f"text that the event's sender chooses becomes part of {what}: {', '.join(names)}"


def _reached(resource: Mapping[str, Json], dangerous: frozenset[str]) -> frozenset[str]:
    """Return the names of all params, of the template and of the run, that carry dangerous text."""
    named = [
        (str(entry["name"]), str(entry.get("value")))
        for _, entry in _objects(dict(resource), ())
        if isinstance(entry.get("name"), str) and "value" in entry and not _is_environment(entry)
    ]
    reached = {f"tt.params.{name}" for name in dangerous}
    size = -1
    while size != len(reached):
        size = len(reached)
        for name, value in named:
            if _among(value, frozenset(reached)):
                reached.add(f"params.{name}")
    return frozenset(reached)


def _is_environment(entry: Mapping[str, Json]) -> bool:
    # by its place an env entry looks like a param; by custom its name is in capitals, and as a variable it is safe
    return str(entry["name"]).isupper()


def _among(text: str, reached: frozenset[str]) -> list[str]:
    found = []
    for match in _REFERENCE.finditer(text):
        kind = "tt.params" if match[0].startswith("$(tt.") else "params"
        if f"{kind}.{match[1]}" in reached:
            found.append(match[0])
    return list(dict.fromkeys(found))


def _objects(value: Json, path: Path) -> Iterator[tuple[Path, dict[str, Json]]]:
    if isinstance(value, dict):
        yield path, value
        for key, item in value.items():
            yield from _objects(item, (*path, key))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _objects(item, (*path, position))


def _texts(value: Json) -> Iterator[tuple[int, str]]:
    for position, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, str):
            yield position, item


def _names(resource: Mapping[str, Json], place: Place, dangerous: frozenset[str]) -> Iterator[Hit]:
    metadata = resource.get("metadata")
    if not isinstance(metadata, dict):
        return
    reached = frozenset(f"tt.params.{name}" for name in dangerous)
    for field, pattern in (("name", _DNS_NAME), ("generateName", _PREFIX), ("namespace", _DNS_NAME)):
        text = metadata.get(field)
        if not isinstance(text, str):
            continue
        where = place.below("metadata", field)
        if names := _among(text, reached):
            yield Hit("PH402", where, f"{', '.join(names)} may hold characters that no name takes", _CLEAN)
        elif "$(" not in text and (not pattern.fullmatch(text) or len(text) > _MAX_NAME):
            yield Hit("PH401", where, "Kubernetes refuses this name", "lower-case letters, digits, - and . make a name")
        elif field == "name" and "$(" not in text:
            yield Hit("PH403", where, "the name is the same for every delivery", "use generateName")
    labels = metadata.get("labels")
    for key, value in labels.items() if isinstance(labels, dict) else ():
        if isinstance(value, str) and (names := _among(value, reached)):
            where = place.below("metadata", "labels", key)
            yield Hit("PH402", where, f"{', '.join(names)} may hold characters that no label takes", _CLEAN)


_CLEAN = "use an id or a hash of the event, or clean the text with a CEL overlay"


def _account(resource: Mapping[str, Json], place: Place) -> Iterator[Hit]:
    kind, version = resource.get("kind"), resource.get("apiVersion")
    if kind not in _RUNS or not str(version).startswith("tekton.dev/"):
        return
    spec = resource.get("spec")
    spec = spec if isinstance(spec, dict) else {}
    nested = kind == "PipelineRun" and version == "tekton.dev/v1"
    template = spec.get("taskRunTemplate")
    named = template.get("serviceAccountName") if nested and isinstance(template, dict) else None
    if nested and "serviceAccountName" in spec:
        where = place.below("spec", "serviceAccountName")
        yield Hit("PH405", where, "tekton.dev/v1 has this under taskRunTemplate", "move it there")
        return
    if not (named if nested else spec.get("serviceAccountName")):
        field = "spec.taskRunTemplate.serviceAccountName" if nested else "spec.serviceAccountName"
        yield Hit("PH404", place.below("spec"), f"the {kind} runs as the namespace's default account", f"set {field}")


def _version(resource: Mapping[str, Json], place: Place) -> Iterator[Hit]:
    version = resource.get("apiVersion")
    if version in _OLD_VERSIONS and resource.get("kind") in ("PipelineRun", "TaskRun", "Pipeline", "Task"):
        yield Hit("PH405", place.below("apiVersion"), f"{version} is an old version", "write tekton.dev/v1")
    if resource.get("kind") == "PipelineResource":
        yield Hit("PH405", place.below("kind"), "Tekton has no PipelineResource any more", "use params and workspaces")
    spec = resource.get("spec")
    for path, entry in _objects(spec, ("spec",)) if isinstance(spec, dict) else ():
        if path[-1] in ("taskRef", "pipelineRef") and "bundle" in entry:
            yield Hit("PH405", place.below(*path, "bundle"), "Tekton has dropped bundle", "use the bundles resolver")
