"""The bitbucket interceptor, for Bitbucket Cloud, Server and Data Center: signature and event types."""

from __future__ import annotations

from dataclasses import dataclass

from functions.common.values import Event, Refusal
from functions.interceptors.base import Call, Passed, Place, event_type_refusal, extended, first_header
from functions.interceptors.changed_files import BitbucketFiles, ChangedFiles, asked_for
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
    changed_files: ChangedFiles | None = None

    @property
    def vouches(self) -> bool:
        """True with a secretRef."""
        return self.verifier is not None

    def intercept(self, event: Event, call: Call) -> Passed | Refusal:
        """Let the allowed event types through, and add the changed files."""
        name = first_header(event, "X-Event-Key")
        if refusal := event_type_refusal(name, self.event_types):
            return refusal
        if self.changed_files is None:
            return Passed(event)
        files, body = self.changed_files, event.body if isinstance(event.body, dict) else {}
        return Passed(call.shared.added(event, files, lambda: extended(event, files.extensions(name, body, call))))


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
        changed_files=BitbucketFiles() if asked_for(params) else None,
    )
