"""What octokit's webhooks, gidgethub, adnanh/webhook and Standard Webhooks test or had advisories for, here.

The table in SECURITY.md names the situation, where it comes from and what we do; each row points at a test of this
module. The tests are our own.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import flask
import pytest

from functions.common.ports import Deadline, Services
from functions.common.values import Json, Refusal, Status
from functions.delivery import Delivery, canonical_headers
from functions.interceptors.base import Assurance, Call, Place, Verifier
from functions.interceptors.bitbucket import build as build_bitbucket
from functions.interceptors.cel import build as build_cel
from functions.interceptors.github import build as build_github
from functions.interceptors.gitlab import build as build_gitlab
from functions.interceptors.slack import WINDOW_SECONDS
from functions.interceptors.slack import build as build_slack
from functions.model.resources import InterceptorSpec, Registry
from tests.interceptors.running import MemoryGitHub, MemorySecrets, NoOutbound
from tests.security.raw import ask, chunked, request
from tests.support.application import Application
from tests.support.deliveries import PUSH, SECRET, encoded, headers, signature
from tests.support.function import ServedFunction
from tests.support.workspace import Workspace

BODY = encoded(PUSH)
NOW = 1_800_000_000.0

ODD_SPELLINGS = {
    "an escape in upper case": b'{"ref":"refs/heads/\\u001B[1m"',
    "an escape in lower case": b'{"ref":"refs/heads/\\u001b[1m"',
    "an escape where none is needed": b'{"\\u0072ef":"refs\\/heads\\/main"',
    "emoji as they are": '{"ref":"refs/heads/🎉"'.encode(),
    "emoji as escapes": b'{"ref":"refs/heads/\\ud83c\\udf89"',
    "a line separator": '{"ref":"refs/heads/\u2028"'.encode(),
    "blanks and lines": b'\r\n\t { "ref" : "refs/heads/main" ',
    "numbers that change when they are written again": b'{"ref":"x","n":[1.0,1e2,-0,12345678901234567890]',
    "keys in another order": b'{"zzz":1,"ref":"x","aaa":2',
    "a key twice": b'{"ref":"y","ref":"x"',
}


def with_commit(start: bytes) -> bytes:
    """Complete a body to what the article's binding asks for."""
    return start + b',"head_commit":{"id":"1"},"repository":{"url":"https://a.example"},"after":"1"}'


@pytest.mark.parametrize("case", ODD_SPELLINGS)
def test_the_bytes_are_verified_and_never_what_they_mean(case: str, article: Workspace) -> None:
    body = with_commit(ODD_SPELLINGS[case])
    application = Application(article.environment())
    assert application.post(body, headers("push", body)).statuses == ["created"]
    written_again = json.dumps(json.loads(body)).encode()
    assert application.post(written_again, headers("push", body)).status == 401


def test_a_body_that_the_platform_has_read_already_is_refused_and_not_guessed(article: Workspace) -> None:
    application = Application(article.environment())

    def parse_first() -> None:
        flask.request.get_json(silent=True)

    application._client.application.before_request(parse_first)
    for signed in (BODY, b""):
        assert application.post(BODY, headers("push", BODY) | {"X-Hub-Signature-256": signature(signed)}).status == 400
    assert article.cluster.objects("PipelineRun", article.namespace) == []


def test_characters_split_over_chunks(served: ServedFunction) -> None:
    body = with_commit('{"ref":"🎉é\u2028"'.encode())
    for size in (1, 2, 3, 7):
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        sent = headers("push", body)
        data = request("POST / HTTP/1.1", "Transfer-Encoding: chunked", body=chunked(*pieces), sent=sent, length=False)
        status, text = ask(served.port, data)
        assert status == 202, text


SECRETS = {
    "a newline at its end, as files have": (b"key\n", b"key"),
    "bytes that are no text": (bytes(range(256)), bytes(range(256))),
    "text beyond ASCII": ("schlüssel🎉".encode(), "schlüssel🎉".encode()),
    "longer than a block of the hash": (b"k" * 1000, b"k" * 1000),
}


@pytest.mark.parametrize("case", SECRETS)
def test_secrets_of_every_shape(case: str, article: Workspace) -> None:
    stored, key = SECRETS[case]
    article.secret("github-webhook", "secretkey", stored)
    application = Application(article.environment())
    assert application.post(BODY, headers("push", BODY, secret=key)).status == 202
    assert application.post(BODY, headers("push", BODY, secret=key + b"x")).status == 401


def verifier(build: Callable[[InterceptorSpec, Place], Any], **params: Json) -> Verifier:
    found: dict[str, Json] = {"secretRef": {"secretName": "hook", "secretKey": "token"}, **params}
    spec = InterceptorSpec(ref_name="x", params=tuple(found.items()))
    built = build(spec, Place("team", "team", Registry()))
    verify: Verifier = built.verifier
    return verify


