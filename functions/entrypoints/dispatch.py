"""The `dispatch` entry point: the queue's worker, called by a Pub/Sub push subscription, creates what was queued.

The function is private: Cloud Run lets in the push subscription's identity alone and checks its token. Whoever may
publish to the topic may therefore have anything created that the kubeconfig's account may create.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from functions.adapters import logs
from functions.adapters.http import exchange
from functions.adapters.http.room import share
from functions.adapters.pubsub.queue import LazyPublisher, open_publisher
from functions.common.errors import BadRequestError, LastingError, LimitError, PassingError, PipehookError
from functions.common.ports import Deadline, Sink, Work
from functions.common.shown import NAME, listed, shown
from functions.common.tracing import UNTRACED, Tracer
from functions.common.values import Json, Outcome, ResourceRef, Status
from functions.delivery import Delivery
from functions.entrypoints.heralds import herald_of
from functions.entrypoints.misconfigured import Misconfigured
from functions.entrypoints.parts import put_together
from functions.entrypoints.sinks import worker_sink
from functions.entrypoints.traces import project_of, tracer_of
from functions.go.decode import Making
from functions.model.annotations import is_told
from functions.outcomes.report import MAX_REASON
from functions.queue.dead_letters import bury
from functions.queue.messages import TRACE_ATTRIBUTE, Push, decode, read_push
from functions.settings import Settings, read_settings, require_cluster

if TYPE_CHECKING:
    from flask import Request

    from functions.status.notices import Herald

CREATE_SECONDS = 7.0
"""What creating, and sending the trace of it, may take: the shortest deadline of a push subscription is ten seconds."""
BURY_SECONDS = 2.5
"""What publishing a dead letter may take."""
RETRY_SECONDS = 10
"""Retry-After of a message that is to come again; Pub/Sub itself backs off as its subscription says."""

_DONE = (Status.CREATED, Status.DUPLICATE, Status.SUPERSEDED)
_SEVERITY = {
    **{status.value: "INFO" for status in _DONE},
    "retry": "WARNING",
    "dead-lettered": "ERROR",
    "failed": "ERROR",
}


class _End(Struct, frozen=True, kw_only=True):
    """What becomes of one message: its log's word, the HTTP status that tells Pub/Sub, and why."""

    word: str
    status: HTTPStatus
    reason: str = ""
    resources: tuple[ResourceRef, ...] = ()


