"""githubOwners through the function, with GitHub's API beside it: annotations, redirects, how often it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.standins.github_api import GitHubApi
from tests.support.application import Application
from tests.support.deliveries import SECRET, encoded, headers
from tests.support.function import Answer
from tests.support.sources import github, inline, listener, manifest, template
from tests.support.workspace import Workspace

REPOSITORY = "octo-org/hello-world"
HEAD = "1f0c2b9e7d4a3c5b6e8f9012a3b4c5d6e7f80912"
OWNERS = {
    "enabled": True,
    "checkType": "orgMembers",
    "personalAccessToken": {"secretName": "pat", "secretKey": "token"},
}
SENDER = {"pipehook.dev/owners": "sender"}


@pytest.fixture
def api() -> Iterator[GitHubApi]:
    with GitHubApi() as running:
        running.set_members("octo-org", ["maintainer"])
        yield running


def account(login: str) -> dict[str, Any]:
    return {"login": login, "id": 1, "node_id": "U_1", "type": "User"}


def labeled(author: str) -> dict[str, Any]:
    """A maintainer labels a pull request."""
    return {
        "action": "labeled",
        "number": 7,
        "label": {"name": "bug"},
        "pull_request": {"number": 7, "user": account(author), "head": {"sha": HEAD}, "updated_at": "2026-11-20"},
        "repository": {"full_name": REPOSITORY},
        "sender": account("maintainer"),
    }


def commented(text: str, *, by: str = "maintainer", action: str = "created") -> dict[str, Any]:
    """Somebody comments on a stranger's pull request."""
    return {
        "action": action,
        "issue": {"number": 7, "state": "open", "user": account("stranger"), "pull_request": {"url": "u"}},
        "comment": {"id": 1, "body": text, "user": account(by), "created_at": "2026-11-20"},
        "repository": {"full_name": REPOSITORY},
        "sender": account(by),
    }


def deployed(workspace: Workspace, api: GitHubApi, *manifests: dict[str, Any]) -> Application:
    workspace.secret("hook", "token", SECRET)
    workspace.secret("pat", "token", api.token.encode())
    workspace.write([*manifests, template()])
    return Application(workspace.environment(GITHUB_API_URL=api.url))


def checked(workspace: Workspace, api: GitHubApi, annotations: dict[str, str] | None = None) -> Application:
    """One listener with one inline trigger."""
    found = listener(inline("t", github(githubOwners=OWNERS)))
    found["metadata"]["annotations"] = annotations or {}
    return deployed(workspace, api, found)


def deliver(application: Application, body: dict[str, Any]) -> Answer:
    event = "issue_comment" if "comment" in body else "pull_request"
    raw = encoded(body)
    return application.post(raw, headers(event, raw))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (labeled("stranger"), "filtered"),
        (labeled("maintainer"), "created"),
        (commented("/ok-to-test"), "created"),
        (commented("/ok-to-test", by="stranger"), "filtered"),
        (commented("/ok-to-test", action="edited"), "filtered"),
        (commented("> /ok-to-test"), "filtered"),
        (commented(f"/ok-to-test {HEAD}"), "created"),
        (commented(f"/ok-to-test {HEAD[::-1]}"), "filtered"),
    ],
)
def test_the_author_is_judged_or_a_new_comment_of_somebody_allowed(
    workspace: Workspace, api: GitHubApi, body: dict[str, Any], status: str
) -> None:
    api.set_pull_request(REPOSITORY, 7, sha=HEAD)
    answer = deliver(checked(workspace, api), body)
    assert (answer.status, answer.statuses) == (202, [status])


def test_one_event_asks_once_and_the_next_not_at_all(workspace: Workspace, api: GitHubApi) -> None:
    api.set_members("octo-org", [*(f"user-{number}" for number in range(950)), "maintainer"])
    application = checked(workspace, api)
    for _ in range(3):
        body = labeled("maintainer")
        body["label"]["name"] = str(_)
        assert deliver(application, body).statuses == ["created"]
    assert [seen.path for seen in api.requests] == ["/orgs/octo-org/members/maintainer"]


def test_aliases_and_a_token_from_outside_the_organization(workspace: Workspace, api: GitHubApi) -> None:
    api.set_members("octo-org", ["maintainer"], from_outside=True)
    application = checked(workspace, api)
    assert deliver(application, commented("/ok-to-test")).statuses == ["filtered"]
    api.set_contents(REPOSITORY, "OWNERS", b"approvers: [web-team]\n")
    api.set_contents(REPOSITORY, "OWNERS_ALIASES", b"aliases: {web-team: [Maintainer]}\n")
    application = checked(workspace, api)
    assert deliver(application, commented("/ok-to-test")).statuses == ["created"]


