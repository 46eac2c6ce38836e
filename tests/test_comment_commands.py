"""Commands in comments through the function, with GitHub's API beside it: which comment starts what, once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.standins.github_api import GitHubApi
from tests.support.application import Application
from tests.support.deliveries import SECRET, encoded, headers
from tests.support.function import Answer
from tests.support.sources import cel, github, inline, listener, run, template
from tests.support.workspace import Workspace

REPOSITORY = "octo-org/hello-world"
HEAD = "1f0c2b9e7d4a3c5b6e8f9012a3b4c5d6e7f80912"
TOKEN = {"secretName": "pat", "secretKey": "token"}
COMMENTS = github(
    eventTypes=["issue_comment"], addPRBody={"enabled": True, "personalAccessToken": TOKEN}, addFailedContexts=True
)
REVISION = {"name": "revision", "value": "$(extensions.pr_body.head.sha)"}


@pytest.fixture
def api() -> Iterator[GitHubApi]:
    with GitHubApi() as running:
        running.set_pull_request(REPOSITORY, 7, sha=HEAD)
        running.set_statuses(REPOSITORY, HEAD, {"ci/build": "failure", "ci/lint": "success"})
        yield running


def commented(text: str, *, action: str = "created", number: int = 1, on: str = "pull_request") -> dict[str, Any]:
    return {
        "action": action,
        "issue": {"number": 7, "state": "open", on: {"url": "https://elsewhere.example/pulls/7"}},
        "comment": {"id": number, "body": text, "created_at": "2026-11-20T10:00:00Z"},
        "repository": {"full_name": REPOSITORY},
        "sender": {"login": "maintainer", "id": 1, "node_id": "U_1", "type": "User"},
    }


@pytest.fixture
def application(workspace: Workspace, api: GitHubApi) -> Application:
    command = "comment.command(body.comment.body)"
    workspace.secret("hook", "token", SECRET)
    workspace.secret("pat", "token", api.token.encode())
    test = inline("test", COMMENTS, cel(f"{command}.name == 'test'"), bindings=[REVISION])
    retest = inline(
        "retest",
        COMMENTS,
        cel(f"{command}.name == 'retest' && 'ci/build' in extensions.failed_contexts"),
        bindings=[REVISION],
    )
    build = template("template", run("run-", revision="$(tt.params.revision)"))
    build["spec"]["params"] = [{"name": "revision"}]
    workspace.write([listener(test, retest), build])
    return Application(workspace.environment(GITHUB_API_URL=api.url))


def deliver(application: Application, body: dict[str, Any]) -> Answer:
    raw = encoded(body)
    return application.post(raw, headers("issue_comment", raw))


def revisions(workspace: Workspace) -> list[str]:
    runs = workspace.cluster.objects("PipelineRun", workspace.namespace)
    return [param["value"] for found in runs for param in found["spec"]["params"]]


def test_a_command_builds_the_head_of_its_pull_request(
    workspace: Workspace, api: GitHubApi, application: Application
) -> None:
    assert deliver(application, commented("Looks good.\r\n/test build key=value")).statuses == ["created", "filtered"]
    assert revisions(workspace) == [HEAD]
    pulls = [seen for seen in api.requests if seen.path == f"/repos/{REPOSITORY}/pulls/7"]
    assert len(pulls) == 1


@pytest.mark.parametrize(
    ("text", "statuses"),
    [
        ("/retest", ["filtered", "created"]),
        (f"/test {HEAD}", ["created", "filtered"]),
        (f"/test {HEAD[::-1]}", ["filtered", "filtered"]),
        ("> /test", ["filtered", "filtered"]),
        ("```\n/test\n```", ["filtered", "filtered"]),
        ("/cancel", ["filtered", "filtered"]),
        ("Could somebody /test this?", ["filtered", "filtered"]),
    ],
)
def test_what_a_comment_says(application: Application, text: str, statuses: list[str]) -> None:
    answer = deliver(application, commented(text))
    assert (answer.status, answer.statuses) == (202, statuses)


def test_nothing_is_tested_again_when_nothing_failed(application: Application, api: GitHubApi) -> None:
    api.set_statuses(REPOSITORY, HEAD, {"ci/build": "success"})
    api.set_checks(REPOSITORY, HEAD, {"other": "failure"})
    assert deliver(application, commented("/retest")).statuses == ["filtered", "filtered"]


def test_the_same_comment_starts_nothing_twice(workspace: Workspace, application: Application) -> None:
    assert deliver(application, commented("/test")).statuses == ["created", "filtered"]
    # sent again by GitHub, or by somebody who has captured it, under another delivery's number
    assert deliver(application, commented("/test")).statuses == ["duplicate", "filtered"]
    assert deliver(application, commented("/test", number=2)).statuses == ["created", "filtered"]
    assert len(revisions(workspace)) == 2


@pytest.mark.parametrize("action", ["edited", "deleted"])
def test_an_edited_or_deleted_comment_starts_nothing(
    workspace: Workspace, api: GitHubApi, application: Application, action: str
) -> None:
    assert deliver(application, commented("/test", action=action)).statuses == ["filtered", "filtered"]
    assert not revisions(workspace)
    assert not api.requests


def test_a_comment_on_an_issue_has_no_pull_request(application: Application, api: GitHubApi) -> None:
    assert deliver(application, commented("Hello", on="labels")).statuses == ["filtered", "filtered"]
    assert not api.requests


def test_while_github_cannot_be_asked_the_delivery_fails_and_may_come_again(
    workspace: Workspace, api: GitHubApi, application: Application
) -> None:
    api.refuse()
    answer = deliver(application, commented("/test"))
    assert (answer.status, answer.statuses) == (503, ["failed", "failed"])
    api.accept()
    assert deliver(application, commented("/test")).statuses == ["created", "filtered"]
    assert revisions(workspace) == [HEAD]
