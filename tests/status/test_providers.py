"""The other implementations of the port: GitHub's checks, GitLab's and Bitbucket's statuses, and the App's tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.adapters.secrets.support import LifeClock
from tests.standins.exchange import App, Request, Response
from tests.standins.faults import Fault
from tests.standins.loops import LoopThread
from tests.standins.web import Listener
from tests.status.support import CONTEXT, PROJECT, REPOSITORY, Scene, body_of, commit, told
from tests.support.deliveries import SECRET, encoded, headers, signature
from tests.support.sources import github, run

APP = {
    "GITHUB_TOKEN_SECRET": "",
    "GITHUB_APP_ID": "4242",
    "GITHUB_APP_KEY_SECRET": f"projects/{PROJECT}/secrets/app",
}


DATE = "2026-11-22T20:11:12+1000"


@pytest.fixture
def checks(scene: Scene) -> Scene:
    scene.more = APP | {"STATUS_API": "checks"}
    return scene


def check(scene: Scene, sha: str) -> dict[str, Any]:
    found = scene.hub.shown(REPOSITORY, sha, CONTEXT)
    assert found is not None
    return found


def test_a_check_run_is_made_and_completed(checks: Scene) -> None:
    sha = commit()
    name = checks.push(sha, installation={"id": 1})
    made = check(checks, sha)
    assert (made["status"], made["external_id"]) == ("in_progress", f"{checks.namespace}/{name}")
    assert (made["output"]["title"], made["details_url"]) == ("Running", checks.link(name))
    assert [action["identifier"] for action in made["actions"]] == ["cancel"]

    checks.end(name)
    checks.task(name, "build", {"conditions": [{"type": "Succeeded", "status": "True"}]})
    assert [checks.hint(name).json["outcome"] for _ in range(2)] == ["told", "unchanged"]
    ended = check(checks, sha)
    assert (ended["id"], ended["status"], ended["conclusion"]) == (made["id"], "completed", "success")
    assert ended["output"]["title"] == "Succeeded in 3m 12s: 5 tasks"
    assert "| build | succeeded |" in ended["output"]["summary"]
    assert ended["actions"] == []
    assert len(checks.hub.commits.checks[REPOSITORY, sha]) == 1


@pytest.mark.parametrize(
    ("reason", "conclusion"),
    [
        ("Failed", "failure"),
        ("Cancelled", "cancelled"),
        ("PipelineRunTimeout", "timed_out"),
        ("CouldntGetPipeline", "failure"),
    ],
)
def test_conclusions_are_by_reason(checks: Scene, reason: str, conclusion: str) -> None:
    sha = commit()
    name = checks.push(sha)
    checks.end(name, reason)
    checks.hint(name)
    assert check(checks, sha)["conclusion"] == conclusion


def test_a_newer_run_has_a_check_run_of_its_own(checks: Scene) -> None:
    sha = commit()
    first = checks.push(sha)
    checks.end(first)
    checks.hint(first)
    second = checks.push(sha, time=1_790_000_100)
    checks.hint(second)

    made = checks.hub.commits.checks[REPOSITORY, sha]
    assert [(one["external_id"].rpartition("/")[2], one["status"]) for one in made] == [
        (first, "completed"),
        (second, "in_progress"),
    ]


def test_a_stranger_needs_action(checks: Scene) -> None:
    owners = github(eventTypes=["pull_request"], githubOwners={"enabled": True, "checkType": "none"})
    checks.write(told(run()), interceptors=[owners])
    checks.hub.set_contents(REPOSITORY, "OWNERS", b"approvers: [owner]\n")
    sha = commit()
    body = {
        "action": "opened",
        "number": 7,
        "pull_request": {"head": {"sha": sha}, "user": {"login": "stranger"}},
        "repository": {"full_name": REPOSITORY},
        "sender": {"login": "stranger"},
        "installation": {"id": 1},
    }
    for action in ("opened", "labeled"):
        assert checks.deliver("pull_request", body | {"action": action}).statuses == ["filtered"]

    (made,) = checks.hub.commits.checks[REPOSITORY, sha]
    assert made["conclusion"] == "action_required"
    assert "/ok-to-test" in made["output"]["title"]


def test_the_summary_has_no_markup_of_names(checks: Scene) -> None:
    sha = commit()
    name = checks.push(sha)
    evil = "x|y](https://evil.example) <b>@octocat</b>"
    checks.end(name, childReferences=[{"kind": "TaskRun", "name": f"{name}-x", "pipelineTaskName": evil}])
    checks.hint(name)
    summary = check(checks, sha)["output"]["summary"]
    assert "x|y" not in summary
    assert "<b>" not in summary


def test_the_apps_tokens_reach_one_repository_and_one_permission_and_are_kept(scene: Scene) -> None:
    scene.more = APP
    for _ in range(3):
        name = scene.push(commit(), installation={"id": 1})
    assert scene.run(name)["metadata"]["annotations"]["pipehook.dev/installation"] == "1"
    (granted,) = scene.hub.given_tokens
    assert granted.repositories == frozenset({"app"})
    assert granted.permissions == {"statuses": "write"}


def test_the_installation_is_the_signed_bodys_and_looked_up_where_it_has_none(scene: Scene) -> None:
    scene.more = APP
    scene.push(commit())
    paths = [one.path for one in scene.hub.requests]
    assert paths[0] == f"/repos/{REPOSITORY}/installation"


def test_a_token_that_ends_soon_is_not_used(scene: Scene) -> None:
    scene.more = APP
    scene.hub.token_seconds(200)
    scene.push(commit(), installation={"id": 1})
    scene.push(commit(), installation={"id": 1})
    assert len(scene.hub.given_tokens) == 4  # one a call


def test_an_app_without_the_permission_costs_no_delivery(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.more = APP
    scene.hub.give_app({"contents": "read"})
    scene.push(commit(), installation={"id": 1})
    assert scene.hub.commits.statuses == {}


def test_owners_and_changed_files_ask_as_ourselves(scene: Scene) -> None:
    scene.more = APP
    chain = github(
        eventTypes=["pull_request"],
        githubOwners={"enabled": True, "checkType": "repoMembers"},
        addChangedFiles={"enabled": True},
    )
    bindings = [{"name": "files", "value": "$(extensions.changed_files)"}]
    scene.write(told(run(files="$(tt.params.files)")), interceptors=[chain], bindings=bindings)
    scene.hub.set_collaborators(REPOSITORY, ["friend"])
    scene.hub.set_files(REPOSITORY, 7, ["a.txt"])
    body = {
        "action": "opened",
        "number": 7,
        "pull_request": {"head": {"sha": commit()}, "user": {"login": "friend"}},
        "repository": {"full_name": REPOSITORY},
        "sender": {"login": "friend"},
        "installation": {"id": 1},
    }
    answer = scene.deliver("pull_request", body)

    assert answer.statuses == ["created"], answer.text
    assert scene.runs()[-1]["spec"]["params"][0]["value"] == "a.txt"
    assert [granted.repositories for granted in scene.hub.given_tokens] == [frozenset({"app"})] * 3


def test_an_unverified_interceptor_never_asks_as_ourselves(scene: Scene) -> None:
    scene.more = {"UNVERIFIED_TRIGGERS": "allow"}
    params = [{"name": "githubOwners", "value": {"enabled": True, "checkType": "repoMembers"}}]
    scene.write(told(run()), interceptors=[{"ref": {"name": "github"}, "params": params}])
    body = {
        "number": 7,
        "pull_request": {"user": {"login": "x"}, "head": {"sha": commit()}},
        "repository": {"full_name": REPOSITORY},
    }
    answer = scene.deliver("pull_request", body, secret=None)

    assert "no personalAccessToken was supplied" in answer.reasons[0]
    assert len(scene.hub.requests) == 0


class Forge:
    """GitLab's and Bitbucket's endpoints of statuses, as far as they are asked."""

    def __init__(self) -> None:
        self.statuses: dict[str, dict[str, Any]] = {}
        self.seen: list[tuple[str, str, str]] = []

    def handle(self, request: Request) -> Response:
        self.seen.append((request.method, request.target, request.headers.get("authorization", "")))
        if request.headers.get("authorization") != "Bearer t0ken":
            return Response(401, b"{}", "application/json")
        if request.method == "GET":
            return self._get(request)
        body = json.loads(request.body)
        keyed = "/statuses/build" in request.path or request.path.endswith("/builds")
        if not keyed:
            body |= {"status": body.pop("state")}
        self.statuses[body["key"] if keyed else body.get("name")] = body
        if request.path.endswith("/builds"):
            return Response(204, b"", "")
        return Response(201, json.dumps(body).encode(), "application/json")

    def _get(self, request: Request) -> Response:
        if "/statuses/build/" in request.path:
            found = self.statuses.get(request.path.rpartition("/")[2])
            return Response(200 if found else 404, json.dumps(found).encode(), "application/json")
        if request.path.endswith("/builds"):
            found = self.statuses.get(request.query["key"])
            return Response(200 if found else 404, json.dumps(found).encode(), "application/json")
        listed = [one for one in self.statuses.values() if one["name"] == request.query.get("name")]
        return Response(200, json.dumps(listed).encode(), "application/json")


@pytest.fixture
def forge() -> Iterator[tuple[Forge, str]]:
    server = Forge()
    loop = LoopThread("forge-standin")
    listening = Listener(loop, App(handle=server.handle))
    yield server, f"http://127.0.0.1:{listening.port}"
    listening.close()
    loop.stop()


def test_gitlabs_statuses(scene: Scene, forge: tuple[Forge, str]) -> None:
    server, url = forge
    scene.manager.add(PROJECT, "gitlab", b"t0ken\n")
    scene.more = {"GITLAB_API_URL": f"{url}/api/v4", "GITLAB_TOKEN_SECRET": f"projects/{PROJECT}/secrets/gitlab"}
    chain = github() | {"ref": {"name": "gitlab"}}
    scene.write(told(run()), interceptors=[chain])
    sha = commit()
    body = encoded(
        {
            "object_kind": "push",
            "after": sha,
            "checkout_sha": sha,
            "project": {"path_with_namespace": "group/sub/app"},
        }
    )
    sent = {"Content-Type": "application/json", "X-Gitlab-Event": "Push Hook", "X-Gitlab-Token": SECRET.decode()}
    answer = scene.function("webhook").post(body, sent)
    assert answer.statuses == ["created"], answer.text
    assert server.statuses[CONTEXT]["status"] == "running"
    name = scene.runs()[-1]["metadata"]["name"]
    scene.end(name, "Cancelled")
    assert [scene.hint(name).json["outcome"] for _ in range(2)] == ["told", "unchanged"]

    assert server.statuses[CONTEXT]["status"] == "canceled"
    assert server.statuses[CONTEXT]["target_url"] == scene.link(name)
    posted = [target for method, target, _ in server.seen if method == "POST"]
    assert posted == [f"/api/v4/projects/group%2Fsub%2Fapp/statuses/{sha}"] * 2
    assert len(scene.hub.requests) == 0


def test_bitbuckets_statuses(scene: Scene, forge: tuple[Forge, str]) -> None:
    server, url = forge
    scene.manager.add(PROJECT, "bitbucket", b"t0ken")
    scene.more = {
        "BITBUCKET_API_URL": f"{url}/2.0",
        "BITBUCKET_TOKEN_SECRET": f"projects/{PROJECT}/secrets/bitbucket",
        "STATUS_TARGET_URL": "",
    }
    scene.write(told(run(), "build"), interceptors=[github() | {"ref": {"name": "bitbucket"}}])
    sha = commit()
    body = encoded(
        {
            "push": {"changes": [{"new": {"target": {"hash": sha}}}]},
            "repository": {"full_name": "acme/app"},
        }
    )
    sent = {"Content-Type": "application/json", "X-Event-Key": "repo:push", "X-Hub-Signature": signature(body)}
    answer = scene.function("webhook").post(body, sent)
    assert answer.statuses == ["created"], answer.text
    assert server.statuses["build"]["state"] == "INPROGRESS"
    name = scene.runs()[-1]["metadata"]["name"]
    scene.end(name)
    assert [scene.hint(name).json["outcome"] for _ in range(2)] == ["told", "unchanged"]

    assert server.statuses["build"]["state"] == "SUCCESSFUL"
    assert server.statuses["build"]["url"] == f"https://bitbucket.org/acme/app/commits/{sha}"


SERVER = {"slug": "app", "project": {"key": "~jdoe"}}


def pushed_to_server(sha: str) -> bytes:
    change = {"refId": "refs/heads/main", "type": "UPDATE", "fromHash": "1" * 40, "toHash": sha}
    return encoded({"eventKey": "repo:refs_changed", "date": DATE, "repository": SERVER, "changes": [change]})


@pytest.mark.parametrize(("reason", "state"), [("Succeeded", "SUCCESSFUL"), ("Cancelled", "CANCELLED")])
def test_bitbucket_data_centers_builds(scene: Scene, forge: tuple[Forge, str], reason: str, state: str) -> None:
    server, url = forge
    scene.manager.add(PROJECT, "bitbucket", b"t0ken")
    scene.more = {
        "BITBUCKET_API_URL": f"{url}/git/rest/api/latest/",
        "BITBUCKET_TOKEN_SECRET": f"projects/{PROJECT}/secrets/bitbucket",
        "STATUS_TARGET_URL": "",
    }
    scene.write(told(run(), "build it"), interceptors=[github() | {"ref": {"name": "bitbucket"}}])
    sha = commit()
    body = pushed_to_server(sha)
    sent = {"Content-Type": "application/json", "X-Event-Key": "repo:refs_changed", "X-Hub-Signature": signature(body)}
    answer = scene.function("webhook").post(body, sent)
    assert answer.statuses == ["created"], answer.text
    (build,) = server.statuses.values()
    assert (build["name"], build["state"]) == ("build it", "INPROGRESS")
    name = scene.runs()[-1]["metadata"]["name"]
    scene.end(name, reason)
    assert [scene.hint(name).json["outcome"] for _ in range(2)] == ["told", "unchanged"]

    (build,) = server.statuses.values()
    assert build["state"] == state
    assert build["url"] == f"{url}/git/projects/~jdoe/repos/app/commits/{sha}"
    posted = {target for method, target, _ in server.seen if method == "POST"}
    assert posted == {f"/git/rest/api/latest/projects/~jdoe/repos/app/commits/{sha}/builds"}


@pytest.mark.parametrize("base", ["2.0", "rest/api/latest"])
def test_what_the_cloud_has_signed_is_never_told_to_a_server_nor_the_other_way_round(
    scene: Scene, forge: tuple[Forge, str], base: str, capsys: pytest.CaptureFixture[str]
) -> None:
    server, url = forge
    scene.manager.add(PROJECT, "bitbucket", b"t0ken")
    secret = f"projects/{PROJECT}/secrets/bitbucket"
    scene.more = {"BITBUCKET_API_URL": f"{url}/{base}", "BITBUCKET_TOKEN_SECRET": secret}
    scene.write(told(run(), "build"), interceptors=[github() | {"ref": {"name": "bitbucket"}}])
    body = pushed_to_server(commit())
    if base != "2.0":
        changes = [{"new": {"target": {"hash": commit()}}}]
        body = encoded({"push": {"changes": changes}, "repository": {"full_name": "acme/app"}})
    sent = {"Content-Type": "application/json", "X-Event-Key": "repo:push", "X-Hub-Signature": signature(body)}
    assert scene.function("webhook").post(body, sent).statuses == ["created"]
    assert f"no API of {'bitbucket-server' if base == '2.0' else 'bitbucket'} and token" in capsys.readouterr().out
    assert scene.reconcile()["told"] == 0
    assert server.seen == []


def test_what_is_signed_for_one_provider_is_never_told_to_another(scene: Scene) -> None:
    scene.write(told(run()), interceptors=[github() | {"ref": {"name": "bitbucket"}}])
    body = encoded(body_of(commit()))
    sent = headers("push", body) | {"X-Hub-Signature": signature(body)}
    assert scene.function("webhook").post(body, sent).statuses == ["created"]
    assert len(scene.hub.requests) == 0


def test_a_secondary_limit_is_waited_for(checks: Scene, clock: LifeClock) -> None:
    sha = commit()
    name = checks.push(sha)
    checks.end(name)
    checks.hub.faults.add(Fault(method="PATCH", status=429, headers={"retry-after": "30"}, times=1))
    assert checks.hint(name).status == 503
    clock.pass_by(30)
    assert checks.hint(name).json["outcome"] == "told"
