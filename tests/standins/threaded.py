"""An HTTP server with a thread for each connection, for handlers of Python's `http.server`."""

from __future__ import annotations

import contextlib
import socket
from http.server import ThreadingHTTPServer
from typing import Any


class ThreadedServer(ThreadingHTTPServer):
    """Ends the connections that clients keep with itself, and the threads that wait for them."""

    daemon_threads = False  # so that the end awaits them

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._taken: list[socket.socket] = []

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember a connection and begin its thread."""
        self._taken.append(request)
        super().process_request(request, client_address)

    def server_close(self) -> None:
        """End for good."""
        for taken in self._taken:
            with contextlib.suppress(OSError):
                taken.shutdown(socket.SHUT_RDWR)
        super().server_close()
