"""PH104, PH207, PH407 and PH502: runs that fail at once, that every action starts, and that start twice."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lint.support import found, ids, listed, only, pinned, task_run, with_params
from tests.support.sources import cel, github, inline, listener, manifest, template

RUN = template("template", pinned())


def pipeline(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "tekton.dev/v1", "kind": "Pipeline", "metadata": {"name": "p"}, "spec": {"tasks": [], **spec}}


NEEDS = {"params": [{"name": "sha"}, {"name": "depth", "default": "1"}]}


class TestInputs:
    def test_a_param_that_the_run_does_not_give(self) -> None:
        (finding,) = found(listed(), RUN, pipeline(**NEEDS))
        assert (finding.rule.id, finding.path) == ("PH104", "spec.resourcetemplates[0].spec")
        assert finding.message.endswith("params.sha")

    def test_one_that_is_spelt_in_another_way(self) -> None:
        (finding,) = found(
            listed(params={"a": "$(body.after)"}),
            with_params("a", resource=pinned(sah="$(tt.params.a)")),
            pipeline(**NEEDS),
        )
        assert finding.hint == 'the run spells it "sah"'

    def test_what_it_gives_or_has_a_default(self) -> None:
        given = with_params("a", resource=pinned(sha="$(tt.params.a)"))
        assert ids(listed(params={"a": "$(body.after)"}), given, pipeline(**NEEDS)) == []

    def test_a_workspace_of_a_pipeline(self) -> None:
        needs = pipeline(workspaces=[{"name": "source"}, {"name": "cache", "optional": True}])
        (finding,) = found(listed(), RUN, needs)
        assert (finding.rule.id, finding.message.rpartition(": ")[2]) == ("PH104", "workspaces.source")
        resource = pinned()
        resource["spec"]["workspaces"] = [{"name": "source", "emptyDir": {}}]
        assert ids(listed(), template("template", resource), needs) == []

    def test_embedded_ones(self) -> None:
        steps = [{"name": "s", "image": "i"}]
        assert ids(listed(), template("template", task_run({"params": [{"name": "sha"}], "steps": steps}))) == ["PH104"]
        task = {"workspaces": [{"name": "source"}], "steps": steps}  # which the installation may give
        assert ids(listed(), template("template", task_run(task))) == []

    @pytest.mark.parametrize(
        "reference",
        [{"name": "other"}, {"name": "p", "bundle": "registry.example/p"}, {"resolver": "hub", "params": []}],
    )
    def test_what_stands_elsewhere_is_not_judged(self, reference: dict[str, Any]) -> None:
        resource = pinned()
        resource["spec"]["pipelineRef"] = reference
        assert "PH104" not in ids(listed(), template("template", resource), pipeline(**NEEDS))

    def test_runs_of_other_groups_are_not_tektons(self) -> None:
        resource = pinned() | {"apiVersion": "example.dev/v1"}
        assert ids(listed(), template("template", resource), pipeline(**NEEDS)) == []

    def test_of_two_pipelines_of_one_name_neither_is_judged(self) -> None:
        other = pipeline()
        other["metadata"]["namespace"] = "other"
        assert ids(listed(), RUN, pipeline(**NEEDS), other) == []

    def test_one_of_another_namespace_is_not_the_runs(self) -> None:
        wanted, resource = pipeline(**NEEDS), pinned()
        wanted["metadata"]["namespace"] = resource["metadata"]["namespace"] = "shop"
        assert ids(listed(), template("template", resource), wanted) == ["PH104"]
        assert ids(listed(), RUN, wanted) == ["PH104"], "nobody says where the run goes"
        resource["metadata"]["namespace"] = "other"
        assert ids(listed(), template("template", resource), wanted) == []


class TestFields:
    @pytest.mark.parametrize(
        ("version", "kind", "field", "rules"),
        [
            ("v1", "PipelineRun", "workspace", ["PH407"]),
            ("v1", "PipelineRun", "pipelineref", ["PH407"]),
            ("v1", "PipelineRun", "podTemplate", ["PH405"]),
            ("v1", "PipelineRun", "timeout", ["PH405"]),
            ("v1", "PipelineRun", "serviceAccountNames", ["PH405"]),
            ("v1", "PipelineRun", "serviceAccountName", ["PH405"]),
            ("v1", "PipelineRun", "timeouts", []),
            ("v1", "TaskRun", "timeout", []),
            ("v1", "TaskRun", "stepOverrides", ["PH405"]),
            ("v1", "TaskRun", "taskRunTemplate", ["PH405"]),
            ("v1", "TaskRun", "computeResources", []),
            ("v1beta1", "PipelineRun", "resources", ["PH405"]),
            ("v1beta1", "PipelineRun", "taskRunTemplate", ["PH405"]),
            ("v1beta1", "TaskRun", "param", ["PH405", "PH407"]),
            ("v2", "PipelineRun", "anything", []),
            ("v1", "Pipeline", "anything", []),
        ],
    )
    def test_a_field_of_a_runs_spec(self, version: str, kind: str, field: str, rules: list[str]) -> None:
        account = {"taskRunTemplate": {"serviceAccountName": "ci"}} if (version, kind) == ("v1", "PipelineRun") else {}
        spec = {"serviceAccountName": "ci"} | account | {field: {}}
        if account and field != "serviceAccountName":
            spec.pop("serviceAccountName")
        resource = {
            "apiVersion": f"tekton.dev/{version}",
            "kind": kind,
            "metadata": {"generateName": "r-"},
            "spec": spec,
        }
        old = {"PH405"} if version == "v1beta1" else set()  # for the version alone
        assert set(ids(listed(), template("template", resource))) == set(rules) | old

    def test_it_says_what_may_be_meant(self) -> None:
        resource = pinned()
        resource["spec"]["workspace"] = []
        assert only("PH407", listed(), template("template", resource)).hint == 'did you mean "workspaces"?'


def gitlab(*types: str) -> dict[str, Any]:
    secret = {"name": "secretRef", "value": {"secretName": "hook", "secretKey": "token"}}
    return {"ref": {"name": "gitlab"}, "params": [secret, {"name": "eventTypes", "value": list(types)}]}


class TestActions:
    @pytest.mark.parametrize("event", ["pull_request", "issue_comment", "release", "workflow_run", "check_suite"])
    def test_every_action_starts_it(self, event: str) -> None:
        chain = github(eventTypes=[event])
        (finding,) = found(listed(chain), RUN)
        assert (finding.rule.id, finding.rule.severity) == ("PH207", "note")
        assert finding.path.endswith("interceptors[0].params[1]")
        advised = cel(finding.hint.removeprefix("filter with "))
        assert ids(listed(chain, advised), RUN, beside=True) == [], "the advice is taken"

    def test_merge_requests(self) -> None:
        (finding,) = found(listed(gitlab("Merge Request Hook")), RUN)
        assert finding.rule.id == "PH207"
        advised = cel(finding.hint.removeprefix("filter with "))
        assert ids(listed(gitlab("Merge Request Hook"), advised), RUN, beside=True) == []
        assert ids(listed(gitlab("Push Hook")), RUN, beside=True) == []

    def test_the_advice_lets_other_events_through(self) -> None:
        chain = github(eventTypes=["push", "pull_request"])
        (finding,) = found(listed(chain), RUN)
        advised = finding.hint.removeprefix("filter with ")
        assert advised.startswith("!header.match('X-GitHub-Event', 'pull_request') || body.action in ")
        assert ids(listed(chain, cel(advised)), RUN, beside=True) == []

    @pytest.mark.parametrize(
        ("filter_", "rule"), [("body.action == opened", "PH002"), ("body.ref_type == 'tag'", "PH302")]
    )
    def test_what_starts_nothing(self, filter_: str, rule: str) -> None:
        chain = [github(eventTypes=["pull_request"]), cel(filter_)]
        assert ids(listed(*chain), RUN, beside=True) == [rule]

    @pytest.mark.parametrize(
        ("chain", "rules"),
        [
            ([github(eventTypes=["pull_request"]), cel("body.pull_request.base.ref == 'main'")], ["PH207"]),
            ([github(eventTypes=["pull_request"]), cel("body.pull_request.merged")], []),
            ([github(eventTypes=["pull_request"]), cel("body.label.name == 'deploy'")], []),
            ([github(eventTypes=["pull_request"]), cel(action="body.action")], []),
            ([cel("header.match('X-GitHub-Event', 'pull_request')"), github()], ["PH207"]),
            ([github(eventTypes=["push", "create"])], []),
            ([github(eventTypes=["issues"])], []),
            ([github(eventTypes=["issue_comment"], addPRBody={"enabled": True})], ["PH006"]),
            ([github(eventTypes=["pull_request"], githubOwners={"enabled": True, "checkType": "none"})], ["PH207"]),
        ],
    )
    def test_what_chooses_among_them(self, chain: list[dict[str, Any]], rules: list[str]) -> None:
        assert [rule for rule in ids(listed(*chain), RUN, beside=True) if rule != "PH308"] == rules

    def test_a_binding_to_the_action_wants_them_all(self) -> None:
        chain = github(eventTypes=["pull_request"])
        assert ids(listed(chain, params={"a": "$(body.action)"}), with_params("a"), beside=True) == []


BUILD = manifest(
    "Trigger",
    "build",
    {"interceptors": [github(eventTypes=["push"])], "template": {"ref": "template"}},
    labels={"team": "shop"},
)
REF = {"triggerRef": "build"}
LABELS = {"matchLabels": {"team": "shop"}}
GROUP: dict[str, Any] = {
    "name": "g",
    "interceptors": [cel("body.ref != ''")],
    "triggerSelector": {"labelSelector": LABELS},
}


class TestTwice:
    @pytest.mark.parametrize(
        ("spec", "path"),
        [
            ({"triggers": [REF, REF]}, "spec.triggers[1].triggerRef"),
            ({"triggers": [REF], "labelSelector": LABELS}, "spec.labelSelector"),
            ({"triggers": [REF], "namespaceSelector": {"matchNames": ["*"]}}, "spec.namespaceSelector"),
            ({"labelSelector": LABELS, "triggerGroups": [GROUP]}, "spec.triggerGroups[0].triggerSelector"),
        ],
    )
    def test_a_trigger_that_is_chosen_in_two_ways(self, spec: dict[str, Any], path: str) -> None:
        (finding,) = found(manifest("EventListener", "l", spec), BUILD, RUN)
        assert (finding.rule.id, finding.path) == ("PH502", path)
        assert finding.message.endswith(": lab/build")

    @pytest.mark.parametrize(
        "spec",
        [
            {"triggers": [REF]},
            {"triggers": [REF], "namespaceSelector": {}},  # as OpenShift's console writes it
            {"triggerGroups": [GROUP, {**GROUP, "name": "h"}]},
        ],
    )
    def test_one_that_is_not(self, spec: dict[str, Any]) -> None:
        assert ids(manifest("EventListener", "l", spec), BUILD, RUN) == []


class TestSelectors:
    @pytest.mark.parametrize(
        ("spec", "path"),
        [
            ({"labelSelector": {"matchLabels": {"team": "shpo"}}}, "spec.labelSelector"),
            ({"namespaceSelector": {"matchNames": ["other"]}}, "spec.namespaceSelector"),
            (
                {"triggerGroups": [{**GROUP, "triggerSelector": {"namespaceSelector": {"matchNames": ["other"]}}}]},
                "spec.triggerGroups[0].triggerSelector",
            ),
        ],
    )
    def test_one_that_selects_nothing(self, spec: dict[str, Any], path: str) -> None:
        chosen, unused = found(manifest("EventListener", "l", spec), BUILD)
        assert (chosen.rule.id, chosen.path) == ("PH501", path)
        assert (unused.rule.id, unused.subject) == ("PH501", "Trigger lab/build")

    def test_those_of_triggers_that_stand_elsewhere(self) -> None:
        spec = {"namespaceSelector": {"matchNames": ["other"]}}
        assert ids(manifest("EventListener", "l", spec)) == []
        assert ids(manifest("EventListener", "l", {**spec, "triggers": [REF]}), BUILD, RUN) == []


def push(kind: str, **metadata: str) -> dict[str, Any]:
    return manifest(kind, "push", {"params": [{"name": "sha", "value": "$(body.after)"}]}, **metadata)


class TestReferences:
    def test_of_a_binding_that_is_not_there_nobody_knows_the_params(self) -> None:
        bound = listener(inline("t", github(eventTypes=["push"]), bindings=[{"ref": "github-push"}]))
        assert ids(bound, with_params("sha")) == ["PH002"]

    @pytest.mark.parametrize(
        ("binding", "others", "hint"),
        [
            (
                {"ref": "github-push", "kind": "ClusterTriggerBinding"},
                [],
                "add it from the cluster that has it: kubectl get clustertriggerbinding github-push -o yaml",
            ),
            (
                {"ref": "push"},
                [push("ClusterTriggerBinding")],
                "there is a ClusterTriggerBinding push: write kind: ClusterTriggerBinding",
            ),
            (
                {"ref": "push"},
                [push("TriggerBinding", namespace="other")],
                "it stands in the namespace other",
            ),
            ({"ref": "psuh"}, [push("TriggerBinding")], 'did you mean "push"?'),
            ({"ref": "nothing"}, [], ""),
        ],
    )
    def test_a_reference_that_leads_nowhere_has_advice(
        self, binding: dict[str, Any], others: list[dict[str, Any]], hint: str
    ) -> None:
        bound = listener(inline("t", github(eventTypes=["push"]), bindings=[binding]))
        (finding,) = [one for one in found(bound, RUN, *others) if one.rule.id == "PH002"]
        assert finding.hint == hint