def verdict(one: Verifier, sent: dict[str, str], *keys: bytes, body: bytes = BODY) -> Assurance | Refusal:
    secrets = MemorySecrets({("team", "hook", "token"): keys})
    delivery = Delivery(path="/", headers=canonical_headers(sent.items()), body=body, received_at=NOW, nonce="n")
    services = Services(secrets, NoOutbound(), MemoryGitHub())
    return one.verify(Call(delivery, services, Deadline(1e12, lambda: 0.0), "namespaces/team/triggers/t"))


def slack(key: bytes, timestamp: str, body: bytes = BODY) -> dict[str, str]:
    digest = hmac.new(key, f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Signature": f"v0={digest}", "X-Slack-Request-Timestamp": timestamp}


VERIFIERS: dict[str, tuple[Verifier, Callable[[bytes], dict[str, str]]]] = {
    "github": (verifier(build_github), lambda key: {"X-Hub-Signature-256": signature(BODY, key)}),
    "bitbucket": (verifier(build_bitbucket), lambda key: {"X-Hub-Signature": signature(BODY, key)}),
    "gitlab": (verifier(build_gitlab), lambda key: {"X-Gitlab-Token": key.decode()}),
    "slack": (verifier(build_slack, requestedFields=["text"]), lambda key: slack(key, str(int(NOW)))),
}


@pytest.mark.parametrize("name", VERIFIERS)
def test_of_several_secrets_each_accepts(name: str) -> None:
    one, sent = VERIFIERS[name]
    for key in (b"newest", b"older", b"oldest"):
        assert isinstance(verdict(one, sent(key), b"newest", b"older", b"oldest"), Assurance)
    assert isinstance(verdict(one, sent(b"retired"), b"newest", b"older"), Refusal)


@pytest.mark.parametrize("name", VERIFIERS)
@pytest.mark.parametrize("equal", [True, False])
def test_the_constant_time_comparison_alone_decides(name: str, equal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    one, sent = VERIFIERS[name]
    compared: list[tuple[bytes, bytes]] = []

    def compare(left: bytes, right: bytes) -> bool:
        compared.append((left, right))
        return equal

    monkeypatch.setattr(hmac, "compare_digest", compare)
    for key in (b"right", b"wrong"):
        assert isinstance(verdict(one, sent(key), b"right"), Assurance) == equal
    assert compared
    assert all(type(left) is type(right) is bytes for left, right in compared), "text beyond ASCII would raise"
    if name != "gitlab":
        assert all(len(left) == len(right) for left, right in compared), "a length tells nothing"


@pytest.mark.parametrize("equal", [True, False])
def test_the_constant_time_comparison_alone_decides_in_cel(equal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hmac, "compare_digest", lambda *_: equal)
    spec = InterceptorSpec(
        ref_name="cel", params=(("filter", "header.canonical('X-Secret').compareSecret('token', 'hook')"),)
    )
    interceptor = build_cel(spec, Place("team", "team", Registry()))
    delivery = Delivery(
        path="/", headers=canonical_headers([("X-Secret", "anything")]), body=b"{}", received_at=NOW, nonce="n"
    )
    services = Services(MemorySecrets({("team", "hook", "token"): (b"right",)}), NoOutbound(), MemoryGitHub())
    call = Call(delivery, services, Deadline(1e12, lambda: 0.0), "namespaces/team/triggers/t")
    assert isinstance(interceptor.intercept(delivery.event(forms=False), call), Refusal) != equal


SHA1 = hmac.new(SECRET, BODY, hashlib.sha1).hexdigest()
RIGHT = signature(BODY)
DOWNGRADES = {
    "SHA-1 where SHA-256 is due": f"sha1={SHA1}",
    "the prefix of SHA-256 before a digest of SHA-1": f"sha256={SHA1}",
    "MD5": "md5=" + hmac.new(SECRET, BODY, hashlib.md5).hexdigest(),
    "SHA-512": "sha512=" + hmac.new(SECRET, BODY, hashlib.sha512).hexdigest(),
    "none": "none=",
    "no prefix": RIGHT.removeprefix("sha256="),
    "the prefix in upper case": "SHA256=" + RIGHT.removeprefix("sha256="),
    "a hash of the body without a key": "sha256=" + hashlib.sha256(BODY).hexdigest(),
    "several signatures, as Standard Webhooks has them": f"{RIGHT} {RIGHT}",
    "several signatures, as adnanh/webhook takes them": f"{signature(BODY, b'x')},{RIGHT}",
    "the right one and more": RIGHT + "00",
    "the right one, cut": RIGHT[:-2],
    "an empty digest": "sha256=",
    "digits of another script": "sha256=" + "٣" * 64,
    "blanks inside": "sha256=" + " ".join([RIGHT[7:39], RIGHT[39:]]),
    "base64": "sha256=dBHCryxxx1rkOBxDhBTj1bqqlfwJYW1dTDHgv1Txabc=",
}


@pytest.mark.parametrize("case", DOWNGRADES)
def test_no_weaker_hash_and_no_other_form(case: str, article: Workspace) -> None:
    application = Application(article.environment())
    answer = application.post(BODY, headers("push", BODY) | {"X-Hub-Signature-256": DOWNGRADES[case]})
    assert (answer.status, answer.statuses) == (401, ["rejected"])


MISSING = {
    "the event's name": ({"X-GitHub-Event"}, 202, ["filtered"]),
    "the delivery's GUID": ({"X-GitHub-Delivery"}, 202, ["created"]),
    "the content type": ({"Content-Type"}, 202, ["created"]),
    "the user agent": ({"User-Agent"}, 202, ["created"]),
    "the signature": ({"X-Hub-Signature-256"}, 401, ["rejected"]),
    "everything": (set(headers("push", BODY)), 401, ["rejected"]),
}


@pytest.mark.parametrize("case", MISSING)
def test_missing_headers(case: str, article: Workspace) -> None:
    missing, status, statuses = MISSING[case]
    sent = {name: value for name, value in headers("push", BODY).items() if name not in missing}
    answer = Application(article.environment()).post(BODY, sent)
    assert (answer.status, answer.statuses) == (status, statuses)


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "image/png", "application/json; charset=latin-1", "\u00e9", "a"]
)
def test_a_content_type_decides_nothing_of_a_signed_body(content_type: str, article: Workspace) -> None:
    sent = headers("push", BODY) | {"Content-Type": content_type}
    assert Application(article.environment()).post(BODY, sent).statuses == ["created"]


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_form_that_is_none_is_no_event(content_type: str, article: Workspace) -> None:
    sent = headers("push", b"--x\r\n") | {"Content-Type": content_type}
    assert Application(article.environment()).post(b"--x\r\n", sent).status == 400


