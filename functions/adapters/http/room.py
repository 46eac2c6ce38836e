"""The memory of the process, shared out among deliveries before they use it.

Two rooms: one for bodies as they arrive, which anybody may send, and one for what becomes of them. Both are larger than
they let large or unverified deliveries fill them, so that small and verified ones find a place whatever the others
send. With the process itself, some 50 MiB, they stay below the 512 MiB of the default deployment.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext

from functions.common.errors import ExhaustedError, LimitError

MIB = 1024 * 1024
ROOM_SECONDS = 1.0
"""How long a delivery waits for room, which another one may need for all of its time."""
TURN_SECONDS = 3.0
"""How long a delivery waits for its turn."""
MAX_WAITING = 4
"""How many may wait for either room."""
BUSY_RETRY_SECONDS = 30

BODIES = 96 * MIB
"""Bytes of bodies that one process holds at a time."""
LARGE_BODIES = 64 * MIB
"""How far larger bodies may fill that."""
VALUES = 256 * MIB
"""Bytes of all that is made of them: text, values, results of expressions, rendered resources."""
VERIFIED_VALUES = 224 * MIB
"""How far verified deliveries may fill that, and so the most that one of them may take."""
UNVERIFIED_VALUES = 96 * MIB
"""How far deliveries that nobody has verified yet may fill it."""
UNVERIFIED_DELIVERY = 64 * MIB
"""The most that one of those may take."""
SMALL_BODY = 256 * 1024
"""Bytes of a body up to which a delivery may be a small one, which goes first."""
PATIENCE_SECONDS = 0.5
"""How long the others let it."""
SMALL_VALUES = 2 * MIB
"""What a delivery takes up to this it takes from all of the room: nearly all deliveries need far less."""


def busy() -> ExhaustedError:
    """Return the error of a delivery for which there is no room, or no turn, now."""
    return ExhaustedError(
        "too many large bodies are being received: sending the delivery again later will help",
        retry_after=BUSY_RETRY_SECONDS,
    )


class Threads:
    """The threads that large and slow deliveries hold up: three of four at most, so that others are served."""

    def __init__(self, number: int) -> None:
        self._most = number - number // 4  # fewer than four have none to spare
        self._waiting = 0
        self._lock = threading.Lock()
        self.slow = 0
        """How many wait for bodies that do not arrive, as far as is known: they can be told to end."""

    @property
    def surplus(self) -> int:
        """By how many it is too much now."""
        return max(0, self.slow + self._waiting - self._most)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Have one more wait. Raises ExhaustedError when as many are held up already as may be."""
        with self._lock:
            if self.slow + self._waiting >= self._most:
                raise busy()
            self._waiting += 1
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1


# as functions-framework has it
THREADS = Threads(int(os.environ.get("THREADS") or 4 * (os.cpu_count() or 1)))


class Room:
    """Bytes that deliveries share."""

    def __init__(self, size: int, *, seconds: float = ROOM_SECONDS, waiting: int = MAX_WAITING) -> None:
        self._size = size
        self._taken = 0
        self._seconds = seconds
        self._may_wait = waiting
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)

    def take(self, size: int, *, filled: int | None = None) -> None:
        """Take room as long as no more than `filled` is taken then (by default all of it), waiting for it for a moment.

        Raises ExhaustedError when there is none, or too many wait already.
        """
        most = self._size if filled is None else filled
        with self._lock:
            if self._taken + size > most and not self._awaited(size, most):
                raise busy()
            self._taken += size

    def _awaited(self, size: int, most: int) -> bool:
        if not self._may_wait:
            return False
        self._may_wait -= 1
        try:
            return self._changed.wait_for(lambda: self._taken + size <= most, self._seconds)
        finally:
            self._may_wait += 1

    def give_back(self, size: int) -> None:
        """Return what was taken."""
        with self._lock:
            self._taken -= size
            self._changed.notify_all()


class Turns:
    """Whose turn it is to do what holds up every other thread, as parsing a large body does: one at a time does so.

    Small deliveries need many short moments each. Where some are under way, they get them first, for a while.
    """

    def __init__(self, threads: Threads = THREADS) -> None:
        self.threads = threads
        self._turn = threading.Lock()
        self._small = 0
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)

    def began(self, small: int) -> None:
        """Count small deliveries (1) and their ends (-1)."""
        with self._lock:
            self._small += small
            if not self._small:
                self._changed.notify_all()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Have the turn. Raises ExhaustedError when it does not come, or too many threads are held up."""
        if not self._turn.acquire(blocking=False):
            with self.threads.waiting():
                if not self._turn.acquire(timeout=TURN_SECONDS):
                    raise busy()
        try:
            with self._lock:
                self._changed.wait_for(lambda: not self._small, PATIENCE_SECONDS)
            yield
        finally:
            self._turn.release()


class Share:
    """What one delivery, of a body of `size` bytes, takes of the room for values: the Memory of the core."""

    def __init__(self, room: Room, turns: Turns, size: int, *, large: Callable[[], None] = lambda: None) -> None:
        """`large` is called before the delivery takes what small ones do not."""
        self._large = large
        self._room = room
        self._turns = turns
        self._taken = 0
        self._small = int(size <= SMALL_BODY)
        turns.began(self._small)

    def take(self, size: int, *, verified: bool) -> None:
        """Take it.

        Raises LimitError beyond what one delivery may have, and ExhaustedError when there is no room now.
        """
        if self._taken + size <= SMALL_VALUES:
            self._room.take(size)
        else:
            most = VERIFIED_VALUES if verified else UNVERIFIED_DELIVERY
            if self._taken + size > most:
                known = "a delivery" if verified else "a delivery that nothing has verified yet"
                raise LimitError(f"more than the {most // MIB} MiB of memory that {known} may take")
            self._large()
            self._room.take(size, filled=VERIFIED_VALUES if verified else UNVERIFIED_VALUES)
        self._taken += size

    def making(self, size: int, *, verified: bool) -> AbstractContextManager[None]:
        """Take it, and have a turn if it is much. Raises as `take`."""
        self.take(size, verified=verified)
        if size <= SMALL_VALUES:
            return nullcontext()
        self._settle()
        return self._turns.one()

    def _settle(self) -> None:
        # what makes much of a small body is no small delivery
        self._turns.began(-self._small)
        self._small = 0

    def give_back(self, size: int) -> None:
        """Give back a part of it."""
        self._room.give_back(size)
        self._taken -= size

    def close(self) -> None:
        """Give back all that is left of it."""
        self.give_back(self._taken)
        self._settle()


_VALUES, _TURNS = Room(VALUES), Turns()


def share(size: int, *, large: Callable[[], None] = lambda: None) -> AbstractContextManager[Share]:
    """Open the share of a delivery whose body has `size` bytes in the memory of this process."""
    return closing(Share(_VALUES, _TURNS, size, large=large))
