"""addPRBody and addFailedContexts: the pull request of a new comment, which commit its command holds, what failed."""

from __future__ import annotations

from typing import Any

import pytest

from functions.common.errors import LastingError, PassingError
from functions.common.values import Json
from tests.interceptors.running import Bench, built, event_of, filtering

HEAD, OTHER = "1f0c2b9e7d4a3c5b6e8f9012a3b4c5d6e7f80912", "2" * 40
TOKEN: Json = {"secretName": "pat", "secretKey": "token"}
BODY: Json = {"enabled": True, "personalAccessToken": TOKEN}
PULL: dict[str, Json] = {"number": 7, "state": "open", "title": "A change", "head": {"sha": HEAD, "ref": "change"}}
WITH_BODY = built("github", {"addPRBody": BODY})
WITH_FAILED = built("github", {"addPRBody": BODY, "addFailedContexts": True})


def commented(text: str = "Nice", **change: Any) -> dict[str, Any]:
    return {
        "action": "created",
        "issue": {"number": 7, "state": "open", "pull_request": {"url": "https://elsewhere.example/pulls/7"}},
        "comment": {"id": 1, "body": text},
        "repository": {"full_name": "octo-org/hello-world"},
    } | change


@pytest.fixture
def bench() -> Bench:
    made = Bench(headers=[("X-GitHub-Event", "issue_comment")])
    made.keep("pat", "token", b"newest")
    made.github.pulls = PULL
    made.github.failed = ["ci/build", "lint"]
    return made


def test_a_comment_gets_the_pull_request_as_it_is_now(bench: Bench) -> None:
    event = event_of(bench.intercept(WITH_BODY, commented(), extensions={"a": 1}))
    assert event.extensions == {"a": 1, "pr_body": PULL}
    assert bench.github.asked == [("pull octo-org/hello-world 7", "newest")]


def test_public_repositories_need_no_token(bench: Bench) -> None:
    event_of(bench.intercept(built("github", {"addPRBody": {"enabled": True}}), commented()))
    assert bench.github.asked == [("pull octo-org/hello-world 7", "")]


def test_a_pull_request_has_itself_and_nobody_is_asked(bench: Bench) -> None:
    body: dict[str, Any] = {"action": "opened", "number": 7, "pull_request": {"title": "Mine"}}
    assert event_of(bench.intercept(WITH_FAILED, body)).extensions == {"pr_body": {"title": "Mine"}}
    assert not bench.github.asked


@pytest.mark.parametrize(
    "body",
    [commented(issue={"number": 7, "state": "open"}), {"ref": "refs/heads/main"}, commented(comment=None), None, []],
)
def test_comments_on_issues_and_other_events_pass_without_it(bench: Bench, body: Json) -> None:
    assert event_of(bench.intercept(WITH_FAILED, body)).extensions == {}
    assert not bench.github.asked


@pytest.mark.parametrize("action", ["edited", "deleted", None])
def test_a_comment_that_is_not_new_starts_nothing(bench: Bench, action: Json) -> None:
    step = bench.intercept(WITH_FAILED, commented("/test", action=action))
    assert filtering(step) == "only a new comment on a pull request counts"
    assert not bench.github.asked


@pytest.mark.parametrize("command", ["test", "ok-to-test", "retest"])
def test_a_command_that_names_a_commit_holds_the_head(bench: Bench, command: str) -> None:
    for sha in (HEAD, HEAD.upper(), f"build {HEAD}"):
        assert event_of(bench.intercept(WITH_BODY, commented(f"/{command} {sha}"))).extensions
    step = bench.intercept(WITH_BODY, commented(f"/{command} {OTHER}"))
    assert filtering(step) == f"/{command} names a commit that is not the head of the pull request"
    step = bench.intercept(WITH_BODY, commented(f"/{command} {HEAD[:12]}"))
    assert filtering(step).startswith(f"/{command} names a commit by its first digits")


@pytest.mark.parametrize("text", [f"/revert {OTHER}", "/test", "/test defaced", f"> /test {OTHER}", "/test build"])
def test_other_commands_and_words_hold_nothing(bench: Bench, text: str) -> None:
    assert event_of(bench.intercept(WITH_BODY, commented(text))).extensions == {"pr_body": PULL}


def test_the_contexts_that_failed_are_those_of_the_head(bench: Bench) -> None:
    event = event_of(bench.intercept(WITH_FAILED, commented("/retest")))
    assert event.extensions == {"pr_body": PULL, "failed_contexts": ["ci/build", "lint"]}
    assert bench.github.asked[-1] == (f"failed octo-org/hello-world {HEAD}", "newest")


def test_they_are_not_asked_for_without_a_command(bench: Bench) -> None:
    assert event_of(bench.intercept(WITH_FAILED, commented("retest?"))).extensions == {"pr_body": PULL}
    alone = built("github", {"addFailedContexts": True})
    bench.github.asked.clear()
    assert event_of(bench.intercept(alone, commented("retest?"))).extensions == {}
    assert not bench.github.asked


@pytest.mark.parametrize("other", ["githubOwners", "addChangedFiles"])
def test_alone_they_take_the_token_that_the_interceptor_has(bench: Bench, other: str) -> None:
    alone = built("github", {"addFailedContexts": True, other: {"personalAccessToken": TOKEN}})
    assert event_of(bench.intercept(alone, commented("/retest"))).extensions == {
        "failed_contexts": ["ci/build", "lint"]
    }
    assert {token for _, token in bench.github.asked} == {"newest"}


def test_a_token_that_github_refuses_is_read_anew_once(bench: Bench) -> None:
    bench.github.good_token = "renewed"
    bench.rotate("pat", "token", b"renewed", b"newest")
    event_of(bench.intercept(WITH_FAILED, commented("/retest")))
    assert [token for _, token in bench.github.asked] == ["newest", "renewed", "renewed"]


def test_an_outage_is_passing_and_keeps_its_time(bench: Bench) -> None:
    bench.github.fault = PassingError("GitHub's rate limit is used up", retry_after=9)
    with pytest.raises(PassingError, match="error getting the pull request: GitHub's rate limit") as caught:
        bench.intercept(WITH_BODY, commented())
    assert caught.value.retry_after == 9


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (commented(repository=None), "payload body missing 'repository' field"),
        (commented(repository={"full_name": "octo-org/../orgs"}), "'repository.full_name' is not OWNER/NAME"),
        (commented(issue={"pull_request": {}}), "'number' field missing in the issue section of issue_comment body"),
    ],
)
def test_a_body_that_lacks_what_is_needed_fails(bench: Bench, body: Json, reason: str) -> None:
    with pytest.raises(LastingError) as caught:
        bench.intercept(WITH_BODY, body)
    assert caught.value.reason == f"error parsing body: {reason}"
    assert not bench.github.asked


@pytest.mark.parametrize(
    "params", [{}, {"addPRBody": {"enabled": False, "personalAccessToken": TOKEN}}, {"addFailedContexts": False}]
)
def test_it_is_off_unless_enabled(bench: Bench, params: dict[str, Json]) -> None:
    assert event_of(bench.intercept(built("github", params), commented("/test", action="edited"))).extensions == {}


def test_a_mistake_in_the_params_is_said() -> None:
    with pytest.raises(LastingError, match="github: addFailedContexts must be true or false"):
        built("github", {"addFailedContexts": {"enabled": True}})
    with pytest.raises(LastingError, match=r"github: addPRBody\.enabled must be true or false"):
        built("github", {"addPRBody": {"enabled": "yes"}})
