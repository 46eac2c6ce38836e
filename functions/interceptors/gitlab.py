"""The gitlab interceptor: token and event types."""

from __future__ import annotations

import hmac

from msgspec import Struct

from functions.common.values import Provider, Refusal, SecretRef
from functions.interceptors.base import Assurance, Call, Place, rejected
from functions.interceptors.changed_files import GitLabFiles, asked_for
from functions.interceptors.params import Params
from functions.interceptors.sent import SentInterceptor
from functions.interceptors.signatures import any_value_matches
from functions.model.resources import InterceptorSpec


class GitLabToken(Struct, frozen=True):
    """The secret itself in a header, as GitLab sends it: it vouches for the sender, not for the body.

    https://docs.gitlab.com/user/project/integrations/webhooks/
    """

    ref: SecretRef

    @property
    def provider(self) -> Provider:
        """Who knows the token is GitLab's hook."""
        return "gitlab"

    def verify(self, call: Call) -> Assurance | Refusal:
        """Compare bytes in constant time."""
        sent = call.delivery.header("X-Gitlab-Token").encode("utf-8", "replace")
        if not sent:
            return rejected("no X-GitLab-Token header set")
        if any_value_matches(call, self.ref, lambda value: hmac.compare_digest(value, sent)):
            return Assurance.AUTHENTICATED
        return rejected("Invalid X-GitLab-Token")


def build(spec: InterceptorSpec, place: Place) -> SentInterceptor:
    """Compile the params. Raises LastingError in Tekton's words when they are wrong."""
    params = Params.of(spec)
    ref = params.secret_ref("secretRef", place.namespace)
    return SentInterceptor(
        name="gitlab",
        header="X-Gitlab-Event",
        verifier=GitLabToken(ref) if ref else None,
        event_types=params.strings("eventTypes"),
        changed_files=GitLabFiles() if asked_for(params) else None,
    )
