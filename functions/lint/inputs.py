"""Runs without what their Pipeline or Task needs, where that stands in the same manifests: PH104.

Source: Tekton Pipelines' resources.ValidateParamTypesMatching, ValidateRequiredParametersProvided and
ValidateWorkspaceBindings; a TaskRun may get its workspaces from the installation's defaults.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from functions.common.lenient import object_at, objects_at, text_at
from functions.common.values import Json
from functions.lint.hits import Hit
from functions.lint.reach import Library
from functions.lint.views import View
from functions.model.findings import did_you_mean

_KINDS = {"PipelineRun": "Pipeline", "TaskRun": "Task"}


def check(view: View, library: Library) -> Iterator[Hit]:
    """Check the runs of one trigger's template."""
    for place, resource in view.resources:
        ours = str(resource.get("apiVersion")).startswith("tekton.dev/")
        kind, spec = _KINDS.get(text_at(resource, "kind")) if ours else None, object_at(resource, "spec")
        namespace = text_at(resource, "metadata", "namespace") or view.prepared.namespace
        wanted = _wanted(spec, kind, "" if "$(" in namespace else namespace, library) if kind else None
        if not wanted:
            continue
        lacking, near = [], ""
        for part in ("params", "workspaces") if kind == "Pipeline" else ("params",):
            given = _names(spec, part)
            if any("$(" in name for name in given):
                continue
            spare = sorted(given - _names(wanted, part))
            for name in _required(wanted, part):
                if name not in given:
                    lacking.append(f"{part}.{name}")
                    near = near or did_you_mean(name, spare).replace("did you mean", "the run spells it").rstrip("?")
        if lacking:
            message = f"its {kind} has no default for these, and the run gives them no value"
            yield Hit(
                "PH104", place.below("spec"), message, near or f"add them to the {resource['kind']}", tuple(lacking)
            )


def _wanted(spec: Mapping[str, Json], kind: str, namespace: str, library: Library) -> Mapping[str, Json] | None:
    if embedded := object_at(spec, f"{kind.lower()}Spec"):
        return embedded
    reference = object_at(spec, f"{kind.lower()}Ref")
    if not reference or {"bundle", "resolver"}.intersection(reference):
        return None
    found = library(str(reference.get("kind", kind)), str(reference.get("name")), namespace)
    return found[0] if found else None


def _names(spec: Mapping[str, Json], part: str) -> set[str]:
    return {str(entry.get("name")) for entry in objects_at(spec, part)}


def _required(spec: Mapping[str, Json], part: str) -> list[str]:
    return [
        str(entry["name"])
        for entry in objects_at(spec, part)
        if "name" in entry and "default" not in entry and entry.get("optional") is not True
    ]