def test_a_listener_may_ask_for_tektons_way(workspace: Workspace, api: GitHubApi) -> None:
    application = checked(workspace, api, SENDER)
    assert deliver(application, labeled("stranger")).statuses == ["created"]
    assert deliver(application, commented("/ok-to-test", action="edited")).statuses == ["created"]


def trigger(name: str, **annotations: str) -> dict[str, Any]:
    found = inline(name, github(githubOwners=OWNERS))
    spec = {field: value for field, value in found.items() if field != "name"}
    return manifest("Trigger", name, spec, labels={"of": "el"}, annotations=annotations)


def selecting(annotations: dict[str, str]) -> dict[str, Any]:
    spec = {"labelSelector": {"matchLabels": {"of": "el"}}}
    return manifest("EventListener", "el", spec, annotations=annotations)


@pytest.mark.parametrize(
    ("on_listener", "statuses"),
    [({}, ["filtered", "filtered", "created"]), (SENDER, ["filtered", "created", "created"])],
)
def test_a_trigger_says_it_for_itself(
    workspace: Workspace, api: GitHubApi, on_listener: dict[str, str], statuses: list[str]
) -> None:
    triggers = [
        trigger("a", **{"pipehook.dev/owners": "author"}),
        trigger("b"),
        trigger("c", **{"pipehook.dev/owners": "sender"}),
    ]
    answer = deliver(deployed(workspace, api, selecting(on_listener), *triggers), labeled("stranger"))
    assert {found["name"]: found["status"] for found in answer.json["triggers"]} == dict(
        zip("abc", statuses, strict=True)
    )


@pytest.mark.parametrize(
    ("annotations", "reason"),
    [
        ({"pipehook.dev/owners": "Sender"}, "the annotation pipehook.dev/owners must be author or sender"),
        ({"pipehook.dev/owners": ""}, "the annotation pipehook.dev/owners must be author or sender"),
        ({"pipehook.dev/owner": "sender"}, "the annotation pipehook.dev/owner means nothing on a Trigger"),
        ({"pipehook.dev/status": "ci"}, "the annotation pipehook.dev/status means nothing on a Trigger"),
    ],
)
def test_a_slip_in_a_triggers_annotations_fails_that_trigger_alone(
    workspace: Workspace, api: GitHubApi, annotations: dict[str, str], reason: str
) -> None:
    application = deployed(workspace, api, selecting({}), trigger("bad", **annotations), trigger("good"))
    answer = deliver(application, labeled("maintainer"))
    found = {one["name"]: (one["status"], one["reason"]) for one in answer.json["triggers"]}
    assert found["good"] == ("created", "")
    assert found["bad"][0] == "failed"
    assert reason in found["bad"][1]


def test_a_slip_in_a_listeners_annotations_fails_its_triggers(workspace: Workspace, api: GitHubApi) -> None:
    application = checked(workspace, api, {"pipehook.dev/ownerz": "sender", "example.com/other": "x"})
    answer = deliver(application, labeled("maintainer"))
    assert answer.statuses == ["failed"]
    assert "pipehook.dev/ownerz means nothing on an EventListener" in answer.reasons[0]


def test_what_pipehook_wrote_on_a_trigger_that_it_created_is_no_slip(workspace: Workspace, api: GitHubApi) -> None:
    made = trigger("t", **{"pipehook.dev/delivery-key": "ab"})
    answer = deliver(deployed(workspace, api, selecting({}), made), labeled("maintainer"))
    assert answer.statuses == ["created"]


def test_a_group_judges_as_the_listener_says(workspace: Workspace, api: GitHubApi) -> None:
    member = manifest("Trigger", "t", {"template": {"ref": "template"}}, labels={"of": "el"})
    group = {
        "name": "g",
        "interceptors": [github(githubOwners=OWNERS)],
        "triggerSelector": {"labelSelector": {"matchLabels": {"of": "el"}}},
    }
    for said, status in (({}, "filtered"), (SENDER, "created")):
        found = manifest("EventListener", "el", {"triggerGroups": [group]}, annotations=said)
        assert deliver(deployed(workspace, api, found, member), labeled("stranger")).statuses == [status]


@pytest.mark.parametrize("annotations", [{}, SENDER], ids=["author", "sender"])
@pytest.mark.parametrize("name", ["pull_request", "x", "", "PULL_REQUEST", "star", "pull_request_review"])
def test_a_strangers_captured_pull_request_runs_under_no_name(
    workspace: Workspace, api: GitHubApi, annotations: dict[str, str], name: str
) -> None:
    application = checked(workspace, api, annotations)
    raw = encoded(labeled("stranger") | {"sender": account("stranger")})
    answer = application.post(raw, headers(name, raw))
    assert answer.statuses in (["filtered"], ["rejected"])
