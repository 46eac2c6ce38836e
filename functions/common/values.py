"""The values that go from stage to stage: JSON, headers, the event, secret references, refusals and outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal, TypeAlias

from msgspec import Struct

from functions.common.errors import UnreadBodyError
from functions.common.shown import NAME, shown

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""Parsed JSON. Values of this type are shared between threads and triggers: nobody changes one in place."""

Headers: TypeAlias = Mapping[str, tuple[str, ...]]
"""Go-canonical names (`X-Github-Event`) to values, `Host` left out, as Go's server hands them to Tekton."""

Provider = Literal["", "github", "gitlab", "bitbucket", "bitbucket-server"]
"""Who has signed or vouched for a delivery: the core interceptor that verified it; empty for anybody else."""


class Event(Struct, frozen=True):
    """What interceptors see and change: the parsed body, headers and extensions of one delivery."""

    body: Json
    headers: Headers
    extensions: Mapping[str, Json]
    request_url: str
    """Path and query of the request, as Tekton's `requestURL`."""
    event_id: str
    text: bytes | None = None
    """The body as it came, which an interceptor outside gets; None where `body` was made here."""
    form: tuple[Json, bytes] | None = None
    """The JSON that Tekton makes of a form of several keys for a chain (`delivery.opened`): parsed, and its text."""
    unread: str = ""
    """Why `text` is no JSON, where the listener lets such bodies in; `body` is None then."""

    def read(self, failed: str) -> Json:
        """Return the body. Raises UnreadBodyError, `failed` before its reason, when it is no JSON."""
        if self.unread:
            raise UnreadBodyError(f"{failed}: {self.unread}")
        return self.body


class SecretRef(Struct, frozen=True):
    """Which key of which secret, in which namespace (a trigger's own, never another's)."""

    namespace: str
    name: str
    key: str


class Status(StrEnum):
    """What became of one trigger."""

    CREATED = "created"
    DUPLICATE = "duplicate"
    QUEUED = "queued"
    FILTERED = "filtered"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"
    FAILED = "failed"


class Refusal(Struct, frozen=True):
    """An interceptor's no: `filtered` when the event is not wanted, `rejected` when it is not authentic."""

    status: Literal[Status.FILTERED, Status.REJECTED]
    reason: str
    public: str = ""
    """What the log and an unverified sender read instead, where the reason has words of another side's."""
    unapproved: bool = False
    """An owner's word would let the event through."""


class ResourceRef(Struct, frozen=True):
    """One object on the cluster, as the reply names it."""

    api_version: str
    kind: str
    namespace: str
    name: str
    cluster: str = ""
    """Its cluster's name; empty for the default one."""

    def __str__(self) -> str:
        """Return `Kind namespace/name` as messages have it: each of them may come from the event."""
        where = f"{shown(self.namespace, NAME)}/" if self.namespace else ""
        there = f" in cluster {self.cluster}" if self.cluster else ""
        return f"{shown(self.kind)} {where}{shown(self.name, NAME)}{there}"


class Outcome(Struct, frozen=True):
    """What became of one trigger in one delivery."""

    name: str
    namespace: str
    status: Status
    reason: str = ""
    resources: tuple[ResourceRef, ...] = ()
    passing: bool = False
    """For `failed`: sending the delivery again will help."""
    retry_after: float | None = None
    verified: bool = False
    """Some secret, or code of the user's, vouched for this delivery to this trigger; also where none has to."""
    milliseconds: float = 0.0
    public: str = ""
    """What the log and an unverified sender read instead of the reason, as in `Refusal`."""
    cancelled: tuple[ResourceRef, ...] = ()
    """Runs that were told to end."""
    unsettled: bool = False
    """Its resources exist, and what its concurrency groups ask for is still to be done."""
