"""The gitlab interceptor: token and event types."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from functions.common.values import Event, Provider, Refusal, SecretRef
from functions.interceptors.base import (
    Assurance,
    Call,
    Passed,
    Place,
    event_type_refusal,
    extended,
    first_header,
    rejected,
)
from functions.interceptors.changed_files import ChangedFiles, GitLabFiles, asked_for
from functions.interceptors.params import Params
from functions.interceptors.signatures import any_value_matches
from functions.model.resources import InterceptorSpec


@dataclass(frozen=True, slots=True)
class GitLabToken:
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


@dataclass(frozen=True, slots=True)
class GitLabInterceptor:
    """Compiled from `ref: {name: gitlab}`; Tekton's pkg/interceptors/gitlab."""

    verifier: GitLabToken | None
    event_types: tuple[str, ...] | None
    changed_files: ChangedFiles | None = None

    @property
    def vouches(self) -> bool:
        """True with a secretRef."""
        return self.verifier is not None

    def intercept(self, event: Event, call: Call) -> Passed | Refusal:
        """Let the allowed event types through, and add the changed files."""
        name = first_header(event, "X-Gitlab-Event")
        if refusal := event_type_refusal(name, self.event_types):
            return refusal
        if self.changed_files is None:
            return Passed(event)
        files, body = self.changed_files, event.body if isinstance(event.body, dict) else {}
        return Passed(call.shared.added(event, files, lambda: extended(event, files.extensions(name, body, call))))


def build(spec: InterceptorSpec, place: Place) -> GitLabInterceptor:
    """Compile the params. Raises LastingError in Tekton's words when they are wrong."""
    params = Params.of(spec)
    ref = params.secret_ref("secretRef", place.namespace)
    return GitLabInterceptor(
        verifier=GitLabToken(ref) if ref else None,
        event_types=params.strings("eventTypes"),
        changed_files=GitLabFiles() if asked_for(params) else None,
    )
