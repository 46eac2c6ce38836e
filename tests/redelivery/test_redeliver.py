"""The sweep against GitHub's deliveries API: pages, limits, errors, tokens, and a function that fails again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from functions.common.errors import ConfigurationError
from functions.common.ports import Deadline
from functions.entrypoints.redeliver import HookSweep, Redeliver, open_sweep, start
from functions.entrypoints.scheduled import RUN_SECONDS
from functions.redelivery.summary import Summary
from functions.settings import read_settings
from tests.standins.faults import Fault
from tests.standins.github.hooks import Delivery, Hook
from tests.standins.github_api import GitHubApi
from tests.standins.secret_manager import SecretManager
from tests.standins_tests.receivers import Receiver
from tests.support.application import Application

HOUR = timedelta(hours=1)
TOKEN = "projects/p/secrets/github-token"
KEY = "projects/p/secrets/app-key"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(503) as running:
        yield running


@pytest.fixture
def github() -> Iterator[GitHubApi]:
    with GitHubApi() as running:
        yield running


@pytest.fixture
def hook(github: GitHubApi, receiver: Receiver) -> Hook:
    return github.add_hook("repos/o/r", receiver.url)


class Sleeper:
    """Waits that take no time, but for GitHub to have sent what it was asked to send."""

    def __init__(self, github: GitHubApi) -> None:
        self._github = github
        self.slept: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._github.wait_idle()


def named(*hooks: Hook) -> str:
    return ",".join(one.scope if one.scope == "app" else f"{one.scope}/hooks/{one.id}" for one in hooks)


def sweep_of(github: GitHubApi, *hooks: Hook, patient: bool = True, **environment: str) -> HookSweep:
    given = {"GITHUB_HOOKS": named(*hooks), "GITHUB_TOKEN_SECRET": TOKEN, "GITHUB_API_URL": github.url} | environment
    secrets = {TOKEN: github.token, KEY: github.app_key_pem}

    def fetch(resource: str, deadline: Deadline, refresh: bool) -> bytes:
        return secrets[resource].encode()

    return open_sweep(read_settings(given), patient=patient, fetch=fetch, sleep=Sleeper(github))


def fail(github: GitHubApi, hook: Hook, count: int, *, hours: float = 1) -> list[Delivery]:
    start = datetime.now(UTC) - hours * HOUR
    return [github.deliver(hook, "push", {"n": n}, delivered_at=start + timedelta(seconds=n)) for n in range(count)]


def swept(github: GitHubApi, *hooks: Hook, **environment: str) -> Summary:
    return sweep_of(github, *hooks, patient=True, **environment).run()


def test_what_failed_is_sent_again_oldest_first_and_what_came_through_is_left(
    github: GitHubApi, hook: Hook, receiver: Receiver
) -> None:
    failed = fail(github, hook, 3)
    receiver.status = 202
    github.deliver(hook, "push", {"fine": True})
    receiver.status = 422
    github.deliver(hook, "push", {"lasting": True})
    receiver.status = 202
    receiver.received.clear()

    summary = swept(github, hook)

    assert [request.headers["x-github-delivery"] for request in receiver.received[:1]] == [failed[0].guid]
    assert {request.headers["x-github-delivery"] for request in receiver.received} == {one.guid for one in failed}
    (found,) = summary.hooks
    assert (found.asked, found.came_through, found.succeeded, found.lasting, found.left) == (3, 3, 1, 1, 0)
    assert summary.outcome == "done"
    assert swept(github, hook).total("asked") == 0


def test_deliveries_are_read_page_by_page_and_no_further_than_the_look_back(
    github: GitHubApi, hook: Hook, receiver: Receiver
) -> None:
    old = fail(github, hook, 120, hours=10)
    fail(github, hook, 130, hours=2)
    receiver.status = 202

    summary = swept(github, hook, REDELIVER_LOOKBACK_HOURS="5", REDELIVER_LIMIT="20")

    assert (summary.total("asked"), summary.total("left"), summary.outcome) == (20, 110, "limited")
    pages = [one for one in github.requests if one.method == "GET" and "cursor" in one.query]
    assert len(pages) == 1
    sent = {request.headers["x-github-delivery"] for request in receiver.received[250:]}
    assert not sent & {one.guid for one in old}


def test_a_function_that_fails_again_costs_one_attempt_and_stops_the_sweep(
    github: GitHubApi, hook: Hook, receiver: Receiver
) -> None:
    fail(github, hook, 30)
    receiver.received.clear()

    summary = swept(github, hook)

    assert len(receiver.received) == 1
    (found,) = summary.hooks
    assert (found.asked, found.failed_again, found.left, summary.outcome) == (1, 1, 29, "stopped")
    assert "1 of 1 redeliveries failed again: the function or its cluster is still away" in found.notes[0]
    assert not summary.failed


def test_redeliveries_that_come_without_their_signature_are_not_used_up_and_those_that_were_are_named(
    github: GitHubApi, hook: Hook, receiver: Receiver
) -> None:
    failed = fail(github, hook, 30)
    receiver.status = 401

    first, second = swept(github, hook), swept(github, hook)

    assert (first.total("asked"), first.total("left"), first.outcome) == (1, 29, "stopped")
    assert "1 of 1 redeliveries were rejected (401): GitHub may send them without" in first.hooks[0].notes[0]
    assert (second.total("asked"), second.total("lasting")) == (1, 1)
    named = f"rejected when it was sent again: push {failed[0].guid} (attempt 2 answered 401)"
    assert second.hooks[0].notes[0].startswith(named)
    receiver.status = 202
    assert swept(github, hook).total("came_through") == 28


def test_a_function_that_begins_to_fail_in_the_middle_stops_the_sweep(
    github: GitHubApi, hook: Hook, receiver: Receiver
) -> None:
    fail(github, hook, 60)
    count = len(receiver.received)
    receiver.decide = lambda _: 202 if len(receiver.received) - count < 15 else 503

    summary = swept(github, hook)

    assert (summary.total("asked"), summary.total("came_through"), summary.outcome) == (21, 15, "stopped")


def test_what_waits_after_a_failure_goes_as_soon_as_another_delivery_has_come_through(
    github: GitHubApi, hook: Hook, receiver: Receiver
) -> None:
    fail(github, hook, 3)
    assert swept(github, hook).outcome == "stopped"
    receiver.status = 202

    summary = swept(github, hook)

    assert (summary.total("asked"), summary.total("came_through"), summary.total("waiting")) == (3, 3, 0)


def test_a_single_delivery_that_failed_again_waits_unless_somebody_is_impatient(
    github: GitHubApi, hook: Hook, receiver: Receiver
) -> None:
    fail(github, hook, 1)
    assert swept(github, hook).outcome == "stopped"
    receiver.status = 202

    assert (swept(github, hook).total("asked"), swept(github, hook).total("waiting")) == (0, 1)
    assert sweep_of(github, hook, patient=False).run().total("came_through") == 1


def test_a_delivery_is_given_up_and_named(github: GitHubApi, hook: Hook) -> None:
    (one,) = fail(github, hook, 1)

    summary = swept(github, hook, REDELIVER_ATTEMPTS="1")

    assert (summary.total("asked"), summary.total("given_up")) == (0, 1)
    assert f"given up: push {one.guid} (attempt 1 answered 503)" in summary.hooks[0].notes[0]


def test_a_dry_run_asks_for_nothing_and_says_what_it_would_ask_for(
    github: GitHubApi, hook: Hook, receiver: Receiver
) -> None:
    fail(github, hook, 4)
    receiver.received.clear()
    said: list[str] = []

    summary = sweep_of(github, hook, REDELIVER_LIMIT="3").run(dry_run=True, progress=said.append)

    assert (summary.total("asked"), summary.total("left"), len(receiver.received)) == (3, 1, 0)
    assert sum("would ask for push" in line for line in said) == 3
    assert "would ask GitHub to send again 3; 1 left for the next run" in summary.sentences()[0]


def test_the_runs_limit_is_shared_by_all_hooks(github: GitHubApi, receiver: Receiver) -> None:
    hooks = [github.add_hook("repos/o/r", receiver.url), github.add_hook("orgs/o", receiver.url)]
    for one in hooks:
        fail(github, one, 4)
    receiver.status = 202

    summary = swept(github, *hooks, REDELIVER_LIMIT="6")

    assert [(found.asked, found.left) for found in summary.hooks] == [(4, 0), (2, 2)]


def test_one_guid_of_two_hooks_is_two_deliveries(github: GitHubApi, receiver: Receiver) -> None:
    hooks = [github.add_hook("repos/o/r", receiver.url), github.add_hook("orgs/o", receiver.url)]
    receiver.status = 202
    github.deliver(hooks[0], "push", {}, guid="same")
    receiver.status = 503
    github.deliver(hooks[1], "push", {}, guid="same")
    receiver.status = 202

    assert [found.asked for found in swept(github, *hooks).hooks] == [0, 1]


@pytest.mark.parametrize("status", [403, 429])
def test_a_rate_limit_stops_the_run_and_is_named(
    github: GitHubApi, hook: Hook, receiver: Receiver, status: int
) -> None:
    other = github.add_hook("orgs/o", receiver.url)
    fail(github, hook, 5)
    receiver.status = 202
    github.secondary_limit(path="attempts", status=status, retry_after=120)

    summary = swept(github, hook, other)

    assert (summary.outcome, summary.total("asked"), summary.hooks[0].left) == ("failed", 0, 5)
    assert "rate limit is used up" in summary.hooks[0].error
    assert "it asks to wait 120 s" in summary.hooks[0].error
    assert "not swept" in summary.hooks[1].error


def test_a_primary_limit_that_is_used_up_is_named_with_its_end(github: GitHubApi, hook: Hook) -> None:
    github.exhaust(reset_in=900)
    summary = swept(github, hook)
    assert summary.failed
    assert "it asks to wait 9" in summary.hooks[0].error or "it asks to wait 8" in summary.hooks[0].error


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(status=500), "answered 500"),
        (Fault(action="reset"), "cannot be reached"),
        (Fault(action="garbage", status=200, body="<html>"), "did not answer with JSON"),
        (Fault(status=200, body='{"a": 1}'), "answered something else than the deliveries"),
        (
            Fault(status=200, body='[{"delivered_at": "2026-11-22T10:11:12Z"}]'),
            "answered something else than the deliveries",
        ),
        (Fault(status=200, body='[{"id": 1, "guid": "g", "delivered_at": "x"}]'), "answered something else"),
        (Fault(status=404), "the repository's Webhooks permission, read and write (classic: write:repo_hook)"),
    ],
    ids=lambda value: value.action if isinstance(value, Fault) else "",
)
def test_a_github_that_cannot_be_asked_is_named(github: GitHubApi, hook: Hook, fault: Fault, reason: str) -> None:
    github.faults.add(fault)
    summary = swept(github, hook)
    assert summary.failed
    assert reason in summary.hooks[0].error


def test_a_hook_that_nobody_may_read_does_not_keep_the_others_from_being_swept(
    github: GitHubApi, hook: Hook, receiver: Receiver
) -> None:
    gone = Hook(5, "repos/o/gone", receiver.url)
    fail(github, hook, 2)
    receiver.status = 202

    summary = swept(github, gone, hook)

    assert [bool(found.error) for found in summary.hooks] == [True, False]
    assert summary.total("came_through") == 2


def test_redeliveries_that_github_refuses_are_named_and_end_the_hooks_turn(github: GitHubApi, hook: Hook) -> None:
    fail(github, hook, 10)
    github.faults.add(Fault(method="POST", status=404))

    summary = swept(github, hook)

    assert (summary.total("refused"), summary.total("asked"), summary.failed) == (3, 0, True)
    assert "the token needs the repository's Webhooks permission" in summary.hooks[0].notes[0]


def test_a_delivery_that_was_not_made_yet_is_passed_over(github: GitHubApi, hook: Hook) -> None:
    github.faults.add(Fault(status=200, body='[{"id": 1, "guid": "g", "delivered_at": null}]'))
    assert swept(github, hook).outcome == "done"


def test_a_single_redelivery_that_github_refuses_is_passed_over(
    github: GitHubApi, hook: Hook, receiver: Receiver
) -> None:
    fail(github, hook, 4)
    receiver.status = 202
    github.faults.add(Fault(method="POST", status=422, times=1))

    summary = swept(github, hook)

    assert (summary.total("refused"), summary.total("came_through"), summary.failed) == (1, 3, False)


def test_redeliveries_that_github_does_not_record_stop_the_sweep(
    github: GitHubApi, hook: Hook, receiver: Receiver
) -> None:
    fail(github, hook, 4)
    github.faults.add(Fault(method="POST", path="attempts", status=202, body="{}"))

    summary = swept(github, hook)

    assert (summary.total("asked"), summary.outcome) == (1, "stopped")
    assert "has recorded none of 1 redeliveries yet" in summary.hooks[0].notes[0]


def test_calls_that_make_github_work_are_a_second_apart(github: GitHubApi, hook: Hook, receiver: Receiver) -> None:
    fail(github, hook, 5)
    receiver.status = 202
    made = sweep_of(github, hook)

    made.run()

    sleeper = made.sweep._sleep
    assert isinstance(sleeper, Sleeper)
    assert sleeper.slept == [1.0, *[1.0] * 4, 1.0]


def test_a_run_ends_in_time(github: GitHubApi, hook: Hook, receiver: Receiver) -> None:
    fail(github, hook, 5)
    receiver.status = 202

    summary = sweep_of(github, hook).run(seconds=20)

    assert (summary.total("asked"), summary.total("left")) == (1, 4)
    assert "the time for one run was used up" in summary.hooks[0].notes[0]


def test_a_token_that_was_rotated_is_read_anew(github: GitHubApi, hook: Hook, receiver: Receiver) -> None:
    fail(github, hook, 1)
    receiver.status = 202
    asked: list[bool] = []

    def fetch(resource: str, deadline: Deadline, refresh: bool) -> bytes:
        asked.append(refresh)
        return github.token.encode() if refresh else b"ghp_old"

    environment = {"GITHUB_HOOKS": named(hook), "GITHUB_TOKEN_SECRET": TOKEN, "GITHUB_API_URL": github.url}
    summary = open_sweep(read_settings(environment), fetch=fetch, sleep=Sleeper(github)).run()

    assert summary.total("came_through") == 1
    assert asked[:2] == [False, True]


def test_a_token_that_github_does_not_know_is_named(github: GitHubApi, hook: Hook) -> None:
    github.revoke(github.token)
    summary = swept(github, hook)
    assert "GitHub refuses the token" in summary.hooks[0].error
    assert github.token not in json.dumps(summary.json())


def test_an_app_sweeps_its_own_hook_and_those_of_repositories_and_organisations(
    github: GitHubApi, receiver: Receiver
) -> None:
    hooks = [github.add_hook(scope, receiver.url) for scope in ("app", "repos/o/r", "orgs/o")]
    for one in hooks:
        fail(github, one, 1)
    receiver.status = 202
    app = {"GITHUB_APP_ID": github.app_id, "GITHUB_APP_KEY_SECRET": KEY, "GITHUB_TOKEN_SECRET": ""}

    summary = swept(github, *hooks, **app)

    assert [found.came_through for found in summary.hooks] == [1, 1, 1]
    tokens = [one for one in github.requests if one.path.endswith("/access_tokens")]
    assert len(tokens) == 2


def test_a_key_that_is_none_is_named_without_its_text(github: GitHubApi) -> None:
    environment = {
        "GITHUB_HOOKS": "app",
        "GITHUB_APP_ID": "1",
        "GITHUB_APP_KEY_SECRET": KEY,
        "GITHUB_API_URL": github.url,
    }
    made = open_sweep(read_settings(environment), fetch=lambda *_: b"s3cr3t", sleep=Sleeper(github))
    error = made.run().hooks[0].error
    assert f"{KEY} is no private key of a GitHub App" in error
    assert "s3cr3t" not in error


def test_a_token_that_is_none_is_named(github: GitHubApi, hook: Hook) -> None:
    environment = {"GITHUB_HOOKS": named(hook), "GITHUB_TOKEN_SECRET": TOKEN, "GITHUB_API_URL": github.url}
    made = open_sweep(read_settings(environment), fetch=lambda *_: b"two words", sleep=Sleeper(github))
    assert "is no GitHub token" in made.run().hooks[0].error


@pytest.mark.parametrize(
    ("environment", "mistake"),
    [
        ({}, "GITHUB_HOOKS: not set"),
        ({"GITHUB_HOOKS": "orgs/o/hooks/1"}, "GITHUB_TOKEN_SECRET: not set"),
        ({"GITHUB_HOOKS": "app", "GITHUB_TOKEN_SECRET": TOKEN}, "app needs GITHUB_APP_ID"),
    ],
)
def test_a_sweep_that_is_not_configured_names_what_is_missing(environment: dict[str, str], mistake: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_sweep(read_settings(environment))
    assert any(mistake in one for one in caught.value.mistakes)


@pytest.fixture
def function(github: GitHubApi, hook: Hook) -> Iterator[Application]:
    with SecretManager() as secrets:
        secrets.add("p", "github-token", github.token.encode())
        yield Application(
            {
                "GITHUB_HOOKS": named(hook),
                "GITHUB_TOKEN_SECRET": TOKEN,
                "GITHUB_API_URL": github.url,
                "SECRET_MANAGER_EMULATOR_HOST": secrets.host,
            },
            target="redeliver",
        )


def test_the_function_sweeps_answers_with_a_summary_and_logs_one_line(
    function: Application, github: GitHubApi, hook: Hook, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    fail(github, hook, 1)
    receiver.status = 202
    capsys.readouterr()

    answer = function.request("POST")

    assert (answer.status, answer.json["outcome"]) == (200, "done")
    assert answer.json["hooks"][0]["cameThrough"] == 1
    (line,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (line["kind"], line["severity"], line["asked"], line["came_through"]) == ("sweep", "INFO", 1, 1)
    assert github.token not in json.dumps(line)


def test_the_function_answers_503_when_github_cannot_be_asked(function: Application, github: GitHubApi) -> None:
    github.exhaust()
    answer = function.request("POST")
    assert (answer.status, answer.json["outcome"]) == (503, "failed")


def test_the_function_sweeps_on_post_alone(function: Application, github: GitHubApi) -> None:
    assert function.request("GET").json == {"status": "ok"}
    assert function.request("PUT").status == 405
    assert not github.requests


def test_a_function_that_is_not_configured_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert Application({}, target="redeliver").request("POST").status == 500
    assert "GITHUB_HOOKS: not set" in capsys.readouterr().out


def test_an_answer_of_an_installation_that_is_none_is_named(github: GitHubApi, hook: Hook) -> None:
    github.faults.add(Fault(path="/installation", status=200, body="[]"))
    app = {"GITHUB_APP_ID": github.app_id, "GITHUB_APP_KEY_SECRET": KEY, "GITHUB_TOKEN_SECRET": ""}
    assert "something else than the App's installation" in swept(github, hook, **app).hooks[0].error


@pytest.mark.parametrize(
    ("timeout", "seconds"), [("100", 90.0), ("300", RUN_SECONDS), ("", RUN_SECONDS), ("x", RUN_SECONDS)]
)
def test_a_run_ends_before_the_functions_time_out(timeout: str, seconds: float) -> None:
    given = {"GITHUB_HOOKS": "orgs/o/hooks/1", "GITHUB_TOKEN_SECRET": TOKEN, "CLOUD_RUN_TIMEOUT_SECONDS": timeout}
    served = start(given)
    assert isinstance(served, Redeliver)
    assert served.seconds == seconds


def test_the_permission_is_that_of_the_kind_of_hook(github: GitHubApi, receiver: Receiver) -> None:
    missing = [Hook(1, scope, receiver.url) for scope in ("repos/o/r", "orgs/o")]
    errors = [found.error for found in swept(github, *missing).hooks]
    assert "the repository's Webhooks permission" in errors[0]
    assert "the organization's Webhooks permission" in errors[1]