class Dispatch(Struct, frozen=True):
    """Serves pushed messages. Immutable; shared by all request threads."""

    sink: Sink
    dead_letters: LazyPublisher | None
    """None without DEAD_LETTER_TOPIC: what can never be created is then left to the subscription's own policy."""
    project: str = ""
    tracer: Tracer = UNTRACED
    herald: Herald | None = None

    def __call__(self, request: Request) -> exchange.Response:
        """Answer one push: 2xx acknowledges it, everything else makes Pub/Sub deliver it again later.

        503 asks for another attempt, 422 says that none will help and that no dead letter could be written, 400 that
        this is no push.
        """
        if exchange.is_probe(request):
            return exchange.respond({"status": "ok"})
        started = time.monotonic()
        try:
            with exchange.received(request) as delivery, share(len(delivery.body)) as memory:
                return self._received(delivery, partial(memory.making, verified=True), started)
        except BadRequestError as error:
            _log("ERROR", f"not acknowledged: {error.reason}", {"outcome": "failed"}, error.status, started)
            return exchange.respond({"outcome": "failed", "reason": error.reason}, error.status)
        except PassingError as error:  # too much is being received at a time
            _log("WARNING", f"not acknowledged: {error.reason}", {"outcome": "retry"}, 503, started)
            return exchange.respond({"outcome": "retry", "reason": error.reason}, 503)

    def _received(self, delivery: Delivery, making: Making, started: float) -> exchange.Response:
        try:
            push = read_push(delivery.body, making)
        except LimitError as error:
            raise BadRequestError(f"the push would become {error.reason}", status=413) from error
        origin = _origin(delivery, push)
        with self.tracer.request("message", origin):
            return self._answer(push, making, started, logs.trace_of(origin, project=self.project))

    def _answer(self, push: Push, making: Making, started: float, trace: str) -> exchange.Response:
        work, end = self._dispatch(push, making)
        said = ": ".join(part for part in (end.word, end.reason, listed(map(str, end.resources))) if part)
        trigger = shown(f"{work.trigger_namespace}/{work.trigger}", NAME) if work else "of an unreadable message"
        labels = {"outcome": end.word, "message": push.message_id, "attempt": str(push.attempt)}
        if work:
            labels |= {"trigger": trigger, "delivery": work.event_id}
            labels["listener"] = f"{work.listener_namespace}/{work.listener}"
        _log(_SEVERITY[end.word], f"queued trigger {trigger} {said}", labels, end.status, started, trace)
        headers = {"Retry-After": str(RETRY_SECONDS)} if end.status is HTTPStatus.SERVICE_UNAVAILABLE else {}
        body: dict[str, Json] = {"outcome": end.word, "reason": shown(end.reason, MAX_REASON)}
        return exchange.respond(body, end.status, headers)

    def _dispatch(self, push: Push, making: Making) -> tuple[Work | None, _End]:
        work: Work | None = None
        try:
            work = decode(push.message.data, making)
            outcome = self._create(work)
        except PassingError as error:
            return work, _End(word="retry", status=HTTPStatus.SERVICE_UNAVAILABLE, reason=error.reason)
        except PipehookError as error:
            return work, self._bury(push, error.reason, making)
        if outcome.status in _DONE:
            word = outcome.status.value
            return work, _End(word=word, status=HTTPStatus.OK, reason=outcome.reason, resources=outcome.resources)
        return work, self._bury(push, outcome.reason, making)

    def _create(self, work: Work) -> Outcome:
        deadline = Deadline(time.monotonic() + CREATE_SECONDS - self.tracer.reserve, time.monotonic)
        with self.tracer.span("create"):
            (outcome,) = self.sink.accept([work], deadline)
        if self.herald is not None and any(map(is_told, work.resources)):
            with self.tracer.span("tell"):
                self.herald.announce([(work, outcome)], (), deadline)
        # a dry run's outcome is `filtered`: the message is kept for the day when something is created
        if outcome.passing or outcome.unsettled or outcome.status is Status.FILTERED:
            raise PassingError(outcome.reason)
        return outcome

    def _bury(self, push: Push, reason: str, making: Making) -> _End:
        """Publish a dead letter and only then acknowledge, so that nothing is lost in between."""
        if self.dead_letters is None:
            why = f"{reason}; not acknowledged, since DEAD_LETTER_TOPIC is not set"
            return _End(word="failed", status=HTTPStatus.UNPROCESSABLE_ENTITY, reason=why)
        deadline = Deadline(time.monotonic() + BURY_SECONDS, time.monotonic)
        try:
            with self.tracer.span("bury"):
                self.dead_letters.publish([bury(push, reason, making)], deadline=deadline)
        except PipehookError as error:
            why = f"{reason}; not acknowledged, since no dead letter could be published: {error.reason}"
            return _End(word="failed", status=HTTPStatus.SERVICE_UNAVAILABLE, reason=why)
        return _End(word="dead-lettered", status=HTTPStatus.OK, reason=reason)


def _origin(delivery: Delivery, push: Push) -> Delivery:
    """Return the request as a part of the trace that its message was published in, if the message names one.

    Whoever may publish chooses that attribute: what is no traceparent is passed over.
    """
    published = replace(delivery, headers={"Traceparent": (push.message.attributes.get(TRACE_ATTRIBUTE, ""),)})
    return published if logs.trace_parent(published) else delivery


def _log(severity: str, message: str, labels: Mapping[str, str], status: int, started: float, trace: str = "") -> None:
    milliseconds = round((time.monotonic() - started) * 1000, 1)
    fields: dict[str, str | int | float] = {"kind": "dispatch", "status": int(status), "milliseconds": milliseconds}
    logs.write(severity, message, labels=labels, trace=trace, fields=fields)


def _open(settings: Settings, environment: Mapping[str, str]) -> Dispatch:
    require_cluster(settings)
    parts = put_together(settings, namespaces=frozenset[str])
    project = project_of(settings, environment)
    topic = settings.dead_letter_topic
    if not topic:
        logs.write(
            "WARNING",
            "DEAD_LETTER_TOPIC is not set: what can never be created is left to the subscription's own policy",
        )
    return Dispatch(
        worker_sink(settings, parts.api, parts.apis),
        open_publisher(topic) if topic else None,
        project=project,
        tracer=tracer_of(settings, project),
        herald=herald_of(settings, parts),
    )


def start(environment: Mapping[str, str] = os.environ) -> Dispatch | Misconfigured:
    """Read the configuration and return what serves; every mistake goes to the log at once."""
    logs.set_up()
    try:
        return _open(read_settings(environment), environment)
    except LastingError as error:
        return Misconfigured(error)
