"""gitlab, bitbucket and github: tokens and event types."""

from __future__ import annotations

import pytest

from functions.common.values import Json
from functions.delivery import opened
from functions.interceptors.base import Assurance
from tests.interceptors.running import Bench, built, event_of, filtering, rejection

REF: dict[str, Json] = {"secretName": "hook", "secretKey": "token"}
GITLAB = built("gitlab", {"secretRef": REF})


def sent(*tokens: str) -> Bench:
    made = Bench(headers=[("X-Gitlab-Token", token) for token in tokens])
    made.keep("hook", "token", "tökén".encode(), b"older")
    return made


def test_gitlabs_token_vouches_for_the_sender_but_signs_nothing() -> None:
    assert sent("tökén").verify(GITLAB) is Assurance.AUTHENTICATED
    assert sent("older").verify(GITLAB) is Assurance.AUTHENTICATED


@pytest.mark.parametrize("token", ["wrong", "t\ufffdkén", "tökén ", "olde", "older\x00", "日本"])
def test_a_wrong_token_is_rejected_whatever_its_characters(token: str) -> None:
    assert rejection(sent(token).verify(GITLAB)) == "Invalid X-GitLab-Token"


def test_a_missing_or_empty_token_is_rejected() -> None:
    assert rejection(sent().verify(GITLAB)) == "no X-GitLab-Token header set"
    assert rejection(sent("").verify(GITLAB)) == "no X-GitLab-Token header set"


def test_gitlabs_token_may_be_rotated() -> None:
    made = sent("new")
    made.rotate("hook", "token", b"new")
    assert made.verify(GITLAB) is Assurance.AUTHENTICATED


@pytest.mark.parametrize(
    ("interceptor", "header", "name"),
    [
        ("gitlab", "X-Gitlab-Event", "Push Hook"),
        ("bitbucket", "X-Event-Key", "repo:refs_changed"),
        ("github", "X-GitHub-Event", "push"),
    ],
)
class TestEventTypes:
    def test_an_allowed_type_passes(self, interceptor: str, header: str, name: str) -> None:
        made = Bench(headers=[(header, name)])
        assert event_of(made.intercept(built(interceptor, {"eventTypes": ["other", name]}), {"a": 1})).body == {"a": 1}

    def test_another_type_is_filtered_with_its_name(self, interceptor: str, header: str, name: str) -> None:
        made = Bench(headers=[(header, name)])
        allowing = built(interceptor, {"eventTypes": ["other"]})
        assert filtering(made.intercept(allowing, {})) == f"event type {name} is not allowed"

    def test_types_are_compared_exactly(self, interceptor: str, header: str, name: str) -> None:
        made = Bench(headers=[(header, name)])
        assert filtering(made.intercept(built(interceptor, {"eventTypes": [name.upper()]}), {}))

    def test_an_empty_list_allows_nothing(self, interceptor: str, header: str, name: str) -> None:
        made = Bench(headers=[(header, name)])
        assert filtering(made.intercept(built(interceptor, {"eventTypes": []}), {}))

    def test_no_list_allows_everything(self, interceptor: str, header: str, name: str) -> None:
        made = Bench(headers=[(header, name)])
        event_of(made.intercept(built(interceptor, {"eventTypes": None}), {}))
        event_of(Bench().intercept(built(interceptor), {}))

    def test_a_missing_header_is_an_empty_type(self, interceptor: str, header: str, name: str) -> None:
        assert filtering(Bench().intercept(built(interceptor, {"eventTypes": [name]}), {})) == (
            "event type  is not allowed"
        )

    def test_a_long_or_odd_name_is_cut_and_cleaned_in_the_reason(
        self, interceptor: str, header: str, name: str
    ) -> None:
        made = Bench(headers=[(header, "a\x1b[31m" + "b" * 500)])
        reason = filtering(made.intercept(built(interceptor, {"eventTypes": [name]}), {}))
        assert reason.isprintable()
        assert len(reason) < 120

    def test_only_a_secret_ref_vouches(self, interceptor: str, header: str, name: str) -> None:
        assert built(interceptor, {"secretRef": REF}).vouches
        assert not built(interceptor).vouches
        assert built(interceptor).verifier is None


def test_githubs_interceptor_takes_no_form_of_several_fields() -> None:
    made = Bench(
        headers=[("Content-Type", "application/x-www-form-urlencoded"), ("X-GitHub-Event", "push")], body=b"a=1&b=2"
    )
    event = opened(made.call.delivery.event(forms=True))
    assert filtering(built("github").intercept(event, made.call)) == (
        "form parameter encoding not supported, please change the hook to send JSON payloads"
    )


def test_a_form_with_a_charset_is_no_form_to_githubs_interceptor_as_in_tekton() -> None:
    charset = ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
    made = Bench(headers=[charset, ("X-GitHub-Event", "push")], body=b"a=1&b=2")
    event_of(built("github").intercept(opened(made.call.delivery.event(forms=True)), made.call))


def test_githubs_own_form_of_one_field_passes() -> None:
    made = Bench(
        headers=[("Content-Type", "application/x-www-form-urlencoded"), ("X-GitHub-Event", "push")],
        body=b"payload=%7B%7D",
    )
    event_of(made.intercept(built("github"), {}))
