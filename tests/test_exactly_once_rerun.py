"""REDELIVERY=rerun and captured deliveries: GitHub is asked whether it was GitHub that sent one again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.adapters.github.redeliveries import GitHubRedeliveries, hooks_of
from functions.common.errors import LastingError, PassingError
from functions.common.ports import Deadline, Origin
from tests.standins.faults import Fault
from tests.standins.github.hooks import Delivery
from tests.standins.github_api import GitHubApi
from tests.support.deliveries import PUSH, SECRET
from tests.support.function import Answer, ServedFunction
from tests.support.production import KEY, NAMESPACE, PROJECT, Production, manifests, open_production
from tests.support.sources import github, inline, listener, template

REPOSITORY = PUSH["repository"]["full_name"]
TOKEN = f"projects/{PROJECT}/secrets/github-token"


@pytest.fixture
def production(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Production]:
    with open_production(tmp_path, monkeypatch) as found:
        yield found


@pytest.fixture
def api() -> Iterator[GitHubApi]:
    with GitHubApi() as running:
        yield running


def served(production: Production, api: GitHubApi, **more: str) -> ServedFunction:
    production.manager.add(PROJECT, "github-token", api.token.encode())
    return production.served(**{"REDELIVERY": "rerun", "GITHUB_API_URL": api.url, "GITHUB_TOKEN_SECRET": TOKEN, **more})


def first(api: GitHubApi, function: ServedFunction, scope: str = f"repos/{REPOSITORY}") -> Delivery:
    """Let GitHub deliver a push."""
    hook = api.add_hook(scope, f"http://127.0.0.1:{function.port}/", secret=SECRET.decode())
    sent = api.deliver(hook, "push", PUSH)
    assert sent.status_code == 202
    return sent


def replayed(function: ServedFunction, captured: Delivery, **changed: str) -> Answer:
    """Send what was captured, with headers changed."""
    return function.post(captured.body, captured.request_headers | {k.replace("_", "-"): v for k, v in changed.items()})


def redelivered(api: GitHubApi, sent: Delivery) -> Delivery:
    """Press Redeliver, and wait until it is in GitHub's list."""
    api._hooks.redeliver(sent)
    api.wait_idle()
    return api.deliveries(sent.hook)[0]


def ended(production: Production) -> int:
    """End every run, and return how many there are."""
    for found in production.objects():
        production.cluster.finish("PipelineRun", NAMESPACE, found["metadata"]["name"])
    return len(production.objects())


def test_a_captured_delivery_runs_no_oftener_than_github_sent_it(production: Production, api: GitHubApi) -> None:
    with served(production, api) as function:
        sent = first(api, function)
        assert ended(production) == 1
        for guid in (sent.guid, "11111111-cc78-11e3-81ab-4c9367dc0958", ""):
            answer = replayed(function, sent, X_GitHub_Delivery=guid)
            assert (answer.status, answer.statuses) == (202, ["duplicate"])
            assert "it does not run again: GitHub lists 0 redeliveries of it" in answer.reasons[0]
        # GitHub lists what has been answered: the second redelivery finds the first one there
        redelivered(api, sent)
        assert ended(production) == 1
        redelivered(api, sent)
        assert ended(production) == 2
        for _ in range(5):
            replayed(function, sent)
            assert ended(production) <= 3  # as many as redeliveries, and the first
        assert replayed(function, sent).statuses == ["duplicate"]


def test_the_guid_of_another_delivery_does_not_help(production: Production, api: GitHubApi) -> None:
    with served(production, api) as function:
        captured = first(api, function)
        other = api.deliver(captured.hook, "push", PUSH | {"before": "f" * 40})
        redelivered(api, other)
        assert ended(production) == 2
        answer = replayed(function, captured, X_GitHub_Delivery=other.guid)
        assert answer.statuses == ["duplicate"]
        assert "another body" in answer.reasons[0]


@pytest.mark.parametrize("fault", ["500", "401", "endless", "no permission"])
def test_without_an_answer_it_is_a_duplicate(production: Production, api: GitHubApi, fault: str) -> None:
    with served(production, api) as function:
        sent = first(api, function)
        assert ended(production) == 1
        redelivered(api, sent)
        if fault == "endless":
            api.faults.add(Fault(action="hang", path=r".*/deliveries.*"))
        else:
            api.faults.add(Fault(status={"no permission": 404}.get(fault) or int(fault), path=r".*/deliveries.*"))
        answer = replayed(function, sent)
        assert (answer.status, answer.statuses) == (202, ["duplicate"])
        assert "GitHub does not say whether it was redelivered" in answer.reasons[0]
        assert ended(production) == 1


