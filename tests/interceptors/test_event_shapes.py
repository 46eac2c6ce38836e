"""A signed body may only be shown under an event name that it fits.

`github_event_fields.json` holds, by event, the field names at the top of every example payload and in every schema
(once all fields, once the required ones) of @octokit/webhooks-examples and @octokit/webhooks-schemas 7.6.1 (MIT),
for github.com and GitHub Enterprise Server.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from functions.common.values import Event, Json
from functions.interceptors.event_shapes import BARE, SHAPES, misfit, told_by_body
from functions.outcomes.naming import SELF_IDENTIFYING
from tests.interceptors.running import Bench, built, event_of, filtering, rejection

FIELDS: dict[str, list[str]] = json.loads(Path(__file__).with_name("github_event_fields.json").read_text())
REAL = [(event, fields) for event, examples in FIELDS.items() for fields in examples]
GITHUB = built("github", {"secretRef": {"secretName": "hook", "secretKey": "token"}})

ACCOUNT: Json = {"login": "Codertocat", "id": 21031067, "node_id": "MDQ6VXNlcjIxMDMxMDY3", "type": "User"}


def githubs(fields: str, **known: Json) -> dict[str, Json]:
    """A body with these fields, and a sender as GitHub writes it."""
    names = fields.split()
    return {name: {} for name in names} | ({"sender": ACCOUNT} if "sender" in names else {}) | known


CONFORMANCE_PUSH = githubs("ref after head_commit repository commits sender pusher size ratio nul obj")
PULL_REQUEST = githubs("action number pull_request repository sender")
REVIEW = githubs("action review pull_request repository sender")
ISSUE_COMMENT = githubs("action issue comment repository sender")
ISSUES = githubs("action issue repository sender")
CREATE = githubs("ref ref_type master_branch description pusher_type")
STAR = githubs("action starred_at repository sender", action="created")
WATCH = githubs("action repository sender", action="started")
RENAMED = githubs("action changes repository sender", action="renamed")
PUBLIC = githubs("repository sender")
INSTALLED = githubs("action installation repositories sender", action="created")
INVITED = githubs("action invitation organization sender user", action="member_invited")
REVOKED = githubs("action sender", action="revoked")
TOMORROWS = githubs("action news repository sender", action="told")

ACTIONS = {
    "branch_protection_configuration": "enabled",
    "deployment_protection_rule": "requested",
    "github_app_authorization": "revoked",
    "installation": "created",
    "organization": "renamed",
    "repository": "edited",
    "watch": "started",
}
"""An action of each event that is known by it; octokit's fields say nothing of values."""


def real(event: str, fields: str) -> dict[str, Json]:
    """One of octokit's payloads, as far as its fields and its sender go."""
    return githubs(fields) | ({"action": ACTIONS[event]} if event in ACTIONS else {})


@pytest.mark.parametrize(("event", "fields"), REAL)
def test_no_real_payload_is_refused_under_its_own_name(event: str, fields: str) -> None:
    assert misfit(event, real(event, fields)) == ""


@pytest.mark.parametrize(("event", "fields"), REAL)
def test_a_real_payload_is_refused_as_a_push_or_a_pull_request(event: str, fields: str) -> None:
    for shown_as in {"push", "pull_request"} - {event}:
        assert bool(misfit(shown_as, real(event, fields))) == ("sender" in fields.split() or event in SHAPES)


@pytest.mark.parametrize(("event", "fields"), REAL)
def test_every_real_payload_tells_its_own_name(event: str, fields: str) -> None:
    assert told_by_body(event, real(event, fields), SELF_IDENTIFYING) == event


@pytest.mark.parametrize("event", sorted(set(FIELDS) & (set(SHAPES) | set(BARE))))
def test_every_real_payload_of_the_tables_is_known_by_its_shape(event: str) -> None:
    shape = {**SHAPES, **BARE}[event]
    assert any(shape.fits(real(event, fields)) for fields in FIELDS[event])


