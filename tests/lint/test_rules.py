"""Every rule of the lint: what it finds, where, what it leaves alone, and how it is silenced."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from functions import lint
from functions.interceptors.event_shapes import BARE, SHAPES
from functions.lint import events
from functions.lint.rules import RULES
from functions.lint.sarif import sarif
from tests.lint import support
from tests.lint.support import found, ids, listed, only, pinned, with_params
from tests.support.sources import cel, github, inline, listener, manifest, run, template, trigger

ROOT = Path(__file__).resolve().parents[2]


def task_run(step: Mapping[str, Any], params: Mapping[str, str]) -> dict[str, Any]:
    return support.task_run({"steps": [dict(step)]}, **params)


def step(step_: Mapping[str, Any], value: str = "$(body.pusher.email)", **more: str) -> list[str]:
    """The rules that a step breaks, whose param p comes from an event."""
    resource = task_run(step_, {"p": "$(tt.params.message)", **more})
    return ids(listed(params={"message": value}), with_params("message", resource=resource))


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    assert found(listed(params={"sha": "$(body.after)"}), with_params("sha")) == []


def test_a_mistake_of_structure_has_its_place_and_ends_the_lint() -> None:
    text = "apiVersion: triggers.tekton.dev/v1beta1\nkind: Trigger\nmetadata: {name: a}\nspec:\n  tempalte: {ref: a}\n"
    results, loaded = lint.check({"m.yaml": text}, namespace="lab")
    assert loaded is None
    assert {finding.rule.id for finding in results} == {"PH001"}
    assert ("m.yaml:5:3", "spec.tempalte") in [(finding.place, finding.path) for finding in results]


@pytest.mark.parametrize(
    ("chain", "why"),
    [
        ([cel("body.ref ==")], "Syntax error"),
        ([github(), {"ref": {"name": "nobody"}}], "nobody"),
    ],
)
def test_a_trigger_that_can_never_run_is_an_error(chain: list[dict[str, Any]], why: str) -> None:
    finding = next(f for f in found(listed(*chain), template()) if f.rule.id == "PH002")
    assert why in finding.message


def test_references_to_nothing_are_errors() -> None:
    nothing = listener({"triggerRef": "nobody"})
    assert "PH002" in ids(nothing)
    assert "PH002" in ids(listed())  # no template


def test_old_spellings_and_fields_for_pods_are_notes() -> None:
    assert ids(listed(), template("template", pinned()), allow_unverified=True) == []
    with_account = listener(inline("build", github(eventTypes=["push"])), serviceAccountName="tekton")
    assert ids(with_account, template("template", pinned())) == ["PH003"]


def test_a_param_that_nothing_binds_is_an_error_unless_it_has_a_default() -> None:
    assert ids(listed(), with_params("branch")) == ["PH101"]
    assert ids(listed(), with_params(branch="main")) == []
    (finding,) = found(listed(), with_params("branch"))
    assert "$(tt.params.branch)" in finding.message


def test_a_param_that_nothing_uses_is_a_warning() -> None:
    declared = manifest("TriggerTemplate", "template", {"params": [{"name": "sha"}], "resourcetemplates": [pinned()]})
    (finding,) = found(listed(), declared)
    assert (finding.rule.id, finding.path) == ("PH102", "spec.params[0]")
    assert ids(listed(params={"sah": "$(body.after)"}), template("template", pinned())) == ["PH102"]


def test_a_trigger_that_verifies_nothing_is_an_error_unless_that_is_allowed() -> None:
    open_ = listed({"ref": {"name": "github"}, "params": [{"name": "eventTypes", "value": ["push"]}]})
    assert ids(open_, template("template", pinned())) == ["PH201"]
    assert ids(open_, template("template", pinned()), allow_unverified=True) == []


def test_a_group_verifies_for_its_triggers() -> None:
    group = {
        "name": "all",
        "interceptors": [github(eventTypes=["push"])],
        "triggerSelector": {"labelSelector": {"matchLabels": {"a": "b"}}},
    }
    selected = trigger("one", cel("true"), labels={"a": "b"})
    assert ids(listener(triggerGroups=[group]), selected, template("template", pinned())) == []


@pytest.mark.parametrize(
    ("bad", "rules"),
    [
        ({"script": "echo $(params.p)"}, ["PH202"]),
        ({"script": 'echo "$(params.p)"'}, ["PH202"]),
        ({"script": "echo $(params['p'])"}, ["PH202"]),
        ({"script": "echo $(tt.params.message)"}, ["PH202"]),
        ({"command": ["bash", "-ec"], "args": ["git log $(params.p)"]}, ["PH202"]),
        ({"command": ["git", "checkout"], "args": ["$(params.p)"]}, ["PH203"]),
        ({"command": ["git", "checkout"], "args": ["--", "$(params.p)"]}, []),
        ({"command": ["git"], "args": ["--branch=$(params.p)"]}, []),
        ({"script": 'echo "$P"', "env": [{"name": "P", "value": "$(params.p)"}]}, []),
        ({"script": "echo hello"}, []),
    ],
)
def test_event_data_in_scripts_and_arguments(bad: Mapping[str, Any], rules: list[str]) -> None:
    assert step(bad) == rules


@pytest.mark.parametrize("value", ["$(body.after)", "$(body.head_commit.id)", "$(body.number)", "main"])
def test_what_no_sender_can_word_is_safe_in_a_script(value: str) -> None:
    assert "PH202" not in step({"script": "echo $(params.p)"}, value)


def test_event_data_is_followed_through_the_params_of_tasks() -> None:
    resource = {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {"generateName": "run-"},
        "spec": {
            "taskRunTemplate": {"serviceAccountName": "builder"},
            "params": [{"name": "outer", "value": "$(tt.params.message)"}],
            "pipelineSpec": {
                "tasks": [
                    {
                        "name": "say",
                        "params": [{"name": "inner", "value": "x-$(params.outer)"}],
                        "taskSpec": {"steps": [{"script": "echo $(params.inner)"}]},
                    }
                ]
            },
        },
    }
    bound = listed(params={"message": "$(body.pusher.email)"})
    (finding,) = found(bound, with_params("message", resource=resource))
    assert finding.rule.id == "PH202"
    assert finding.path.endswith("pipelineSpec.tasks[0].taskSpec.steps[0].script")


def test_an_interceptor_without_event_types_is_a_warning_unless_a_filter_looks_at_the_event() -> None:
    resource = template("template", pinned())
    assert ids(listed(github()), resource) == ["PH204"]
    assert ids(listed(github(), cel("header.match('X-GitHub-Event', 'push')")), resource) == []


@pytest.mark.parametrize(
    "expression",
    [
        "false",
        "true && false",
        "body.after + 'x'",
        "header.match('X-GitHub-Event', 'pull_request')",
        "header.canonical('X-GitHub-Event') == 'release'",
        "header.canonical('x-github-event') in ['release', 'create']",
        "body.ref == 'main'",
        "body.ref == 'refs/heads/a' && body.ref == 'refs/heads/b'",
    ],
)
def test_filters_that_can_never_be_true(expression: str) -> None:
    assert ids(listed(github(eventTypes=["push"]), cel(expression)), template("template", pinned())) == ["PH301"]


@pytest.mark.parametrize(
    "expression",
    [
        "body.ref.startsWith('refs/heads/')",
        "body.ref == 'refs/heads/main'",
        "header.match('X-GitHub-Event', 'push') && body.ref != ''",
        "body.ref == 'refs/heads/a' || body.ref == 'refs/heads/b'",
        "body.ref in ['refs/heads/a'] && body.ref in ['refs/heads/a', 'refs/heads/b']",
        "has(body.pull_request) && body.pull_request.number > 1",
        "body.deleted || body.issue.number == 1",
    ],
)
def test_filters_that_may_be_true(expression: str) -> None:
    assert ids(listed(github(eventTypes=["push"]), cel(expression)), template("template", pinned())) == []


def test_an_action_that_the_event_does_not_have() -> None:
    chain = [github(eventTypes=["pull_request"]), cel("body.action == 'merged'")]
    (finding,) = found(listed(*chain), template("template", pinned()))
    assert finding.rule.id == "PH301"
    assert 'the action "merged"' in finding.message
    good = [github(eventTypes=["pull_request"]), cel("body.action in ['opened', 'synchronize']")]
    assert ids(listed(*good), template("template", pinned())) == []


@pytest.mark.parametrize(
    ("chain", "field"),
    [
        ([cel("body.pull_request.number > 1")], "pull_request"),
        ([cel("body['issue'].number > 1")], "issue"),
        ([cel(number="body.pull_request.number")], "pull_request"),
        ([cel("body.commits.all(c, c.id != body.issue.title)")], None),
    ],
)
def test_expressions_on_fields_that_the_event_lacks(chain: list[dict[str, Any]], field: str | None) -> None:
    manifests = listed(github(eventTypes=["push"]), *chain), template("template", pinned())
    assert ids(*manifests) == (["PH302"] if field else [])
    if field:
        assert only("PH302", *manifests).message.endswith(f"body.{field}")


def test_bindings_to_fields_that_the_event_lacks() -> None:
    bound = {"n": "$(body.pull_request.number)"}
    assert ids(listed(params=bound), with_params("n")) == ["PH303"]
    assert ids(listed(params=bound), with_params(n="0")) == []
    both = github(eventTypes=["push", "pull_request"])
    assert ids(listed(both, params=bound), with_params("n")) == ["PH304"]
    assert ids(listed(both, cel("body.action == 'opened'"), params=bound), with_params("n")) == []


@pytest.mark.parametrize(
    ("metadata", "rules"),
    [
        ({"name": "Build_1"}, ["PH401"]),
        ({"generateName": "Build-"}, ["PH401"]),
        ({"generateName": "build-", "namespace": "Team"}, ["PH401"]),
        ({"name": "build"}, ["PH403"]),
        ({"generateName": "build-$(tt.params.ref)-"}, ["PH401"]),  # refs/heads/… always has a /
        ({"generateName": "build-", "labels": {"ref": "$(tt.params.ref)"}}, ["PH401"]),
        ({"generateName": "build-$(tt.params.pusher)-"}, ["PH402"]),
        ({"generateName": "build-", "labels": {"pusher": "$(tt.params.pusher)"}}, ["PH402"]),
        ({"generateName": "build-", "labels": {"a": "b"}}, []),
        ({"name": "build-$(uid)"}, []),
    ],
)
def test_names_and_labels(metadata: Mapping[str, Any], rules: list[str]) -> None:
    resource = {**pinned(ref="$(tt.params.ref)", pusher="$(tt.params.pusher)"), "metadata": dict(metadata)}
    bound = {"ref": "$(body.ref)", "pusher": "$(body.pusher.email)"}
    assert ids(listed(params=bound), with_params("ref", "pusher", resource=resource)) == rules


def test_runs_without_an_account_and_old_versions() -> None:
    assert ids(listed(), template()) == ["PH404"]
    old = {**run(), "apiVersion": "tekton.dev/v1beta1"}
    old["spec"] = {**old["spec"], "serviceAccountName": "builder"}
    assert ids(listed(), template("template", old)) == ["PH405"]
    misplaced = run()
    misplaced["spec"]["serviceAccountName"] = "builder"
    assert ids(listed(), template("template", misplaced)) == ["PH405"]


def test_objects_that_nothing_refers_to_are_notes() -> None:
    spare = manifest("TriggerBinding", "spare", {"params": [{"name": "a", "value": "b"}]})
    assert ids(listed(), template("template", pinned()), template("other", pinned()), spare) == ["PH501"]


TEXT = """
apiVersion: triggers.tekton.dev/v1beta1
kind: EventListener
metadata: {name: l}
spec:
  triggers:
    - name: t
      interceptors:
        - ref: {name: github}
          params:
            - {name: secretRef, value: {secretName: s, secretKey: k}}
            - {name: eventTypes, value: [push]}
      template:
        spec:
          resourcetemplates:
            - apiVersion: tekton.dev/v1
              kind: PipelineRun
              metadata:
                name: fixed%s
              spec: {taskRunTemplate: {serviceAccountName: b}, pipelineRef: {name: p}}
