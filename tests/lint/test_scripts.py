"""PH202 and PH203: event data is judged by the place that it reaches and by what it may hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.lint.support import found, ids, listed, pinned, pipeline_run, task_run, with_params
from tests.support.sources import cel, github

SAYS = {"script": "echo $(params.P)"}


def bound(resource: dict[str, Any], value: str = "$(body.pusher.email)", *chain: dict[str, Any]) -> list[str]:
    """The rules that a resource breaks whose template's param p comes from an event."""
    return ids(listed(*chain, params={"p": value}), with_params("p", resource=resource))


def in_step(
    step: Mapping[str, Any], value: str = "$(body.pusher.email)", *chain: dict[str, Any], **task: Any
) -> list[str]:
    return bound(task_run({**task, "steps": [dict(step)]}, P="$(tt.params.p)"), value, *chain)


@pytest.mark.parametrize(
    "step",
    [
        SAYS,
        {"script": "#!/usr/bin/env python3\nprint('$(params.P)')"},
        {"script": 'echo $(params["P"]) $(tt.params.p)'},
        {"command": ["sh", "-c", "git checkout $(params.P)"]},
        {"command": ["/bin/bash", "-euo", "pipefail", "-c"], "args": ["git checkout $(params.P)"]},
        {"command": ["/usr/bin/env", "bash", "-ec", "--", "git checkout $(params.P)"]},
        {"command": ["busybox", "sh", "-c", "$(params.P)"]},
        {"command": ["python3.12", "-c", "print('$(params.P)')"]},
        {"command": ["perl", "-e", "print '$(params.P)'"]},
        {"command": ["node", "--eval", "x = '$(params.P)'"]},
        {"command": ["pwsh", "-Command", "echo", "$(params.P)"]},
        {"command": ["su", "builder", "-c", "git checkout $(params.P)"]},
        {"command": ["ssh", "host", "git checkout $(params.P)"]},
        # Kubernetes puts variables into command and args before a program sees them
        {"command": ["sh", "-c", "git checkout $(REF)"], "env": [{"name": "REF", "value": "$(params.P)"}]},
    ],
)
def test_text_that_becomes_part_of_a_program(step: Mapping[str, Any]) -> None:
    assert in_step(step) == ["PH202"]


@pytest.mark.parametrize(
    "step",
    [
        {"script": 'git checkout "$REF"', "env": [{"name": "REF", "value": "$(params.P)"}]},
        {"script": 'git checkout "$1"', "args": ["$(params.P)"]},
        {"command": ["sh", "-c", 'git checkout "$1"', "sh", "$(params.P)"]},
        {"command": ["bash", "-c"], "args": ['git checkout "$1"', "--", "$(params.P)"]},
        {"command": ["bash", "-o", "pipefail", "-c", 'echo "$0"', "$(params.P)"]},
        {"command": ["python", "-c", "import sys; print(sys.argv[1])", "$(params.P)"]},
        {"command": ["git"], "args": ["--branch=$(params.P)"]},
        {"command": ["git", "log", "--", "$(params.P)"]},
    ],
)
def test_text_that_stays_an_argument_or_a_variable(step: Mapping[str, Any]) -> None:
    assert in_step(step) == []


def test_an_argument_that_may_be_an_option() -> None:
    assert in_step({"command": ["git", "checkout"], "args": ["$(params.P)"]}) == ["PH203"]
    assert in_step({"command": ["/bin/echo"], "args": ["$(params.P)"]}) == [], "which has no option to fear"
    # no ref begins with -, and neither does a hash
    assert in_step({"command": ["git", "checkout"], "args": ["$(params.P)"]}, "$(body.ref)") == []
    assert in_step({"command": ["git", "checkout"], "args": ["$(params.P)"]}, "$(body.after)") == []


def test_the_template_of_the_steps_gives_command_and_variables() -> None:
    shell = {"command": ["sh", "-c"], "env": [{"name": "REF", "value": "$(params.P)"}]}
    assert in_step({"args": ["echo $(REF)"]}, stepTemplate=shell) == ["PH202"]
    assert in_step({"args": ['echo "$1"', "sh", "$(REF)"]}, stepTemplate=shell) == []
    whole = {"command": ["sh", "-c"], "args": ["echo $(params.P)"]}
    assert in_step({}, stepTemplate=whole) == ["PH202"]
    assert in_step({"args": ["true"]}, stepTemplate=whole) == in_step({"script": "true"}, stepTemplate=whole) == []


