"""A delivery to a listener, with what is made of it once for all triggers: the event, calls, keys and facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from functions.common.errors import ExhaustedError
from functions.common.limits import Limits
from functions.common.ports import Services
from functions.common.shared import Shared
from functions.common.values import Event, Provider
from functions.delivery import Delivery
from functions.interceptors.base import Assurance, Call
from functions.interceptors.event_shapes import told_by_body
from functions.listening.prepared import Listener, PreparedTrigger
from functions.outcomes.naming import SELF_IDENTIFYING, delivery_key, derived_uid

if TYPE_CHECKING:
    from functions.common.event_facts import EventFacts


class Delivered(Struct):
    """One delivery on its way through one listener."""

    delivery: Delivery
    listener: Listener
    services: Services
    limits: Limits
    allow_unverified: bool
    shared: Shared = field(default_factory=Shared)
    event: Event | None = None
    """What the body says, once a trigger has needed it."""
    common: Call | None = None
    """The call of interceptors that do not ask which trigger is theirs."""
    _keys: dict[bool, str] = field(default_factory=dict)
    _exhausted: ExhaustedError | None = None
    """Why there is no event: one attempt at it is enough for all triggers."""

    def accepted(self, assurance: Assurance) -> bool:
        """Say whether a trigger may run on a delivery that is known so well."""
        return self.allow_unverified or assurance > Assurance.NONE

    def read(self) -> Event:
        """Return the event. Raises what `Delivery.event` raises."""
        if self._exhausted:
            raise ExhaustedError(self._exhausted.reason, retry_after=self._exhausted.retry_after)
        if self.event is None:
            try:
                event = self.delivery.event(forms=self.listener.takes_forms, limits=self.limits)
                self.event = self.shared.know(event)
            except ExhaustedError as error:
                self._exhausted = ExhaustedError(error.reason, retry_after=error.retry_after)
                raise
        return self.event

    def call(self, trigger_id: str) -> Call:
        """Return what surrounds a chain of this trigger or group."""
        body = self.event.body if self.event else None
        return Call(self.delivery, self.services, self.limits.deadline, trigger_id, self.limits, self.shared, body)

    def common_call(self) -> Call:
        """Return the call of interceptors that do not ask which trigger is theirs."""
        self.common = self.common or self.call("")
        return self.common

    def key(self, *, signed: bool) -> str:
        """Return the delivery's key, for which the whole body is hashed: once."""
        if signed not in self._keys:
            # under another name a captured push would otherwise be a new delivery, with every new GUID another one
            name = told_by_body(self.delivery.event_name, self.event.body if self.event else None, SELF_IDENTIFYING)
            self._keys[signed] = delivery_key(self.delivery, signed=signed, event_name=name)
        return self._keys[signed]

    def uid(self, trigger: PreparedTrigger, key: str) -> str:
        """Return the `uid` of a trigger's templates, which its names derive from."""
        return derived_uid(key, listener=self.listener.path, identity=trigger.identity)

    def facts(self, provider: Provider, event: Event) -> EventFacts:
        """Return what the body says that was verified, not what interceptors made of it."""
        from functions.common.event_facts import EVENTS, event_facts  # noqa: PLC0415 -- only where it is asked for

        body = self.event.body if self.event else None
        return event_facts(
            body,
            provider=provider,
            event=told_by_body(self.delivery.event_name, body, EVENTS),
            received_at=self.delivery.received_at,
            pull_request=event.extensions.get("pr_body"),
        )
