"""infra/examples/comment-commands and its page: what each command starts, for whom, and what GitHub is asked."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.support import pipehook
from tests.standins.github_api import GitHubApi
from tests.support.application import Application
from tests.support.deliveries import SECRET, encoded, headers
from tests.support.function import ROOT, Answer
from tests.support.workspace import Workspace

EXAMPLE = ROOT / "infra" / "examples" / "comment-commands"
REPOSITORY = "acme/shop"
HEAD = "1f0c2b9e7d4a3c5b6e8f9012a3b4c5d6e7f80912"
LAB = "goldstine-lab"


@pytest.fixture
def api() -> Iterator[GitHubApi]:
    with GitHubApi() as running:
        running.set_pull_request(REPOSITORY, 7, sha=HEAD, author="stranger")
        running.set_members("acme", ["maintainer"])
        running.set_statuses(REPOSITORY, HEAD, {"ci/test": "failure"})
        yield running


@pytest.fixture
def application(workspace: Workspace, api: GitHubApi) -> Application:
    # beside the listener that is shipped, as somebody has them who copies them there
    for file in [*(EXAMPLE / "triggers").iterdir(), *(ROOT / "infra" / "triggers").iterdir()]:
        workspace.write(file.read_text().replace(LAB, workspace.namespace), file.name)
    workspace.secret("github-webhook", "secretkey", SECRET)
    workspace.secret("github-token", "token", api.token.encode())
    return Application(workspace.environment(GITHUB_API_URL=api.url))


def comment(workspace: Workspace, application: Application, text: str, **change: Any) -> Answer:
    author = {"login": change.pop("by", "maintainer"), "id": 1, "node_id": "U_1", "type": "User"}
    body = {
        "action": change.pop("action", "created"),
        "issue": {"number": 7, "state": change.pop("state", "open"), "pull_request": {"url": "u"}},
        "comment": {
            "id": change.pop("number", 1),
            "body": text,
            "user": author,
            "author_association": change.pop("association", "MEMBER"),
            "created_at": change.pop("created_at", "2026-11-20T10:00:00Z"),
        },
        "repository": {"id": 1, "full_name": REPOSITORY, "clone_url": f"https://github.com/{REPOSITORY}.git"},
        "sender": author,
    }
    raw = encoded(body)
    return application.post(raw, headers("issue_comment", raw), f"/{workspace.namespace}/comment-commands-listener")


def outcomes(answer: Answer) -> dict[str, str]:
    return {entry["name"]: entry["status"] for entry in answer.json["triggers"]}


def test_it_has_no_mistakes_and_the_shipped_listener_stays_alone() -> None:
    done = pipehook("validate", EXAMPLE / "triggers")
    assert (done.code, done.out, done.err.split("\n")[0]) == (0, "", "2 files: nothing found")
    listeners = [file for file in (ROOT / "infra/triggers").iterdir() if "kind: EventListener" in file.read_text()]
    assert [file.name for file in listeners] == ["listener.yaml"]


@pytest.mark.parametrize(
    ("text", "change", "started"),
    [
        ("/test", {}, {"test"}),
        ("/retest", {}, {"retest"}),
        ("/ok-to-test", {}, {"ok-to-test"}),
        (f"/ok-to-test {HEAD}", {}, {"ok-to-test"}),
        (f"/test {HEAD[::-1]}", {}, set()),
        ("/test", {"association": "CONTRIBUTOR", "by": "stranger"}, set()),
        ("/ok-to-test", {"by": "stranger"}, set()),
        ("/test", {"state": "closed"}, set()),
        ("/test", {"action": "edited"}, set()),
        ("> /test", {}, set()),
    ],
)
def test_each_command_starts_its_trigger(
    workspace: Workspace, application: Application, text: str, change: dict[str, Any], started: set[str]
) -> None:
    answer = comment(workspace, application, text, **change)
    assert answer.status == 202, answer.text
    assert {name for name, status in outcomes(answer).items() if status == "created"} == started
    runs = workspace.cluster.objects("PipelineRun", workspace.namespace)
    assert len(runs) == len(started)
    for run in runs:
        assert {"name": "gitrevision", "value": HEAD} in run["spec"]["params"]
        # GitHub is told of it at that commit, which is how /retest knows what failed
        marks = run["metadata"]["annotations"]
        assert (marks["pipehook.dev/status-context"], marks["pipehook.dev/sha"]) == ("ci/test", HEAD)


@pytest.mark.parametrize("text", ["Looks good", "/test", "/retest"])
def test_who_may_not_command_costs_no_request(
    workspace: Workspace, application: Application, api: GitHubApi, text: str
) -> None:
    comment(workspace, application, text, association="NONE", by="stranger")
    assert not api.requests


def test_nothing_is_tested_again_that_has_not_failed(
    workspace: Workspace, application: Application, api: GitHubApi
) -> None:
    api.set_statuses(REPOSITORY, HEAD, {"ci/test": "success"})
    assert set(outcomes(comment(workspace, application, "/retest")).values()) == {"filtered"}


def test_cancel_ends_what_a_command_has_started(workspace: Workspace, application: Application) -> None:
    comment(workspace, application, "/test", created_at="2026-11-20T10:00:00Z")
    answer = comment(workspace, application, "/cancel", number=2, created_at="2026-11-20T10:00:09Z")
    assert (answer.status, outcomes(answer)["cancel"]) == (202, "created"), answer.text
    (run,) = workspace.cluster.objects("PipelineRun", workspace.namespace)
    assert run["spec"]["status"] == "CancelledRunFinally"


def test_the_page_shows_commands_that_run() -> None:
    commands = re.findall(r"^\$ pipehook (.*)$", (ROOT / "docs" / "comments.md").read_text(), re.MULTILINE)
    render, evaluate = (pipehook(*shlex.split(command), "--output", "json") for command in commands)
    assert {trigger["name"]: trigger["outcome"] for trigger in render.json["triggers"]} == {
        "ok-to-test": "filtered",
        "cancel": "filtered",
        "retest": "filtered",
        "test": "would create",
    }
    assert evaluate.json["value"] == {"name": "test", "args": ["all"]}
    assert json.loads((EXAMPLE / "pull-request.json").read_text())["head"]["sha"] == HEAD
