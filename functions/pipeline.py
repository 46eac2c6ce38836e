"""One delivery through one listener: verify, intercept, bind, render, create. Pure but for its ports."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from functions.common.call_bounds import bounded
from functions.common.errors import (
    BadRequestError,
    ExhaustedError,
    LastingError,
    PipehookError,
    UnreadBodyError,
    settled,
)
from functions.common.limits import UNLIMITED, Limits
from functions.common.ports import Deadline, Memory, Origin, Services, SignedWork, Sink, Work
from functions.common.shared import Shared
from functions.common.tracing import UNTRACED, Tracer
from functions.common.values import Event, Json, Outcome, Provider, Refusal, Status
from functions.delivery import Delivery, opened, repository_name
from functions.interceptors.base import VERIFIES_NOTHING, Assurance, Call, Interceptor, Passed, Verifier
from functions.interceptors.event_shapes import told_by_body
from functions.listening.listeners import Listener, PreparedGroup, PreparedTrigger
from functions.model.annotations import check_resource
from functions.outcomes.naming import SELF_IDENTIFYING, delivery_key, derived_uid
from functions.outcomes.report import NOTHING_VOUCHED, Report

if TYPE_CHECKING:
    from functions.common.event_facts import EventFacts
    from functions.status.buttons import Again, Buttons
    from functions.status.notices import Herald, Notice

_LOG = logging.getLogger(__name__)

ECHO = "the event is about a status or check that this listener tells itself, so it starts nothing"
_Gate = Assurance | Refusal | PipehookError


@dataclass(frozen=True, slots=True)
class _Passage:
    """How far a chain let an event through, and how well the delivery was known by then."""

    end: Event | Refusal | PipehookError
    assurance: Assurance = Assurance.NONE


def process(
    delivery: Delivery,
    listener: Listener,
    *,
    services: Services,
    sink: Sink,
    deadline: Deadline,
    allow_unverified: bool,
    tracer: Tracer = UNTRACED,
    memory: Memory = UNLIMITED.memory,
    herald: Herald | None = None,
    buttons: Buttons | None = None,
) -> Report:
    """Run a delivery through every trigger of a listener and report one outcome for each, in the listener's order.

    Signatures are checked over the raw bytes before anything else. Raises BadRequestError when the body is no event,
    which is looked at only if some trigger may run. `herald` tells the provider what became of runs, for those
    triggers that ask for it, when all is done; `buttons` are those of GitHub's checks.
    """
    limits = Limits(deadline, memory, size=len(delivery.body))
    run = _Run(delivery, listener, bounded(services), limits, allow_unverified, tracer)
    run.app_id = buttons.app_id if buttons is not None else ""
    with tracer.span("verify"):
        gates = [run.verify(trigger) for trigger in listener.triggers]
    if any(isinstance(gate, Assurance) and gate > Assurance.NONE for gate in gates):
        run.limits = replace(limits, verified=True)
    try:
        results: Sequence[Work | Outcome] = run.render_all(gates)
    except BadRequestError as error:
        verified = any(isinstance(gate, Assurance) and run.accepted(gate) for gate in gates)
        raise BadRequestError(error.reason, status=error.status, verified=verified) from error
    if buttons is not None:
        results = run.pressed(results, gates, buttons)
    repository = repository_name(run.event.body) if run.event else ""
    work = [result for result in results if isinstance(result, Work)]
    notices = run.notices
    del run  # what the body became is not needed any more, and the cluster may take its time
    with tracer.span("create"):
        created = iter(sink.accept(work, deadline) if work else ())
    outcomes = tuple(next(created) if isinstance(result, Work) else result for result in results)
    if herald is not None and any(trigger.status for trigger in listener.triggers):
        ends = [(item, made) for item, made in zip(results, outcomes, strict=True) if isinstance(item, Work)]
        with tracer.span("tell"):
            herald.announce(ends, notices, deadline)
    return Report(
        listener=listener.name,
        namespace=listener.namespace,
        listener_uid=listener.uid,
        event_id=delivery.event_id,
        repository=repository if any(made.verified for made in outcomes) else "",
        outcomes=outcomes,
    )


@dataclass(slots=True)
class _Run:
    """One delivery's way through one listener, with what its triggers share: verdicts, groups, keys, the event."""

    delivery: Delivery
    listener: Listener
    services: Services
    limits: Limits
    allow_unverified: bool
    tracer: Tracer
    verdicts: dict[Verifier, _Gate] = field(default_factory=dict)
    groups: dict[int, _Passage] = field(default_factory=dict)
    keys: dict[bool, str] = field(default_factory=dict)
    shared: Shared = field(default_factory=Shared)
    notices: list[Notice] = field(default_factory=list)
    """What is to be told of triggers that made nothing."""
    event: Event | None = None
    unread: int = 0
    """Triggers that needed the body as JSON, which it is not."""
    app_id: str = ""
    """The App that tells of runs by its checks, empty where none does."""
    common: Call | None = None
    """The call of interceptors that do not ask which trigger is theirs."""
    exhausted: ExhaustedError | None = None
    """Why there is no event: one attempt at it is enough for all triggers."""

    def verify(self, trigger: PreparedTrigger) -> _Gate:
        """Check every signature of the chain; the first refusal or fault decides."""
        if not self.allow_unverified and not trigger.vouches:
            return LastingError(trigger.problem or VERIFIES_NOTHING)
        assurance = Assurance.NONE
        for verifier in trigger.verifiers:
            verdict = self._verdict(verifier, trigger)
            if not isinstance(verdict, Assurance):
                return verdict
            assurance = max(assurance, verdict)
        return assurance

    def _verdict(self, verifier: Verifier, trigger: PreparedTrigger) -> _Gate:
        verdict = self.verdicts.get(verifier)
        if verdict is None:
            try:
                verdict = verifier.verify(self._call(trigger.trigger_id))
            except PipehookError as error:
                verdict = settled(error)
            self.verdicts[verifier] = verdict
        return verdict

    def render_all(self, gates: Sequence[_Gate]) -> list[Work | Outcome]:
        """Take every trigger whose gate is open as far as its rendered resources.

        Raises BadRequestError when none of them could do anything with a body that is no JSON.
        """
        results = [
            self._known_refusal(trigger, gate) or self._one(trigger, gate)
            for trigger, gate in zip(self.listener.triggers, gates, strict=True)
        ]
        if (
            self.unread
            and self.event
            and self.event.unread
            and self.unread == sum(isinstance(g, Assurance) for g in gates)
        ):
            raise BadRequestError(self.event.unread)
        return results

    def _known_refusal(self, trigger: PreparedTrigger, gate: _Gate) -> Outcome | None:
        """Return the outcome where the first interceptor, which other triggers have as well, has refused the event.

        So hundreds of triggers for other types of events cost next to nothing.
        """
        if not trigger.chain or trigger.group or trigger.problem or self.event is None or self.event.form:
            return None
        answer = self.shared.answer(self.event, id(trigger.chain[0]))
        if not isinstance(answer, Refusal) or not isinstance(gate, Assurance):
            return None
        self._note(trigger, answer)
        return _outcome(trigger, answer, verified=self.accepted(gate))

    def _one(self, trigger: PreparedTrigger, gate: _Gate) -> Work | Outcome:
        if not isinstance(gate, Assurance):
            return _outcome(trigger, gate, verified=False)
        passage = _Passage(LastingError(trigger.problem), gate)
        try:
            if not trigger.problem:
                self.limits.in_time("run the trigger")
                with self.tracer.span("intercept"):
                    passage = self._intercept(trigger, gate)
            if isinstance(passage.end, Event) and not self.accepted(passage.assurance):
                # `a || compareSecret(…)`: a chain that could have verified let the event through without doing so
                return _outcome(trigger, Refusal(Status.REJECTED, NOTHING_VOUCHED), verified=False)
            if isinstance(passage.end, Event) and trigger.status and self._is_echo(trigger.status.provider):
                return _outcome(trigger, Refusal(Status.FILTERED, ECHO), verified=self.accepted(passage.assurance))
            if isinstance(passage.end, Event):
                with self.tracer.span("render"):
                    return self._render(trigger, passage.end, passage.assurance)
            self.unread += isinstance(passage.end, UnreadBodyError)
            self._note(trigger, passage.end)
            return _outcome(trigger, passage.end, verified=self.accepted(passage.assurance))
        except BadRequestError:
            raise
        except PipehookError as error:
            self.unread += isinstance(error, UnreadBodyError)
            self._note(trigger, error)
            return _outcome(trigger, error, verified=self.accepted(passage.assurance))
        except Exception as error:  # noqa: BLE001 -- a bug that one trigger meets must not spoil the others
            # the frames without the message, which might quote the payload
            frames = "".join(traceback.format_tb(error.__traceback__, limit=-16))
            _LOG.error("a trigger met a fault of Pipehook's own, %s:\n%s", type(error).__name__, frames)
            fault = LastingError(f"internal error: {type(error).__name__}; the log says where")
            return _outcome(trigger, fault, verified=self.accepted(gate))

    def accepted(self, assurance: Assurance) -> bool:
        """Say whether a trigger may run on a delivery that is known so well."""
        return self.allow_unverified or assurance > Assurance.NONE

    def _intercept(self, trigger: PreparedTrigger, gate: Assurance) -> _Passage:
        event, assurance = self._read(), gate
        if trigger.group:
            passage = self._group(trigger.group, event)
            assurance = max(assurance, passage.assurance)
            if not isinstance(passage.end, Event):
                return _Passage(passage.end, assurance)
            # as in Tekton's processTriggerGroups: headers and extensions go on, a changed body does not
            event = self._behind(trigger.group, event, passage.end)
        passage = self._chain(trigger, event)
        return passage if passage.assurance >= assurance else _Passage(passage.end, assurance)

    def _behind(self, group: PreparedGroup, event: Event, end: Event) -> Event:
        def made() -> Event:
            return replace(event, headers=end.headers, extensions=end.extensions)

        return self.shared.added(event, id(group), made) if self.shared.knows(end) else made()

    def _read(self) -> Event:
        if self.exhausted:
            raise ExhaustedError(self.exhausted.reason, retry_after=self.exhausted.retry_after)
        if self.event is None:
            try:
                event = self.delivery.event(forms=self.listener.takes_forms, limits=self.limits)
                self.event = self.shared.know(event)
            except ExhaustedError as error:
                self.exhausted = ExhaustedError(error.reason, retry_after=error.retry_after)
                raise
        return self.event

    def _group(self, group: PreparedGroup, event: Event) -> _Passage:
        if id(group) not in self.groups:
            self.groups[id(group)] = self._chain(group, event)
        return self.groups[id(group)]

    def _chain(self, part: PreparedTrigger | PreparedGroup, event: Event) -> _Passage:
        assurance = Assurance.NONE
        # as in Tekton's ExecuteInterceptors: a webhook that comes first gets a form as it came
        if event.form and part.chain and (event.extensions or not part.webhook_first):
            unopened = event
            event = self.shared.added(event, "opened", lambda: opened(unopened))
        for interceptor in part.chain:
            try:
                step = self._step(interceptor, event, part)
            except PipehookError as error:
                return _Passage(settled(error), assurance)
            if isinstance(step, Refusal):
                return _Passage(step, assurance)
            event = step.event
            assurance = max(assurance, step.assurance)
        return _Passage(event, assurance)

    def _step(self, interceptor: Interceptor, event: Event, part: PreparedTrigger | PreparedGroup) -> Passed | Refusal:
        if not interceptor.repeatable:
            return interceptor.intercept(event, self._call(part.trigger_id))
        call = self.common = self.common or self._call("")
        if not self.shared.knows(event):
            return interceptor.intercept(event, call)
        found = self.shared.once(event, id(interceptor), lambda: interceptor.intercept(event, call))
        if isinstance(found, Passed):
            self.shared.know(found.event)
        return found

    def _call(self, trigger_id: str) -> Call:
        body = self.event.body if self.event else None
        return Call(self.delivery, self.services, self.limits.deadline, trigger_id, self.limits, self.shared, body)

    def _key(self, *, signed: bool) -> str:
        """Return the delivery's key, for which the whole body is hashed: once."""
        if signed not in self.keys:
            # under another name a captured push would otherwise be a new delivery, with every new GUID another one
            name = told_by_body(self.delivery.event_name, self.event.body if self.event else None, SELF_IDENTIFYING)
            self.keys[signed] = delivery_key(self.delivery, signed=signed, event_name=name)
        return self.keys[signed]

    def _render(self, trigger: PreparedTrigger, event: Event, assurance: Assurance) -> Work:
        if trigger.bindings is None or trigger.template is None:
            raise LastingError("the trigger was not compiled")
        params = trigger.bindings.resolve(event, trigger.template.defaults, limits=self.limits, shared=self.shared)
        self.limits.take(sum([len(text) * (1 if text.isascii() else 4) for text in params.values()]))
        key = self._key(signed=assurance is Assurance.SIGNED)
        uid = derived_uid(key, listener=self.listener.path, identity=trigger.identity)
        resources = trigger.template.render(params, uid=uid, limits=self.limits)
        if trigger.drawn_keys:
            for resource in resources:
                check_resource(resource)
        if trigger.status and trigger.status.provider:
            trigger.status.mark(resources, self._facts(trigger.status.provider, event))
        if trigger.concurrency:
            facts = self._facts(trigger.concurrency.provider, event)
            trigger.concurrency.mark(resources, facts, listener=self.listener.path, namespace=trigger.namespace)
        origin = _origin(self.delivery, self.event) if assurance is Assurance.SIGNED else None
        work: Callable[..., Work] = partial(SignedWork, origin=origin) if origin else Work
        return work(
            trigger=trigger.name,
            trigger_namespace=trigger.namespace,
            identity=trigger.identity,
            listener=self.listener.name,
            listener_namespace=self.listener.namespace,
            event_id=event.event_id,
            key=key,
            uid=uid,
            service_account=trigger.service_account,
            resources=tuple(resources),
            verified=self.accepted(assurance),
            places=trigger.template.places,
            clusters=trigger.clusters,
            grouped=trigger.concurrency is not None,
        )

    def _is_echo(self, provider: Provider) -> bool:
        """Say whether the event is about what this listener's triggers tell themselves: it would run without an end."""
        if provider != "github" or self.event is None:
            return False
        facts = self._facts(provider, self.event)
        if facts.app and facts.app == self.app_id:
            return True
        return bool(facts.about) and any(
            trigger.status is not None and trigger.status.tells(facts.about) for trigger in self.listener.triggers
        )

    def _facts(self, provider: Provider, event: Event) -> EventFacts:
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

    def pressed(
        self, results: Sequence[Work | Outcome], gates: Sequence[_Gate], buttons: Buttons
    ) -> Sequence[Work | Outcome]:
        """Return the results with what a button of a check comes to, for the trigger that made the check's run.

        It has verified this delivery, and made nothing of it itself.
        """
        from functions.status.buttons import Again, obey  # noqa: PLC0415 -- only with checks

        asked = {
            position: trigger
            for position, (trigger, gate) in enumerate(zip(self.listener.triggers, gates, strict=True))
            if trigger.status and trigger.status.provider == "github" and gate is Assurance.SIGNED
        }
        filtered = {n for n, made in enumerate(results) if isinstance(made, Outcome) and made.status is Status.FILTERED}
        names = {position: trigger.name for position, trigger in asked.items() if position in filtered}
        if not names or self.event is None:
            return results
        facts = self._facts("github", self.event)
        obeyed = obey(
            self.event.body, facts, buttons, names, listener=self.listener.name, deadline=self.limits.deadline
        )
        if obeyed is None:
            return results
        position, end = obeyed
        trigger = asked[position]
        made = self._again(trigger, end) if isinstance(end, Again) else _outcome(trigger, end, verified=True)
        return [*results[:position], made, *results[position + 1 :]]

    def _again(self, trigger: PreparedTrigger, again: Again) -> Work:
        """Return the work of a new attempt, whose names derive from the delivery that asked for it."""
        key = self._key(signed=True)
        return Work(
            trigger=trigger.name,
            trigger_namespace=trigger.namespace,
            identity=trigger.identity,
            listener=self.listener.name,
            listener_namespace=self.listener.namespace,
            event_id=self.delivery.event_id,
            key=key,
            uid=derived_uid(key, listener=self.listener.path, identity=trigger.identity),
            service_account=trigger.service_account,
            resources=(again.resource,),
            verified=True,
            clusters=(again.cluster,) if again.cluster else (),
            grouped=trigger.concurrency is not None,
        )

    def _note(self, trigger: PreparedTrigger, end: Refusal | PipehookError | Event) -> None:
        """Note what is to be told of a trigger that makes nothing: an owner's word is missing, or it fails for good."""
        unapproved = isinstance(end, Refusal) and end.unapproved
        failed = isinstance(end, PipehookError) and not end.passing
        if not (unapproved or failed) or not trigger.status or not trigger.status.provider:
            return
        from functions.status.notices import failure, not_allowed  # noqa: PLC0415 -- only where it is asked for

        try:
            event = self._read()
        except PipehookError:
            return

        def render() -> list[dict[str, Json]]:
            if trigger.bindings is None or trigger.template is None:
                raise LastingError("the trigger was not compiled")
            params = trigger.bindings.resolve(event, trigger.template.defaults, limits=self.limits, shared=self.shared)
            return trigger.template.render(params, uid="")

        for target in trigger.status.targets(self._facts(trigger.status.provider, event), render):
            self.notices.append(failure(target, end.reason) if isinstance(end, PipehookError) else not_allowed(target))


def _origin(delivery: Delivery, event: Event | None) -> Origin | None:
    signature = delivery.header("X-Hub-Signature-256")
    if not signature or event is None:
        return None
    hook, guid = delivery.header("X-Github-Hook-Id"), delivery.header("X-Github-Delivery")
    return Origin(repository_name(event.body), hook, guid, signature)


def _outcome(trigger: PreparedTrigger, end: Refusal | PipehookError, *, verified: bool) -> Outcome:
    if isinstance(end, Refusal):
        return Outcome(trigger.name, trigger.namespace, end.status, end.reason, verified=verified, public=end.public)
    return Outcome(
        trigger.name,
        trigger.namespace,
        Status.FAILED,
        end.reason,
        passing=end.passing,
        retry_after=getattr(end, "retry_after", None),
        verified=verified,
    )