ODD_BODIES = [
    b"",
    b"null",
    b"0",
    b'""',
    b"\x00",
    b"\xff\xfe",
    b"{",
    b'{"ref":',
    b"payload=",
    b'{"commits":null}',
    b"[]",
]


@pytest.mark.parametrize("body", ODD_BODIES)
def test_nothing_crashes_on_odd_bodies_signed_or_not(body: bytes, article: Workspace) -> None:
    application = Application(article.environment())
    for sent in (headers("push", body), headers("push", body, secret=None), {}):
        answer = application.post(body, sent)
        assert answer.status in (202, 400, 401, 422)
        assert answer.json["triggers"] is not None


def test_a_captured_delivery_runs_once_under_any_guid(article: Workspace) -> None:
    application = Application(article.environment())
    statuses = [application.post(BODY, headers("push", BODY, guid=f"guid-{number}")).statuses for number in range(5)]
    assert statuses == [["created"], *[["duplicate"]] * 4]
    assert len(article.cluster.objects("PipelineRun", article.namespace)) == 1


def test_a_captured_delivery_is_no_other_event(article: Workspace) -> None:
    issue = encoded({"action": "opened", "issue": {"number": 1}} | {"repository": PUSH["repository"]})
    answer = Application(article.environment()).post(issue, headers("push", issue))
    assert (answer.status, answer.reasons) == (401, ["the signed body is that of the event issues, not push"])


@pytest.mark.parametrize("late", [-WINDOW_SECONDS - 1, WINDOW_SECONDS + 1])
def test_a_captured_message_of_slack_ages(late: int) -> None:
    one, _ = VERIFIERS["slack"]
    assert isinstance(verdict(one, slack(b"key", str(int(NOW) + late)), b"key"), Refusal)
    assert verdict(one, slack(b"key", str(int(NOW) + (late // abs(late)) * WINDOW_SECONDS)), b"key") is Assurance.SIGNED


@pytest.mark.parametrize(
    "timestamp", ["", "hello", "-1", "1e9", "١٨٠٠٠٠٠٠٠٠", "1800000000.0", " 1800000000", "9" * 400]
)
def test_timestamps_of_slack_that_are_none(timestamp: str) -> None:
    one, _ = VERIFIERS["slack"]
    refusal = verdict(one, slack(b"key", timestamp), b"key")
    assert isinstance(refusal, Refusal)
    assert refusal.status is Status.REJECTED


def test_a_reply_is_json_that_no_page_can_read(article: Workspace) -> None:
    application = Application(article.environment())
    for answer in (
        application.post(BODY, headers("push", BODY)),
        application.request("GET"),
        application.post(b"", {}),
    ):
        assert answer.headers["Content-Type"] == "application/json"
        assert isinstance(answer.json, dict), "an array at the top could be read by a script tag of old"
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "Set-Cookie" not in answer.headers


def test_keys_that_other_languages_trip_over_are_keys(article: Workspace) -> None:
    body = with_commit(b'{"__proto__":{"ref":"x"},"constructor":1,"__class__":{"__init__":1},"":0')
    assert Application(article.environment()).post(body, headers("push", body)).statuses == ["created"]
