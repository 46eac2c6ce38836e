"""The `report` entry point: hints of Tekton's are looked into, and what the cluster says is told."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from functions.status.settle import Teller
from tests.adapters.secrets.support import LifeClock
from tests.standins.faults import Fault
from tests.status.support import CONTEXT, KEY, PROJECT, REPOSITORY, Scene, commit
from tests.support.deliveries import encoded

PIPELINE_RUN = "dev.tekton.event.pipelinerun.successful.v1"


def basic(text: bytes) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(text).decode()}


def test_an_end_is_told_in_words_with_its_link(scene: Scene) -> None:
    sha = commit()
    name = scene.push(sha)
    scene.end(name)

    assert scene.hint(name).status == 202
    assert scene.shown(sha) == ("success", "Succeeded in 3m 12s: 5 tasks", scene.link(name))
    assert scene.posted(sha) == ["pending", "success"]


def test_doubled_and_late_hints_post_nothing_again(scene: Scene) -> None:
    sha = commit()
    name = scene.push(sha)
    early = scene.run(name)
    scene.end(name)
    for kind in ("successful", "running", "started", "successful", "unknown"):
        assert scene.hint(name, kind=kind, run=early).status == 202

    assert scene.posted(sha) == ["pending", "success"]


def test_a_forged_hint_tells_what_the_cluster_says(scene: Scene) -> None:
    sha = commit()
    name = scene.push(sha)
    forged = scene.run(name) | {"status": {"conditions": [{"type": "Succeeded", "status": "True"}]}}

    assert scene.hint(name, run=forged).status == 202
    assert scene.posted(sha) == ["pending"]


def test_a_hint_with_another_repository_tells_none(scene: Scene) -> None:
    sha = commit()
    name = scene.push(sha)
    scene.end(name)
    scene.hub.commits.repositories.add("acme/other")
    forged = scene.run(name)
    forged["metadata"]["annotations"]["pipehook.dev/repository"] = "acme/other"

    assert scene.hint(name, run=forged).status == 202
    assert scene.hub.posted("acme/other", sha, CONTEXT) == []
    assert scene.posted(sha) == ["pending", "success"]


def test_a_run_without_our_marks_is_nobodys(scene: Scene) -> None:
    sha = commit()
    name = scene.push(sha)
    bare = scene.run(name)
    marked = scene.run(name)
    bare["metadata"]["labels"] = {}
    scene.workspace.cluster.put_object(bare)

    assert scene.hint(name, run=marked).status == 202
    assert scene.posted(sha) == ["pending"]


@pytest.mark.parametrize("given", [b"tekton:" + KEY, KEY + b":", b":" + KEY, KEY + b":x"], ids=repr)
def test_the_key_is_in_the_urls_user_part(scene: Scene, given: bytes) -> None:
    function = scene.function("report")
    assert function.post(b"{}", {"Ce-Type": "x", **basic(given)}).status == 202


def test_or_it_is_the_paths_last_segment(scene: Scene) -> None:
    function = scene.function("report")
    assert function.post(b"{}", {"Ce-Type": "x"}, f"/hints/{KEY.decode()}").status == 202
    assert function.post(b"{}", {"Ce-Type": "x"}, f"/{KEY.decode()}/hints").status == 401


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic(b"tekton:wrong"),
        basic(b"tekton:"),
        {"Authorization": "Basic %%%"},
        {"Authorization": f"Bearer {KEY!r}"},
    ],
    ids=["none", "wrong", "empty", "no-base64", "bearer"],
)
def test_without_the_key_nothing_is_read_or_asked(scene: Scene, headers: dict[str, str]) -> None:
    function = scene.function("report")
    before = len(scene.workspace.cluster.requests)
    for body in (b"{", encoded({"pipelineRun": {}}), b"x" * 100_000):
        answer = function.post(body, {"Ce-Type": PIPELINE_RUN, **headers})
        assert (answer.status, answer.json) == (401, {"outcome": "refused"})
    assert len(scene.workspace.cluster.requests) == before
    assert len(scene.hub.requests) == 0


def test_every_enabled_version_of_the_key_counts(scene: Scene) -> None:
    scene.manager.add(PROJECT, "report", b"newer")
    for key in (KEY, b"newer"):
        assert scene.hinted(b"{}", kind="x", key=key).status == 202


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("dev.tekton.event.taskrun.successful.v1", b"{not even json pipehook.dev/status"),
        ("dev.tekton.event.customrun.failed.v1", b"{}"),
        ("com.example.other", b"\xff"),
        ("", b""),
        (PIPELINE_RUN, b'{"pipelineRun": {"metadata": {"name": "of-others", "namespace": "elsewhere"}}}'),
        (PIPELINE_RUN, b'{"pipelineRun": ["pipehook.dev/status"]}'),
        (PIPELINE_RUN, b'{"other": "pipehook.dev/status"}'),
    ],
)
def test_what_is_not_about_our_runs_is_dropped_without_a_question(scene: Scene, kind: str, body: bytes) -> None:
    scene.function("report")
    before = len(scene.workspace.cluster.requests)
    answer = scene.hinted(body, kind=kind)

    assert (answer.status, answer.json["outcome"]) == (202, "dropped")
    assert len(scene.workspace.cluster.requests) == before


@pytest.mark.parametrize("name", ["../secrets/x", "a b", "", "x" * 300, "A"])
def test_a_hint_names_a_run_and_no_other_path(scene: Scene, name: str) -> None:
    found = scene.run(scene.push(commit()))
    found["metadata"]["name"] = name
    before = len(scene.workspace.cluster.requests)

    assert scene.hint(name, run=found).json["outcome"] == "dropped"
    assert len(scene.workspace.cluster.requests) == before


def test_a_body_that_is_no_json_is_refused_for_good(scene: Scene) -> None:
    assert scene.hinted(b"{pipehook.dev/status", kind=PIPELINE_RUN).status == 400


@pytest.mark.parametrize("broken", ["github", "cluster", "limit", "secondary"])
def test_what_passes_is_answered_503_and_told_by_the_next_hint(scene: Scene, clock: LifeClock, broken: str) -> None:
    sha = commit()
    name = scene.push(sha)
    scene.end(name)
    scene.function("report")
    found = scene.run(name)
    if broken == "github":
        scene.hub.refuse()
    elif broken == "limit":
        scene.hub.exhaust()
    elif broken == "secondary":
        scene.hub.secondary_limit(times=1)
    else:
        scene.workspace.cluster.faults.add(
            Fault(kind="PipelineRun", status=503, times=1, headers={"Retry-After": "60"})
        )
    answer = scene.hint(name, run=found)
    assert (answer.status, answer.json) == (503, {"outcome": "retry"})
    assert answer.headers["Retry-After"]

    scene.hub.accept()
    scene.hub.rate.remaining = 5000
    clock.pass_by(3600)  # what GitHub asked to wait
    assert scene.hint(name, run=found).status == 202
    assert scene.posted(sha) == ["pending", "success"]


@pytest.mark.parametrize(
    "fault",
    [Fault(method="POST", path="/statuses/", status=404), Fault(method="POST", path="/statuses/", status=422)],
    ids=["no-permission", "unknown-commit"],
)
def test_what_lasts_is_in_the_log_and_not_sent_again(
    scene: Scene, fault: Fault, capsys: pytest.CaptureFixture[str]
) -> None:
    name = scene.push(commit())
    scene.end(name)
    scene.hub.faults.add(fault)
    answer = scene.hint(name)

    assert (answer.status, answer.json["outcome"]) == (202, "failed")
    assert "a status was not told: GitHub" in capsys.readouterr().out


def test_a_lost_answer_doubles_nothing(scene: Scene) -> None:
    sha = commit()
    name = scene.push(sha)
    scene.end(name)
    scene.hub.faults.add(Fault(method="POST", path="/statuses/", action="lose", times=1))

    assert scene.hint(name).status == 503
    assert scene.hint(name).status == 202
    assert scene.posted(sha) == ["pending", "success"]


def test_a_run_that_is_gone_ends_what_shows_it_pending(scene: Scene) -> None:
    sha = commit()
    name = scene.push(sha)
    gone = scene.run(name)
    scene.delete(name)

    for _ in range(2):
        assert scene.hint(name, kind="failed", run=gone).status == 202
    assert scene.shown(sha) == ("error", "The run was deleted", scene.link(name))
    assert scene.posted(sha) == ["pending", "error"]


def test_a_made_up_run_ends_nothing_of_others(scene: Scene) -> None:
    sha = commit()
    name = scene.push(sha)
    made_up = scene.run(name)
    made_up["metadata"]["name"] = "made-up"
    scene.delete(name)  # so that no run of the context is left

    assert scene.hint("made-up", run=made_up).status == 202
    assert scene.posted(sha) == ["pending"]


def test_of_two_runs_the_newer_one_counts_whoever_ends_last(scene: Scene) -> None:
    sha = commit()
    older, newer = scene.push(sha, time=1_790_000_000), scene.push(sha, time=1_790_000_100)
    scene.end(newer)
    scene.hint(newer)
    scene.end(older, "Failed", childReferences=[])
    scene.hint(older)

    assert scene.shown(sha) == ("success", "Succeeded in 3m 12s: 5 tasks", scene.link(newer))
    # both were pending, under links of their own
    assert scene.posted(sha) == ["pending", "pending", "success"]


FAILED_STEP = {"name": "compile", "terminated": {"exitCode": 2, "reason": "Error"}}
FAILED = {"conditions": [{"type": "Succeeded", "status": "False", "reason": "Failed"}]}


def one_child(name: str) -> list[dict[str, Any]]:
    return [{"kind": "TaskRun", "name": f"{name}-build", "pipelineTaskName": "build"}]


def test_a_failure_names_task_step_and_exit_code(scene: Scene) -> None:
    sha = commit()
    name = scene.push(sha)
    scene.end(name, "Failed", childReferences=one_child(name))
    fine = {"name": "fetch", "terminated": {"exitCode": 0}}
    scene.task(name, "build", {**FAILED, "steps": [fine, FAILED_STEP]})
    scene.hint(name, kind="failed")

    assert scene.shown(sha)[:2] == ("failure", "Failed: task build, step compile: exit code 2")


def test_without_the_right_to_read_task_runs_it_counts_them(scene: Scene) -> None:
    sha = commit()
    name = scene.push(sha)
    message = "Tasks Completed: 5 (Failed: 1, Cancelled 0), Skipped: 2"
    condition = {"type": "Succeeded", "status": "False", "reason": "Failed", "message": message}
    scene.end(name, "Failed", conditions=[condition])
    denied = scene.workspace.cluster.faults.add(Fault(kind="TaskRun", status=403))
    try:
        assert scene.hint(name, kind="failed").status == 202
    finally:
        scene.workspace.cluster.faults.remove(denied)

    assert scene.shown(sha)[:2] == ("failure", "Failed: 1 of 5 tasks")


def test_with_no_more_than_get_and_list_all_of_it_works(scene: Scene) -> None:
    sha = commit()
    name = scene.push(sha)
    scene.end(name)
    kinds = ("PipelineRun", "TaskRun")
    faults = scene.workspace.cluster.faults
    writing = [faults.add(Fault(method=m, kind=kind, status=403)) for m in ("POST", "PUT", "PATCH") for kind in kinds]
    try:
        scene.hint(name)
        assert scene.reconcile()["outcome"] == "done"
    finally:
        for one in writing:
            faults.remove(one)
    assert scene.shown(sha)[0] == "success"
    assert [one.seen for one in writing] == [0] * len(writing)


@pytest.mark.parametrize(
    ("variables", "missing"),
    [
        ({"REPORT_KEY_SECRET": ""}, "REPORT_KEY_SECRET: not set"),
        ({"DRY_RUN": "true"}, "DRY_RUN: true makes no runs"),
        ({"KUBECONFIG": ""}, "KUBECONFIG_SECRET: not set"),
        ({"STATUS_API": "checks"}, "STATUS_API: checks need GITHUB_APP_ID"),
    ],
)
def test_half_configured_it_answers_503_and_says_why(
    scene: Scene, variables: dict[str, str], missing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    function = scene.function("report", **variables)

    assert function.post(b"{}", basic(b"tekton:" + KEY)).status == 503
    assert missing in capsys.readouterr().out


def test_other_methods_and_probes(scene: Scene) -> None:
    function = scene.function("report")
    assert function.request("GET").status == 200
    assert function.request("PUT", headers=basic(b"tekton:" + KEY)).status == 405
    assert scene.hub.shown(REPOSITORY, "0" * 40, CONTEXT) is None


def test_a_fault_of_its_own_is_never_500(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    name = scene.push(commit())
    function = scene.function("report")

    def broken(*_: object) -> bool:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Teller, "hinted", broken)
    answer = scene.hint(name)

    assert answer.status == 503
    assert "a bug" not in answer.text
    assert function.request("GET").status == 200
