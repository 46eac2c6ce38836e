"""PH101 to PH103: references in templates that nothing binds, that nothing uses, and that are spelt wrongly."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lint.support import found, ids, listed, pinned, pipeline_run, task_run, with_params
from tests.support.sources import github, inline, listener, manifest

CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "c-"}}


def template(resource: dict[str, Any], *names: str) -> dict[str, Any]:
    declared = [{"name": name} for name in names]
    return manifest("TriggerTemplate", "template", {"params": declared, "resourcetemplates": [resource]})


def refers(text: str) -> list[str]:
    """The rules that a text in a resource breaks, whose template has the param v."""
    resource = {**CONFIG, "data": {"a": text, "b": "$(tt.params.w)"}}
    return ids(listed(params={"v": "$(body.after)", "w": "x"}), template(resource, "v", "w"))


@pytest.mark.parametrize(
    "text",
    [
        "$(params.v)",
        "$(inputs.params.v)",
        "$(params['v'])",
        "$( params.v )",
        "${params.v}",
        "$(tt.param.v)",
        "$(tt.parameters.v)",
        "$(tt.v)",
        "$( tt.params.v )",
        "$(tt.params.v )",
        "$(tt.params.v",
        "$(TT.params.v)",
        "$(tt.Params.v)",
        "$(tt.params['v'])",
        '$(tt.params["v"])',
        "$(tt.params[v])",
        "${tt.params.v}",
        "$[tt.params.v]",
        "$tt.params.v",
        "{{tt.params.v}}",
        "{{ tt.params.v }}",
        "a-$(params.v)-$(tt.params.w)",
    ],
)
def test_a_reference_that_is_spelt_wrongly(text: str) -> None:
    assert refers(text) == ["PH103"]


@pytest.mark.parametrize(
    "text",
    [
        "$(tt.params.v)",
        "$(tt.params.v)$(tt.params.v)",
        "$$(tt.params.v)",
        "$(tt.params.v) $(params.other) $(context.pipelineRun.name) $(tasks.a.results.v)",
        "$(tt.params.v) params.v, the params of v and http://v",
    ],
)
def test_a_reference_that_is_fine(text: str) -> None:
    assert refers(text) == []


@pytest.mark.parametrize("text", ["$(body.after)", "$(extensions.short)", "$(header.X-GitHub-Event)"])
def test_a_field_of_the_event_in_a_resource(text: str) -> None:
    assert refers(f"{text} $(tt.params.v)") == ["PH103"]


def test_params_of_a_run_where_pipelines_replaces_them() -> None:
    bound = listed(params={"v": "$(body.after)"})
    of_task = task_run({"params": [{"name": "v"}], "steps": [{"args": ["--at=$(params.v)"]}]}, v="$(tt.params.v)")
    assert ids(bound, with_params("v", resource=of_task)) == []
    of_pipeline = pipeline_run(
        {"tasks": [{"name": "t", "taskRef": {"name": "t"}, "params": [{"name": "v", "value": "$(params.v)"}]}]},
        v="$(tt.params.v)",
    )
    assert ids(bound, with_params("v", resource=of_pipeline)) == []
    resolver = pinned(v="$(tt.params.v)")
    resolver["spec"]["pipelineRef"] = {"resolver": "git", "params": [{"name": "revision", "value": "$(params.v)"}]}
    assert ids(bound, with_params("v", resource=resolver)) == []


@pytest.mark.parametrize("field", ["params", "pipelineRef", "metadata", "account"])
def test_params_of_a_run_where_pipelines_does_not(field: str) -> None:
    resource = pinned(v="$(tt.params.v)")
    if field == "params":
        resource["spec"]["params"].append({"name": "x", "value": "$(params.v)"})
    elif field == "pipelineRef":  # tektoncd/triggers#1486
        resource["spec"]["pipelineRef"] = {"name": "$(params.v)"}
    elif field == "metadata":  # tektoncd/triggers#1045
        resource["metadata"] = {"generateName": "deploy-$(params.v)-"}
    else:
        resource["spec"]["taskRunTemplate"] = {"serviceAccountName": "$(params.v)"}
    assert ids(listed(params={"v": "$(body.after)"}), with_params("v", resource=resource)) == ["PH103"]


def test_an_embedded_task_whose_params_the_trigger_alone_has() -> None:
    resource = task_run({"steps": [{"script": "git checkout $(params.v)"}]})
    assert ids(listed(params={"v": "$(body.after)"}), with_params("v", resource=resource)) == ["PH103"]


def test_a_pipeline_that_a_template_creates_has_its_own_params() -> None:
    spec = {"params": [{"name": "v"}], "tasks": [{"name": "t", "params": [{"name": "a", "value": "$(params.v)"}]}]}
    pipeline = {
        "apiVersion": "tekton.dev/v1",
        "kind": "Pipeline",
        "metadata": {"name": "p-$(tt.params.v)"},
        "spec": spec,
    }
    assert ids(listed(params={"v": "$(body.after)"}), template(pipeline, "v")) == []


def test_several_misspelt_in_one_text_are_one_finding_that_names_them() -> None:
    resource = {**CONFIG, "data": {"a": "$(params.v) $(params.w) $(params.v)"}}
    (finding,) = found(listed(params={"v": "a", "w": "b"}), template(resource, "v", "w"))
    assert finding.message.endswith(": $(params.v), $(params.w)")
    assert finding.hint == "write $(tt.params.v), $(tt.params.w)"


def test_a_param_that_nothing_binds_is_found_once_where_it_first_stands() -> None:
    resource = {**CONFIG, "data": {"a": "x", "b": "$(tt.params.v)", "c": "$(tt.params.v)"}}
    triggers = [inline(name, github(eventTypes=["push"])) for name in ("a", "b")]
    (finding,) = found(listener(*triggers), template(resource, "v"))
    assert (finding.rule.id, finding.path) == ("PH101", "spec.resourcetemplates[0].data.b")


def test_a_near_name_is_proposed() -> None:
    resource = {**CONFIG, "data": {"a": "$(tt.params.revison)"}}
    bound = listed(params={"revision": "$(body.after)"})
    hints = {finding.rule.id: finding.hint for finding in found(bound, template(resource, "revision"))}
    assert hints == {"PH101": 'did you mean "revision"?', "PH102": "remove it"}


def test_a_param_that_is_bound_and_not_declared_is_refused_by_tekton() -> None:
    resource = {**CONFIG, "data": {"a": "$(tt.params.v)"}}
    (finding,) = found(listed(params={"v": "$(body.after)"}), template(resource))
    assert (finding.rule.id, finding.hint) == ("PH101", "declare the param v")
