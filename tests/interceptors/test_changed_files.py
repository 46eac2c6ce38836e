"""addChangedFiles of GitLab and Bitbucket: what their bodies say, and where they do not say it."""

from __future__ import annotations

from typing import Any

import pytest

from functions.common.values import Json
from tests.interceptors.running import Bench, built, event_of

ZERO = "0" * 40
COMMIT = {"id": "1", "added": ["a"], "modified": ["src/b"], "removed": []}
GITLAB: dict[str, Any] = {
    "object_kind": "push",
    "before": "a" * 40,
    "after": "b" * 40,
    "total_commits_count": 2,
    "commits": [COMMIT, COMMIT | {"added": [], "removed": ["c,d"]}],
}
CLOUD = {"push": {"changes": [{"new": {"name": "main"}, "old": None, "truncated": True, "commits": [{"hash": "1"}]}]}}
SERVER = {"changes": [{"type": "UPDATE", "fromHash": "a", "toHash": "b"}]}


def added(name: str, header: str, body: Json, **params: Json) -> Any:
    field, _, value = header.partition(": ")
    made = Bench(headers=[(field, value)])
    return event_of(made.intercept(built(name, params or {"addChangedFiles": {"enabled": True}}), body)).extensions


def gitlab(body: Json) -> tuple[Any, Any, Any]:
    found = added("gitlab", "X-Gitlab-Event: Push Hook", body)
    return found["changed_files"], found["changed_files_list"], found["changed_files_truncated"]


def bitbucket(body: Json, event: str = "repo:push") -> tuple[Any, Any]:
    found = added("bitbucket", f"X-Event-Key: {event}", body)
    return found["changed_files_list"], found["changed_files_truncated"]


def test_gitlabs_push_lists_its_files() -> None:
    assert gitlab(GITLAB) == ("a,src/b,src/b,c,d", ["a", "src/b", "c,d"], False)


@pytest.mark.parametrize(
    "change",
    [
        {"total_commits_count": 3},
        {"total_commits_count": None},
        {"commits": [], "total_commits_count": 0},
        {"commits": [], "total_commits_count": 0, "before": ZERO},
        {"commits": None},
    ],
)
def test_gitlabs_push_of_commits_that_it_does_not_list_is_cut_short(change: dict[str, Any]) -> None:
    assert gitlab(GITLAB | change)[2] is True


def test_what_gitlab_says_is_deleted_changes_nothing() -> None:
    assert gitlab(GITLAB | {"commits": [], "after": ZERO}) == ("", [], False)


def test_gitlabs_merge_request_does_not_say_its_files() -> None:
    assert gitlab({"object_kind": "merge_request"}) == ("", [], True)


@pytest.mark.parametrize(
    ("body", "truncated"),
    [
        (CLOUD, True),
        (SERVER, True),
        ({"pullrequest": {"id": 1}}, True),
        ({"pullRequest": {"id": 1}}, True),
        ({"push": {"changes": [{"new": None, "old": {"name": "main"}}]}}, False),
        ({"changes": [{"type": "DELETE"}]}, False),
        ({"push": {"changes": [{"new": None}, {"new": {"name": "main"}}]}}, True),
        ({"push": {"changes": []}}, True),
    ],
)
def test_bitbucket_names_no_files(body: Json, *, truncated: bool) -> None:
    assert bitbucket(body) == ([], truncated)


@pytest.mark.parametrize(
    ("name", "header", "body"),
    [
        ("gitlab", "X-Gitlab-Event: Note Hook", {"object_kind": "note"}),
        ("gitlab", "X-Gitlab-Event: Push Hook", [1]),
        ("bitbucket", "X-Event-Key: repo:fork", {"fork": {}}),
    ],
)
def test_other_events_change_no_files(name: str, header: str, body: Json) -> None:
    assert added(name, header, body) == {}


@pytest.mark.parametrize("name", ["gitlab", "bitbucket"])
def test_it_is_off_unless_enabled(name: str) -> None:
    assert added(name, "X-Event-Key: repo:push", GITLAB, addChangedFiles={"enabled": False}) == {}
