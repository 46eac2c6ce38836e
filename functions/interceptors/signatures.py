"""Checks of raw bodies against secrets, in constant time: HMAC signatures in headers, and tokens."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass

from functions.interceptors.base import Assurance, Call, rejected
from functions.values import Refusal, SecretRef

_SIGNATURE = re.compile(r"sha256=([0-9a-fA-F]{64})")
_HASH_TYPE = re.compile(r"([a-z0-9]{1,8})=.*", re.DOTALL)


def any_value_matches(call: Call, ref: SecretRef, matches: Callable[[bytes], bool]) -> bool:
    """Try every accepted value of a secret, newest first, and once those read anew when none matched.

    Raises what `Secrets` raises: verification is never skipped.
    """
    secrets = call.services.secrets
    values = secrets.accepted(ref, call.deadline)
    if any(matches(value) for value in values):
        return True
    renewed = secrets.renewed(ref, call.deadline)
    if renewed is None:
        return False
    return any(matches(value) for value in renewed if value not in values)


@dataclass(frozen=True, slots=True)
class HubSignature:
    """An HMAC-SHA256 of the raw body in a header, as GitHub and Bitbucket Server send it: `sha256=<hex>`.

    GitHub: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    """

    ref: SecretRef
    header: str = "X-Hub-Signature-256"

    def verify(self, call: Call) -> Assurance | Refusal:
        """Compare in constant time; the reasons are Tekton's, and quote nothing that was sent but a hash's name."""
        text = call.delivery.header(self.header)
        if not text:
            return rejected(f"no {self.header} header set")
        match = _SIGNATURE.fullmatch(text)
        if match is None:
            prefix = _HASH_TYPE.fullmatch(text)
            if prefix and prefix.group(1) != "sha256":
                return rejected(f'unknown hash type prefix: "{prefix.group(1)}"')
            return rejected("error parsing signature: it must be sha256= and 64 hexadecimal digits")
        claimed = bytes.fromhex(match.group(1))
        body = call.delivery.body

        def matches(key: bytes) -> bool:
            return hmac.compare_digest(hmac.digest(key, body, hashlib.sha256), claimed)

        if any_value_matches(call, self.ref, matches):
            return Assurance.SIGNED
        return rejected("payload signature check failed")
