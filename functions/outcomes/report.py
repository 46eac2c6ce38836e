"""The reply: Tekton's fields, one object a trigger, the HTTP status, and what an unverified sender may see of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from msgspec import Struct

from functions.common.shown import NAME, shown
from functions.common.values import Json, Outcome, ResourceRef, Status
from functions.interceptors.base import VERIFIES_NOTHING

NOTHING_VOUCHED = (
    "the interceptors let the event through without verifying it: a filter that verifies must come to its "
    "compareSecret whatever the event says, as in compareSecret(…) && (…)"
)
"""Of a trigger that could have verified the delivery and did not, as `a || compareSecret(…)` where `a` holds."""

MAX_REASON = 2_000
"""Characters of one trigger's reason that a reply shows."""
RETRY_AFTER_SECONDS = 30
"""What a 503 asks for when the cluster named no time of its own."""


class Report(Struct, frozen=True, dict=True):
    """What became of one delivery."""

    listener: str
    namespace: str
    listener_uid: str
    event_id: str
    repository: str
    """`owner/name` as a verified body has it, for the log; else empty."""
    outcomes: tuple[Outcome, ...]

    @cached_property
    def verified(self) -> bool:
        """Whether any trigger knows the delivery to be authentic, so that its sender may read the details."""
        return any(outcome.verified for outcome in self.outcomes)

    @property
    def accepted(self) -> bool:
        """Whether any trigger knows the delivery to be authentic and did not reject it all the same.

        A rejection of a verified delivery is that of a signed body that cannot be the event that its unsigned header
        says it is.
        """
        return any(outcome.verified and outcome.status is not Status.REJECTED for outcome in self.outcomes)

    @cached_property
    def status(self) -> int:
        """The HTTP status: 503 before 422 before 202, and 401 when nothing accepted the delivery."""
        failed = [outcome for outcome in self.outcomes if outcome.status is Status.FAILED]
        if any(outcome.passing for outcome in failed):
            return 503
        if not self.accepted and any(outcome.status is Status.REJECTED for outcome in self.outcomes):
            return 401
        return 422 if failed else 202

    @property
    def retry_after(self) -> int | None:
        """Whole seconds for Retry-After on a 503, else None."""
        if self.status != 503:  # noqa: PLR2004 -- Service Unavailable
            return None
        asked = [outcome.retry_after for outcome in self.outcomes if outcome.retry_after]
        return max(1, round(max(asked))) if asked else RETRY_AFTER_SECONDS

    @property
    def result(self) -> str:
        """The whole delivery in one word, for logs and metrics."""
        return {202: "accepted", 401: "rejected", 422: "failed", 503: "unavailable"}[self.status]

    def body(self) -> dict[str, Json]:
        """Return the reply's JSON.

        Until something has verified the delivery, it says only that it was rejected and why, or that verification is
        not possible now or not set up: no names of listeners, triggers or secrets.
        """
        if not self.verified:
            rows = dict.fromkeys((outcome.status.value, _public_reason(outcome)) for outcome in self.outcomes)
            return self._body("", "", "", [_row("", "", status, reason, []) for status, reason in rows])
        return self._body(
            self.listener,
            self.namespace,
            self.listener_uid,
            [
                _row(outcome.name, outcome.namespace, outcome.status, outcome.reason, _refs(outcome.resources))
                | ({"cancelled": _refs(outcome.cancelled)} if outcome.cancelled else {})
                for outcome in self.outcomes
            ],
        )

    def _body(self, listener: str, namespace: str, uid: str, triggers: list[Json]) -> dict[str, Json]:
        return {
            "eventListener": listener,
            "namespace": namespace,
            "eventListenerUID": uid,
            "eventID": self.event_id,
            "triggers": triggers,
        }


def _public_reason(outcome: Outcome) -> str:
    if outcome.status is Status.REJECTED or outcome.reason == VERIFIES_NOTHING:
        return outcome.public or outcome.reason
    if outcome.status is Status.FAILED and outcome.passing:
        return "the delivery cannot be verified now; sending it again later will help"
    if outcome.status is Status.FAILED:
        return "verification is not set up for this delivery; the function's log says what is missing"
    return "an interceptor did not let the event through; the function's log says which and why"


def _refs(refs: Sequence[ResourceRef]) -> list[Json]:
    return [
        {
            "apiVersion": shown(ref.api_version, NAME),
            "kind": shown(ref.kind, NAME),
            "namespace": shown(ref.namespace, NAME),
            "name": shown(ref.name, NAME),
            **({"cluster": ref.cluster} if ref.cluster else {}),
        }
        for ref in refs
    ]


def _row(name: str, namespace: str, status: str, reason: str, resources: Sequence[Json]) -> dict[str, Json]:
    reason = shown(reason, MAX_REASON)
    return {"name": name, "namespace": namespace, "status": status, "reason": reason, "resources": list(resources)}