def pipeline(*tasks: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return pipeline_run(
        {"tasks": [{"name": f"t{n}", **task} for n, task in enumerate(tasks)], **more}, outer="$(tt.params.p)"
    )


TASK = {"taskSpec": {"steps": [SAYS]}}


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        (
            pipeline({**TASK, "params": [{"name": "P", "value": "x-$(params.outer)"}]}),
            "tasks[0].taskSpec.steps[0].script",
        ),
        (pipeline({**TASK, "params": [{"name": "P", "value": ["a", "$(params.outer)"]}]}), "script"),
        (pipeline({**TASK, "matrix": {"params": [{"name": "P", "value": ["a", "$(params.outer)"]}]}}), "script"),
        (
            pipeline(
                {**TASK, "matrix": {"include": [{"name": "i", "params": [{"name": "P", "value": "$(params.outer)"}]}]}}
            ),
            "script",
        ),
        # propagated: the task names the run's own param
        (pipeline({"taskSpec": {"steps": [{"script": "echo $(params.outer)"}]}}), "script"),
        (pipeline({"taskSpec": {"steps": [{"script": "echo $(tt.params.p)"}]}}), "script"),
        (pipeline({"taskSpec": {"params": [{"name": "P", "default": "$(params.outer)"}], "steps": [SAYS]}}), "script"),
        (
            pipeline(
                {"taskRef": {"name": "x"}},
                **{"finally": [{"name": "f", **TASK, "params": [{"name": "P", "value": "$(params.outer)"}]}]},
            ),
            "finally[0].taskSpec.steps[0].script",
        ),
        (pipeline({"taskSpec": {"sidecars": [{"script": "echo $(params.outer)"}], "steps": []}}), "sidecars[0].script"),
        (pipeline({"taskRef": {"name": "x"}, "when": [{"cel": "'$(params.outer)' == 'a'"}]}), "when[0].cel"),
        (
            pipeline(
                {
                    "pipelineSpec": {
                        "tasks": [{"name": "in", "taskSpec": {"steps": [{"script": "echo $(params.outer)"}]}}]
                    }
                }
            ),
            "pipelineSpec.tasks[0].taskSpec.steps[0].script",
        ),
    ],
)
def test_text_is_followed_to_where_it_is_used(resource: dict[str, Any], path: str) -> None:
    (finding,) = found(listed(params={"p": "$(body.pusher.email)"}), with_params("p", resource=resource))
    assert finding.rule.id == "PH202"
    assert finding.path.endswith(path)


@pytest.mark.parametrize(
    "resource",
    [
        # another param of that name
        pipeline({**TASK, "params": [{"name": "P", "value": "a"}, {"name": "Q", "value": "$(params.outer)"}]}),
        pipeline({"taskRef": {"name": "x"}, "params": [{"name": "P", "value": "$(params.outer)"}]}),
        # input, operator and values are no expression; and they say what the task gets
        pipeline({"taskRef": {"name": "x"}, "when": [{"input": "$(params.outer)", "operator": "in", "values": ["a"]}]}),
        pipeline(
            {
                **TASK,
                "params": [{"name": "P", "value": "$(params.outer)"}],
                "when": [{"input": "$(params.outer)", "operator": "in", "values": ["main", "next"]}],
            }
        ),
    ],
)
def test_text_that_does_not_get_there(resource: dict[str, Any]) -> None:
    assert bound(resource) == []


def test_a_when_that_excludes_values_says_nothing() -> None:
    when = [{"input": "$(params.outer)", "operator": "notin", "values": ["main"]}]
    assert bound(pipeline({**TASK, "params": [{"name": "P", "value": "$(params.outer)"}], "when": when})) == ["PH202"]


@pytest.mark.parametrize(
    ("container", "rules"),
    [
        ({"command": ["sh", "-c", "echo $(tt.params.p)"]}, ["PH202"]),
        ({"command": ["sh", "-c", 'echo "$P"'], "env": [{"name": "P", "value": "$(tt.params.p)"}]}, []),
    ],
)
def test_a_job_of_kubernetes_has_containers(container: Mapping[str, Any], rules: list[str]) -> None:
    spec = {"template": {"spec": {"containers": [{"name": "c", "image": "i", **container}]}}}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"generateName": "j-"}, "spec": spec}
    assert bound(job) == rules


def task(steps: list[Mapping[str, Any]], **more: Any) -> dict[str, Any]:
    spec = {"params": [{"name": "P"}], "steps": steps, **more}
    return {"apiVersion": "tekton.dev/v1", "kind": "Task", "metadata": {"name": "say"}, "spec": spec}


REFERRING = {"taskRef": {"name": "say"}, "params": [{"name": "P", "value": "$(params.outer)"}]}


