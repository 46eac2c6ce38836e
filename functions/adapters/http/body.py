"""Request bodies within bounds: of size, of the time that they take to arrive, and of the memory of all together.

Whoever knows the URL may send bodies, so nothing here trusts a length, a pace or an end that the client announces.
"""

from __future__ import annotations

import contextlib
import functools
import io
import socket
import threading
import time
from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import TYPE_CHECKING

from functions.adapters.http.rest import CUT, NOTHING, shut
from functions.adapters.http.room import BODIES, LARGE_BODIES, THREADS, Room, Threads, busy
from functions.common.errors import BadRequestError, PipehookError

if TYPE_CHECKING:
    from flask import Request

MAX_BODY = 25 * 1024 * 1024
"""Bytes: GitHub caps its payloads at 25 MB and sends nothing larger."""
BODY_SECONDS = 6.0
"""For a body to arrive, waiting for room included: what is left of a delivery's 8 s is for the work."""
SMALL_BODY = 1024 * 1024
"""Bytes up to which a body has room whatever larger ones take: nearly all deliveries are far smaller."""
_FIRST = 128 * 1024
"""Bytes that are read before there is room."""
_CHUNK = 256 * 1024
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
_MMAP_THRESHOLD = 1024 * 1024
_TICK_SECONDS = 0.5
GRACE_SECONDS = 1.0
"""What every body has to arrive in, also while too many arrive slowly."""


class _Waiting:
    """One body that is being read."""

    __slots__ = ("began", "connection", "expires", "given_up", "seconds")

    def __init__(self, connection: socket.socket | None, seconds: float) -> None:
        self.connection = connection
        self.seconds = seconds
        self.began = time.monotonic()
        self.expires = self.began + seconds
        self.given_up: PipehookError | None = None
        """Why it is not read any more."""

    def too_slow(self) -> BadRequestError:
        return BadRequestError(f"the body did not arrive within {self.seconds:g} seconds", status=408)

    def give_up(self, error: PipehookError) -> None:
        if self.given_up is None:
            self.given_up = error
            if self.connection is not None:
                shut(self.connection)


class Watch:
    """Ends the reading of bodies that take too long: a client that sends a byte now and then holds a thread no longer.

    gunicorn reads without a timeout, and a timeout of the socket would count from byte to byte. So one thread for all
    bodies shuts the reading side of a connection: the read ends there, and the refusal can still be sent. While bodies
    hold up more threads than they may, those that take longest have a moment only.
    """

    def __init__(self, threads: Threads = THREADS) -> None:
        self._threads = threads
        self._bodies: dict[int, _Waiting] = {}  # in the order of their ends: all have the same time
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._thread: threading.Thread | None = None
        self._seen = 0
        self._asleep = False

    @contextlib.contextmanager
    def over(self, connection: socket.socket | None, seconds: float) -> Iterator[_Waiting]:
        """Watch over one body while it is read."""
        body = _Waiting(connection, seconds)
        with self._lock:
            self._bodies[id(body)] = body
            self._seen += 1
            if self._thread is None:  # not at import: gunicorn forks after it
                self._thread = threading.Thread(target=self._run, name="bodies", daemon=True)
                self._thread.start()
            elif self._asleep:
                self._changed.notify()
        try:
            yield body
        finally:
            with self._lock:
                self._bodies.pop(id(body), None)

    def _run(self) -> None:
        with self._lock:
            seen = 0
            while True:
                # a tick while there is traffic is cheaper than a wake-up with every body: to sleep, one without any
                self._asleep = not self._bodies and self._seen == seen
                seen = self._seen
                self._changed.wait(None if self._asleep else _TICK_SECONDS)
                self._end_late_ones()

    def _end_late_ones(self) -> None:
        now = time.monotonic()
        slow = list(takewhile(lambda body: body.began + GRACE_SECONDS <= now, self._bodies.values()))
        self._threads.slow = len(slow)
        surplus = self._threads.surplus
        for place, body in enumerate(slow):
            if body.expires <= now:
                body.give_up(body.too_slow())
            elif place < surplus:
                body.give_up(busy())


