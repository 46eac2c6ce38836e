"""Ports of the HTTP stand-ins: TLS or plain, refusing connections on demand."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

from tests.standins.connections import Connection

if TYPE_CHECKING:
    import ssl

    from tests.standins.exchange import App
    from tests.standins.loops import LoopThread


class Listener:
    """One port of 127.0.0.1, which can refuse connections for a time without losing its number."""

    def __init__(self, loop: LoopThread, app: App, *, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self._loop = loop
        self._app = app
        self._tls = tls
        self._connections: set[Connection] = set()
        # Bound but never listening: it keeps the port ours while connections are refused.
        self._reservation = _bind(port)
        self.port: int = self._reservation.getsockname()[1]
        self._server: asyncio.AbstractServer | None = None
        self.accept()

    def accept(self) -> None:
        """Listen (again)."""
        if self._server is None:
            self._loop.run(self._listen())

    def refuse(self) -> None:
        """Stop listening and drop every connection: clients meet "connection refused"."""
        self._loop.run(self._stop_listening())

    def drop_connections(self) -> None:
        """Reset every open connection, as an idle instance's peers do."""
        self._loop.call(self._abort_all)

    def close(self) -> None:
        """End for good."""
        self.refuse()
        self._reservation.close()

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self._app, self._connections), sock=_bind(self.port), ssl=self._tls, backlog=1024
        )

    async def _stop_listening(self) -> None:
        if self._server is None:
            return
        self._server.close()
        self._server = None
        self._abort_all()
        while self._connections:
            await asyncio.sleep(0)

    def _abort_all(self) -> None:
        for connection in list(self._connections):
            connection.abort()
        # those whose TLS handshake goes on, which asyncio lists nowhere before Python 3.13's Server.abort_clients
        for transport in list(self._loop.loop._transports.values()):  # type: ignore[attr-defined]
            if transport.get_extra_info("sockname")[1] == self.port:
                transport.abort()


def _bind(port: int) -> socket.socket:
    # asyncio turns Nagle's algorithm off where the protocol is named, as Go's servers do; else answers wait for 40 ms
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(AttributeError):
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind(("127.0.0.1", port))
    except BaseException:
        bound.close()
        raise
    return bound
