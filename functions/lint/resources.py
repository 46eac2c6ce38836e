"""The resources in templates: the accounts that runs have, and versions and fields that Tekton dropped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from functions.common.lenient import at, object_at
from functions.common.values import Json
from functions.lint.hits import Hit
from functions.lint.places import Place
from functions.lint.views import View
from functions.model.findings import Path, did_you_mean

_OLD_VERSIONS = ("tekton.dev/v1alpha1", "tekton.dev/v1beta1")
_RUNS = ("PipelineRun", "TaskRun")
_BOTH = "managedBy params status workspaces"
_PIPELINE, _TASK = (
    f"{_BOTH} pipelineRef pipelineSpec taskRunSpecs timeouts",
    f"{_BOTH} computeResources debug podTemplate",
)
_TASK += " retries serviceAccountName statusMessage taskRef taskSpec timeout"
_FIELDS: Mapping[tuple[str, str], frozenset[str]] = {
    ("tekton.dev/v1", "PipelineRun"): frozenset(f"{_PIPELINE} taskRunTemplate".split()),
    ("tekton.dev/v1beta1", "PipelineRun"): frozenset(f"{_PIPELINE} podTemplate serviceAccountName timeout".split()),
    ("tekton.dev/v1", "TaskRun"): frozenset(f"{_TASK} sidecarSpecs stepSpecs".split()),
    ("tekton.dev/v1beta1", "TaskRun"): frozenset(f"{_TASK} sidecarOverrides stepOverrides".split()),
}
"""The fields of a run's spec, by version and kind (Tekton Pipelines' PipelineRunSpec and TaskRunSpec)."""
_ELSEWHERE: Mapping[str, str] = {
    "podTemplate": "tekton.dev/v1 has it in taskRunTemplate",
    "resources": "Tekton has no PipelineResources any more: use params and workspaces",
    "serviceAccountNames": "Tekton has taskRunSpecs in its place",
    "sidecarOverrides": "tekton.dev/v1 calls it sidecarSpecs",
    "sidecarSpecs": "tekton.dev/v1beta1 calls it sidecarOverrides",
    "stepOverrides": "tekton.dev/v1 calls it stepSpecs",
    "stepSpecs": "tekton.dev/v1beta1 calls it stepOverrides",
    "taskRunTemplate": "tekton.dev/v1beta1 has its fields in spec",
    "timeout": "tekton.dev/v1 has it as timeouts.pipeline",
}
"""Fields of the other version, or of earlier ones."""


def check(view: View) -> Iterator[Hit]:
    """Check the resources of one trigger's template."""
    for place, resource in view.resources:
        yield from _account(resource, place)
        yield from _version(resource, place)
        yield from _fields(resource, place)


def _objects(value: Json, path: Path) -> Iterator[tuple[Path, dict[str, Json]]]:
    if isinstance(value, dict):
        yield path, value
        for key, item in value.items():
            yield from _objects(item, (*path, key))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _objects(item, (*path, position))


def _account(resource: Mapping[str, Json], place: Place) -> Iterator[Hit]:
    kind, version = resource.get("kind"), resource.get("apiVersion")
    if kind not in _RUNS or not str(version).startswith("tekton.dev/"):
        return
    spec = object_at(resource, "spec")
    nested = kind == "PipelineRun" and version == "tekton.dev/v1"
    if nested and "serviceAccountName" in spec:
        where = place.below("spec", "serviceAccountName")
        yield Hit("PH405", where, "tekton.dev/v1 has this under taskRunTemplate", "move it there")
        return
    if not at(spec, *(["taskRunTemplate"] if nested else []), "serviceAccountName"):
        field = "spec.taskRunTemplate.serviceAccountName" if nested else "spec.serviceAccountName"
        message = f"the {kind} names no account and runs as the default one"
        yield Hit("PH404", place.below("spec"), message, f"set {field}")


def _fields(resource: Mapping[str, Json], place: Place) -> Iterator[Hit]:
    """Yield the fields of a run's spec that its version does not have; the account is another matter."""
    known = _FIELDS.get((str(resource.get("apiVersion")), str(resource.get("kind"))))
    for name in object_at(resource, "spec") if known else ():
        if not known or name in known or "$(" in name or name == "serviceAccountName":
            continue
        where, run = place.below("spec", name), f"a {resource['kind']} of {resource['apiVersion']}"
        if name in _ELSEWHERE:
            yield Hit("PH405", where, f"Tekton ignores or refuses this in {run}", _ELSEWHERE[name])
        else:
            yield Hit("PH407", where, f"{run} has no such field", did_you_mean(name, sorted(known)))


def _version(resource: Mapping[str, Json], place: Place) -> Iterator[Hit]:
    version = resource.get("apiVersion")
    if version in _OLD_VERSIONS and resource.get("kind") in ("PipelineRun", "TaskRun", "Pipeline", "Task"):
        yield Hit("PH405", place.below("apiVersion"), f"{version} is an old version", "write tekton.dev/v1")
    if resource.get("kind") == "PipelineResource":
        yield Hit("PH405", place.below("kind"), "Tekton has no PipelineResource any more", "use params and workspaces")
    for path, entry in _objects(resource.get("spec"), ("spec",)):
        if path[-1] in ("taskRef", "pipelineRef") and "bundle" in entry:
            yield Hit("PH405", place.below(*path, "bundle"), "Tekton has dropped bundle", "use the bundles resolver")
