"""The github interceptor: signature, event types, changed files and owners."""

from __future__ import annotations

from dataclasses import dataclass

from functions.interceptors.base import Call, Params, Passed, Place, filtered, shown
from functions.interceptors.signatures import HubSignature
from functions.model.resources import InterceptorSpec
from functions.values import Event, Refusal


@dataclass(frozen=True, slots=True)
class GitHubInterceptor:
    """Compiled from `ref: {name: github}`; Tekton's pkg/interceptors/github."""

    verifier: HubSignature | None
    event_types: tuple[str, ...] | None
    """None allows every type, an empty tuple none, as Tekton has it."""

    @property
    def vouches(self) -> bool:
        """True with a secretRef."""
        return self.verifier is not None

    def intercept(self, event: Event, call: Call) -> Passed | Refusal:
        """Let the allowed event types through."""
        name = call.delivery.header("X-Github-Event")
        if self.event_types is not None and name not in self.event_types:
            return filtered(f"event type {shown(name)} is not allowed")
        return Passed(event)


def build(spec: InterceptorSpec, place: Place) -> GitHubInterceptor:
    """Compile the params. Raises LastingError in Tekton's words when they are wrong."""
    params = Params.of(spec)
    ref = params.secret_ref("secretRef", place.namespace)
    interceptor = GitHubInterceptor(
        verifier=HubSignature(ref) if ref else None,
        event_types=params.strings("eventTypes"),
    )
    params.refuse_unknown()
    return interceptor
