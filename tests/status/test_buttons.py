"""The buttons of GitHub's checks, through the served webhook: Re-run and Cancel."""

from __future__ import annotations

from typing import Any

import pytest

from tests.standins.faults import Fault
from tests.status.support import CONTEXT, PROJECT, REPOSITORY, Scene, commit, told
from tests.support.deliveries import SECRET
from tests.support.function import Answer
from tests.support.sources import github, run

APP = {
    "GITHUB_TOKEN_SECRET": "",
    "GITHUB_APP_ID": "4242",
    "GITHUB_APP_KEY_SECRET": f"projects/{PROJECT}/secrets/app",
    "STATUS_API": "checks",
}


@pytest.fixture
def checks(scene: Scene) -> Scene:
    scene.more = APP
    scene.write(told(run(revision="$(tt.params.sha)")), interceptors=[github(eventTypes=["push"])], bindings=SHA)
    return scene


SHA = [{"name": "sha", "value": "$(body.after)"}]


def press(scene: Scene, sha: str, action: str = "rerequested", *, secret: bytes = SECRET, **more: Any) -> Answer:
    """Send the event of a button of the newest check run."""
    found = scene.hub.shown(REPOSITORY, sha, CONTEXT) or {}
    check = {**found, "completed_at": "2026-11-22T10:11:12Z"} | more
    body: dict[str, Any] = {
        "action": action,
        "check_run": check,
        "repository": {"full_name": REPOSITORY},
        "sender": {"login": "mosuke5"},
        "installation": {"id": 1},
    }
    if action == "requested_action":
        body["requested_action"] = {"identifier": "cancel"}
    return scene.deliver("check_run", body, secret=secret)


def test_re_run_starts_the_run_again_as_a_new_attempt(checks: Scene) -> None:
    sha = commit()
    first = checks.push(sha)
    checks.end(first, "Failed")
    checks.hint(first)
    answer = press(checks, sha)

    assert answer.statuses == ["created"], answer.text
    second = answer.json["triggers"][0]["resources"][0]["name"]
    assert second != first
    old, new = checks.run(first), checks.run(second)
    assert new["spec"] == old["spec"]
    assert new["metadata"]["labels"]["pipehook.dev/status-key"] == old["metadata"]["labels"]["pipehook.dev/status-key"]
    assert new["metadata"]["annotations"]["pipehook.dev/sha"] == sha
    shown = checks.hub.commits.checks[REPOSITORY, sha]
    assert [(one["status"], one["external_id"]) for one in shown] == [
        ("completed", f"{checks.namespace}/{first}"),
        ("in_progress", f"{checks.namespace}/{second}"),
    ]
    checks.end(second)
    checks.hint(second)
    checks.hint(first)
    assert [one["conclusion"] for one in shown] == ["failure", "success"]


def test_the_same_event_again_starts_nothing(checks: Scene) -> None:
    sha = commit()
    first = checks.push(sha)
    checks.end(first, "Failed")
    checks.hint(first)
    button = checks.hub.shown(REPOSITORY, sha, CONTEXT)
    assert button is not None
    assert press(checks, sha).statuses == ["created"]
    again = press(checks, sha, **button)

    assert again.statuses == ["failed"]
    assert "a newer run has taken the place" in again.reasons[0]
    assert len(checks.runs()) == 2


def test_a_run_that_goes_on_is_not_started_again(checks: Scene) -> None:
    sha = commit()
    checks.push(sha)
    answer = press(checks, sha)

    assert (answer.statuses, len(checks.runs())) == (["filtered"], 1)
    assert "has not ended" in answer.reasons[0]


def test_cancel_asks_the_cluster_to(checks: Scene) -> None:
    sha = commit()
    name = checks.push(sha)
    answer = press(checks, sha, "requested_action")

    assert answer.reasons == ["the run is cancelled, as its check asked for"], answer.text
    assert checks.run(name)["spec"]["status"] == "CancelledRunFinally"
    checks.end(name, "Cancelled")
    assert "ended already" in press(checks, sha, "requested_action").reasons[0]


def test_a_cancelled_run_is_started_again_without_its_cancellation(checks: Scene) -> None:
    sha = commit()
    name = checks.push(sha)
    press(checks, sha, "requested_action")
    checks.end(name, "Cancelled")
    checks.hint(name)
    answer = press(checks, sha)

    assert answer.statuses == ["created"]
    assert "status" not in checks.run(answer.json["triggers"][0]["resources"][0]["name"])["spec"]


def test_without_the_right_to_patch_cancel_says_so(checks: Scene) -> None:
    sha = commit()
    name = checks.push(sha)
    faults = checks.workspace.cluster.faults
    denied = faults.add(Fault(method="PATCH", kind="PipelineRun", status=422))
    try:
        answer = press(checks, sha, "requested_action")
    finally:
        faults.remove(denied)

    assert answer.statuses == ["failed"]
    assert "status" not in checks.run(name)["spec"]


