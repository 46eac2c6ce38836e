"""`pipehook render`: every stage of one delivery, its resources, differences, and the cluster's own check."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.support import SECRET, pipehook
from tests.standins.apiserver import ApiServer
from tests.standins.kubernetes.access import User
from tests.support.deliveries import PUSH, encoded, signature
from tests.support.sources import cel, github, inline, listener, run, template
from tests.support.workspace import Workspace

GUID = "X-GitHub-Delivery: 3f0a7c52-0c1d-4e8a-9a55-0d8f6c2b1e77"


def write(directory: Path, *manifests: dict[str, Any]) -> Path:
    directory.mkdir(exist_ok=True)
    (directory / "triggers.yaml").write_text(yaml.safe_dump_all(manifests))
    return directory


def several(tmp_path: Path) -> Path:
    """A listener whose triggers end at each of the stages."""
    push = github(eventTypes=["push"])
    bound = {"bindings": [{"name": "n", "value": "$(body.nothing)"}]}
    return write(
        tmp_path / "manifests",
        listener(
            inline("works", push, cel("body.ref == 'refs/heads/main'", branch="body.ref.split('/')[2]")),
            inline("filtered", push, cel("body.ref == 'refs/heads/other'")),
            inline("other-event", github(eventTypes=["release"])),
            inline("unbindable", push, **bound),
            inline("dangling", push, template={"ref": "nothing"}),
            inline("open", cel("true")),
        ),
        template("template", run(branch="$(tt.params.n)")),
    )


def test_each_trigger_shows_its_path_to_the_stage_at_which_it_stopped(tmp_path: Path) -> None:
    done = pipehook("render", "--event", "push", "--triggers", several(tmp_path), "-o", "json")
    assert done.code == 1  # some of them fail
    triggers = {trigger["name"]: trigger for trigger in done.json["triggers"]}
    path = {name: [(step["stage"], step["verdict"]) for step in trigger["steps"]] for name, trigger in triggers.items()}
    verified = ("verify", "assumed")
    passed = [verified, ("intercept", "passed")]
    assert path["works"] == [
        *passed,
        ("intercept", "passed"),
        ("bind", "passed"),
        ("render", "passed"),
        ("create", "passed"),
    ]
    assert path["filtered"] == [*passed, ("intercept", "stopped")]
    assert path["other-event"] == [verified, ("intercept", "stopped")]
    assert path["unbindable"] == [*passed, ("bind", "failed")]
    assert path["dangling"] == [verified, ("load", "failed")]
    assert path["open"] == [("load", "failed")]
    assert {name: trigger["outcome"] for name, trigger in triggers.items()} == {
        "works": "would create",
        "filtered": "filtered",
        "other-event": "filtered",
        "unbindable": "failed",
        "dangling": "failed",
        "open": "failed",
    }
    assert triggers["works"]["steps"][2]["extensions"] == {"branch": "main"}
    assert "nothing is not found" in triggers["unbindable"]["reason"]
    assert "event type push is not allowed" in triggers["other-event"]["reason"]


def test_the_resources_are_those_that_the_function_creates(workspace: Workspace) -> None:
    from tests.support.application import Application

    workspace.write([listener(inline("build", github())), template()])
    workspace.secret("hook", "token", SECRET.encode())
    body = encoded(PUSH)
    (workspace.directory / "push.json").write_bytes(body)
    guid = {"X-GitHub-Delivery": GUID.partition(": ")[2]}
    headers = {"Content-Type": "application/json", "X-GitHub-Event": "push", **guid}
    signed = headers | {"X-Hub-Signature-256": signature(body, SECRET.encode())}
    assert Application(workspace.environment()).post(body, signed).status == 202
    (created,) = workspace.cluster.objects("PipelineRun", workspace.namespace)

    payload = workspace.directory / "push.json"
    done = pipehook(
        *("render", "--event", "push", "--payload", payload, "--header", GUID, "-o", "yaml"),
        environment=workspace.environment(),
    )
    (rendered,) = yaml.safe_load_all(done.out)
    for field in ("name", "namespace", "labels", "annotations"):
        assert rendered["metadata"][field] == created["metadata"][field]
    assert rendered["spec"] == created["spec"]


def test_with_verify_signatures_are_checked_with_the_configured_secrets(workspace: Workspace) -> None:
    workspace.write([listener(inline("build", github())), template()])
    workspace.secret("hook", "token", SECRET.encode())
    body = encoded(PUSH)
    (workspace.directory / "push.json").write_bytes(body)
    args = ["render", "--event", "push", "--payload", str(workspace.directory / "push.json"), "--verify", "-o", "json"]
    right = pipehook(
        *args,
        "--header",
        f"X-Hub-Signature-256: {signature(body, SECRET.encode())}",
        environment=workspace.environment(),
    )
    assert (right.code, right.json["triggers"][0]["outcome"]) == (0, "would create")
    wrong = pipehook(*args, environment=workspace.environment())
    assert (wrong.code, wrong.json["triggers"][0]["outcome"]) == (1, "rejected")
    assert wrong.json["triggers"][0]["reason"] == "no X-Hub-Signature-256 header set"


def test_nobody_is_asked_unless_online(tmp_path: Path) -> None:
    manifests = write(
        tmp_path / "m",
        listener(
            inline("files", github(addChangedFiles={"enabled": True})),
            inline("compare", cel("'a'.compareSecret('k', 'n')")),
        ),
        template(),
    )
    done = pipehook("render", "--event", "pull_request", "--triggers", manifests, "-o", "json")
    reasons = [trigger["reason"] for trigger in done.json["triggers"]]
    assert "--online" in reasons[0]
    assert "--online" in reasons[1]


def test_one_trigger_alone_and_a_name_that_no_trigger_has(tmp_path: Path) -> None:
    manifests = several(tmp_path)
    done = pipehook("render", "--event", "push", "--triggers", manifests, "--trigger", "works")
    assert done.code == 0
    assert "default/works  would create" in done.out
    assert "filtered" not in done.out
    wrong = pipehook("render", "--event", "push", "--triggers", manifests, "--trigger", "nobody")
    assert wrong.code == 2
    assert "it has works, filtered" in wrong.err


@pytest.mark.parametrize(
    ("version", "spec", "unknown"),
    [
        ("tekton.dev/v1", {"pipelineref": {"name": "build"}}, "spec.pipelineref"),
        ("tekton.dev/v1", {"pipelineRef": {"name": "build"}, "serviceAccountName": "ci"}, "spec.serviceAccountName"),
        ("tekton.dev/v1", {"pipelineRef": {"name": "build"}, "taskRunTemplate": {"serviceAccountName": "ci"}}, ""),
    ],
)
def test_a_field_that_the_server_would_drop_is_refused_by_its_dry_run(
    workspace: Workspace, version: str, spec: dict[str, Any], unknown: str
) -> None:
    resource = {"apiVersion": version, "kind": "PipelineRun", "metadata": {"generateName": "run-"}, "spec": spec}
    workspace.write([listener(inline("build", github())), template("template", resource)])
    done = pipehook("render", "--event", "push", "--server-dry-run", environment=workspace.environment())
    assert done.code == (1 if unknown else 0), done.err
    assert (f"PipelineRun of tekton.dev/v1 has no {unknown}" in done.err) == bool(unknown)
    assert ("the cluster admits" in done.err) != bool(unknown)
    assert workspace.cluster.objects("PipelineRun", workspace.namespace) == []


def test_a_stream_of_resources_leaves_nothing_unsaid(tmp_path: Path) -> None:
    done = pipehook("render", "--event", "push", "--triggers", several(tmp_path), "-o", "yaml")
    assert done.code == 1
    assert [found["kind"] for found in yaml.safe_load_all(done.out)] == ["PipelineRun"]
    said = dict(line.split("  ")[:2] for line in done.err.splitlines())
    assert said == {
        "default/filtered": "filtered",
        "default/other-event": "filtered",
        "default/unbindable": "failed",
        "default/dangling": "failed",
        "default/open": "failed",
    }
    assert "nothing is not found" in done.err
    quiet = pipehook(
        "render", "--event", "ping", "--triggers", several(tmp_path), "--trigger", "filtered", "-o", "yaml"
    )
    assert (quiet.code, quiet.out) == (0, "")
    assert "default/filtered  filtered  event type ping is not allowed" in quiet.err


def test_a_difference_between_two_directories(tmp_path: Path) -> None:
    old = write(tmp_path / "old", listener(inline("build", github())), template("template", run(a="1")))
    new = write(tmp_path / "new", listener(inline("build", github())), template("template", run(a="2")))
    done = pipehook("render", "--event", "push", "--triggers", new, "--diff", old)
    assert done.code == 1
    assert "-    value: '1'" in done.out
    assert "+    value: '2'" in done.out
    same = pipehook("render", "--event", "push", "--triggers", new, "--diff", new)
    assert (same.code, same.out) == (0, "")


def test_the_cluster_checks_the_resources_and_stores_none(tmp_path: Path, cluster: ApiServer) -> None:
    cluster.put_object({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "admitted"}})
    good = write(tmp_path / "good", listener(inline("build", github())), template())
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(cluster.kubeconfig())
    environment = {"KUBECONFIG": str(kubeconfig), "NAMESPACE": "admitted"}
    done = pipehook("render", "--event", "push", "--triggers", good, "--server-dry-run", environment=environment)
    assert done.code == 0, done.err
    assert "the cluster admits PipelineRun run-" in done.err
    assert cluster.objects("PipelineRun", "admitted") == []
    made = pipehook("render", "--event", "push", "--triggers", good, "-o", "yaml", environment=environment).out
    cluster.put_object({**yaml.safe_load(made)})
    again = pipehook("render", "--event", "push", "--triggers", good, "--server-dry-run", environment=environment)
    assert again.code == 0, again.err
    assert "the cluster admits PipelineRun run-" in again.err


def test_what_the_cluster_refuses_fails_the_command(tmp_path: Path) -> None:
    manifests = write(tmp_path / "m", listener(inline("build", github())), template())
    with ApiServer(tokens={"t": User(name="nobody", rules=())}) as server:
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_text(server.kubeconfig(token="t"))
        environment = {"KUBECONFIG": str(kubeconfig)}
        done = pipehook(
            "render", "--event", "push", "--triggers", manifests, "--server-dry-run", environment=environment
        )
    assert done.code == 1
    assert "forbidden" in done.err


@pytest.mark.long
def test_a_cluster_that_is_away_ends_with_3(tmp_path: Path) -> None:
    manifests = write(tmp_path / "m", listener(inline("build", github())), template())
    kubeconfig = tmp_path / "kubeconfig"
    with ApiServer() as server:
        kubeconfig.write_text(server.kubeconfig())
    environment = {"KUBECONFIG": str(kubeconfig)}
    done = pipehook("render", "--event", "push", "--triggers", manifests, "--server-dry-run", environment=environment)
    assert done.code == 3


@pytest.mark.parametrize("text", ["{", "[]", '{"format": "other"}', '{"format": "pipehook/delivery/v1"}'])
def test_a_file_that_is_no_recorded_delivery_is_refused_with_advice(tmp_path: Path, text: str) -> None:
    file = tmp_path / "push.json"
    file.write_text(text)
    done = pipehook("render", "--request", file)
    assert done.code == 2
    assert str(file) in done.err


def test_a_recorded_delivery_is_rendered(tmp_path: Path) -> None:
    file = tmp_path / "push.json"
    document = {
        "format": "pipehook/delivery/v1",
        "received": "2026-11-20T08:41:12.000+00:00",
        "path": "/",
        "headers": [["Content-Type", "application/json"], ["X-GitHub-Event", "push"]],
        "stripped": ["X-Hub-Signature-256"],
        "body": json.dumps(PUSH),
    }
    file.write_text(json.dumps(document))
    done = pipehook("render", "--request", file)
    assert done.code == 0, done.err
    assert 'gitrevision = "6dcb09b5b57875f334f61aebed695e2e4193db5e"' in done.out


def statuses(done: Any) -> dict[str, str]:
    return {trigger["name"]: trigger["outcome"] for trigger in done.json["triggers"]}


@pytest.mark.parametrize("event", ["push", "pull_request"])
def test_the_changed_files_are_said_whatever_the_event_lists(tmp_path: Path, event: str) -> None:
    files = github(
        addChangedFiles={"enabled": True, "personalAccessToken": {"secretName": "pat", "secretKey": "token"}}
    )
    match = cel("paths.match(extensions.changed_files_list, ['src/**'])")
    only = cel("paths.only(extensions.changed_files_list, ['docs/**'])")
    without = cel("!has(extensions.changed_files_list)")
    chains = {"match": [files, match], "only": [files, only], "without": [github(), without]}
    manifests = write(tmp_path / "m", listener(*(inline(name, *chain) for name, chain in chains.items())), template())
    args: list[str | Path] = ["render", "--event", event, "--triggers", manifests, "-o", "json"]
    said = statuses(pipehook(*args, "--changed-files", "docs/a.md"))
    assert said == {"match": "filtered", "only": "would create", "without": "would create"}
    said = statuses(pipehook(*args, "--changed-files", "src/a,docs/a.md"))
    assert said == {"match": "would create", "only": "filtered", "without": "would create"}


def test_a_pull_request_that_nobody_says_is_asked_for_by_name_of_the_option(tmp_path: Path) -> None:
    asking = inline("files", github(addChangedFiles={"enabled": True}))
    manifests = write(tmp_path / "m", listener(asking), template())
    done = pipehook("render", "--event", "pull_request", "--triggers", manifests)
    assert done.code == 1
    assert "--changed-files says what it would answer" in done.out
    manifests = write(tmp_path / "n", listener(inline("body", github(addPRBody={"enabled": True}))), template())
    done = pipehook("render", "--event", "issue_comment", "--triggers", manifests)
    assert done.code == 1
    assert "--pull-request says what it would answer" in done.out


@pytest.mark.parametrize(
    ("text", "args", "reason"),
    [
        ("{", [], "is no JSON"),
        ('{"number": 7}', [], "it has no head.sha"),
        ('{"head": {"sha": "1"}}', ["--online"], "--online asks it"),
        ('{"head": {"sha": "1"}}', ["--verify"], "--online asks it"),
        (None, ["--failed-contexts", "ci"], "--failed-contexts are those of a --pull-request"),
    ],
)
def test_a_pull_request_that_is_none_is_a_mistake(
    tmp_path: Path, text: str | None, args: list[str], reason: str
) -> None:
    said: list[str | Path] = []
    if text is not None:
        (tmp_path / "pull.json").write_text(text)
        said = ["--pull-request", tmp_path / "pull.json"]
    done = pipehook("render", "--event", "issue_comment", *said, *args)
    assert done.code == 2
    assert reason in " ".join(done.err.split())


@pytest.mark.parametrize(("name", "event"), [("gitlab", "gitlab:push"), ("bitbucket", "bitbucket:repo:push")])
def test_each_stage_names_its_interceptor(tmp_path: Path, name: str, event: str) -> None:
    params = [{"name": "secretRef", "value": {"secretName": "hook", "secretKey": "token"}}]
    manifests = write(tmp_path / "m", listener(inline("t", {"ref": {"name": name}, "params": params})), template())
    done = pipehook("render", "--event", event, "--triggers", manifests, "-o", "json")
    assert [step["name"] for step in done.json["triggers"][0]["steps"][:2]] == [name, name]


def test_a_resource_is_shown_to_the_cluster_that_it_goes_to(workspace: Workspace, tmp_path: Path) -> None:
    placed = template()
    placed["spec"]["resourcetemplates"][0]["metadata"]["annotations"] = {"pipehook.dev/cluster": "eu"}
    workspace.write([listener(inline("one", github())), placed])
    with ApiServer() as other:
        (tmp_path / "eu").write_text(other.kubeconfig())
        given = workspace.environment(CLUSTERS=f"eu={tmp_path}/eu")
        done = pipehook("render", "--event", "push", "--server-dry-run", environment=given)
        assert done.code == 0, done.err
        assert [seen.query for seen in other.requests if seen.method == "POST"] == ["dryRun=All&fieldValidation=Strict"]


@pytest.mark.parametrize("before_1_23", [False, True], ids=["strict", "before 1.23, which drops it"])
def test_a_field_that_the_cluster_does_not_know_is_named(before_1_23: bool, tmp_path: Path) -> None:
    odd = template()
    odd["spec"]["resourcetemplates"][0]["spec"]["pipelineRfe"] = {"name": "x"}
    with ApiServer(namespaces=["lab"], before_1_23=before_1_23) as cluster:
        workspace = Workspace(tmp_path / "lab", cluster, namespace="lab")
        workspace.write([listener(inline("one", github())), odd])
        done = pipehook("render", "--event", "push", "--server-dry-run", environment=workspace.environment())
    assert done.code == 1
    assert "PipelineRun of tekton.dev/v1 has no spec.pipelineRfe" in done.err
