"""Checks of raw bodies against secrets, in constant time: HMAC signatures in headers."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable

from msgspec import Struct

from functions.common.values import Provider, Refusal, SecretRef
from functions.interceptors.base import Assurance, Call, rejected

GITHUB_HEADER = "X-Hub-Signature-256"
SHA256_ONLY = ("sha256",)
SHA256_OR_SHA1 = ("sha256", "sha1")

_HEX_DIGITS = {"sha256": 64, "sha1": 40}
_HEX = re.compile(r"[0-9a-fA-F]*")
_HASH_TYPE = re.compile(r"[a-z0-9]{1,7}")


def any_value_matches(call: Call, ref: SecretRef, matches: Callable[[bytes], bool]) -> bool:
    """Try every accepted value of a secret, newest first, and once those read anew when none matched.

    Raises what `Secrets` raises: verification is never skipped. Raises PassingError when the delivery's time is over:
    many keys over a large forged body take long.
    """
    call.deadline.require("verify the delivery")

    def in_time(value: bytes) -> bool:
        call.deadline.require("verify the delivery")
        return matches(value)

    secrets = call.services.secrets
    values = secrets.accepted(ref, call.deadline)
    if any(in_time(value) for value in values):
        return True
    renewed = secrets.renewed(ref, call.deadline) or ()
    if any(in_time(value) for value in renewed if value not in values):
        return True
    secrets.require_all(ref, call.deadline)
    return False


class HubSignature(Struct, frozen=True):
    """An HMAC of the raw body in a header, as GitHub and Bitbucket send it: `sha256=<hex>`.

    GitHub: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    Bitbucket: https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/
    """

    ref: SecretRef
    header: str = GITHUB_HEADER
    algorithms: tuple[str, ...] = SHA256_ONLY
    """The hashes that are accepted; the sender's word alone never chooses a weaker one."""
    context: str = ""
    """What Tekton puts before the reason."""

    @property
    def provider(self) -> Provider:
        """GitHub's header, or the one that Bitbucket has."""
        return "github" if self.header == GITHUB_HEADER else "bitbucket"

    def verify(self, call: Call) -> Assurance | Refusal:
        """Compare in constant time; the reasons are Tekton's, and quote nothing that was sent but a hash's name."""
        text = call.delivery.header(self.header)
        if not text:
            return rejected(f"no {self.header} header set")
        algorithm, separator, digits = text.partition("=")
        if separator and algorithm not in self.algorithms and _HASH_TYPE.fullmatch(algorithm):
            return self._rejected(f'unknown hash type prefix: "{algorithm}"')
        if algorithm not in self.algorithms or len(digits) != _HEX_DIGITS[algorithm] or not _HEX.fullmatch(digits):
            wanted = " or ".join(f"{name}= and {_HEX_DIGITS[name]} hexadecimal digits" for name in self.algorithms)
            return self._rejected(f"error parsing signature: it must be {wanted}")
        claimed = bytes.fromhex(digits)
        body = call.delivery.body

        def matches(key: bytes) -> bool:
            return hmac.compare_digest(hmac.digest(key, body, algorithm), claimed)

        if any_value_matches(call, self.ref, matches):
            return Assurance.SIGNED
        return self._rejected("payload signature check failed")

    def _rejected(self, reason: str) -> Refusal:
        return rejected(f"{self.context}{reason}")