"""


def test_a_finding_points_at_the_line_and_column_of_what_it_is_about() -> None:
    (finding,) = found(TEXT % "")
    assert (finding.rule.id, finding.line, finding.column) == ("PH403", 19, 17)


@pytest.mark.parametrize("comment", ["  # pipehook:ignore=PH403", "  # one run only  pipehook:ignore=PH101, PH403"])
def test_a_comment_on_the_line_silences_a_rule(comment: str) -> None:
    assert found(TEXT % comment) == []
    assert ids(TEXT % "  # pipehook:ignore=PH401") == ["PH403"]


def test_a_comment_alone_silences_the_line_below() -> None:
    indented = (TEXT % "").replace(
        "                name:", "                # pipehook:ignore=PH403\n                name:"
    )
    assert found(indented) == []


def test_what_stands_behind_an_anchor_is_told_once() -> None:
    chain = "[&i {ref: {name: github}, params: [{name: eventTypes, value: [pull_request]}]}]"
    run = yaml.safe_dump(pinned(), default_flow_style=True, width=1000).strip()
    text = f"""
apiVersion: triggers.tekton.dev/v1beta1
kind: EventListener
metadata: {{name: l}}
spec:
  triggers:
    - {{name: a, interceptors: {chain}, template: &t {{spec: {{resourcetemplates: [{run}]}}}}}}
    - {{name: b, interceptors: [*i], template: *t}}
