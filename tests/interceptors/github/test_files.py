"""addChangedFiles: the files of a push from its body, of a pull request from the API."""

from __future__ import annotations

from typing import Any

import pytest

from functions.common.errors import LastingError, PassingError, TokenRefusedError, VerificationSetupError
from functions.common.ports import ChangedFile, Comparison
from functions.common.values import Json
from tests.interceptors.running import Bench, built, event_of

PUSH: dict[str, Any] = {
    "ref": "refs/heads/main",
    "repository": {"full_name": "octo-org/hello-world"},
    "commits": [
        {"added": ["a.txt"], "modified": ["src/x.py"], "removed": []},
        {"added": [], "modified": ["b,c.md", "src/x.py"], "removed": ["a.txt"]},
    ],
}
PULL_REQUEST: dict[str, Any] = {
    "action": "opened",
    "number": 7,
    "pull_request": {},
    "repository": {"full_name": "octo-org/hello-world"},
}
TOKEN: Json = {"secretName": "pat", "secretKey": "token"}
ENABLED = built("github", {"addChangedFiles": {"enabled": True, "personalAccessToken": TOKEN}})


def shown(event: str) -> Bench:
    made = Bench(headers=[("X-GitHub-Event", event)])
    made.keep("pat", "token", b"newest\n", b"older")
    return made


def test_a_pushs_files_stand_commit_by_commit_with_duplicates_and_commas_as_they_are() -> None:
    event = event_of(shown("push").intercept(ENABLED, PUSH))
    assert event.extensions == {
        "changed_files": "a.txt,src/x.py,b,c.md,src/x.py,a.txt",
        "changed_files_list": ["a.txt", "src/x.py", "b,c.md"],
        "changed_files_truncated": False,
    }


def test_a_push_that_lists_its_commits_asks_github_nothing_and_needs_no_secret() -> None:
    made = shown("push")
    made.secrets.values.clear()
    event_of(made.intercept(ENABLED, PUSH))
    assert not made.github.asked


def test_the_extension_joins_those_that_were_there() -> None:
    event = event_of(shown("push").intercept(ENABLED, PUSH, extensions={"a": 1, "changed_files": "old"}))
    assert event.extensions["a"] == 1
    assert event.extensions["changed_files"] == "a.txt,src/x.py,b,c.md,src/x.py,a.txt"


@pytest.mark.parametrize("commits", [[], None, "none"])
def test_a_push_without_commits_may_change_anything(commits: Any) -> None:
    event = event_of(shown("push").intercept(ENABLED, PUSH | {"commits": commits}))
    assert event.extensions == {"changed_files": "", "changed_files_list": [], "changed_files_truncated": True}


def test_a_pull_requests_files_come_from_the_api_with_the_newest_token() -> None:
    made = shown("pull_request")
    made.github.files = ["a", "b/c"]
    assert event_of(made.intercept(ENABLED, PULL_REQUEST)).extensions == {
        "changed_files": "a,b/c",
        "changed_files_list": ["a", "b/c"],
        "changed_files_truncated": False,
    }
    assert made.github.asked == [("files octo-org/hello-world 7", "newest")]


def test_public_repositories_need_no_token() -> None:
    made = shown("pull_request")
    event_of(made.intercept(built("github", {"addChangedFiles": {"enabled": True}}), PULL_REQUEST))
    assert made.github.asked == [("files octo-org/hello-world 7", "")]


def test_a_token_that_github_refuses_is_read_anew_once() -> None:
    made = shown("pull_request")
    made.github.good_token = "renewed"
    made.rotate("pat", "token", b"renewed", b"newest")
    event_of(made.intercept(ENABLED, PULL_REQUEST))
    assert [token for _, token in made.github.asked] == ["newest", "renewed"]


@pytest.mark.parametrize("renewed", [(), (b"newest\n",), (b"other",)])
def test_a_token_that_stays_refused_fails_the_trigger(renewed: tuple[bytes, ...]) -> None:
    made = shown("pull_request")
    made.github.good_token = "never"
    made.rotate("pat", "token", *renewed)
    with pytest.raises(LastingError, match="error getting changed files: GitHub refuses the token"):
        made.intercept(ENABLED, PULL_REQUEST)


@pytest.mark.parametrize("value", [b"two words", b"caf\xc3\xa9", b"a\r\nX-Other: 1", b" \n"])
def test_a_secret_that_is_no_token_is_never_sent(value: bytes) -> None:
    made = shown("pull_request")
    made.keep("pat", "token", value)
    with pytest.raises(LastingError, match="the key token of secret pat holds no token") as caught:
        made.intercept(ENABLED, PULL_REQUEST)
    assert value.decode().strip() not in str(caught.value) or not value.strip()
    assert not made.github.asked


