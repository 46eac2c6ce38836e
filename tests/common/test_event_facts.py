"""The facts of an event: its repository, commit and time, from the body alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.common.event_facts import EventFacts, event_facts
from functions.common.values import Provider

SHA = "6dcb09b5b57875f334f61aebed695e2e4193db5e"
OTHER = "a" * 40
GONE = "0" * 40
NOW = 1_800_000_000.0
REPOSITORY = {"full_name": "acme/app", "pushed_at": 1_790_000_000}
WHEN = "2026-11-22T10:11:12Z"
SECONDS = 1_795_342_272.0
PULL = {"head": {"sha": SHA}, "updated_at": WHEN}


def facts(event: str, body: Any, provider: Provider = "github", pull_request: Any = None) -> EventFacts:
    return event_facts(body, provider=provider, event=event, received_at=NOW, pull_request=pull_request)


@pytest.mark.parametrize(
    ("event", "body", "time"),
    [
        ("push", {"after": SHA, "before": OTHER, "repository": REPOSITORY}, 1_790_000_000.0),
        ("pull_request", {"pull_request": PULL}, SECONDS),
        ("pull_request_review", {"pull_request": PULL}, SECONDS),
        ("pull_request_review_comment", {"pull_request": PULL}, SECONDS),
        ("pull_request_review_thread", {"pull_request": PULL}, SECONDS),
        ("check_run", {"check_run": {"head_sha": SHA, "started_at": WHEN, "completed_at": None}}, SECONDS),
        ("check_suite", {"check_suite": {"head_sha": SHA, "updated_at": WHEN}}, SECONDS),
        ("workflow_run", {"workflow_run": {"head_sha": SHA, "updated_at": WHEN}}, SECONDS),
        ("workflow_job", {"workflow_job": {"head_sha": SHA, "started_at": WHEN}}, SECONDS),
        ("status", {"sha": SHA, "updated_at": "2026-11-22T11:11:12+01:00"}, SECONDS),
        ("deployment", {"deployment": {"sha": SHA, "updated_at": WHEN}}, SECONDS),
        ("deployment_status", {"deployment": {"sha": SHA}, "deployment_status": {"updated_at": WHEN}}, SECONDS),
    ],
)
def test_githubs_events_name_their_commit_and_time(event: str, body: dict[str, Any], time: float) -> None:
    found = facts(event, {"repository": REPOSITORY, "installation": {"id": 7}} | body)

    assert (found.repository, found.sha, found.time, found.timed) == ("acme/app", SHA, time, True)
    assert found.installation == 7
    assert found.before == (OTHER if event == "push" else "")


def test_events_about_statuses_and_checks_say_which() -> None:
    assert facts("status", {"context": "ci/build"}).about == "ci/build"
    found = facts("check_run", {"check_run": {"name": "ci/build", "app": {"id": 7}}})
    assert (found.about, found.app) == ("ci/build", "7")
    assert facts("check_suite", {"check_suite": {"app": {"id": 7}}}).app == "7"
    assert facts("push", {"context": "x", "check_run": {"app": {"id": 7}}}) == facts("push", {})


def test_a_comments_commit_is_that_of_the_pull_request_which_was_fetched() -> None:
    body = {"repository": REPOSITORY, "issue": {"head": {"sha": OTHER}}, "comment": {"created_at": WHEN}}

    assert facts("issue_comment", body, pull_request=PULL).sha == SHA
    assert facts("issue_comment", body).sha == ""
    assert facts("issue_comment", body).time == SECONDS


@pytest.mark.parametrize("event", ["issues", "star", "ping", "release", "merge_group", "an_event_of_tomorrow"])
def test_other_events_are_about_no_commit(event: str) -> None:
    assert facts(event, {"after": SHA, "sha": SHA, "head_sha": SHA, "repository": REPOSITORY}).sha == ""


@pytest.mark.parametrize(
    ("provider", "event", "body"),
    [
        ("github", "push", {"after": GONE, "deleted": True}),
        ("github", "push", {"after": SHA, "deleted": True}),
        ("github", "delete", {"ref": "main"}),
        ("gitlab", "Push Hook", {"object_kind": "push", "after": GONE, "checkout_sha": None}),
        ("bitbucket", "repo:push", {"push": {"changes": [{"new": None, "old": {"target": {"hash": SHA}}}]}}),
    ],
)
def test_a_ref_that_is_gone_has_no_commit(provider: Provider, event: str, body: dict[str, Any]) -> None:
    found = facts(event, body, provider)
    assert (found.sha, found.deleted) == ("", True)


@pytest.mark.parametrize(
    ("provider", "body"),
    [
        ("gitlab", {"object_kind": "push", "after": SHA, "checkout_sha": SHA, "before": OTHER}),
        ("gitlab", {"object_kind": "tag_push", "after": OTHER, "checkout_sha": SHA}),
        ("gitlab", {"object_kind": "merge_request", "object_attributes": {"last_commit": {"id": SHA}}}),
        ("gitlab", {"object_kind": "note", "merge_request": {"last_commit": {"id": SHA}}}),
        ("gitlab", {"object_kind": "pipeline", "object_attributes": {"sha": SHA}}),
        ("bitbucket", {"push": {"changes": [{"new": {"target": {"hash": SHA}}}]}}),
        ("bitbucket", {"pullrequest": {"source": {"commit": {"hash": SHA}}}}),
    ],
)
def test_gitlabs_and_bitbuckets_events_name_their_commit(provider: Provider, body: dict[str, Any]) -> None:
    named = {"project": {"path_with_namespace": "group/sub/app"}, "repository": {"full_name": "acme/app"}}
    found = facts("", named | body, provider)

    assert found.sha == SHA
    assert found.repository == ("group/sub/app" if provider == "gitlab" else "acme/app")


SERVER = {"slug": "app", "project": {"key": "ACME"}}
FORK = {"slug": "app", "project": {"key": "~jdoe"}}


def moved(kind: str, to: str, before: str = OTHER) -> dict[str, Any]:
    return {"refId": "refs/heads/main", "type": kind, "fromHash": before, "toHash": to}


@pytest.mark.parametrize(
    ("body", "sha", "before", "deleted"),
    [
        ({"repository": SERVER, "changes": [moved("UPDATE", SHA)]}, SHA, OTHER, False),
        ({"repository": SERVER, "changes": [moved("ADD", SHA, GONE)]}, SHA, "", False),
        ({"repository": SERVER, "changes": [moved("DELETE", GONE)]}, "", OTHER, True),
        ({"repository": SERVER, "changes": [moved("UPDATE", SHA), moved("UPDATE", OTHER)]}, "", "", False),
        (
            {
                "pullRequest": {
                    "fromRef": {"latestCommit": SHA, "repository": FORK},
                    "toRef": {"latestCommit": OTHER, "repository": SERVER},
                },
            },
            SHA,
            "",
            False,
        ),
        ({"repository": SERVER, "commit": SHA, "comment": {}}, SHA, "", False),
        ({"repository": SERVER, "old": {}, "new": {}}, "", "", False),
    ],
    ids=["push", "new", "gone", "several", "pull-request", "comment", "renamed"],
)
def test_bitbucket_data_centers_events_are_known_by_their_shape(
    body: dict[str, Any], sha: str, before: str, *, deleted: bool
) -> None:
    found = facts("", {"eventKey": "x", "date": "2026-11-22T20:11:12+1000", **body}, "bitbucket")
    assert (found.provider, found.repository) == ("bitbucket-server", "ACME/app")
    assert (found.sha, found.before, found.deleted) == (sha, before, deleted)
    assert (found.time, found.timed) == (SECONDS, True)


def test_somebodys_own_repository_is_one_of_data_center() -> None:
    assert facts("", {"eventKey": "x", "repository": FORK}, "bitbucket").repository == "~jdoe/app"
    for repository in ({}, {"slug": "app"}, {"slug": "..", "project": {"key": "A"}}, {"slug": 1, "project": "A"}):
        assert facts("", {"eventKey": "x", "repository": repository}, "bitbucket").repository == ""


@pytest.mark.parametrize("when", ["2026-11-22 10:11:12 UTC", WHEN, "2026-11-22T10:11:12.000+00:00"])
def test_gitlabs_times_are_read(when: str) -> None:
    body = {"object_kind": "merge_request", "object_attributes": {"updated_at": when}}
    assert facts("", body, "gitlab").time == SECONDS


def test_a_push_of_several_refs_of_bitbucket_is_about_no_single_commit() -> None:
    changes = [{"new": {"target": {"hash": sha}}} for sha in (SHA, OTHER)]
    assert facts("", {"push": {"changes": changes}}, "bitbucket").sha == ""


@pytest.mark.parametrize(
    "name", ["acme", "acme/..", "./app", "acme/app/../../orgs", "a b/c", "acme/app?x=1", "", 7, None]
)
def test_what_is_no_repositorys_name_is_none(name: Any) -> None:
    for provider in ("github", "bitbucket"):
        found = facts("push", {"repository": {"full_name": name}}, provider)
        assert found.repository == ""


@pytest.mark.parametrize("sha", ["main", "HEAD", SHA[:39], SHA + "/..", "", None, 7, [SHA], GONE])
def test_what_is_no_commit_is_none(sha: Any) -> None:
    assert facts("push", {"after": sha}).sha == ""


@pytest.mark.parametrize("when", ["yesterday", "2026-11-22T10:11:12", -1, True, 1e9, None, "9" * 50, {}])
def test_without_a_time_of_the_senders_the_receipt_counts(when: Any) -> None:
    found = facts("push", {"repository": REPOSITORY | {"pushed_at": when}})
    assert (found.time, found.timed) == (NOW, False)


def test_a_body_that_nobody_known_vouched_for_says_nothing() -> None:
    found = facts("push", {"after": SHA, "repository": REPOSITORY}, "")
    assert found == EventFacts(time=NOW)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["repository", "full_name", "after", "pull_request", "push", "changes"]), inner
        )
    ),
    max_leaves=12,
)


@given(
    JSON, st.sampled_from(["github", "gitlab", "bitbucket"]), st.sampled_from(["push", "check_run", "issue_comment"])
)
def test_no_body_is_too_strange(body: Any, provider: Provider, event: str) -> None:
    assert facts(event, body, provider, body).installation >= 0
