"""The cel interceptor: filter, overlays, compareSecret, and what mistakes become."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from functions.cel import Activation, compile_expression
from functions.common.errors import LastingError, PassingError, PipehookError, VerificationSetupError
from functions.common.ports import Deadline
from functions.common.values import Json, SecretRef
from functions.interceptors.base import Assurance, Passed
from tests.interceptors.running import NAMESPACE, Bench, MemorySecrets, built, event_of, filtering, rejection

BODY: dict[str, Any] = {"ref": "refs/heads/main", "after": "6dcb09b5b57875f3", "n": 2, "items": ["x", "y"]}
COMPARED = "header.canonical('X-Token').compareSecret('token', 'hook')"


def filtering_by(expression: str, **more: Json) -> Any:
    return built("cel", {"filter": expression, **more})


def overlaying(*overlays: tuple[str, str]) -> Any:
    items: list[Json] = [{"key": key, "expression": expression} for key, expression in overlays]
    return built("cel", {"overlays": items})


def extensions(*overlays: tuple[str, str], before: dict[str, Json] | None = None) -> Any:
    event = event_of(Bench().intercept(overlaying(*overlays), BODY, extensions=before))
    return dict(event.extensions)


class TestFilter:
    def test_true_passes_the_event_unchanged(self) -> None:
        event = event_of(Bench().intercept(filtering_by("body.ref == 'refs/heads/main'"), BODY))
        assert event.body is BODY
        assert event.extensions == {}

    @pytest.mark.parametrize("expression", ["body.ref == 'x'", "body.ref", "body.n", "1", "null"])
    def test_anything_else_is_filtered(self, expression: str) -> None:
        assert filtering(Bench().intercept(filtering_by(expression), BODY)) == (
            f"expression {expression} did not return true"
        )

    def test_what_cannot_be_evaluated_on_this_event_is_filtered_with_the_reason(self) -> None:
        assert filtering(Bench().intercept(filtering_by("body.nope == 1"), BODY)) == (
            'error evaluating cel expression: expression "body.nope == 1" failed to evaluate: no such key: nope'
        )

    def test_no_filter_passes_everything(self) -> None:
        event_of(Bench().intercept(built("cel"), BODY))
        event_of(Bench().intercept(filtering_by(""), BODY))

    def test_header_extensions_and_request_url_can_be_read(self) -> None:
        made = Bench(headers=[("X-GitHub-Event", "push")], path="/team?x=1")
        expression = (
            "header.match('X-GitHub-Event', 'push') && extensions.a == 'b' && requestURL.parseURL().query.x == '1'"
        )
        event_of(made.intercept(filtering_by(expression), BODY, extensions={"a": "b"}))

    def test_a_null_body_is_an_empty_one(self) -> None:
        event_of(Bench().intercept(filtering_by("!has(body.ref)"), None))

    def test_a_body_that_is_no_object_is_an_error(self) -> None:
        with pytest.raises(LastingError, match="error making the evaluation context"):
            Bench().intercept(filtering_by("true"), [1])

    def test_no_reason_quotes_the_event(self) -> None:
        body: Json = {"ref": "canary-value", "n": "canary-number"}
        reason = filtering(Bench().intercept(filtering_by("int(body.n) == 1 && body.ref.nope == 1"), body))
        assert "canary" not in reason


class TestOverlays:
    def test_values_become_extensions(self) -> None:
        assert extensions(("short", "body.after.truncate(7)"), ("sum", "body.n + 1.0")) == {
            "short": "6dcb09b",
            "sum": 3,
        }

    def test_they_do_not_see_each_other(self) -> None:
        with pytest.raises(LastingError, match="no such key: short"):
            extensions(("short", "body.after.truncate(7)"), ("again", "extensions.short"))

    def test_they_see_what_was_there_before(self) -> None:
        assert extensions(("a", "extensions.b + '!'"), before={"b": "c"}) == {"a": "c!", "b": "c"}

    def test_dotted_keys_nest_and_merge(self) -> None:
        assert extensions(("a.b", "1"), ("a.c.d", "2"), ("e", "3")) == {"a": {"b": 1, "c": {"d": 2}}, "e": 3}

    def test_the_prefix_extensions_nests_once_more(self) -> None:
        assert extensions(("extensions.a", "1")) == {"extensions": {"a": 1}}

    def test_a_later_step_replaces_a_whole_key_of_an_earlier_one(self) -> None:
        assert extensions(("a.y", "1"), before={"a": {"x": 1}, "b": 2}) == {"a": {"y": 1}, "b": 2}

    def test_a_later_overlay_of_the_same_key_wins(self) -> None:
        assert extensions(("a", "1"), ("a", "2")) == {"a": 2}

    def test_they_are_computed_only_for_an_event_that_the_filter_wants(self) -> None:
        both = filtering_by("body.n == 3", overlays=[{"key": "a", "expression": "body.nope"}])
        assert filtering(Bench().intercept(both, BODY))

    @pytest.mark.parametrize(
        ("expression", "reason"),
        [
            (
                "body.nope",
                'error evaluating cel expression: expression "body.nope" failed to evaluate: no such key: nope',
            ),
            (
                "null",
                "failed to convert overlay result to type: type conversion error from 'null_type' to '[]uint8'",
            ),
        ],
    )
    def test_one_that_cannot_be_computed_fails_the_trigger(self, expression: str, reason: str) -> None:
        with pytest.raises(LastingError) as caught:
            extensions(("a", expression))
        assert caught.value.reason == reason
        assert not caught.value.passing

    def test_a_name_cannot_lead_into_a_list(self) -> None:
        with pytest.raises(LastingError) as caught:
            extensions(("a", "body.items"), ("a.b", "1"))
        assert caught.value.reason == (
            "failed to sjson for key 'a.b': cannot set array element for non-numeric key 'b'"
        )

    def test_the_body_is_never_changed(self) -> None:
        body: dict[str, Json] = {"list": [1], "map": {"a": 1}}
        event = event_of(
            Bench().intercept(overlaying(("l", "body.list"), ("l.0", "2"), ("m", "body.map"), ("m.a", "2")), body)
        )
        assert event.extensions == {"l": [2], "m": {"a": 2}}
        assert body == {"list": [1], "map": {"a": 1}}


class TestMistakes:
    @pytest.mark.parametrize("expression", ["body.ref ==", "undeclared.x == 1", "1 == 'a'", "body.ref.nofunc()"])
    def test_an_expression_that_can_never_compile_fails_the_build(self, expression: str) -> None:
        with pytest.raises(LastingError) as caught:
            filtering_by(expression)
        assert caught.value.reason.startswith(f'error evaluating cel expression: expression "{expression}": ERROR: ')
        with pytest.raises(LastingError):
            overlaying(("a", expression))

    @pytest.mark.parametrize(
        ("params", "reason"),
        [
            ({"filter": True}, "cel: filter must be a string"),
            ({"overlays": {"key": "a"}}, "cel: overlays must be a list of objects"),
            ({"overlays": ["a"]}, "cel: overlays[0] must be an object"),
            ({"overlays": [{"key": 1, "expression": "1"}]}, "cel: overlays[0].key must be a string"),
        ],
    )
    def test_params_are_typed(self, params: dict[str, Json], reason: str) -> None:
        with pytest.raises(LastingError) as caught:
            built("cel", params)
        assert caught.value.reason == f"failed to parse interceptor params: {reason}"

    def test_an_overlay_needs_a_key_and_an_expression(self) -> None:
        with pytest.raises(LastingError, match="path cannot be empty"):
            overlaying(("", "1"))
        with pytest.raises(LastingError, match="error evaluating cel expression"):
            overlaying(("a", ""))


class TestCompareSecret:
    def sent(self, token: str | None = "right") -> Bench:
        made = Bench(headers=[] if token is None else [("X-Token", token)])
        made.keep("hook", "token", b"right", b"older")
        return made

    def test_it_vouches_wherever_it_stands(self) -> None:
        assert filtering_by(COMPARED).vouches
        assert overlaying(("a", "1"), ("ok", COMPARED)).vouches
        assert not filtering_by("body.n == 2").vouches
        assert filtering_by(COMPARED).verifier is None

    @pytest.mark.parametrize("token", ["right", "older"])
    def test_every_accepted_value_authenticates(self, token: str) -> None:
        step = self.sent(token).intercept(filtering_by(COMPARED), BODY)
        assert isinstance(step, Passed)
        assert step.assurance is Assurance.AUTHENTICATED

    @pytest.mark.parametrize("token", ["wrong", "", "righ", "rightt", "日本", "r\ufffdght", None])
    def test_a_wrong_token_is_rejected(self, token: str | None) -> None:
        assert rejection(self.sent(token).intercept(filtering_by(COMPARED), BODY)) == "compareSecret did not match"

    def test_a_wrong_token_is_rejected_though_the_rest_of_the_filter_fails_too(self) -> None:
        both = filtering_by(f"body.nope == 1 && {COMPARED} || body.nope == 2")
        assert rejection(self.sent("wrong").intercept(both, BODY))

    def test_an_event_that_the_rest_of_the_filter_refuses_is_filtered(self) -> None:
        assert filtering(self.sent().intercept(filtering_by(f"{COMPARED} && body.n == 3"), BODY))
        assert filtering(self.sent("wrong").intercept(filtering_by(f"body.n == 3 && {COMPARED}"), BODY))

    def test_one_of_two_secrets_suffices(self) -> None:
        made = self.sent()
        made.keep("second", "token", b"other")
        either = filtering_by(f"header.canonical('X-Token').compareSecret('token', 'second') || {COMPARED}")
        assert isinstance(made.intercept(either, BODY), Passed)
        refused = filtering_by(f"({either.filter.source}) && body.n == 3")
        assert filtering(made.intercept(refused, BODY))

    def test_a_rotated_secret_is_found(self) -> None:
        made = self.sent("new")
        made.rotate("hook", "token", b"new")
        assert isinstance(made.intercept(filtering_by(COMPARED), BODY), Passed)
        assert made.secrets.renewals == 1

    def test_the_secret_is_the_triggers_own_whatever_namespace_is_named(self) -> None:
        made = self.sent()
        made.secrets.values[("other", "hook", "token")] = (b"theirs",)
        elsewhere = filtering_by("header.canonical('X-Token').compareSecret('token', 'hook', 'other')")
        assert isinstance(made.intercept(elsewhere, BODY), Passed)

    def test_an_overlay_may_compare_for_a_later_filter(self) -> None:
        step = self.sent().intercept(overlaying(("ok", COMPARED)), BODY)
        assert isinstance(step, Passed)
        assert (step.event.extensions, step.assurance) == ({"ok": True}, Assurance.AUTHENTICATED)
        step = self.sent("wrong").intercept(overlaying(("ok", COMPARED)), BODY)
        assert isinstance(step, Passed)
        assert (step.event.extensions, step.assurance) == ({"ok": False}, Assurance.NONE)

    def test_nothing_is_vouched_for_when_the_comparison_was_not_reached(self) -> None:
        step = self.sent("wrong").intercept(filtering_by(f"body.n == 2 || {COMPARED}"), BODY)
        assert isinstance(step, Passed)
        assert step.assurance is Assurance.NONE

    @pytest.mark.parametrize("expression", [COMPARED, f"body.nope == 1 || {COMPARED}", f"body.nope && {COMPARED}"])
    def test_a_secret_that_cannot_be_read_now_is_a_passing_fault(self, expression: str) -> None:
        class Unreachable(MemorySecrets):
            def accepted(self, ref: SecretRef, deadline: Deadline) -> tuple[bytes, ...]:
                raise PassingError("the source of secrets does not answer")

        made = self.sent()
        made.secrets = Unreachable()
        with pytest.raises(PassingError, match="does not answer"):
            made.intercept(filtering_by(expression), BODY)
        with pytest.raises(PassingError, match="does not answer"):
            made.intercept(overlaying(("a", expression)), BODY)

    def test_a_missing_secret_fails_the_trigger(self) -> None:
        made = self.sent()
        with pytest.raises(VerificationSetupError, match="nope"):
            made.intercept(filtering_by("'a'.compareSecret('nope', 'hook')"), BODY)

    def test_the_rest_may_decide_without_the_secret(self) -> None:
        made = self.sent()
        missing = "'a'.compareSecret('nope', 'hook')"
        assert filtering(made.intercept(filtering_by(f"{missing} && body.n == 3"), BODY))


def test_threads_share_one_interceptor() -> None:
    shared = filtering_by("body.n == extensions.n", overlays=[{"key": "m", "expression": "body.n + 1.0"}])
    wrong: list[int] = []

    def run(number: int) -> None:
        for step in range(100):
            n = number * 1000 + step
            event = event_of(Bench().intercept(shared, {"n": n}, extensions={"n": n}))
            if event.extensions["m"] != n + 1:
                wrong.append(n)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_secrets_are_looked_up_in_the_triggers_namespace() -> None:
    assert filtering_by("true").namespace == NAMESPACE


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (VerificationSetupError('error getting secret: secrets "canary-name" not found'), "that the event names"),
        (PassingError("secret ns/canary-name cannot be read now", retry_after=7.0), "that the event names"),
    ],
)
@pytest.mark.parametrize(
    ("expression", "named"),
    [
        ("body.token.compareSecret('key', 'canary-name')", True),
        ("body.token.compareSecret('key', body.name)", False),
        ("body.token.compareSecret(body.key, 'canary-name')", False),
    ],
)
def test_a_secret_that_the_event_names_is_not_named(
    raised: PipehookError, said: str, expression: str, named: bool
) -> None:
    def refuse(*_: str) -> bool:
        raise raised

    event = Activation({"token": "t", "key": "k", "name": "canary-name"}, {}, {}, "/", refuse)
    with pytest.raises(type(raised)) as caught:
        compile_expression(expression).test(event)
    assert ("canary-name" in str(caught.value)) is named
    assert (said in str(caught.value)) is not named