def test_an_outage_is_passing_and_keeps_its_time() -> None:
    made = shown("pull_request")
    made.github.fault = PassingError("GitHub's rate limit is used up", retry_after=9)
    with pytest.raises(PassingError, match="error getting changed files: GitHub's rate limit is used up") as caught:
        made.intercept(ENABLED, PULL_REQUEST)
    assert caught.value.retry_after == 9


def test_a_missing_secret_fails_the_trigger() -> None:
    made = shown("pull_request")
    made.secrets.values.clear()
    with pytest.raises(LastingError, match="pat has no key token") as caught:
        made.intercept(ENABLED, PULL_REQUEST)
    assert isinstance(caught.value.__cause__, VerificationSetupError)
    assert not isinstance(caught.value, TokenRefusedError)


@pytest.mark.parametrize("event", ["issue_comment", "release", "", "PUSH"])
def test_other_events_pass_without_the_extension(event: str) -> None:
    assert event_of(shown(event).intercept(ENABLED, PULL_REQUEST)).extensions == {}


def test_it_is_off_unless_enabled() -> None:
    off = built("github", {"addChangedFiles": {"enabled": False, "personalAccessToken": TOKEN}})
    assert event_of(shown("push").intercept(off, PUSH)).extensions == {}


@pytest.mark.parametrize(
    ("event", "body", "reason"),
    [
        ("push", {}, "payload body missing 'repository' field"),
        ("push", None, "payload body missing 'repository' field"),
        ("push", PUSH | {"repository": {}}, "payload body missing 'repository.full_name' field"),
        ("push", PUSH | {"commits": [{}]}, "payload body missing 'commits.*.added' field"),
        ("push", PUSH | {"commits": [{"added": []}]}, "payload body missing 'commits.*.modified' field"),
        ("push", PUSH | {"commits": [1]}, "payload body missing 'commits.*.added' field"),
        (
            "push",
            PUSH | {"commits": [{"added": [], "modified": [], "removed": None}]},
            "payload body missing 'commits.*.removed' field",
        ),
        ("pull_request", PULL_REQUEST | {"number": None}, "pull_request body missing 'number' field"),
        ("pull_request", PULL_REQUEST | {"number": "7"}, "pull_request body missing 'number' field"),
        ("pull_request", PULL_REQUEST | {"number": True}, "pull_request body missing 'number' field"),
        ("pull_request", PULL_REQUEST | {"number": 7.5}, "pull_request body missing 'number' field"),
        ("pull_request", PULL_REQUEST | {"number": -1}, "pull_request body missing 'number' field"),
        (
            "pull_request",
            PULL_REQUEST | {"repository": {"full_name": "octo-org/../orgs"}},
            "'repository.full_name' is not OWNER/NAME",
        ),
        (
            "pull_request",
            PULL_REQUEST | {"repository": {"full_name": "octo-org/.."}},
            "'repository.full_name' is not OWNER/NAME",
        ),
    ],
)
def test_a_body_that_lacks_what_is_needed_fails_in_tektons_words(event: str, body: Any, reason: str) -> None:
    made = shown(event)
    with pytest.raises(LastingError) as caught:
        made.intercept(ENABLED, body)
    assert caught.value.reason == f"error parsing body: {reason}"
    assert not made.github.asked


A, B, ZERO = "a" * 40, "b" * 40, "0" * 40
REPOSITORY = {"full_name": "octo-org/hello-world", "default_branch": "main"}
FORCED = PUSH | {"before": A, "after": B, "forced": True, "created": False, "deleted": False, "commits": []}
NEW = FORCED | {"before": ZERO, "forced": False, "created": True, "ref": "refs/heads/topic", "repository": REPOSITORY}


def listed(made: Bench, body: Json) -> tuple[Json, Json]:
    """The list of files, and whether it is cut short."""
    found = event_of(made.intercept(ENABLED, body)).extensions
    return found["changed_files_list"], found["changed_files_truncated"]


def compared(*names: str, status: str = "ahead", whole: bool = True) -> Comparison:
    return Comparison(status, tuple(map(ChangedFile, names)), whole)


def test_a_new_branch_is_compared_with_the_default_one() -> None:
    made = shown("push")
    made.github.comparisons = {("main", B): compared("src/a", status="diverged")}
    assert listed(made, NEW) == (["src/a"], False)
    assert made.github.asked == [(f"compare octo-org/hello-world main...{B}", "newest")]


def test_a_new_branch_that_lists_its_commits_is_not_compared() -> None:
    made = shown("push")
    assert listed(made, NEW | {"commits": PUSH["commits"]}) == (["a.txt", "src/x.py", "b,c.md"], False)
    assert not made.github.asked


