"""X-Hub-Signature-256 and X-Hub-Signature, with the cases that other libraries test or had advisories for."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from functions.common.errors import PassingError, VerificationSetupError
from functions.common.ports import Deadline
from functions.common.values import Json, SecretRef
from functions.interceptors.base import Assurance
from tests.interceptors.running import Bench, MemorySecrets, built, rejection

REF: dict[str, Json] = {"secretName": "hook", "secretKey": "token"}
KEY = b"It's a Secret to Everybody"
BODY = b"Hello, World!"
PUBLISHED = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
"""https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation"""
SHA1 = hmac.new(KEY, BODY, hashlib.sha1).hexdigest()
GITHUB = built("github", {"secretRef": REF})
BITBUCKET = built("bitbucket", {"secretRef": REF})


def bench(*signatures: str, header: str = "X-Hub-Signature-256", body: bytes = BODY) -> Bench:
    made = Bench(body=body, headers=[(header, signature) for signature in signatures])
    made.keep("hook", "token", KEY)
    return made


def test_githubs_published_vector_is_signed() -> None:
    assert bench(f"sha256={PUBLISHED}").verify(GITHUB) is Assurance.SIGNED


def test_upper_case_digits_are_digits_too() -> None:
    assert bench(f"sha256={PUBLISHED.upper()}").verify(GITHUB) is Assurance.SIGNED


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        ("", "no X-Hub-Signature-256 header set"),
        (f"sha256={PUBLISHED[:-1]}0", "payload signature check failed"),
        (f"sha1={SHA1}", 'unknown hash type prefix: "sha1"'),
        (f"md5={'0' * 32}", 'unknown hash type prefix: "md5"'),
        (f"sha512={'0' * 128}", 'unknown hash type prefix: "sha512"'),
        (f"SHA256={PUBLISHED}", "error parsing signature: it must be sha256= and 64 hexadecimal digits"),
        (PUBLISHED, "error parsing signature: it must be sha256= and 64 hexadecimal digits"),
        ("sha256=", "error parsing signature: it must be sha256= and 64 hexadecimal digits"),
        ("sha256", "error parsing signature: it must be sha256= and 64 hexadecimal digits"),
        ("=", "error parsing signature: it must be sha256= and 64 hexadecimal digits"),
        (f"sha256={PUBLISHED[:-1]}", "error parsing signature: it must be sha256= and 64 hexadecimal digits"),
        (f"sha256={PUBLISHED}00", "error parsing signature: it must be sha256= and 64 hexadecimal digits"),
        (f"sha256={PUBLISHED[:-1]}g", "error parsing signature: it must be sha256= and 64 hexadecimal digits"),
        (f"sha256={PUBLISHED}\n", "error parsing signature: it must be sha256= and 64 hexadecimal digits"),
        (f" sha256={PUBLISHED}", "error parsing signature: it must be sha256= and 64 hexadecimal digits"),
        (f"sha256={PUBLISHED[:-1]}é", "error parsing signature: it must be sha256= and 64 hexadecimal digits"),
        (f"sha256={'٣' * 64}", "error parsing signature: it must be sha256= and 64 hexadecimal digits"),
        ("sha256=\ufffd" + PUBLISHED, "error parsing signature: it must be sha256= and 64 hexadecimal digits"),
        (
            f"sha256={PUBLISHED}, sha256={PUBLISHED}",
            "error parsing signature: it must be sha256= and 64 hexadecimal digits",
        ),
    ],
)
def test_every_other_signature_is_rejected_with_a_reason(signature: str, reason: str) -> None:
    assert rejection(bench(signature).verify(GITHUB)) == reason


def test_a_missing_header_is_rejected_though_the_sha1_header_is_right() -> None:
    made = bench(f"sha1={SHA1}", header="X-Hub-Signature")
    assert rejection(made.verify(GITHUB)) == "no X-Hub-Signature-256 header set"


def test_of_a_header_sent_twice_the_first_counts() -> None:
    wrong = f"sha256={'0' * 64}"
    assert rejection(bench(wrong, f"sha256={PUBLISHED}").verify(GITHUB)) == "payload signature check failed"


def test_the_signature_covers_every_byte_of_the_body() -> None:
    assert rejection(bench(f"sha256={PUBLISHED}", body=BODY + b"\n").verify(GITHUB))


def test_a_body_that_is_no_text_is_signed_as_bytes() -> None:
    body = bytes(range(256))
    digest = hmac.new(KEY, body, hashlib.sha256).hexdigest()
    assert bench(f"sha256={digest}", body=body).verify(GITHUB) is Assurance.SIGNED


def test_every_accepted_value_of_the_secret_is_tried() -> None:
    made = bench(f"sha256={PUBLISHED}")
    made.keep("hook", "token", b"newest", b"newer", KEY)
    assert made.verify(GITHUB) is Assurance.SIGNED
    assert made.secrets.renewals == 0


def test_a_secret_rotated_since_it_was_read_is_read_once_more() -> None:
    made = bench(f"sha256={PUBLISHED}")
    made.keep("hook", "token", b"old")
    made.rotate("hook", "token", KEY, b"old")
    assert made.verify(GITHUB) is Assurance.SIGNED
    assert made.secrets.renewals == 1


def test_nothing_is_accepted_when_reading_anew_finds_no_other_value() -> None:
    made = bench(f"sha256={PUBLISHED}")
    made.keep("hook", "token", b"old")
    made.rotate("hook", "token", b"old")
    assert rejection(made.verify(GITHUB)) == "payload signature check failed"


def test_a_missing_secret_is_a_fault_and_never_passes() -> None:
    made = bench(f"sha256={PUBLISHED}")
    made.secrets = MemorySecrets()
    with pytest.raises(VerificationSetupError):
        made.verify(GITHUB)


def test_secrets_that_cannot_be_read_now_are_a_passing_fault() -> None:
    class Unreachable(MemorySecrets):
        def accepted(self, ref: SecretRef, deadline: Deadline) -> tuple[bytes, ...]:
            raise PassingError("the source of secrets does not answer")

    made = bench(f"sha256={PUBLISHED}")
    made.secrets = Unreachable()
    with pytest.raises(PassingError):
        made.verify(GITHUB)


def test_no_secret_is_read_for_a_signature_that_cannot_be_one() -> None:
    made = bench("nonsense")
    made.secrets = MemorySecrets()
    assert rejection(made.verify(GITHUB))


def test_interceptors_with_the_same_secret_share_one_verifier() -> None:
    other = built("github", {"secretRef": REF, "eventTypes": ["push"]})
    assert other.verifier == GITHUB.verifier
    assert hash(other.verifier) == hash(GITHUB.verifier)
    assert BITBUCKET.verifier != GITHUB.verifier


@pytest.mark.parametrize("signature", [f"sha256={PUBLISHED}", f"sha1={SHA1}"])
def test_bitbucket_signs_in_x_hub_signature(signature: str) -> None:
    assert bench(signature, header="X-Hub-Signature").verify(BITBUCKET) is Assurance.SIGNED


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        ("", "no X-Hub-Signature header set"),
        (f"sha1={'0' * 40}", "error validating signature: payload signature check failed"),
        (f"sha256={'0' * 64}", "error validating signature: payload signature check failed"),
        (f"md5={'0' * 32}", 'error validating signature: unknown hash type prefix: "md5"'),
        (
            f"sha1={SHA1}00",
            (
                "error validating signature: error parsing signature: it must be sha256= and 64 hexadecimal digits or "
                "sha1= and 40 hexadecimal digits"
            ),
        ),
    ],
)
def test_bitbuckets_wrong_signatures_are_rejected(signature: str, reason: str) -> None:
    assert rejection(bench(signature, header="X-Hub-Signature").verify(BITBUCKET)) == reason