@pytest.mark.parametrize(
    "more",
    [
        {"app": {"id": 1}},
        {"external_id": ""},
        {"external_id": "no-slash"},
        {"external_id": "kube-system/other"},
        {"name": "another-check"},
        {"head_sha": "f" * 40},
    ],
    ids=str,
)
def test_what_is_no_button_of_ours_starts_nothing(checks: Scene, more: dict[str, Any]) -> None:
    sha = commit()
    name = checks.push(sha)
    checks.end(name, "Failed")
    checks.hint(name)
    answer = press(checks, sha, **more)

    assert answer.statuses in (["filtered"], ["failed"])
    assert len(checks.runs()) == 1


def test_a_forged_button_starts_nothing(checks: Scene) -> None:
    sha = commit()
    checks.end(checks.push(sha), "Failed")
    assert press(checks, sha, secret=b"another").status == 401
    assert len(checks.runs()) == 1


def test_with_statuses_there_are_no_buttons(checks: Scene) -> None:
    sha = commit()
    checks.end(checks.push(sha), "Failed")
    checks.function("webhook", STATUS_API="statuses")
    before = len(checks.workspace.cluster.requests)
    assert press(checks, sha).statuses == ["filtered"]
    assert len(checks.workspace.cluster.requests) == before


@pytest.mark.parametrize("event", ["check_run", "check_suite"])
def test_the_events_of_our_own_checks_start_nothing_again(checks: Scene, event: str) -> None:
    checks.write(told(run()), interceptors=[github()])
    sha = commit()
    checks.push(sha)
    check = {"head_sha": sha, "name": CONTEXT, "app": {"id": 4242}}
    body = {"action": "completed", event: check, "repository": {"full_name": REPOSITORY}}

    assert checks.deliver(event, body).statuses == ["filtered"]
    check["app"], check["name"] = {"id": 1}, "of-somebody-else"
    assert checks.deliver(event, body).statuses == ["created"]


def test_a_new_attempt_is_the_newest_of_its_concurrency_group(checks: Scene) -> None:
    resource = told(run(), **{"concurrency-group": "main", "cancel-in-progress": "true"})
    checks.write(resource, interceptors=[github(eventTypes=["push"])])
    sha = commit()
    first = checks.push(sha)
    checks.end(first, "Failed")
    checks.hint(first)
    answer = press(checks, sha)

    assert answer.statuses == ["created"], answer.text
    second = answer.json["triggers"][0]["resources"][0]["name"]
    old, new = (checks.run(name)["metadata"]["labels"] for name in (first, second))
    assert {key: value for key, value in new.items() if "group" in key} == {
        key: value for key, value in old.items() if "group" in key
    }
    assert "status" not in checks.run(second)["spec"]


def test_a_new_attempt_waits_for_its_turn_as_any_run_of_its_group(checks: Scene) -> None:
    resource = told(run(revision="$(tt.params.sha)"), **{"concurrency-group": "main", "max-in-progress": "1"})
    checks.write(resource, interceptors=[github(eventTypes=["push"])], bindings=SHA)
    first, other = commit(), commit()
    ended = checks.push(first, time=1_790_000_000)
    checks.end(ended, "Failed")
    checks.hint(ended)
    running = checks.push(other, time=1_790_000_100)
    answer = press(checks, first)

    assert answer.statuses == ["created"], answer.text
    again = answer.json["triggers"][0]["resources"][0]["name"]
    assert "status" not in checks.run(running)["spec"]
    assert checks.run(again)["spec"]["status"] == "PipelineRunPending"
    checks.end(running)
    checks.hint(running)
    assert "status" not in checks.run(again)["spec"]


def test_a_new_attempt_begins_at_once_where_there_are_no_groups_any_more(checks: Scene) -> None:
    """Nobody would let it begin: the webhook settles groups for triggers that have them."""
    grouped = told(run(revision="$(tt.params.sha)"), **{"concurrency-group": "main", "max-in-progress": "1"})
    checks.write(grouped, interceptors=[github(eventTypes=["push"])], bindings=SHA)
    sha = commit()
    first = checks.push(sha)
    checks.end(first, "Failed")
    checks.hint(first)
    checks.write(told(run(revision="$(tt.params.sha)")), interceptors=[github(eventTypes=["push"])], bindings=SHA)
    checks.functions.clear()
    answer = press(checks, sha)

    assert answer.statuses == ["created"], answer.text
    assert "status" not in checks.run(answer.json["triggers"][0]["resources"][0]["name"])["spec"]
