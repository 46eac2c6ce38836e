"""What is left of a body that nobody reads: thrown away within bounds, or the end of its connection."""

from __future__ import annotations

import contextlib
import io
import socket
import threading
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Request

MAX_REST = 1024 * 1024
"""Bytes that are thrown away for the sake of a connection: nearly all deliveries are far smaller."""
REST_SECONDS = 0.1
"""What they have to arrive in: longer they hold no thread."""
_CHUNK = 256 * 1024
NOTHING = io.BytesIO()
"""The stream of a request of which nothing is left to read."""


def leave_rest(request: Request) -> None:
    """Throw away what was not read of a body, so that the connection serves its next request, as the reply announces.

    gunicorn announces that before it knows, takes no other word from a function, drains 64 KiB for seconds, in the very
    threads that a refusal is to keep free, and then closes; functions-framework would read all of it, into memory. What
    is more than MAX_REST, or not there in a moment, ends the connection: its reading side is shut at once.
    """
    rest, request.stream = request.stream, NOTHING
    connection: socket.socket | None = request.environ.get("gunicorn.socket")
    if rest is NOTHING or connection is None:
        return
    late = threading.Timer(REST_SECONDS, shut, [connection])
    late.daemon = True
    late.start()
    ended = False
    with contextlib.suppress(Exception):  # of the server's family: it ends early, or its chunks are malformed
        ended = _thrown_away(rest)
    late.cancel()
    if not ended:
        shut(connection)


def _thrown_away(rest: IO[bytes]) -> bool:
    size = 0
    while size <= MAX_REST and (piece := rest.read(_CHUNK)):
        size += len(piece)
    return size <= MAX_REST


def shut(connection: socket.socket) -> None:
    """End the reading of a connection, in whatever thread it waits; a reply can still be sent."""
    with contextlib.suppress(OSError):  # it is closed already
        connection.shutdown(socket.SHUT_RD)
