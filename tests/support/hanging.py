"""Cluster calls that hang for real, on a clock moved by hand: nothing else in such a test has to happen in time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol
from unittest import mock

from functions.adapters.bounded import NoAnswerError
from functions.adapters.kubernetes.answers import Answer
from functions.adapters.kubernetes.transport import Request, Session
from functions.common.ports import Deadline

MOMENT = 0.1
"""Seconds that an answer is really awaited that never comes."""


class Waits(Protocol):
    """A clock that waits move on."""

    def sleep(self, seconds: float) -> None:
        """Let so much time pass."""


@contextmanager
def cut_short(clock: Waits, *, method: str) -> Iterator[None]:
    """Await what answers a method, which must hang, for a moment; by `clock` it costs all that would be waited."""
    exchange = Session.exchange

    def waited(session: Session, request: Request, *, connect: float, read: float, deadline: Deadline) -> Answer:
        if request.method != method:
            return exchange(session, request, connect=connect, read=read, deadline=deadline)
        try:
            return exchange(session, request, connect=connect, read=min(read, MOMENT), deadline=deadline)
        except NoAnswerError:
            clock.sleep(read)
            raise

    with mock.patch.object(Session, "exchange", waited):
        yield
