"""One delivery through one listener: verify, intercept, bind, render, create. Pure but for its ports."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct, field

from functions.common.call_bounds import bounded
from functions.common.errors import BadRequestError, LastingError, PipehookError, UnreadBodyError
from functions.common.limits import UNLIMITED, Limits
from functions.common.ports import Deadline, Memory, Services, Sink, Work
from functions.common.tracing import UNTRACED, Tracer
from functions.common.values import Event, Outcome, Refusal, Status
from functions.delivery import Delivery, repository_name
from functions.interceptors.base import Assurance
from functions.listening.prepared import Listener, PreparedTrigger
from functions.outcomes.report import NOTHING_VOUCHED, Report
from functions.pipeline.chains import Chains, Gate
from functions.pipeline.delivered import Delivered
from functions.pipeline.results import outcome, rendered
from functions.pipeline.telling import ECHO, is_echo, notices, pressed

if TYPE_CHECKING:
    from functions.status.buttons import Buttons
    from functions.status.notices import Herald, Notice

_LOG = logging.getLogger(__name__)


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
    given = Delivered(delivery, listener, bounded(services), limits, allow_unverified)
    chains = Chains(given)
    with tracer.span("verify"):
        gates = [chains.verify(trigger) for trigger in listener.triggers]
    if any(isinstance(gate, Assurance) and gate > Assurance.NONE for gate in gates):
        given.limits = Limits(deadline, memory, size=len(delivery.body), verified=True)
    passing = _Passing(given, chains, tracer, app_id=buttons.app_id if buttons is not None else "")
    results: Sequence[Work | Outcome] = passing.all(gates)
    if buttons is not None:
        results = pressed(given, results, gates, buttons)
    repository = repository_name(given.event.body) if given.event else ""
    work = [result for result in results if isinstance(result, Work)]
    told = passing.told
    del given, chains, passing  # what the body became is not needed any more, and the cluster may take its time
    with tracer.span("create"):
        created = iter(sink.accept(work, deadline) if work else ())
    outcomes = tuple(next(created) if isinstance(result, Work) else result for result in results)
    if herald is not None and any(trigger.status for trigger in listener.triggers):
        ends = [(item, made) for item, made in zip(results, outcomes, strict=True) if isinstance(item, Work)]
        with tracer.span("tell"):
            herald.announce(ends, told, deadline)
    return Report(
        listener=listener.name,
        namespace=listener.namespace,
        listener_uid=listener.uid,
        event_id=delivery.event_id,
        repository=repository if any(made.verified for made in outcomes) else "",
        outcomes=outcomes,
    )


class _Passing(Struct):
    """Takes every trigger whose gate is open as far as its rendered resources."""

    given: Delivered
    chains: Chains
    tracer: Tracer
    app_id: str
    told: list[Notice] = field(default_factory=list)
    """What is to be told of triggers that made nothing."""
    unread: int = 0
    """Triggers that needed the body as JSON, which it is not."""

    def all(self, gates: Sequence[Gate]) -> list[Work | Outcome]:
        """Return what each trigger comes to.

        Raises BadRequestError when none of them could do anything with a body that is no JSON.
        """
        results = [
            self._known_refusal(trigger, gate) or self._one(trigger, gate)
            for trigger, gate in zip(self.given.listener.triggers, gates, strict=True)
        ]
        event = self.given.event
        if self.unread and event and event.unread and self.unread == sum(isinstance(g, Assurance) for g in gates):
            raise BadRequestError(event.unread)
        return results

    def _known_refusal(self, trigger: PreparedTrigger, gate: Gate) -> Outcome | None:
        """Return the outcome where the first interceptor, which other triggers have as well, has refused the event.

        So hundreds of triggers for other types of events cost next to nothing.
        """
        event = self.given.event
        if not trigger.chain or trigger.group or trigger.problem or event is None or event.form:
            return None
        answer = self.given.shared.answer(event, id(trigger.chain[0]))
        if not isinstance(answer, Refusal) or not isinstance(gate, Assurance):
            return None
        return self._nothing(trigger, answer, gate)

    def _one(self, trigger: PreparedTrigger, gate: Gate) -> Work | Outcome:
        if not isinstance(gate, Assurance):
            return outcome(trigger, gate, verified=False)
        if trigger.problem:
            return self._nothing(trigger, LastingError(trigger.problem), gate)
        assurance = gate
        try:
            self.given.limits.in_time("run the trigger")
            with self.tracer.span("intercept"):
                end, assurance = self.chains.intercept(trigger, gate)
            if not isinstance(end, Event):
                return self._nothing(trigger, end, assurance)
            if not self.given.accepted(assurance):
                # `a || compareSecret(…)`: a chain that could have verified let the event through without doing so
                return outcome(trigger, Refusal(Status.REJECTED, NOTHING_VOUCHED), verified=False)
            if trigger.status and is_echo(self.given, trigger, self.app_id):
                return outcome(trigger, Refusal(Status.FILTERED, ECHO), verified=True)
            with self.tracer.span("render"):
                return rendered(self.given, trigger, end, assurance)
        except BadRequestError:
            raise
        except PipehookError as error:
            return self._nothing(trigger, error, assurance)
        except Exception as error:  # noqa: BLE001 -- a bug that one trigger meets must not spoil the others
            # the frames without the message, which might quote the payload
            frames = "".join(traceback.format_tb(error.__traceback__, limit=-16))
            _LOG.error("a trigger met a fault of Pipehook's own, %s:\n%s", type(error).__name__, frames)
            fault = LastingError(f"internal error: {type(error).__name__}; the log says where")
            return outcome(trigger, fault, verified=self.given.accepted(gate))

    def _nothing(self, trigger: PreparedTrigger, end: Refusal | PipehookError, assurance: Assurance) -> Outcome:
        """Return the outcome of a trigger that was refused or failed, and note what is to be told of it."""
        self.unread += isinstance(end, UnreadBodyError)
        if trigger.status:
            self.told += notices(self.given, trigger, end)
        return outcome(trigger, end, verified=self.given.accepted(assurance))
