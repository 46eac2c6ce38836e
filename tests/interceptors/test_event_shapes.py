"""A signed body may only be shown under an event name that it fits.

`github_event_fields.json` holds, by event, the field names at the top of every example payload and in every schema
(once all fields, once the required ones) of @octokit/webhooks-examples and @octokit/webhooks-schemas 7.6.1 (MIT),
for github.com and GitHub Enterprise Server.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from functions.interceptors.event_shapes import BARE, SHAPES, another_event, told_by_body
from functions.naming import SELF_IDENTIFYING
from functions.values import Json
from tests.interceptors.running import Bench, built, event_of, filtering, rejection

FIELDS: dict[str, list[str]] = json.loads(Path(__file__).with_name("github_event_fields.json").read_text())
REAL = [(event, fields) for event, examples in FIELDS.items() for fields in examples]
GITHUB = built("github", {"secretRef": {"secretName": "hook", "secretKey": "token"}})

CONFORMANCE_PUSH: dict[str, Json] = dict.fromkeys(
    ("ref", "after", "head_commit", "repository", "commits", "sender", "pusher", "size", "ratio", "nul", "obj")
)
PULL_REQUEST: dict[str, Json] = dict.fromkeys(("action", "number", "pull_request", "repository", "sender"))
REVIEW: dict[str, Json] = dict.fromkeys(("action", "review", "pull_request", "repository", "sender"))
ISSUE_COMMENT: dict[str, Json] = dict.fromkeys(("action", "issue", "comment", "repository", "sender"))
ISSUES: dict[str, Json] = dict.fromkeys(("action", "issue", "repository", "sender"))
CREATE: dict[str, Json] = dict.fromkeys(("ref", "ref_type", "master_branch", "description", "pusher_type"))
STAR: dict[str, Json] = dict.fromkeys(("action", "starred_at", "repository", "sender"))


@pytest.mark.parametrize(("event", "fields"), REAL)
def test_no_real_payload_is_refused_under_its_own_name(event: str, fields: str) -> None:
    assert another_event(event, dict.fromkeys(fields.split())) == ""


@pytest.mark.parametrize(("event", "fields"), REAL)
def test_every_real_payload_tells_its_own_name(event: str, fields: str) -> None:
    assert told_by_body(event, dict.fromkeys(fields.split()), SELF_IDENTIFYING) == event


@pytest.mark.parametrize("event", sorted(set(FIELDS) & set(SHAPES)))
def test_every_real_payload_of_the_table_is_known_by_its_shape(event: str) -> None:
    named = [set(fields.split()) for fields in FIELDS[event]]
    assert any(SHAPES[event].fits(fields) for fields in named)


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
    ],
)
def test_a_body_of_another_event_is_refused(shown_as: str, body: Json, really: str) -> None:
    assert another_event(shown_as, body) == really


@pytest.mark.parametrize(
    ("shown_as", "body"),
    [
        ("push", CONFORMANCE_PUSH),
        ("push", {"ref": "refs/heads/main", "head_commit": {"id": "6dcb09b5"}}),
        ("push", {"ref": "refs/heads/main"}),
        ("push", {}),
        ("push", {"anything": 1}),
        ("ping", {"zen": "x", "hook_id": 1}),
        ("pull_request", {"action": "opened", "pull_request": {}}),
        ("pull_request", {"action": "opened"}),
        ("issue_comment", {"action": "created"}),
        ("star", STAR),
        ("push", STAR),
        ("tomorrows_event", PULL_REQUEST),
        ("", CONFORMANCE_PUSH),
        ("push", None),
        ("push", [1]),
    ],
)
def test_what_looks_like_no_other_event_passes(shown_as: str, body: Json) -> None:
    assert another_event(shown_as, body) == ""


def test_bare_events_are_no_shapes() -> None:
    assert not BARE & set(SHAPES)


def shown(event: str) -> Bench:
    return Bench(headers=[("X-GitHub-Event", event)])


def test_a_signed_body_under_another_name_is_rejected() -> None:
    assert rejection(shown("pull_request").intercept(GITHUB, CONFORMANCE_PUSH)) == (
        "the signed body is that of the event push, not pull_request"
    )


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