def test_what_a_forced_push_takes_back_has_changed_too() -> None:
    made = shown("push")
    made.github.comparisons = {
        (A, B): compared("new", "both", status="diverged"),
        (B, A): compared("old", "both", status="diverged"),
    }
    files, truncated = listed(made, FORCED | {"commits": PUSH["commits"][:1]})
    assert (files, truncated) == (["a.txt", "src/x.py", "new", "both", "old"], False)


def test_a_push_back_to_an_older_commit_changes_what_it_takes_back() -> None:
    made = shown("push")
    made.github.comparisons = {(A, B): compared(status="behind"), (B, A): compared("old")}
    assert listed(made, FORCED) == (["old"], False)


def test_the_comma_text_stays_as_tekton_has_it() -> None:
    made = shown("push")
    made.github.comparisons = {(A, B): compared("new")}
    assert event_of(made.intercept(ENABLED, FORCED)).extensions["changed_files"] == ""


def test_of_more_commits_than_a_push_lists_the_comparison_tells() -> None:
    commit = {"added": ["a"], "modified": [], "removed": []}
    body = FORCED | {"forced": False, "commits": [commit] * 2048}
    made = shown("push")
    made.github.comparisons = {(A, B): compared("b")}
    assert listed(made, body) == (["a", "b"], False)
    assert listed(shown("push"), body | {"commits": [commit] * 2047}) == (["a"], False)


def test_a_renamed_file_counts_under_both_names() -> None:
    made = shown("push")
    made.github.comparisons = {(A, B): Comparison("ahead", (ChangedFile("docs/a", "src/a"),), whole=True)}
    assert listed(made, FORCED) == (["docs/a", "src/a"], False)
    made = shown("pull_request")
    made.github.files = [ChangedFile("docs/a", "src/a")]
    found = event_of(made.intercept(ENABLED, PULL_REQUEST)).extensions
    assert (found["changed_files"], found["changed_files_list"]) == ("docs/a", ["docs/a", "src/a"])


@pytest.mark.parametrize(
    "comparisons",
    [
        {},
        {(A, B): compared("a", whole=False)},
        {(A, B): compared("a", status="diverged")},
        {(A, B): compared("a", status="diverged"), (B, A): compared("b", whole=False)},
    ],
)
def test_what_github_does_not_tell_whole_is_cut_short(comparisons: dict[tuple[str, str], Comparison]) -> None:
    made = shown("push")
    made.github.comparisons = comparisons
    assert listed(made, FORCED)[1] is True


@pytest.mark.parametrize("fault", [PassingError("GitHub's rate limit is used up"), LastingError("GitHub answered 403")])
def test_a_push_that_github_cannot_explain_now_lets_every_path_through(fault: Exception) -> None:
    made = shown("push")
    made.github.fault = fault
    assert listed(made, FORCED) == ([], True)


def test_a_token_that_is_refused_fails_the_push_that_needs_it() -> None:
    made = shown("push")
    made.github.good_token = "never"
    with pytest.raises(LastingError, match="error getting changed files: GitHub refuses the token"):
        made.intercept(ENABLED, FORCED)


@pytest.mark.parametrize("body", [FORCED, NEW])
def test_without_a_token_nobody_is_asked_and_the_list_is_cut_short(body: dict[str, Any]) -> None:
    made = shown("push")
    event = event_of(made.intercept(built("github", {"addChangedFiles": {"enabled": True}}), body))
    assert (event.extensions["changed_files_list"], event.extensions["changed_files_truncated"]) == ([], True)
    assert not made.github.asked


@pytest.mark.parametrize(
    "change",
    [
        {"ref": "refs/tags/v1"},
        {"ref": "refs/heads/main"},
        {"repository": {"full_name": "octo-org/hello-world"}},
        {"repository": REPOSITORY | {"default_branch": "main/../../secrets"}},
        {"after": "main"},
        {"after": None},
    ],
)
def test_a_new_ref_that_nothing_can_be_compared_with_may_change_anything(change: dict[str, Any]) -> None:
    made = shown("push")
    made.github.comparisons = {("main", B): compared("src/a")}
    assert listed(made, NEW | change) == ([], True)
    assert not made.github.asked


@pytest.mark.parametrize("change", [{"deleted": True}, {"after": ZERO}])
def test_what_is_deleted_changes_nothing(change: dict[str, Any]) -> None:
    assert listed(shown("push"), FORCED | change) == ([], False)


@pytest.mark.parametrize(
    ("count", "found", "truncated"),
    [(3000, 3000, False), (3001, 3000, True), (None, 3000, True), (None, 2999, False), (2, 1, True), (1, 2, False)],
)
def test_a_pull_request_of_more_files_than_are_listed_is_cut_short(
    count: int | None, found: int, *, truncated: bool
) -> None:
    made = shown("pull_request")
    made.github.files = [f"f{number}" for number in range(found)]
    body = PULL_REQUEST | {"pull_request": {"changed_files": count}}
    assert listed(made, body)[1] is truncated