@pytest.mark.parametrize(
    ("shown_as", "body", "really"),
    [
        ("pull_request", CONFORMANCE_PUSH, "push"),
        ("ping", CONFORMANCE_PUSH, "push"),
        ("release", CONFORMANCE_PUSH, "push"),
        ("star", CONFORMANCE_PUSH, "push"),
        ("pull_request", {"ref": "refs/heads/main", "head_commit": {}}, "push"),
        ("push", PULL_REQUEST, "pull_request"),
        ("watch", PULL_REQUEST, "pull_request"),
        ("issue_comment", PULL_REQUEST, "pull_request"),
        ("pull_request", REVIEW, "pull_request_review"),
        ("pull_request", ISSUE_COMMENT, "issue_comment"),
        ("issues", ISSUE_COMMENT, "issue_comment"),
        ("issue_comment", ISSUES, "issues"),
        ("push", CREATE, "create"),
        ("delete", CREATE, "create"),
        ("push", {"zen": "x", "hook_id": 1}, "ping"),
        ("push", STAR, "star"),
        ("watch", STAR, "star"),
        ("push", WATCH, "watch"),
        ("repository", WATCH, "watch"),
        ("team", WATCH, "watch"),
        ("push", RENAMED, "repository"),
        ("pull_request", RENAMED, "repository"),
        ("watch", RENAMED, "repository"),
        ("public", RENAMED, "repository"),
        ("push", PUBLIC, "public"),
        ("push", INSTALLED, "installation"),
        ("github_app_authorization", INSTALLED, "installation"),
        ("push", INVITED, "organization"),
        ("installation", INVITED, "organization"),
        ("push", REVOKED, "github_app_authorization"),
        ("push", githubs("after before cache_location ref repository"), "cache_sync"),
        ("push", githubs("changes repository"), "security_and_analysis"),
        ("issues", githubs("action parent_issue sub_issue"), "sub_issues"),
        ("pull_request", githubs("action completed_at source started_at type"), "secret_scanning_scan"),
        ("watch", githubs("action deployment_callback_url", action="requested"), "deployment_protection_rule"),
    ],
)
def test_a_body_of_another_event_is_refused(shown_as: str, body: Json, really: str) -> None:
    assert misfit(shown_as, body) == f"the signed body is that of the event {really}, not {shown_as}"


@pytest.mark.parametrize("shown_as", ["push", "pull_request", "public", "installation", "star"])
def test_githubs_body_of_an_event_that_nobody_knows_is_refused_under_a_known_name(shown_as: str) -> None:
    assert misfit(shown_as, TOMORROWS) == f"the signed body is that of another event, not {shown_as}"


@pytest.mark.parametrize(
    ("shown_as", "body"),
    [
        ("push", CONFORMANCE_PUSH),
        ("push", {"ref": "refs/heads/main", "head_commit": {"id": "6dcb09b5"}}),
        ("push", {"ref": "refs/heads/main"}),
        ("push", {}),
        ("push", {"anything": 1}),
        ("push", {"repository": {"url": "https://github.com/o/r"}, "sender": {"login": "mona"}}),
        ("push", {"repository": {}, "sender": {"login": "mona", "id": 2}}),
        ("push", {"repository": {}, "sender": {"login": "mona", "id": True, "node_id": "x"}}),
        ("push", {"repository": {}, "sender": "mona"}),
        ("ping", {"zen": "x", "hook_id": 1}),
        ("pull_request", {"action": "opened", "pull_request": {}}),
        ("pull_request", {"action": "opened"}),
        ("issue_comment", {"action": "created"}),
        ("issue_comment", {"action": "created", "repository": {}}),
        ("watch", {"action": ["started"], "repository": {}}),
        ("star", STAR),
        ("watch", WATCH),
        ("repository", RENAMED),
        ("tomorrows_event", PULL_REQUEST),
        ("tomorrows_event", TOMORROWS),
        ("repository", githubs("action repository sender", action="locked")),
        ("organization", githubs("action organization sender", action="frozen")),
        ("installation", githubs("action installation organization sender", action="created")),
        ("github_app_authorization", githubs("action organization sender", action="revoked")),
        ("deployment_protection_rule", githubs("action deployment repository sender", action="requested")),
        ("cache_sync", githubs("after before cache_location ref repository sender")),
        ("sub_issues", githubs("action parent_issue parent_issue_id sub_issue sub_issue_id sender")),
        ("issue_dependencies", githubs("action blocked_issue blocking_issue organization repository sender")),
        ("personal_access_token_request", githubs("action organization personal_access_token_request sender")),
        ("secret_scanning_scan", githubs("action completed_at source started_at type")),
        ("security_and_analysis", githubs("changes repository")),
        ("exemption_request_push_ruleset", githubs("action exemption_request sender")),
        ("workflow_dispatch", githubs("ref workflow repository sender", inputs=None)),
        ("repository_dispatch", githubs("action branch repository sender", client_payload=None)),
        # Gitea's, which always has the field `review`, and neither a master branch nor a node_id
        ("pull_request", githubs("action number pull_request repository", review=None, sender={"login": "a", "id": 1})),
        ("create", githubs("sha ref ref_type repository", sender={"login": "a", "id": 1})),
        ("delete", githubs("ref ref_type pusher_type repository", sender={"login": "a", "id": 1})),
        ("", CONFORMANCE_PUSH),
        ("push", None),
        ("push", [1]),
    ],
)
def test_what_fits_or_was_written_by_hand_passes(shown_as: str, body: Json) -> None:
    assert misfit(shown_as, body) == ""


