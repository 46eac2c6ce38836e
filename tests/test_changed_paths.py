"""Changed paths through the function, with GitHub's API beside it: filters of a monorepo, lists that are cut short."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.standins.github_api import GitHubApi
from tests.support.application import Application
from tests.support.deliveries import PUSH, SECRET, encoded, headers
from tests.support.function import Answer
from tests.support.sources import cel, github, inline, listener, run, template
from tests.support.workspace import Workspace

REPOSITORY = "mosuke5/myapp"
OLD, NEW, ZERO = "a" * 40, "b" * 40, "0" * 40
FILES = {"enabled": True, "personalAccessToken": {"secretName": "pat", "secretKey": "token"}}
CODE = cel("paths.match(extensions.changed_files_list, ['src/**', '!**/*.md'])")
NOT_DOCS_ALONE = cel("!paths.only(extensions.changed_files_list, ['docs/**', '*.md'])")
CART = cel("'services/cart/**'.pathChanged()")


@pytest.fixture
def api() -> Iterator[GitHubApi]:
    with GitHubApi() as running:
        yield running


def deployed(workspace: Workspace, api: GitHubApi, **files: Any) -> Application:
    chain = github(addChangedFiles=FILES | files)
    workspace.secret("hook", "token", SECRET)
    workspace.secret("pat", "token", api.token.encode())
    triggers = [inline("code", chain, CODE), inline("not-docs", chain, NOT_DOCS_ALONE), inline("cart", chain, CART)]
    workspace.write([listener(*triggers), template("template", run())])
    return Application(workspace.environment(GITHUB_API_URL=api.url))


def push(*files: str, **change: Any) -> dict[str, Any]:
    repository = PUSH["repository"] | {"default_branch": "main"}
    commits = [{"id": "1", "added": [], "modified": list(files), "removed": []}] if files else []
    return PUSH | {"before": OLD, "after": NEW, "repository": repository, "commits": commits} | change


def deliver(application: Application, body: dict[str, Any], event: str = "push") -> Answer:
    raw = encoded(body)
    return application.post(raw, headers(event, raw))


@pytest.mark.parametrize(
    ("files", "statuses"),
    [
        (["src/deep/er/a.py"], ["created", "created", "filtered"]),
        (["src/README.md"], ["filtered", "filtered", "filtered"]),
        (["docs/a.txt", "README.md"], ["filtered", "filtered", "filtered"]),
        (["docs/a.txt", "services/cart/x"], ["filtered", "created", "created"]),
        (["odd, name/services/cart/x"], ["filtered", "created", "filtered"]),
    ],
)
def test_a_filter_goes_by_the_files_of_a_push(
    workspace: Workspace, api: GitHubApi, files: list[str], statuses: list[str]
) -> None:
    assert deliver(deployed(workspace, api), push(*files)).statuses == statuses
    assert not api.requests


def test_a_new_branch_is_compared_once_for_all_triggers(workspace: Workspace, api: GitHubApi) -> None:
    api.set_comparison(REPOSITORY, "main", NEW, ["docs/a"], status="diverged")
    created = push(before=ZERO, created=True, ref="refs/heads/topic")
    assert deliver(deployed(workspace, api), created).statuses == ["filtered"] * 3
    assert [seen.path for seen in api.requests] == [f"/repos/{REPOSITORY}/compare/main...{NEW}"]


def test_a_forced_push_back_builds_what_it_takes_back(workspace: Workspace, api: GitHubApi) -> None:
    api.set_comparison(REPOSITORY, OLD, NEW, [], status="behind")
    api.set_comparison(REPOSITORY, NEW, OLD, ["src/a.py"], status="ahead")
    assert deliver(deployed(workspace, api), push(forced=True)).statuses == ["created", "created", "filtered"]


@pytest.mark.parametrize("why", ["no token", "many files", "a commit that is gone", "an outage"])
def test_what_nobody_knows_builds_everything(workspace: Workspace, api: GitHubApi, why: str) -> None:
    if why == "many files":
        api.set_comparison(REPOSITORY, OLD, NEW, [f"docs/{number}" for number in range(400)])
    if why == "an outage":
        api.refuse()
    given = {"personalAccessToken": None} if why == "no token" else {}
    assert deliver(deployed(workspace, api, **given), push(forced=True)).statuses == ["created"] * 3


def test_a_pull_request_of_more_files_than_github_lists_builds_everything(workspace: Workspace, api: GitHubApi) -> None:
    body: dict[str, Any] = {
        "action": "opened",
        "number": 7,
        "pull_request": {"number": 7, "changed_files": 3001},
        "repository": {"full_name": REPOSITORY},
    }
    api.set_files(REPOSITORY, 7, [f"docs/{number}" for number in range(3001)])
    application = deployed(workspace, api)
    assert deliver(application, body, "pull_request").statuses == ["created"] * 3
    api.set_files(REPOSITORY, 7, [{"filename": "docs/a", "previous_filename": "src/a.py", "status": "renamed"}])
    body["pull_request"]["changed_files"] = 1
    assert deliver(application, body, "pull_request").statuses == ["created", "created", "filtered"]


def test_gitlabs_pushes_have_them_too(workspace: Workspace) -> None:
    params = [
        {"name": "secretRef", "value": {"secretName": "hook", "secretKey": "token"}},
        {"name": "addChangedFiles", "value": {"enabled": True}},
    ]
    workspace.secret("hook", "token", SECRET)
    workspace.write([listener(inline("code", {"ref": {"name": "gitlab"}, "params": params}, CODE)), template()])
    application = Application(workspace.environment())
    for files, count, status in ((["docs/a"], 1, "filtered"), (["src/a"], 1, "created"), (["docs/a"], 21, "created")):
        body = encoded(
            {
                "object_kind": "push",
                "before": OLD,
                "after": NEW,
                "total_commits_count": count,
                "commits": [{"id": "1", "added": files, "modified": [], "removed": []}],
            }
        )
        sent = {"X-Gitlab-Event": "Push Hook", "X-Gitlab-Token": SECRET.decode(), "Content-Type": "application/json"}
        assert application.post(body, sent).statuses == [status]
