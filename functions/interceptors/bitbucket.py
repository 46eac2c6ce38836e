"""The bitbucket interceptor, for Bitbucket Cloud, Server and Data Center: signature and event types."""

from __future__ import annotations

from functions.interceptors.base import Place
from functions.interceptors.changed_files import BitbucketFiles, asked_for
from functions.interceptors.params import Params
from functions.interceptors.sent import SentInterceptor
from functions.interceptors.signatures import SHA256_OR_SHA1, HubSignature
from functions.model.resources import InterceptorSpec


def build(spec: InterceptorSpec, place: Place) -> SentInterceptor:
    """Compile the params. Raises LastingError in Tekton's words when they are wrong.

    Cloud and Server sign alike, in X-Hub-Signature, today with sha256; old Servers sent sha1.
    """
    params = Params.of(spec)
    ref = params.secret_ref("secretRef", place.namespace)
    return SentInterceptor(
        name="bitbucket",
        header="X-Event-Key",
        verifier=HubSignature(
            ref, header="X-Hub-Signature", algorithms=SHA256_OR_SHA1, context="error validating signature: "
        )
        if ref
        else None,
        event_types=params.strings("eventTypes"),
        changed_files=BitbucketFiles() if asked_for(params) else None,
    )