def test_github_is_asked_once_for_all_triggers_and_only_before_another_run(
    production: Production, api: GitHubApi
) -> None:
    triggers = [inline(f"t{number}", github(KEY)) for number in range(5)]
    production.write(listener(*triggers), template())
    with served(production, api) as function:
        sent = first(api, function)
        replayed(function, sent)
        assert not len(api.requests)
        assert ended(production) == 5
        assert replayed(function, sent).statuses == ["duplicate"] * 5
        assert len(api.requests) == 1


@pytest.mark.parametrize(
    ("named", "hook", "wanted"),
    [
        ([], "7", ["repos/Octo/Shop/hooks/7"]),
        ([], "", []),
        ([], "7/../8", []),
        (
            ["repos/octo/shop/hooks/1", "repos/octo/other/hooks/7"],
            "7",
            ["repos/Octo/Shop/hooks/7", "repos/octo/shop/hooks/1"],
        ),
        (["repos/octo/shop/hooks/1"], "", ["repos/octo/shop/hooks/1"]),
        (["orgs/octo/hooks/3", "orgs/other/hooks/7", "app"], "3", ["orgs/octo/hooks/3", "app"]),
        (
            [f"repos/octo/shop/hooks/{number}" for number in range(9)],
            "8",
            [f"repos/octo/shop/hooks/{n}" for n in (8, 0, 1)],
        ),
    ],
)
def test_which_hooks_are_asked(named: list[str], hook: str, wanted: list[str]) -> None:
    found = hooks_of(Origin("Octo/Shop", hook, "g", "s"), named)
    assert [one.lower() for one in found] == [one.lower() for one in wanted]


@pytest.mark.parametrize("repository", ["", "a", "../..", "a/..", "a/b/c", "a/b?x", "ä/b"])
def test_what_is_no_repository_asks_nobody(repository: str) -> None:
    assert hooks_of(Origin(repository, "7", "g", "s"), ["app"]) == []


class Recorded:
    """A list of deliveries; one hook may fail."""

    def __init__(self, **hooks: Any) -> None:
        self._hooks = hooks

    def redelivered(self, hook: str, guid: str, *, deadline: Deadline) -> list[int]:
        found = self._hooks[hook]
        if isinstance(found, Exception):
            raise found
        return list(found)

    def signature(self, hook: str, attempt: int, *, deadline: Deadline) -> str:
        return "right"


@pytest.mark.parametrize("error", [PassingError("down"), LastingError("no")])
def test_one_of_the_hooks_is_enough(error: Exception) -> None:
    recorded = Recorded(**{"orgs/octo/hooks/3": error, "app": [1]})
    asked = GitHubRedeliveries(recorded, ["orgs/octo/hooks/3", "app"])
    deadline = Deadline(8, lambda: 0)
    origin = Origin("octo/shop", "", "g", "right")
    assert asked.doubt(origin, runs=1, deadline=deadline) == ""
    assert "GitHub lists 1 redeliveries" in asked.doubt(origin, runs=2, deadline=deadline)
    assert "another body" in asked.doubt(Origin("octo/shop", "", "g", "wrong"), runs=1, deadline=deadline)
    assert "set GITHUB_HOOKS" in asked.doubt(Origin("octo", "", "g", "right"), runs=1, deadline=deadline)


def test_an_app_asks_with_its_own_token(production: Production, api: GitHubApi) -> None:
    production.manager.add(PROJECT, "app-key", api.app_key_pem.encode())
    more = {"GITHUB_TOKEN_SECRET": "", "GITHUB_APP_ID": api.app_id, "GITHUB_HOOKS": "app"}
    more["GITHUB_APP_KEY_SECRET"] = f"projects/{PROJECT}/secrets/app-key"
    with served(production, api, **more) as function:
        sent = first(api, function, "app")
        assert ended(production) == 1
        redelivered(api, sent)
        assert replayed(function, sent, X_GitHub_Hook_ID="").reasons == [
            "run 2 of this delivery: the earlier one has ended"
        ]


def test_the_log_says_that_nobody_is_asked(production: Production, capsys: pytest.CaptureFixture[str]) -> None:
    production.write(*manifests())
    production.application(REDELIVERY="rerun")
    assert "whoever has captured a delivery can run it again" in capsys.readouterr().out
