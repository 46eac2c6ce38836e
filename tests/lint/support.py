"""Manifests for the lint's tests, short to write down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from functions import lint
from functions.cli.second_opinion import stops_at
from functions.lint.rules import Finding
from tests.support.sources import github, inline, listener, manifest, run


def found(*manifests: Mapping[str, Any] | str, **more: Any) -> list[Finding]:
    """Lint manifests, given as objects or as text."""
    texts = [entry if isinstance(entry, str) else yaml.safe_dump(entry, sort_keys=False) for entry in manifests]
    return lint.check({"m.yaml": "\n---\n".join(texts)}, namespace="lab", opinion=stops_at, **more)[0]


BESIDE = {"PH207", "PH308", "PH309"}
"""Notes on events of many actions, overlays that nothing reads and parts of refs, which short examples break."""


def ids(*manifests: Mapping[str, Any] | str, beside: bool = False, **more: Any) -> list[str]:
    """Lint manifests; the rules that they break, with those `BESIDE` the matter where they are it."""
    broken = {finding.rule.id for finding in found(*manifests, **more)}
    return sorted(broken if beside else broken - BESIDE)


def only(rule: str, *manifests: Mapping[str, Any] | str, **more: Any) -> Finding:
    """Lint manifests; the one thing that is found, but for what is `BESIDE` the matter."""
    (finding,) = [one for one in found(*manifests, **more) if one.rule.id not in BESIDE - {rule}]
    assert finding.rule.id == rule
    return finding


def pinned(**params: str) -> dict[str, Any]:
    """A PipelineRun that no rule finds fault with."""
    resource = run(**params)
    resource["spec"]["taskRunTemplate"] = {"serviceAccountName": "builder"}
    return resource


def listed(*interceptors: dict[str, Any], params: Mapping[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """A listener with one trigger, of pushes unless it has a chain of its own."""
    bindings = [{"name": name, "value": value} for name, value in (params or {}).items()]
    chain = interceptors or (github(eventTypes=["push"]),)
    return listener(inline("build", *chain, **({"bindings": bindings} if bindings else {}), **more))


def with_params(*names: str, resource: dict[str, Any] | None = None, **defaults: str) -> dict[str, Any]:
    """A template that declares params and uses them."""
    used = resource or pinned(**{name: f"$(tt.params.{name})" for name in (*names, *defaults)})
    declared: list[dict[str, Any]] = [{"name": name} for name in names]
    declared += [{"name": name, "default": value} for name, value in defaults.items()]
    return manifest("TriggerTemplate", "template", {"params": declared, "resourcetemplates": [used]})


def task_run(task: Mapping[str, Any], **params: Any) -> dict[str, Any]:
    """A TaskRun with a task of its own."""
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "TaskRun",
        "metadata": {"generateName": "run-"},
        "spec": {
            "serviceAccountName": "builder",
            "params": [{"name": name, "value": value} for name, value in params.items()],
            "taskSpec": dict(task),
        },
    }


def pipeline_run(pipeline: Mapping[str, Any], **params: Any) -> dict[str, Any]:
    """A PipelineRun with a pipeline of its own."""
    resource = pinned(**params)
    resource["spec"].pop("pipelineRef", None)
    resource["spec"]["pipelineSpec"] = dict(pipeline)
    return resource
