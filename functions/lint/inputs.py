"""Runs without what their Pipeline or Task needs, where that stands in the same manifests: PH104.

Source: Tekton Pipelines' resources.ValidateParamTypesMatching, ValidateRequiredParametersProvided and
ValidateWorkspaceBindings; a TaskRun may get its workspaces from the installation's defaults.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from functions.common.values import Json
from functions.lint.hits import Hit
from functions.lint.reach import Library
from functions.lint.views import View
from functions.model.findings import did_you_mean

_KINDS = {"PipelineRun": "Pipeline", "TaskRun": "Task"}


def check(view: View, library: Library) -> Iterator[Hit]:
    """Check the runs of one trigger's template."""
    for position, resource in enumerate(view.template.resources if view.template else ()):
        ours = str(resource.get("apiVersion")).startswith("tekton.dev/")
        kind, spec = _KINDS.get(str(resource.get("kind"))) if ours else None, resource.get("spec")
        metadata = resource.get("metadata")
        namespace = str((metadata if isinstance(metadata, dict) else {}).get("namespace", view.prepared.namespace))
        namespace = "" if "$(" in namespace else namespace
        wanted = _wanted(spec, kind, namespace, library) if kind and isinstance(spec, dict) else None
        if not wanted or not isinstance(spec, dict):
            continue
        lacking, near = [], ""
        for part in ("params", "workspaces") if kind == "Pipeline" else ("params",):
            given = _names(spec.get(part))
            if any("$(" in name for name in given):
                continue
            spare = sorted(given - _names(wanted.get(part)))
            for name in _required(wanted, part):
                if name not in given:
                    lacking.append(f"{part}.{name}")
                    near = near or did_you_mean(name, spare).replace("did you mean", "the run spells it").rstrip("?")
        if lacking:
            place = view.template_place.below("resourcetemplates", position, "spec")
            message = f"its {kind} has no default for these, and the run gives them no value"
            yield Hit("PH104", place, message, near or f"add them to the {resource['kind']}", tuple(lacking))


def _wanted(spec: Mapping[str, Json], kind: str, namespace: str, library: Library) -> Mapping[str, Json] | None:
    embedded, reference = spec.get(f"{kind.lower()}Spec"), spec.get(f"{kind.lower()}Ref")
    if isinstance(embedded, dict):
        return embedded
    if not isinstance(reference, dict) or {"bundle", "resolver"}.intersection(reference):
        return None
    found = library(str(reference.get("kind", kind)), str(reference.get("name")), namespace)
    return found[0] if found else None


def _names(entries: Json) -> set[str]:
    listed = entries if isinstance(entries, list) else []
    return {str(entry.get("name")) for entry in listed if isinstance(entry, dict)}


def _required(spec: Mapping[str, Json], part: str) -> list[str]:
    entries = spec.get(part)
    return [
        str(entry["name"])
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, dict) and "name" in entry and "default" not in entry and entry.get("optional") is not True
    ]
