"""What lets a delivery through to a trigger: signatures, the group's interceptors and the trigger's own."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from functions.common.errors import LastingError, PipehookError, settled
from functions.common.values import Event, Refusal
from functions.delivery import opened
from functions.interceptors.base import VERIFIES_NOTHING, Assurance, Interceptor, Passed, Verifier
from functions.listening.prepared import PreparedGroup, PreparedTrigger
from functions.pipeline.delivered import Delivered

Gate = Assurance | Refusal | PipehookError
"""What all signatures of a chain come to."""


class Passage(NamedTuple):
    """How far a chain let an event through, and how well the delivery was known by then."""

    end: Event | Refusal | PipehookError
    assurance: Assurance = Assurance.NONE


class Chains:
    """The chains of one listener's triggers, run on one delivery; groups and equal verifiers are asked once."""

    def __init__(self, given: Delivered) -> None:
        self._given = given
        self._gates: dict[int, tuple[tuple[Verifier, ...], Gate]] = {}
        """By the identity of the verifiers, which are kept so that no others get it."""
        self._verdicts: dict[Verifier, Gate] = {}
        self._groups: dict[int, Passage] = {}

    def verify(self, trigger: PreparedTrigger) -> Gate:
        """Check every signature of the chain; the first refusal or fault decides."""
        if not self._given.allow_unverified and not trigger.vouches:
            return LastingError(trigger.problem or VERIFIES_NOTHING)
        verifiers = trigger.verifiers
        known = self._gates.get(id(verifiers))
        if known is None:
            known = self._gates[id(verifiers)] = verifiers, self._verified(verifiers, trigger)
        return known[1]

    def _verified(self, verifiers: tuple[Verifier, ...], trigger: PreparedTrigger) -> Gate:
        assurance = Assurance.NONE
        for verifier in verifiers:
            verdict = self._verdict(verifier, trigger)
            if not isinstance(verdict, Assurance):
                return verdict
            assurance = max(assurance, verdict)
        return assurance

    def _verdict(self, verifier: Verifier, trigger: PreparedTrigger) -> Gate:
        verdict = self._verdicts.get(verifier)
        if verdict is None:
            try:
                verdict = verifier.verify(self._given.call(trigger.trigger_id))
            except PipehookError as error:
                verdict = settled(error)
            self._verdicts[verifier] = verdict
        return verdict

    def intercept(self, trigger: PreparedTrigger, gate: Assurance) -> Passage:
        """Run the group's interceptors, then the trigger's. Raises what reading the body raises."""
        event, assurance = self._given.read(), gate
        if trigger.group:
            passage = self._group(trigger.group, event)
            assurance = max(assurance, passage.assurance)
            if not isinstance(passage.end, Event):
                return Passage(passage.end, assurance)
            # as in Tekton's processTriggerGroups: headers and extensions go on, a changed body does not
            event = self._behind(trigger.group, event, passage.end)
        return self._chain(trigger, event, assurance)

    def _group(self, group: PreparedGroup, event: Event) -> Passage:
        if id(group) not in self._groups:
            self._groups[id(group)] = self._chain(group, event)
        return self._groups[id(group)]

    def _behind(self, group: PreparedGroup, event: Event, end: Event) -> Event:
        def made() -> Event:
            return replace(event, headers=end.headers, extensions=end.extensions)

        shared = self._given.shared
        return shared.added(event, id(group), made) if shared.knows(end) else made()

    def _chain(
        self, part: PreparedTrigger | PreparedGroup, event: Event, assurance: Assurance = Assurance.NONE
    ) -> Passage:
        # as in Tekton's ExecuteInterceptors: a webhook that comes first gets a form as it came
        if event.form and part.chain and (event.extensions or not part.webhook_first):
            unopened = event
            event = self._given.shared.added(event, "opened", lambda: opened(unopened))
        for interceptor in part.chain:
            try:
                step = self._step(interceptor, event, part)
            except PipehookError as error:
                return Passage(settled(error), assurance)
            if isinstance(step, Refusal):
                return Passage(step, assurance)
            event = step.event
            assurance = max(assurance, step.assurance)
        return Passage(event, assurance)

    def _step(self, interceptor: Interceptor, event: Event, part: PreparedTrigger | PreparedGroup) -> Passed | Refusal:
        if not interceptor.repeatable:
            return interceptor.intercept(event, self._given.call(part.trigger_id))
        call, shared = self._given.common_call(), self._given.shared

        def answered() -> Passed | Refusal:
            found = interceptor.intercept(event, call)
            if isinstance(found, Passed) and shared.knows(event):
                shared.know(found.event)
            return found

        return shared.once(event, id(interceptor), answered)
