"""The port for traces of the stages, and its fulfilment that traces nothing."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from functions.delivery import Delivery


class Tracer(Protocol):
    """Times stages as spans. A span carries the stage's name and nothing of the event."""

    def delivery(self, delivery: Delivery) -> AbstractContextManager[object]:
        """Span one delivery, as a child of the caller's trace where its headers name one; flushed when it ends."""

    def span(self, stage: str) -> AbstractContextManager[object]:
        """Span one stage of the current delivery."""


_NOTHING = nullcontext()


class Untraced:
    """Traces nothing and costs next to nothing."""

    def delivery(self, delivery: Delivery) -> AbstractContextManager[object]:  # noqa: ARG002 -- the port's form
        """Do nothing."""
        return _NOTHING

    def span(self, stage: str) -> AbstractContextManager[object]:  # noqa: ARG002 -- the port's form
        """Do nothing."""
        return _NOTHING


UNTRACED: Tracer = Untraced()