"""
    assert [finding.rule.id for finding in found(text, allow_unverified=True)] == ["PH207"]


def test_manifests_in_a_list_keep_their_places() -> None:
    items = [listed(), template()]
    text = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": items}, sort_keys=False)
    (finding,) = lint.check({"m.yaml": text}, namespace="lab")[0]
    assert finding.rule.id == "PH404"
    assert text.splitlines()[finding.line - 1].strip().startswith("spec:")


def test_the_manifests_of_this_repository_have_no_errors() -> None:
    from functions.model.load import read_manifests

    results, _ = lint.check(read_manifests(ROOT / "infra" / "triggers"), namespace="default")
    assert [finding for finding in results if finding.rule.severity.value == "error"] == []


def test_the_table_of_events_agrees_with_the_published_payloads() -> None:
    published = json.loads((ROOT / "tests" / "interceptors" / "github_event_fields.json").read_text())
    for event, bodies in published.items():
        for field in " ".join(bodies).split():
            assert events.has_field(event, field), (event, field)
    assert [event for event in {**SHAPES, **BARE} if not events.known(event)] == []


def by_id(log: Mapping[str, Any]) -> Iterable[str]:
    return [result["ruleId"] for result in log["runs"][0]["results"]]


def test_sarif_names_rules_and_places_and_stays_the_same_when_lines_move() -> None:
    before, after = sarif(found(TEXT % ""), version="1"), sarif(found("\n\n" + TEXT % ""), version="1")
    assert before["version"] == "2.1.0"
    assert by_id(before) == ["PH403"]
    (result,), (moved,) = before["runs"][0]["results"], after["runs"][0]["results"]
    rules = before["runs"][0]["tool"]["driver"]["rules"]
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    assert [rule["id"] for rule in rules] == list(RULES)
    assert result["level"] == "warning"
    region = result["locations"][0]["physicalLocation"]
    assert region == {"artifactLocation": {"uri": "m.yaml"}, "region": {"startLine": 19, "startColumn": 17}}
    assert result["partialFingerprints"] == moved["partialFingerprints"]
    assert moved["locations"] != result["locations"]


@pytest.mark.parametrize(
    ("provider", "example"), [("github", "[push]"), ("gitlab", '["Push Hook"]'), ("bitbucket", '["repo:push"]')]
)
def test_the_advice_names_events_as_the_provider_does(provider: str, example: str) -> None:
    secret = {"name": "secretRef", "value": {"secretName": "s", "secretKey": "k"}}
    (finding,) = found(listed({"ref": {"name": provider}, "params": [secret]}), template("template", pinned()))
    assert finding.rule.id == "PH204"
    assert example in finding.hint


@pytest.mark.parametrize(
    ("expression", "rules"),
    [
        ("body.object_kind == 'push'", []),
        ("has(body.pull_request)", []),
        ("'pull_request' in body", []),
        ("body.ref == 'refs/heads/main'", []),
        ("header['X-Gitlab-Event'][0] == 'Push Hook'", []),
        ("header.canonical('X-Event-Key') == 'repo:push'", []),
        ("body.repository.full_name == 'acme/shop'", ["PH204"]),
        ("body.sender.login != 'dependabot[bot]'", ["PH204"]),
        ("true", ["PH204"]),
    ],
)
def test_filters_that_choose_events(expression: str, rules: list[str]) -> None:
    assert ids(listed(github(), cel(expression)), template("template", pinned())) == rules


def test_a_filter_that_does_not_compile_may_be_meant_to_choose() -> None:
    chain = [github(), cel("header.match('X-GitHub-Event', push)")]
    assert ids(listed(*chain), template("template", pinned())) == ["PH002"]


def test_the_types_of_one_interceptor_are_enough() -> None:
    assert ids(listed(github(), github(eventTypes=["push"])), template("template", pinned())) == []


def test_no_event_types_let_no_event_through() -> None:
    (finding,) = found(listed(github(eventTypes=[])), template("template", pinned()))
    assert (finding.rule.id, finding.path) == ("PH301", "spec.triggers[0].interceptors[0].params[1].value")
    both = [github(eventTypes=["push"]), github(eventTypes=["pull_request"])]
    (finding,) = found(listed(*both), template("template", pinned()))
    assert (finding.rule.id, finding.path) == ("PH301", "spec.triggers[0].interceptors[1].params[1].value")
    assert ids(listed(github(eventTypes=["push", "create"]), *both[:1]), template("template", pinned())) == []


@pytest.mark.parametrize(
    ("expression", "rules"),
    [
        ("body.issue.state == 'open' || body.ref == 'refs/heads/main'", []),
        ("body.ref == 'refs/heads/main' || body.issue.state == 'open'", []),
        ("(body.issue.state == 'open' && body.ref != '') || body.ref == 'refs/heads/main'", []),
        ("body.issue.state == 'open' || body.pull_request.draft", ["PH302"]),
        ("body.issue.state == 'open' && body.ref != ''", ["PH302"]),
        ("body.deleted ? body.issue.state == 'open' : body.ref != ''", []),
        ("body.deleted ? body.issue.state == 'open' : body.pull_request.draft", ["PH302"]),
        ("body.issue.state == 'open' ? true : false", ["PH302"]),
        ("!(body.deleted && body.issue.state == 'open')", []),
        ("!(body.issue.state == 'open')", ["PH302"]),
        ("[body.issue.state].exists(s, s == 'open')", ["PH302"]),
        ("body.commits.exists(c, c.id == body.issue.title)", []),
        ("has(body.issue) && body.issue.state == 'open'", []),
        ("'issue' in body ? body.issue.state == 'open' : true", []),
        ("has(body.issue.pull_request)", ["PH302"]),
    ],
)
def test_what_absorbs_the_error_of_a_field_that_lacks(expression: str, rules: list[str]) -> None:
    chain = [github(eventTypes=["push"]), cel(expression)]
    assert ids(listed(*chain), template("template", pinned())) == rules


@pytest.mark.parametrize(
    ("expression", "rules"),
    [
        ("body.deleted ? body.issue.title : body.ref", []),
        ("body.deleted || body.issue.locked", []),
        ("body.deleted && body.issue.locked", []),
        ("body.issue.title", ["PH302"]),
        ("'x' + body.issue.title", ["PH302"]),
        ("{'title': body.issue.title}", ["PH302"]),
    ],
)
def test_overlays_that_may_be_computed(expression: str, rules: list[str]) -> None:
    chain = [github(eventTypes=["push"]), cel(v=expression)]
    assert ids(listed(*chain), template("template", pinned())) == rules


OLD = """
apiVersion: triggers.tekton.dev/v1alpha1
kind: EventListener
metadata: {name: l}
spec:
  triggers:
    - interceptors:
        - github: {secretRef: {secretName: s, secretKey: k}, eventTypes: [push]}
        - cel: {filter: body.deleted}
        - cel: {filter: body.created}
      template: {ref: template}
    - interceptors:
        - github: {secretRef: {secretName: s, secretKey: k}, eventTypes: [push]}
      template: {ref: template}
"""


def test_an_old_spelling_is_one_note_an_object() -> None:
    notes = found(OLD, template("template", pinned()))
    assert [(finding.rule.id, finding.line) for finding in notes] == [("PH003", 8), ("PH003", 9)]
    assert all(finding.message == "old spelling, here and in 1 other place of the object" for finding in notes)
