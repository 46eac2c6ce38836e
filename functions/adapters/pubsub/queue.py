"""The queue in front of the cluster: what the cluster cannot take in time is published and answered `queued`."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from msgspec.structs import replace

from functions.adapters.libraries import importing
from functions.common.errors import PipehookError
from functions.common.ports import Deadline, Sink, Work
from functions.common.values import Outcome, Status
from functions.queue.messages import TRACE_ATTRIBUTE, Message, encode
from functions.settings import QueueMode

FIRST_RESERVE = 3.0
"""Seconds of a delivery that are kept for the first publishing, which imports the library and connects."""
RESERVE = 2.0
"""Seconds that are kept for every later one."""
LAST_SECONDS = 0.5
"""What has to be left for another try of the cluster, where the queue does not take something."""
MAX_CALL = 4 * 1024 * 1024
"""Bytes of the messages of one call (Pub/Sub takes 10 MB, and 1,000 messages)."""

_LOG = logging.getLogger(__name__)


class Publisher(Protocol):
    """What puts messages into a topic."""

    def publish(self, messages: Sequence[Message], *, deadline: Deadline) -> None:
        """Publish all or raise PassingError or LastingError."""


class LazyPublisher:
    """A publisher that is made, and its library imported, by the first message. Shared by all threads."""

    def __init__(self, open_publisher: Callable[[], Publisher]) -> None:
        self._open = open_publisher
        self._lock = threading.Lock()
        self._publisher: Publisher | None = None

    @property
    def opened(self) -> bool:
        """Whether the first message was published, or tried to be."""
        return self._publisher is not None

    def publish(self, messages: Sequence[Message], *, deadline: Deadline) -> None:
        """Publish all or raise PassingError or LastingError."""
        with self._lock:
            if self._publisher is None:
                self._publisher = self._open()
            publisher = self._publisher
        publisher.publish(messages, deadline=deadline)


def open_publisher(topic: str) -> LazyPublisher:
    """Return what publishes to `projects/P/topics/T`; nothing is imported or asked before the first message."""

    def make() -> Publisher:
        # a third of a second and more to import, which only a delivery that is queued pays
        with importing():
            from functions.adapters.pubsub.client import PubSubPublisher  # noqa: PLC0415 -- see above

        return PubSubPublisher(topic)

    return LazyPublisher(make)


class QueueingSink:
    """A sink before another one, which gets its time less what publishing may take. Shared by all threads.

    Whatever became of a work before, queueing it is safe: the worker finds what exists and creates what is missing.
    """

    def __init__(
        self,
        inner: Sink,
        publisher: LazyPublisher,
        *,
        mode: QueueMode,
        reruns: bool = False,
        trace_parent: Callable[[], str] = str,
    ) -> None:
        """`trace_parent` gives the current span as W3C's traceparent, or an empty string.

        `reruns`: the inner sink starts again what has ended, which the worker does not. So it is asked once, since what
        it had begun may have ended meanwhile, and waits for the cluster as long as there is time.
        """
        self._inner = inner
        self._publisher = publisher
        self._mode = mode
        self._reruns = reruns
        self._trace_parent = trace_parent

    def accept(self, work: Sequence[Work], deadline: Deadline) -> list[Outcome]:
        """Return one outcome for each work, in order.

        What fails for a passing reason is queued, with QUEUE_MODE=always everything is; what cannot be queued has the
        outcome that the inner sink gives it.
        """
        if self._mode is QueueMode.ALWAYS:
            return self._always(work, deadline)
        reserve = RESERVE if self._publisher.opened else FIRST_RESERVE
        within = Deadline(deadline.expires - reserve, deadline.clock, patient=self._reruns)
        outcomes = self._inner.accept(work, within)
        overflow = [position for position, outcome in enumerate(outcomes) if outcome.passing]
        problems = dict(zip(overflow, self._queue([work[position] for position in overflow], deadline), strict=True))
        left = [position for position, problem in problems.items() if problem and not self._reruns]
        if left and deadline.remaining() > LAST_SECONDS:  # the cluster had less than all of it, and was not waited for
            again = self._inner.accept([work[position] for position in left], deadline)
            for position, outcome in zip(left, again, strict=True):
                outcomes[position] = outcome
        for position, problem in problems.items():
            outcomes[position] = _overflowed(outcomes[position], problem)
        unsettled = [position for position, outcome in enumerate(outcomes) if outcome.unsettled]
        if unsettled:
            self._queue_settling(work, unsettled, outcomes, deadline)
        return outcomes

    def _queue_settling(
        self, work: Sequence[Work], positions: Sequence[int], outcomes: list[Outcome], deadline: Deadline
    ) -> None:
        """Queue what is left to be done of works that exist; what cannot be queued, `reconcile` finds."""
        queued = self._queue([replace(work[position], settles=True) for position in positions], deadline)
        for position, problem in zip(positions, queued, strict=True):
            end = f"not queued either: {problem}" if problem else "queued"
            outcome = outcomes[position]
            outcomes[position] = replace(outcome, reason=f"{outcome.reason}; {end}", unsettled=bool(problem))

    def _always(self, work: Sequence[Work], deadline: Deadline) -> list[Outcome]:
        # half of the time is left for the cluster, should the queue not take it
        half = Deadline(deadline.clock() + deadline.remaining() / 2, deadline.clock)
        problems = self._queue(work, half)
        refused = [item for item, problem in zip(work, problems, strict=True) if problem]
        inline = iter(self._inner.accept(refused, deadline) if refused else ())
        return [next(inline) if problem else _queued(item) for item, problem in zip(work, problems, strict=True)]

    def _queue(self, work: Sequence[Work], deadline: Deadline) -> list[str]:
        """Publish works and return, for each, an empty string or why it is not in the queue."""
        problems = [""] * len(work)
        messages: list[tuple[int, Message]] = []
        trace_parent = self._trace_parent() if work else ""
        traced = {TRACE_ATTRIBUTE: trace_parent} if trace_parent else {}
        for position, item in enumerate(work):
            try:
                message = encode(item)
                messages.append((position, replace(message, attributes={**message.attributes, **traced})))
            except PipehookError as error:
                problems[position] = error.reason
        for call in _calls(messages):
            try:
                self._publisher.publish([message for _, message in call], deadline=deadline)
            except PipehookError as error:
                _LOG.error("%d trigger(s) could not be queued: %s", len(call), error.reason)
                for position, _ in call:
                    problems[position] = error.reason
        return problems


def _calls(messages: Sequence[tuple[int, Message]]) -> Iterator[list[tuple[int, Message]]]:
    """Yield the messages in lists that one call each can carry."""
    call: list[tuple[int, Message]] = []
    size = 0
    for entry in messages:
        length = len(entry[1].data)
        if call and size + length > MAX_CALL:
            yield call
            call, size = [], 0
        call.append(entry)
        size += length
    if call:
        yield call


def _overflowed(outcome: Outcome, problem: str) -> Outcome:
    if not outcome.passing:
        return outcome
    if problem:
        return replace(outcome, reason=f"{outcome.reason}; not queued either: {problem}")
    reason = f"queued, since the cluster could not take it in time: {outcome.reason}"
    return replace(outcome, status=Status.QUEUED, reason=reason, passing=False, retry_after=None)


def _queued(work: Work) -> Outcome:
    return Outcome(work.trigger, work.trigger_namespace, Status.QUEUED, verified=work.verified)
