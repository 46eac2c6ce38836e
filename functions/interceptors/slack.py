"""The slack interceptor: signature, and the requested fields of Slack's form as extensions."""

from __future__ import annotations

import hmac
import re

from msgspec import Struct

from functions.common.errors import LastingError
from functions.common.numbers import whole
from functions.common.shown import shown
from functions.common.values import Event, Json, Provider, Refusal, SecretRef
from functions.delivery import FORM
from functions.interceptors.base import Assurance, Call, Core, Passed, Place, extended, filtered, first_header, rejected
from functions.interceptors.params import Params
from functions.interceptors.signatures import any_value_matches
from functions.model.resources import InterceptorSpec

WINDOW_SECONDS = 300
"""How far Slack's timestamp may be from our clock: five minutes, as Slack asks, so that nothing old is replayed."""

_SIGNATURE = re.compile(r"v0=([0-9a-fA-F]{64})")


class SlackSignature(Struct, frozen=True):
    """`v0=` and an HMAC-SHA256 over `v0:timestamp:body`; https://docs.slack.dev/authentication/verifying-requests-from-slack/."""

    ref: SecretRef

    @property
    def provider(self) -> Provider:
        """Slack's commands say nothing of a commit."""
        return ""

    def verify(self, call: Call) -> Assurance | Refusal:
        """Check the timestamp's age, then compare in constant time."""
        delivery = call.delivery
        text, timestamp = delivery.header("X-Slack-Signature"), delivery.header("X-Slack-Request-Timestamp")
        if not text:
            return rejected("no X-Slack-Signature header set")
        if not timestamp:
            return rejected("no X-Slack-Request-Timestamp header set")
        match = _SIGNATURE.fullmatch(text)
        if match is None:
            return rejected("error parsing X-Slack-Signature: it must be v0= and 64 hexadecimal digits")
        sent = whole(timestamp, digits=12)
        if sent is None:
            return rejected("error parsing X-Slack-Request-Timestamp: it must be seconds since 1970")
        if abs(delivery.received_at - sent) > WINDOW_SECONDS:
            return rejected("X-Slack-Request-Timestamp is more than five minutes away from now")
        claimed = bytes.fromhex(match.group(1))
        signed = f"v0:{timestamp}:".encode() + delivery.body

        def matches(key: bytes) -> bool:
            return hmac.compare_digest(hmac.digest(key, signed, "sha256"), claimed)

        if any_value_matches(call, self.ref, matches):
            return Assurance.SIGNED
        return rejected("payload signature check failed")


class SlackInterceptor(Core, frozen=True):
    """Compiled from `ref: {name: slack}`; Tekton's pkg/interceptors/slack, which verifies nothing."""

    requested_fields: tuple[str, ...]

    def intercept(self, event: Event, call: Call) -> Passed | Refusal:  # noqa: ARG002 -- the protocol's signature
        """Put each requested field, a list of its values, into the extensions.

        Raises LastingError when the form lacks one.
        """
        if first_header(event, "Content-Type") != FORM:
            return filtered(f"missing header in payload: ContentType {FORM}")
        if not first_header(event, "X-Slack-Signature"):
            return filtered("missing header in payload: X-Slack-Signature")
        fields = _form(event.body)
        if fields is None:
            return filtered("failed to unmarshl slack payload: it is no form of two or more fields")
        extensions: dict[str, Json] = {}
        for name in self.requested_fields:
            if name not in fields:
                raise LastingError(f"requested field does not exists in payload: {shown(name)}")
            extensions[name] = fields[name]
        return Passed(extended(event, extensions))


def _form(body: Json) -> dict[str, Json] | None:
    if not isinstance(body, dict):
        return None
    lists = [values for values in body.values() if isinstance(values, list)]
    if len(lists) < len(body) or not all(isinstance(value, str) for values in lists for value in values):
        return None
    return body


def build(spec: InterceptorSpec, place: Place) -> SlackInterceptor:
    """Compile the params. Raises LastingError in Tekton's words when they are wrong."""
    params = Params.of(spec)
    ref = params.secret_ref("secretRef", place.namespace)
    requested = params.strings("requestedFields")
    if requested is None:
        raise LastingError("missing requested field definition: give the slack interceptor requestedFields")
    return SlackInterceptor(verifier=SlackSignature(ref) if ref else None, requested_fields=requested)
