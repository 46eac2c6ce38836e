"""An HTTP receiver of webhooks and pushes, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from tests.standins.exchange import App, Request, Response
from tests.standins.journal import Journal
from tests.standins.loops import LoopThread
from tests.standins.web import Listener

if TYPE_CHECKING:
    from collections.abc import Callable


class Receiver:
    """Keeps what it is sent and answers with `status`, or with what `decide` says."""

    def __init__(self, status: int = 202) -> None:
        self.status = status
        self.decide: Callable[[Request], int] | None = None
        self.received: Journal[Request] = Journal()

    def __enter__(self) -> Self:
        self._loop = LoopThread("receiver")
        self.listener = Listener(self._loop, App(handle=self._handle))
        self.url = f"http://127.0.0.1:{self.listener.port}/hook"
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.close()
        self._loop.stop()

    def _handle(self, request: Request) -> Response:
        status = self.status if self.decide is None else self.decide(request)
        self.received.append(request)
        return Response(status, b'{"status": "%d"}' % status)
