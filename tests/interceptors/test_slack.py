"""slack: the signature over timestamp and body, and the requested fields of the form."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest

from functions.common.errors import LastingError
from functions.common.values import Json
from functions.interceptors.base import Assurance
from tests.interceptors.running import NOW, Bench, built, event_of, filtering, rejection

KEY = b"8f742231b10e8888abcd99yyyzzz85a5"
PUBLISHED_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
    b"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
    b"%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121."
    b"803a0bc887a14d10d2c447fce8b6703c"
)
PUBLISHED = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
"""https://docs.slack.dev/authentication/verifying-requests-from-slack/, at 1531420618."""
PUBLISHED_AT = 1531420618
FORM = "application/x-www-form-urlencoded"
SIGNED = built("slack", {"secretRef": {"secretName": "slack", "secretKey": "key"}, "requestedFields": ["text"]})
UNSIGNED = built("slack", {"requestedFields": ["text", "user_name"]})


def signature(timestamp: str, body: bytes, key: bytes = KEY) -> str:
    return "v0=" + hmac.new(key, b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()


def sent(*, timestamp: str | None = None, signed: str | None = None, body: bytes = b"text=hi&user_name=bob") -> Bench:
    timestamp = f"{NOW:.0f}" if timestamp is None else timestamp
    signed = signature(timestamp, body) if signed is None else signed
    headers = [("Content-Type", FORM), ("X-Slack-Signature", signed), ("X-Slack-Request-Timestamp", timestamp)]
    made = Bench(body=body, headers=[(name, value) for name, value in headers if value])
    made.keep("slack", "key", KEY)
    return made


def test_the_scheme_is_slacks() -> None:
    assert signature(str(PUBLISHED_AT), PUBLISHED_BODY) == PUBLISHED


def test_a_signed_request_of_now_is_signed() -> None:
    assert sent().verify(SIGNED) is Assurance.SIGNED


@pytest.mark.parametrize("away", [-300, -1, 0, 1, 300])
def test_five_minutes_either_way_are_now(away: int) -> None:
    assert sent(timestamp=f"{NOW + away:.0f}").verify(SIGNED) is Assurance.SIGNED


@pytest.mark.parametrize("away", [-301, 301, -86_400, 10_000_000])
def test_an_old_or_future_request_is_rejected_though_its_signature_is_right(away: int) -> None:
    made = sent(timestamp=f"{NOW + away:.0f}")
    assert rejection(made.verify(SIGNED)) == "X-Slack-Request-Timestamp is more than five minutes away from now"


def test_slacks_published_request_is_too_old_by_now() -> None:
    made = sent(timestamp=str(PUBLISHED_AT), signed=PUBLISHED, body=PUBLISHED_BODY)
    assert "five minutes" in rejection(made.verify(SIGNED))


@pytest.mark.parametrize("timestamp", ["soon", "1e9", "-1", "1800000000.0", " 1800000000", "٣", "1" * 40])
def test_a_timestamp_is_whole_seconds(timestamp: str) -> None:
    assert rejection(sent(timestamp=timestamp).verify(SIGNED)) == (
        "error parsing X-Slack-Request-Timestamp: it must be seconds since 1970"
    )


def test_missing_headers_are_rejected_by_name() -> None:
    assert rejection(sent(signed="").verify(SIGNED)) == "no X-Slack-Signature header set"
    assert rejection(sent(timestamp="", signed="v0=").verify(SIGNED)) == "no X-Slack-Request-Timestamp header set"


@pytest.mark.parametrize("signed", ["v0=", "v0=zz", "v1=" + "0" * 64, "sha256=" + "0" * 64, "v0=" + "0" * 65, "é"])
def test_a_malformed_signature_is_rejected(signed: str) -> None:
    assert rejection(sent(signed=signed).verify(SIGNED)) == (
        "error parsing X-Slack-Signature: it must be v0= and 64 hexadecimal digits"
    )


def test_the_timestamp_and_the_body_are_signed() -> None:
    right = f"{NOW:.0f}"
    moved = sent(timestamp=f"{NOW + 1:.0f}", signed=signature(right, b"text=hi&user_name=bob"))
    assert rejection(moved.verify(SIGNED)) == "payload signature check failed"
    changed = sent(signed=signature(right, b"text=hi&user_name=eve"))
    assert rejection(changed.verify(SIGNED)) == "payload signature check failed"


def test_a_rotated_key_is_found() -> None:
    made = sent()
    made.keep("slack", "key", b"old")
    made.rotate("slack", "key", KEY)
    assert made.verify(SIGNED) is Assurance.SIGNED


def test_only_a_secret_ref_vouches() -> None:
    assert SIGNED.vouches
    assert not UNSIGNED.vouches


def test_requested_fields_become_extensions_as_lists() -> None:
    body: Json = {"text": ["hi"], "user_name": ["bob", "eve"], "other": [""]}
    event = event_of(sent().intercept(UNSIGNED, body, extensions={"a": 1}))
    assert event.extensions == {"a": 1, "text": ["hi"], "user_name": ["bob", "eve"]}
    assert event.body == body


def test_no_fields_may_be_requested() -> None:
    assert event_of(sent().intercept(built("slack", {"requestedFields": []}), {"a": ["1"]})).extensions == {}


def test_a_requested_field_that_the_form_lacks_fails_the_trigger_and_quotes_nothing() -> None:
    with pytest.raises(LastingError) as caught:
        sent().intercept(UNSIGNED, {"text": ["canary"], "b": ["canary"]})
    assert caught.value.reason == "requested field does not exists in payload: user_name"


@pytest.mark.parametrize("content_type", ["application/json", f"{FORM}; charset=utf-8", ""])
def test_what_is_no_form_is_filtered(content_type: str) -> None:
    made = Bench(headers=[("Content-Type", content_type), ("X-Slack-Signature", "v0=")])
    reason = filtering(made.intercept(UNSIGNED, {"text": ["a"], "user_name": ["b"]}))
    assert reason == f"missing header in payload: ContentType {FORM}"


def test_a_request_without_slacks_signature_is_filtered() -> None:
    made = Bench(headers=[("Content-Type", FORM)])
    reason = filtering(made.intercept(UNSIGNED, {"text": ["a"], "user_name": ["b"]}))
    assert reason == "missing header in payload: X-Slack-Signature"


@pytest.mark.parametrize("body", [None, {"text": "a"}, {"text": ["a"], "n": 1}, {"text": [1]}])
def test_a_body_that_was_no_form_is_filtered(body: Any) -> None:
    assert filtering(sent().intercept(UNSIGNED, body)).startswith("failed to unmarshl slack payload")