def test_a_task_of_the_same_manifests_is_followed_into() -> None:
    manifests = [listed(params={"p": "$(body.pusher.email)"}), with_params("p", resource=pipeline(REFERRING))]
    (finding,) = found(*manifests, task([SAYS]))
    assert (finding.rule.id, finding.subject, finding.path) == ("PH202", "Task say", "spec.steps[0].script")
    assert found(*manifests, task([{"script": 'echo "$P"', "env": [{"name": "P", "value": "$(params.P)"}]}])) == []
    # it sees what it is given, and nothing of the run
    assert found(*manifests, task([{"script": "echo $(params.outer) $(tt.params.p)"}])) == []
    # which of two is meant is not known
    assert found(*manifests, task([SAYS]), task([{"script": "true"}])) == []


def test_a_cluster_task_and_a_step_action_of_the_same_manifests_are_followed_into() -> None:
    given = REFERRING | {"taskRef": {"name": "say", "kind": "ClusterTask"}}
    manifests = [listed(params={"p": "$(body.pusher.email)"}), with_params("p", resource=pipeline(given))]
    cluster_task = task([SAYS]) | {"kind": "ClusterTask", "apiVersion": "tekton.dev/v1beta1"}
    assert ids(*manifests, cluster_task) == ["PH202"]
    assert ids(*manifests, task([SAYS])) == []  # another kind of that name
    step = {"ref": {"name": "act"}, "params": [{"name": "Q", "value": "$(params.P)"}]}
    spec = {"params": [{"name": "Q"}], "image": "i", "script": "echo $(params.Q)"}
    action = {"apiVersion": "tekton.dev/v1beta1", "kind": "StepAction", "metadata": {"name": "act"}, "spec": spec}
    manifests = [listed(params={"p": "$(body.pusher.email)"}), with_params("p", resource=pipeline(REFERRING))]
    assert ids(*manifests, task([step]), action) == ["PH202"]
    assert ids(*manifests, task([step]), action | {"spec": {**spec, "script": "echo $(params.P)"}}) == []


def test_a_pipeline_of_the_same_manifests_is_followed_into() -> None:
    spec: dict[str, Any] = {"params": [{"name": "outer"}], "tasks": [{"name": "t", **REFERRING}]}
    resource = pinned(outer="$(tt.params.p)")
    resource["spec"]["pipelineRef"] = {"name": "main"}
    manifests = [
        listed(params={"p": "$(body.pusher.email)"}),
        with_params("p", resource=resource),
        {"apiVersion": "tekton.dev/v1", "kind": "Pipeline", "metadata": {"name": "main"}, "spec": spec},
    ]
    assert ids(*manifests, task([SAYS])) == ["PH202"]
    spec["tasks"].append({"name": "again", "pipelineRef": {"name": "main"}})  # a circle, which Tekton refuses later
    assert ids(*manifests, task([SAYS])) == ["PH202"]


PULL_REQUEST = github(eventTypes=["pull_request"])


@pytest.mark.parametrize(
    ("value", "chain"),
    [
        ("$(body.after)", []),
        ("$(body.repository.clone_url)", []),
        ("$(body.repository.full_name)", []),
        ("$(body.repository.owner.login)/$(body.repository.name)", []),
        ("$(body.sender.login)", []),
        ("$(body.repository.default_branch)", []),  # the owner's word, once for all events
        ("$(body.pusher.name)", []),
        ("$(body.repository.id)", []),
        ("$(body.repository.private)", []),
        ("$(body.repository.pushed_at)", []),
        ("$(body.pull_request.head.sha)", [PULL_REQUEST]),
        ("$(body.pull_request.html_url)", [PULL_REQUEST]),
        ("$(body.pull_request.number)", [PULL_REQUEST]),
        ("$(body.pull_request.state)", [PULL_REQUEST]),
        ("$(body.pull_request.author_association)", [PULL_REQUEST]),
        ("$(body.pull_request.labels[*].id)", [PULL_REQUEST]),
        ("$(header.X-GitHub-Delivery)", []),
        ("$(header.x-github-event)", []),
        ("$(context.eventID)", []),
        ("release-$(body.after)", []),
    ],
)
def test_fields_whose_alphabet_is_fixed(value: str, chain: list[dict[str, Any]]) -> None:
    assert "PH202" not in in_step(SAYS, value, *chain)


