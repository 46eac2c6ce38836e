"""What a delivery tells at once: pending, queued, failed and not allowed, through the served webhook."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from functions.status import herald
from tests.standins.faults import Fault
from tests.status.support import CONTEXT, REPOSITORY, STATUS, Scene, body_of, commit, told
from tests.support.deliveries import SECRET, encoded, headers
from tests.support.sources import Source, cel, github, inline, listener, run, template
from tests.support.workspace import Workspace


def test_a_run_is_pending_with_its_link_as_soon_as_it_exists(scene: Scene) -> None:
    sha = commit()
    name = scene.push(sha)

    assert scene.shown(sha) == ("pending", "Running", scene.link(name))
    metadata = scene.run(name)["metadata"]
    assert metadata["labels"]["pipehook.dev/status"] == "true"
    wanted = {
        "pipehook.dev/status-context": CONTEXT,
        "pipehook.dev/repository": REPOSITORY,
        "pipehook.dev/sha": sha,
        "pipehook.dev/event-time": "1790000000",
    }
    assert wanted.items() <= metadata["annotations"].items()
    assert "pipehook.dev/installation" not in metadata["annotations"]


def test_without_the_annotation_nothing_is_marked_and_nothing_asked(scene: Scene) -> None:
    scene.write(run())
    name = scene.push(commit())

    metadata = scene.run(name)["metadata"]
    assert not any(key.startswith("pipehook.dev/") for key in metadata["labels"])
    assert set(metadata["annotations"]) == {"pipehook.dev/delivery-key"}
    assert len(scene.hub.requests) == 0


def test_a_prefix_of_the_listener_names_every_run_of_its_triggers(scene: Scene) -> None:
    scene.write(run("first-"), run("second-"), metadata={"annotations": {STATUS: "ci"}})
    sha = commit()
    scene.push(sha)

    assert scene.posted(sha, "ci/build") == ["pending"]
    assert scene.posted(sha, "ci/build/2") == ["pending"]


def test_params_make_up_context_and_commit(scene: Scene) -> None:
    other = commit()
    params = [{"name": "n", "value": "$(body.number)"}, {"name": "other", "value": "$(body.other)"}]
    scene.write(told(run(), "ci/pr-$(tt.params.n)", sha="$(tt.params.other)"), bindings=params)
    sha = commit()
    scene.deliver(body=body_of(sha, number=7, other=other.upper()))

    assert scene.posted(other, "ci/pr-7") == ["pending"]
    assert scene.posted(sha, "ci/pr-7") == []


@pytest.mark.parametrize("wanted", ["main", "abc", "../../statuses/x"])
def test_what_is_no_commit_fails_the_trigger(scene: Scene, wanted: str) -> None:
    bindings = [{"name": "other", "value": "$(body.other)"}]
    scene.write(told(run(), sha="$(tt.params.other)"), bindings=bindings)
    answer = scene.deliver(body=body_of(commit(), other=wanted))

    assert answer.status == 422
    assert "pipehook.dev/sha must be a commit's whole id" in answer.reasons[0]


@pytest.mark.parametrize(
    "body",
    [
        body_of("0" * 40, deleted=True),
        body_of(commit(), deleted=True),
        {key: value for key, value in body_of(commit()).items() if key != "repository"},
        body_of(commit(), repository={"full_name": "acme/../other"}),
    ],
    ids=["zeros", "deleted", "no-repository", "no-name"],
)
def test_of_no_commit_or_repository_nothing_is_told(scene: Scene, body: dict[str, Any]) -> None:
    answer = scene.deliver(body=body)

    assert answer.statuses == ["created"]
    assert "pipehook.dev/status" not in scene.runs()[-1]["metadata"]["labels"]
    assert len(scene.hub.requests) == 0


def test_a_template_cannot_name_another_repository(scene: Scene) -> None:
    scene.write(told(run(), repository="acme/secret"))
    answer = scene.deliver()

    assert answer.status == 422
    assert "pipehook.dev/repository means nothing on a resource of a template" in answer.reasons[0]


def test_nor_by_a_key_that_is_a_param(scene: Scene) -> None:
    resource = run()
    resource["metadata"]["annotations"] = {"$(tt.params.key)": "acme/secret"}
    scene.write(resource, bindings=[{"name": "key", "value": "$(body.key)"}])

    assert scene.deliver(body=body_of(commit(), key="pipehook.dev/repository")).status == 422
    assert scene.deliver(body=body_of(commit(), key="example.com/free")).status == 202


def test_a_delivery_that_no_provider_vouches_for_is_told_nowhere(scene: Scene) -> None:
    secret = "header.canonical('X-Token').compareSecret('token', 'hook')"
    scene.write(told(run()), interceptors=[cel(f"body.after != '' && {secret}")])
    sent = encoded(body_of(commit()))
    answer = scene.function("webhook").post(sent, headers("push", sent, secret=None, X_Token="aiueokakikukeko"))

    assert answer.statuses == ["created"], answer.text
    assert len(scene.hub.requests) == 0


def test_a_context_is_bounded_and_printable(scene: Scene) -> None:
    bindings = [{"name": "title", "value": "$(body.title)"}]
    scene.write(told(run(), "ci/$(tt.params.title)"), bindings=bindings)
    sha = commit()
    scene.deliver(body=body_of(sha, title="a\n\u202eb" + "x" * 500))

    (context,) = {one["context"] for one in scene.hub.commits.statuses[REPOSITORY, sha]}
    assert context == "ci/a??b" + "x" * 93


def test_a_lasting_failure_is_an_error_with_its_reason_once(scene: Scene) -> None:
    scene.write(told(run()), bindings=[{"name": "x", "value": "$(body.missing)"}])
    sha = commit()
    answers = [scene.deliver(body=body_of(sha)) for _ in range(2)]

    assert [answer.status for answer in answers] == [422, 422]
    state, description, link = scene.shown(sha)
    assert (state, link) == ("error", "")
    assert description.startswith("failed to replace JSONPath value for param x")
    assert len(description) <= 140
    assert scene.posted(sha) == ["error"]


def test_a_refusal_of_the_cluster_names_nothing_of_the_event(scene: Scene) -> None:
    place = {"namespace": "$(tt.params.ns)"}
    resource = told(run())
    resource["metadata"] |= place
    scene.write(resource, bindings=[{"name": "ns", "value": "$(body.ns)"}])
    sha = commit()
    answer = scene.deliver(body=body_of(sha, ns="No Such Place"))

    assert answer.status == 422
    state, description, _ = scene.shown(sha)
    assert state == "error"
    assert "No Such Place" not in description


def test_a_stranger_needs_approval_which_is_said_once(scene: Scene) -> None:
    owners = github(eventTypes=["pull_request"], githubOwners={"enabled": True, "checkType": "none"})
    scene.write(told(run()), interceptors=[owners])
    scene.hub.set_contents(REPOSITORY, "OWNERS", b"approvers: [owner]\n")
    sha = commit()
    pull = {"head": {"sha": sha}, "user": {"login": "stranger"}, "updated_at": "2026-11-22T10:11:12Z"}
    body = {
        "action": "opened",
        "number": 7,
        "pull_request": pull,
        "repository": {"full_name": REPOSITORY},
        "sender": {"login": "stranger"},
    }
    answers = [scene.deliver("pull_request", body | {"action": action}) for action in ("opened", "labeled")]

    assert [answer.statuses for answer in answers] == [["filtered"], ["filtered"]]
    assert scene.shown(sha) == ("pending", "Not allowed to run: an owner may comment /ok-to-test", "")
    assert scene.posted(sha) == ["pending"]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(method="POST", path="/statuses/", status=500),
        Fault(method="POST", path="/statuses/", action="reset"),
        Fault(method="POST", path="/statuses/", action="lose"),
        Fault(method="POST", path="/statuses/", status=404, body='{"message": "Not Found"}'),
        Fault(method="POST", path="/statuses/", action="garbage", status=502, body="<html>"),
    ],
    ids=["500", "resets", "loses", "404", "garbage"],
)
def test_what_github_does_never_costs_a_delivery(scene: Scene, fault: Fault) -> None:
    scene.hub.faults.add(fault)
    answer = scene.deliver()

    assert answer.statuses == ["created"]


@pytest.mark.parametrize(
    ("status", "when"), [(503, "reconcile will tell it"), (403, "reconcile tells it once that is mended")]
)
def test_the_log_says_when_it_is_told(scene: Scene, status: int, when: str, capsys: pytest.CaptureFixture[str]) -> None:
    scene.hub.faults.add(Fault(status=status))
    assert scene.deliver().statuses == ["created"]
    assert when in capsys.readouterr().out


def test_a_github_that_never_answers_takes_two_seconds_at_most(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(herald, "SECONDS", 0.1)  # they are not waited for here
    hanging = scene.hub.faults.add(Fault(action="hang"))
    answer = scene.deliver()

    assert answer.statuses == ["created"]
    assert hanging.fired == 1  # one call, which is cut


def test_a_redelivery_posts_nothing_again(scene: Scene) -> None:
    sha = commit()
    scene.push(sha)
    body = body_of(sha)

    assert scene.deliver(body=body).statuses == ["duplicate"]
    assert scene.posted(sha) == ["pending"]


def test_an_old_delivery_that_comes_late_does_not_hide_a_newer_run(scene: Scene) -> None:
    sha = commit()
    newer = scene.push(sha, time=1_790_000_100)
    older = scene.push(sha, time=1_790_000_000)

    assert older != newer
    assert scene.shown(sha) == ("pending", "Running", scene.link(newer))
    assert scene.posted(sha) == ["pending"]


@pytest.mark.parametrize(
    ("asked", "context", "status"),
    [
        (CONTEXT, CONTEXT, "filtered"),
        ("ci/$(tt.params.n)", "ci/7", "filtered"),
        (CONTEXT, "ci/of-somebody-else", "created"),
        ("ci/$(tt.params.n)", "deploy", "created"),
    ],
)
def test_what_is_told_starts_nothing_again(scene: Scene, asked: str, context: str, status: str) -> None:
    scene.write(told(run(), asked), bindings=[{"name": "n", "value": "$(body.id)"}])
    repository = {"full_name": REPOSITORY}
    body = {"id": 7, "sha": commit(), "state": "pending", "context": context, "repository": repository}

    assert scene.deliver("status", body).statuses == [status]


@pytest.mark.parametrize("source", ["files", "cluster"])
def test_a_missing_token_is_said_at_load(
    new_workspace: Callable[[], Workspace], source: str, caplog: pytest.LogCaptureFixture, capsys: Any
) -> None:
    place = Source(new_workspace(), source)
    place.secret("hook", "token", SECRET)
    place.put(template("template", told(run())), listener(inline("build")))
    application = place.application()
    body = encoded(body_of(commit()))
    assert application.post(body, headers("push", body)).statuses == ["created"]

    said = capsys.readouterr().out + caplog.text
    assert "statuses are asked for, and nothing is told: set GITHUB_TOKEN_SECRET" in said