@functools.cache
def _return_large_blocks() -> None:
    """Have glibc give large blocks back to the system when they are freed, and have few places for the others.

    By default it keeps what the first large body took, in an arena for each thread: 16 times 25 MiB after a flood.
    """
    import ctypes  # noqa: PLC0415 -- for the rare large body alone

    with contextlib.suppress(AttributeError, OSError):  # another C library has another allocator
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, _MMAP_THRESHOLD)
        mallopt(_M_ARENA_MAX, 2)


_ROOM = Room(BODIES)
_WATCH = Watch()


@contextlib.contextmanager
def received_body(
    request: Request,
    *,
    room: Room = _ROOM,
    seconds: float = BODY_SECONDS,
    large: Callable[[], None] = lambda: None,
    watch: Watch = _WATCH,
) -> Iterator[bytes]:
    """Read the body; while the context is open, its bytes count as taken.

    Raises BadRequestError: 413 beyond MAX_BODY (by its Content-Length before a byte is read, and without one at the
    first byte too many), 408 when it takes longer than `seconds`, 400 when it ends early or its chunks are malformed.
    Raises ExhaustedError when there is no room for it now, or when it comes slowly while too many others do. `large` is
    called before room for a large one is taken.
    """
    with contextlib.ExitStack() as taken:
        watched = watch.over(request.environ.get("gunicorn.socket"), seconds)
        yield _read(request, room, watched, taken, large)


def _read(
    request: Request,
    room: Room,
    watching: contextlib.AbstractContextManager[_Waiting],
    taken: contextlib.ExitStack,
    large: Callable[[], None],
) -> bytes:
    length = request.content_length
    if (length or 0) > MAX_BODY:
        raise _too_large()
    # getvalue() hands out the buffer itself: joining pieces would hold the body twice
    body = io.BytesIO()
    held = _FIRST
    with watching as watched:
        while body.tell() != length and (piece := _piece(request, body.tell(), late=watched)):
            size = body.tell() + len(piece)
            if size > MAX_BODY:
                raise _too_large()
            if size > held:
                needed = _needed(size, length)
                if needed > SMALL_BODY:
                    large()
                room.take(needed - held, filled=LARGE_BODIES if needed > SMALL_BODY else None)
                taken.callback(room.give_back, needed - held)
                held = needed
                if needed > SMALL_BODY:
                    _return_large_blocks()
                    body = _enlarged(body, length)
            body.write(piece)
            if watched.given_up or time.monotonic() > watched.expires:
                break
        if watched.given_up or time.monotonic() > watched.expires:
            request.environ[CUT] = True
            raise watched.given_up or watched.too_slow()
    if length is not None and body.tell() < length:
        raise BadRequestError("the body ends before the length that its Content-Length announces")
    request.stream = NOTHING
    return body.getvalue()


def _needed(size: int, length: int | None) -> int:
    """Return the room for a body of which `size` bytes are there."""
    return length or (SMALL_BODY if size <= SMALL_BODY else MAX_BODY)


def _enlarged(body: io.BytesIO, length: int | None) -> io.BytesIO:
    """Return the body so far in a buffer for all of it, which then never has to be moved."""
    if length is None:
        return body
    larger = io.BytesIO(bytes(length))  # zeros that take no memory before they are written to
    larger.write(body.getbuffer())
    return larger


def _piece(request: Request, position: int, *, late: _Waiting) -> bytes:
    # the first reads stay below what may be held without having taken more room
    wanted = next((limit - position for limit in (_FIRST, SMALL_BODY) if position < limit), _CHUNK)
    try:
        return request.stream.read(wanted)
    except Exception as error:  # each server has a family of its own for what a client does wrong
        if late.given_up:
            return b""
        raise BadRequestError("the body cannot be read: it ends early, or its chunks are malformed") from error


def _too_large() -> BadRequestError:
    return BadRequestError(f"the body is larger than {MAX_BODY // (1024 * 1024)} MiB", status=413)
