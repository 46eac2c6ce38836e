"""What every interceptor is: an optional verifier of the raw bytes, and a step from event to event or refusal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import IntEnum
from typing import ClassVar, Protocol

from msgspec import Struct, field
from msgspec.structs import replace

from functions.common.errors import LastingError, PassingError
from functions.common.limits import UNLIMITED, Limits
from functions.common.ports import Deadline, Services
from functions.common.shared import Shared
from functions.common.shown import shown
from functions.common.values import Event, Json, Provider, Refusal, Status
from functions.delivery import Delivery
from functions.model.annotations import Judged
from functions.model.resources import Registry

VERIFIES_NOTHING = (
    "the trigger verifies nothing, so it does not run: give it, or its group, an interceptor with a secretRef, a "
    "compareSecret in CEL or a custom interceptor, or set UNVERIFIED_TRIGGERS=allow"
)
"""Shown to everyone: it names nothing."""


class Assurance(IntEnum):
    """How well a delivery is known to be authentic; of several, the highest counts."""

    NONE = 0
    AUTHENTICATED = 1
    """A token or the user's own code vouched for the sender; the body may be anything."""
    SIGNED = 2
    """An HMAC over the raw body was right."""


class Call(Struct, frozen=True):
    """What surrounds one run of a chain."""

    delivery: Delivery
    services: Services
    deadline: Deadline
    trigger_id: str
    """`namespaces/NS/triggers/NAME` or `namespaces/NS/triggerGroups/NAME`, as custom interceptors are told."""
    limits: Limits = UNLIMITED
    shared: Shared = field(default_factory=Shared)
    body: Json = None
    """The body as it was delivered, and perhaps signed; an interceptor before may have changed the event's."""


class Passed(Struct, frozen=True):
    """An interceptor's yes: the event as the next one sees it."""

    event: Event
    assurance: Assurance = Assurance.NONE


class Verifier(Protocol):
    """A check of the raw delivery with a secret. Equal verifiers are asked once a delivery, so they are hashable."""

    @property
    def provider(self) -> Provider:
        """Who sends deliveries that pass, empty where that tells nothing of what the body says."""

    def verify(self, call: Call) -> Assurance | Refusal:
        """Return how well the delivery is known, or the refusal. Raises what `Secrets` raises."""


class Interceptor(Protocol):
    """One compiled interceptor. Immutable, shared between threads."""

    @property
    def verifier(self) -> Verifier | None:
        """The check to run before anything is parsed, if a secretRef asks for one."""

    @property
    def vouches(self) -> bool:
        """Whether this interceptor verifies the delivery in any way; a trigger without one does not run by default."""

    @property
    def repeatable(self) -> bool:
        """Whether it answers all triggers alike on the same event, so that one answer serves them: see `Shared`."""

    def intercept(self, event: Event, call: Call) -> Passed | Refusal:
        """Run on the parsed event. Raises errors of the family."""


class Core(Struct, frozen=True):
    """What an interceptor of Tekton's is that may have a secretRef."""

    verifier: Verifier | None
    repeatable: ClassVar[bool] = True

    @property
    def vouches(self) -> bool:
        """True with a secretRef."""
        return self.verifier is not None


class Place(Struct, frozen=True):
    """Where an interceptor stands, for what its references mean."""

    namespace: str
    """The trigger's (or group's listener's) namespace: secretRefs are looked up there."""
    listener_namespace: str
    """Where NamespacedInterceptors are looked up."""
    registry: Registry
    outbound_hosts: frozenset[str] = frozenset()
    """OUTBOUND_HOSTS: where interceptors may be although it is plain http or a private address."""
    judged: Judged = "author"
    """Whom githubOwners judges."""


def filtered(reason: str, public: str = "") -> Refusal:
    """Return the refusal of an event that is not wanted."""
    return Refusal(Status.FILTERED, reason, public)


def rejected(reason: str, public: str = "") -> Refusal:
    """Return the refusal of a delivery that is not authentic."""
    return Refusal(Status.REJECTED, reason, public)


def extended(event: Event, extensions: Mapping[str, Json]) -> Event:
    """Merge extensions as Tekton does: shallowly, later keys replace earlier ones."""
    return replace(event, extensions={**event.extensions, **extensions}) if extensions else event


def first_header(event: Event, name: str) -> str:
    """Return the first value of a header (canonical `name`) as the event has it now, or an empty string."""
    values = event.headers.get(name)
    return values[0] if values else ""


def event_type_refusal(name: str, allowed: tuple[str, ...] | None) -> Refusal | None:
    """Refuse an event type that is not among `allowed`: None allows every type, an empty tuple none, as in Tekton."""
    if allowed is None or name in allowed:
        return None
    return filtered(f"event type {shown(name)} is not allowed")


@contextmanager
def explained(text: str) -> Iterator[None]:
    """Put `text` before the reason of an error, which stays passing or lasting."""
    try:
        yield
    except PassingError as error:
        raise PassingError(f"{text}: {error.reason}", retry_after=error.retry_after) from error
    except LastingError as error:
        raise LastingError(f"{text}: {error.reason}") from error
