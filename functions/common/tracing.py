"""The port for traces of requests and their stages, and its fulfilment that traces nothing."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Headed(Protocol):
    """A request, whose headers may name its caller's trace."""

    def header(self, name: str) -> str:
        """Return a header's value by its name in Go's spelling; empty when there is none."""


class Tracer(Protocol):
    """Times requests and their stages as spans. A span carries a stage's name and nothing of the event."""

    @property
    def reserve(self) -> float:
        """Seconds by which a request may end later, since its spans are sent before its reply."""

    def request(self, name: str, request: Headed) -> AbstractContextManager[object]:
        """Span one request, as a child of the caller's trace where its headers name one; flushed when it ends."""

    def span(self, stage: str) -> AbstractContextManager[object]:
        """Span one stage of the current request."""


_NOTHING = nullcontext()


class Untraced:
    """Traces nothing and costs next to nothing."""

    reserve = 0.0

    def request(self, name: str, request: Headed) -> AbstractContextManager[object]:  # noqa: ARG002 -- the port's form
        """Do nothing."""
        return _NOTHING

    def span(self, stage: str) -> AbstractContextManager[object]:  # noqa: ARG002 -- the port's form
        """Do nothing."""
        return _NOTHING


UNTRACED: Tracer = Untraced()