@pytest.mark.parametrize("action", [True, 1, ["started"], {"started": 1}])
def test_an_action_may_be_of_any_type(action: Json) -> None:
    assert misfit("push", WATCH | {"action": action}) == "the signed body is that of another event, not push"


def test_bare_events_are_no_shapes() -> None:
    assert not set(BARE) & set(SHAPES)


def shown(event: str) -> Bench:
    return Bench(headers=[("X-GitHub-Event", event)])


def test_a_signed_body_under_another_name_is_rejected() -> None:
    assert rejection(shown("pull_request").intercept(GITHUB, CONFORMANCE_PUSH)) == (
        "the signed body is that of the event push, not pull_request"
    )


def test_the_body_as_it_was_signed_counts_whatever_an_interceptor_before_made_of_it() -> None:
    bench = shown("pull_request")
    event = Event(PULL_REQUEST, bench.call.delivery.headers, {}, "/", "id")
    captured = replace(bench.call, body=CONFORMANCE_PUSH)
    assert rejection(GITHUB.intercept(event, captured)) == "the signed body is that of the event push, not pull_request"
    event_of(GITHUB.intercept(replace(event, body={"ref": "main", "before": ""}), replace(captured, body=PULL_REQUEST)))


def test_a_name_that_is_not_allowed_is_filtered_whatever_the_body() -> None:
    ref: Json = {"secretName": "hook", "secretKey": "token"}
    releases = built("github", {"secretRef": ref, "eventTypes": ["release"]})
    ping: Json = {"zen": "x", "hook_id": 1}
    for body in (CONFORMANCE_PUSH, ping):
        assert filtering(shown("ping").intercept(releases, body)) == "event type ping is not allowed"
    assert rejection(shown("release").intercept(releases, CONFORMANCE_PUSH))


def test_an_unsigned_body_is_taken_under_any_name() -> None:
    event_of(shown("pull_request").intercept(built("github"), CONFORMANCE_PUSH))


@pytest.mark.parametrize(
    ("name", "body", "told"),
    [
        ("made-up", CONFORMANCE_PUSH, "push"),
        ("", PULL_REQUEST, "pull_request"),
        ("PUSH", CONFORMANCE_PUSH, "push"),
        ("push", PULL_REQUEST, "pull_request"),
        ("push", {"ref": "main"}, "push"),
        ("release", CONFORMANCE_PUSH, "push"),
        ("release", {"release": {}, "ref": "v1", "after": ""}, "release"),
        ("star", CONFORMANCE_PUSH, "push"),
        ("made-up", CREATE, "made-up"),
        ("made-up", ["ref", "commits"], "made-up"),
    ],
)
def test_the_body_says_more_than_the_name(name: str, body: Json, told: str) -> None:
    assert told_by_body(name, body, {"push", "pull_request"}) == told