@pytest.mark.parametrize(
    ("value", "chain"),
    [
        ("$(body.ref)", []),
        ("$(body.base_ref)", []),
        ("$(body.commits[0].message)", []),
        ("$(body.head_commit.author.name)", []),
        ("$(body.commits)", []),
        ("$(body.repository)", []),
        ("$(body)", []),
        ("$(body.compare)", []),
        ("$(body.repository.description)", []),
        ("$(body.pull_request.title)", [PULL_REQUEST]),
        ("$(body.pull_request.head.ref)", [PULL_REQUEST]),
        ("$(body.pull_request.head.label)", [PULL_REQUEST]),
        ("$(body.pull_request.labels[*].name)", [PULL_REQUEST]),
        ("$(body.comment.body)", [github(eventTypes=["issue_comment"])]),
        ("$(body.release.tag_name)", [github(eventTypes=["release"])]),
        ("$(body.release.html_url)", [github(eventTypes=["release"])]),
        ("$(body.label.url)", [github(eventTypes=["label"])]),
        ("$(body.workflow.html_url)", [github(eventTypes=["workflow_run"])]),
        ("$(body.client_payload.number)", [github(eventTypes=["repository_dispatch"])]),
        ("$(body.action)", [github(eventTypes=["repository_dispatch"])]),
        ("$(header.X-Custom)", []),
        ("$(header)", []),
        ("$(body.after) $(body.ref)", []),
    ],
)
def test_fields_that_people_word(value: str, chain: list[dict[str, Any]]) -> None:
    assert "PH202" in in_step(SAYS, value, *chain)


SECRET = {"secretRef": {"secretName": "s", "secretKey": "k"}}


def of(provider: str) -> dict[str, Any]:
    return {"ref": {"name": provider}, "params": [{"name": name, "value": value} for name, value in SECRET.items()]}


@pytest.mark.parametrize(
    ("provider", "safe", "worded"),
    [
        ("gitlab", "$(body.checkout_sha)", "$(body.ref)"),
        ("gitlab", "$(body.project.path_with_namespace)", "$(body.project.description)"),
        ("gitlab", "$(body.project.git_http_url)", "$(body.user_name)"),
        ("gitlab", "$(body.object_attributes.iid)", "$(body.object_attributes.source_branch)"),
        ("gitlab", "$(body.object_attributes.last_commit.id)", "$(body.object_attributes.title)"),
        ("bitbucket", "$(body.repository.full_name)", "$(body.push.changes[0].new.name)"),
        ("bitbucket", "$(body.repository.links.html.href)", "$(body.push.changes[0].new.links.html.href)"),
        ("bitbucket", "$(body.push.changes[0].new.target.hash)", "$(body.actor.nickname)"),
        ("bitbucket", "$(body.changes[0].toHash)", "$(body.changes[0].ref.id)"),
        ("bitbucket", "$(body.pullRequest.fromRef.latestCommit)", "$(body.pullRequest.fromRef.id)"),
        ("bitbucket", "$(body.pullRequest.id)", "$(body.pullRequest.fromRef.displayId)"),
    ],
)
def test_fields_of_other_providers(provider: str, safe: str, worded: str) -> None:
    assert "PH202" not in in_step(SAYS, safe, of(provider))
    assert "PH202" in in_step(SAYS, worded, of(provider))


@pytest.mark.parametrize(
    "expression",
    [
        "body.after.truncate(7)",
        "string(int(body.repository.id))",
        "body.commits.size()",
        "string(size(body.commits))",
        "body.ref == 'refs/heads/main' ? 'prod' : 'dev; the manifests own words'",
        "body.ref.translate('[^A-Za-z0-9]+', '-').lowerAscii().truncate(40)",
        "body.ref.translate('[^a-z0-9-]', '').upperAscii()",
        "body.ref.translate('\\\\W', '_')",
        "body.ref.translate('[^[:alnum:]]+', '-')",
        "body.ref.translate('(?i)[^a-z0-9]+', '-')",
        "body.ref.translate('([^a-z0-9])', '-')",
        "'%s-%d'.format([body.after, 1])",
        "'v' + body.after.substring(0, 7)",
        "body.repository.full_name.split('/')[1]",
        "body.commits.map(c, c.id).join(',')",
        "body.commits.filter(c, c.message != '').map(c, c.id)[0]",
        "base64.encode(bytes(body.ref))",
        "body.ref.startsWith('refs/tags/')",
        "string(body.created)",
        "header.canonical('X-GitHub-Delivery')",
        "[body.after, body.before].join('..')",
    ],
)
def test_overlays_that_cannot_hold_a_shells_syntax(expression: str) -> None:
    assert in_step(SAYS, "$(extensions.v)", github(eventTypes=["push"]), cel(v=expression)) == []


