"""The bitbucket interceptor, for Bitbucket Cloud, Server and Data Center: signature and event types."""

from __future__ import annotations

from dataclasses import dataclass

from functions.common.values import Event, Refusal
from functions.interceptors.base import Call, Passed, Place, event_type_refusal, first_header
from functions.interceptors.params import Params
from functions.interceptors.signatures import SHA256_OR_SHA1, HubSignature
from functions.model.resources import InterceptorSpec


@dataclass(frozen=True, slots=True)
class BitbucketInterceptor:
    """Compiled from `ref: {name: bitbucket}`; Tekton's pkg/interceptors/bitbucket.

    Cloud and Server sign alike, in X-Hub-Signature, today with sha256; old Servers sent sha1.
    """

    verifier: HubSignature | None
    event_types: tuple[str, ...] | None

    @property
    def vouches(self) -> bool:
        """True with a secretRef."""
        return self.verifier is not None

    def intercept(self, event: Event, call: Call) -> Passed | Refusal:  # noqa: ARG002 -- the protocol's signature
        """Let the allowed event types through."""
        return event_type_refusal(first_header(event, "X-Event-Key"), self.event_types) or Passed(event)


def build(spec: InterceptorSpec, place: Place) -> BitbucketInterceptor:
    """Compile the params. Raises LastingError in Tekton's words when they are wrong."""
    params = Params.of(spec)
    ref = params.secret_ref("secretRef", place.namespace)
    return BitbucketInterceptor(
        verifier=HubSignature(
            ref, header="X-Hub-Signature", algorithms=SHA256_OR_SHA1, context="error validating signature: "
        )
        if ref
        else None,
        event_types=params.strings("eventTypes"),
    )
