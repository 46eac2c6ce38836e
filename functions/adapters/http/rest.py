"""The rest of a body that nobody reads: it is thrown away within bounds, else its connection is ended."""

from __future__ import annotations

import contextlib
import errno
import functools
import io
import socket
import threading
import time
from queue import SimpleQueue
from typing import IO, TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from flask import Request, Response

MAX_REST = 1024 * 1024
"""Bytes that are thrown away for the sake of a connection: nearly all deliveries are far smaller."""
REST_SECONDS = 0.1
"""What they have to arrive in: longer they hold no thread."""
_CHUNK = 256 * 1024
NOTHING = io.BytesIO()
"""The stream of a request of which nothing is left to read."""
CUT = "pipehook.cut"
"""In the environ of a request whose connection was shut before its body's end."""


def leave_rest(request: Request) -> None:
    """Throw away what was not read of a body, so that the connection serves its next request, as the reply announces.

    gunicorn announces that before it knows, takes no other word from a function, drains 64 KiB for seconds, in the very
    threads that a refusal is to keep free, and then closes; functions-framework would read all of it, into memory. What
    is more than MAX_REST, or not there in a moment, ends the connection: its reading side is shut at once, and all of
    it behind the reply. gunicorn takes the one for the body's end, while Linux still hands out what arrives then: a
    request of its own it would be, and its reply the one to a proxy's next request.
    """
    rest, request.stream = request.stream, NOTHING
    connection: socket.socket | None = request.environ.get("gunicorn.socket")
    if rest is NOTHING or connection is None:
        return
    reading = _Reading(connection)
    _watched().put(reading)
    ended = False
    with contextlib.suppress(Exception):  # of the server's family: it ends early, or its chunks are malformed
        ended = _thrown_away(rest)
    reading.done = True
    if CUT in request.environ or not ended or time.monotonic() >= reading.expires:
        shut(connection)
        _close_behind_reply()


class _Reading:
    """A rest that is being read."""

    __slots__ = ("connection", "done", "expires")

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.expires = time.monotonic() + REST_SECONDS
        self.done = False


@functools.cache
def _watched() -> SimpleQueue[_Reading]:
    """Return what one thread takes from that ends what is late: all have the same time, so they end in their order."""
    readings: SimpleQueue[_Reading] = SimpleQueue()

    def watch() -> None:
        while True:
            reading = readings.get()
            time.sleep(max(0.0, reading.expires - time.monotonic()))
            if not reading.done:
                shut(reading.connection)

    # not at import: gunicorn forks after it
    threading.Thread(target=watch, name="rests", daemon=True).start()
    return readings


def _close_behind_reply() -> None:
    from flask import after_this_request  # noqa: PLC0415 -- for what is cut alone

    @after_this_request
    def _(reply: Response) -> Response:
        reply.call_on_close(_close)
        return reply


def _close() -> NoReturn:
    # a WSGI server closes the connection of a reply that fails, and of this kind says nothing
    raise ConnectionResetError(errno.ECONNRESET, "the request was not read to its end")


def _thrown_away(rest: IO[bytes]) -> bool:
    size = 0
    while size <= MAX_REST and (piece := rest.read(_CHUNK)):
        size += len(piece)
    return size <= MAX_REST


def shut(connection: socket.socket) -> None:
    """End the reading of a connection, in whatever thread it waits; a reply can still be sent."""
    with contextlib.suppress(OSError):  # it is closed already
        connection.shutdown(socket.SHUT_RD)
