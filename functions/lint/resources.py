"""The resources in templates: the accounts that runs have, and versions and fields that Tekton dropped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from functions.common.values import Json
from functions.lint.hits import Hit
from functions.lint.places import Place
from functions.lint.views import View
from functions.model.findings import Path

_OLD_VERSIONS = ("tekton.dev/v1alpha1", "tekton.dev/v1beta1")
_RUNS = ("PipelineRun", "TaskRun")


def check(view: View) -> Iterator[Hit]:
    """Check the resources of one trigger's template."""
    for position, resource in enumerate(view.template.resources if view.template else ()):
        place = view.template_place.below("resourcetemplates", position)
        yield from _account(resource, place)
        yield from _version(resource, place)


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
        message = f"the {kind} names no account and runs as the default one"
        yield Hit("PH404", place.below("spec"), message, f"set {field}")


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