@pytest.mark.parametrize(
    "expression",
    [
        "body.ref.split('/')[2]",
        "body.ref.truncate(20)",
        "body.ref.replace('/', '-')",
        "body.ref.translate('^refs/heads/', '')",
        "body.ref.translate('[/]+', '-')",
        "body.ref.translate('(?i)[/]+', '-')",
        "body.ref.translate('[^a-z]$', '-')",
        "body.ref.translate('[^\\\\p{L}]+', '-')",
        "body.ref.translate(body.after, '')",
        "body.ref.lowerAscii()",
        "body.after + body.ref",
        "body.created ? body.ref : 'x'",
        "body.commits.map(c, c.message).join(' ')",
        "body.commits.map(c, c)[0].message",
        "'%s'.format([body.ref])",
        "body.ref.parseURL().path",
        "body.marshalJSON()",
        "body.ref.decodeb64()",
        "requestURL",
    ],
)
def test_overlays_that_may(expression: str) -> None:
    assert in_step(SAYS, "$(extensions.v)", github(eventTypes=["push"]), cel(v=expression)) == ["PH202"]


@pytest.mark.parametrize(
    ("filter_", "rules"),
    [
        ("body.ref == 'refs/heads/main'", []),
        ("'refs/heads/main' == body.ref", []),
        ("body.ref in ['refs/heads/main', 'refs/heads/next']", []),
        ("body.ref == 'refs/heads/main' || body.ref == 'refs/heads/next'", []),
        ("!body.deleted && body.ref.matches('^refs/heads/[a-z0-9-]+$')", []),
        ("body.ref.matches('^refs/(heads|tags)/v[0-9]+(\\\\.[0-9]+)*$')", []),
        ("body.ref.matches('^refs/heads/[a-z]+')", ["PH202"]),
        ("body.ref.matches('^main$|x')", ["PH202"]),
        ("body.ref.matches('^.*$')", ["PH202"]),
        ("body.ref.startsWith('refs/heads/')", ["PH202"]),
        ("body.ref == 'refs/heads/main' || body.created", ["PH202"]),
        ("body.ref != 'refs/heads/main'", ["PH202"]),
        ("!(body.ref == 'refs/heads/main')", ["PH202"]),
    ],
)
def test_filters_that_fix_or_match_the_value(filter_: str, rules: list[str]) -> None:
    assert in_step(SAYS, "$(body.ref)", github(eventTypes=["push"]), cel(filter_)) == rules
    overlay = cel(v="body.ref.split('/')[2]")
    assert in_step(SAYS, "$(extensions.v)", github(eventTypes=["push"]), cel(filter_), overlay) == rules


@pytest.mark.parametrize(
    ("filter_", "rules"),
    [
        ("body.ref.split('/')[2] == 'main'", []),
        ("body.ref.split('/')[2] in ['main', 'next']", []),
        ("body.ref.split('/')[2].matches('^[a-z]+$')", []),
        ("body.ref.split('/')[1] == 'main'", ["PH202"]),
        ("body.base_ref.split('/')[2] == 'main'", ["PH202"]),
    ],
)
def test_a_filter_on_the_same_expression(filter_: str, rules: list[str]) -> None:
    chain = [github(eventTypes=["push"]), cel(filter_, v="body.ref.split('/')[2]")]
    assert in_step(SAYS, "$(extensions.v)", *chain) == rules


def test_a_filter_on_an_extension_says_what_it_holds() -> None:
    chain = [github(eventTypes=["push"]), cel(v="body.ref.split('/')[2]"), cel("extensions.v.matches('^[a-z]+$')")]
    assert in_step(SAYS, "$(extensions.v)", *chain) == []


def test_behind_a_webhook_no_field_is_known() -> None:
    hook = {
        "webhook": {
            "url": "https://hooks.example.com/x",
            "objectRef": {"apiVersion": "v1", "kind": "Service", "name": "x"},
        }
    }
    assert "PH202" in in_step(SAYS, "$(body.after)", github(eventTypes=["push"]), hook)


def test_one_finding_for_the_triggers_that_share_a_template() -> None:
    from tests.support.sources import inline, listener

    bindings = [{"name": "p", "value": "$(body.pusher.email)"}, {"name": "q", "value": "$(body.base_ref)"}]
    triggers = [inline(name, github(eventTypes=["push"]), bindings=bindings) for name in ("a", "b", "c")]
    resource = task_run({"steps": [{"script": "echo $(params.P) $(params.Q)"}]}, P="$(tt.params.p)", Q="$(tt.params.q)")
    (finding,) = found(listener(*triggers), with_params("p", "q", resource=resource))
    assert finding.message.endswith("the script: $(params.P), $(params.Q)")
