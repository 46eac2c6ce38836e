"""What each of several listeners may hold of a process at once, so that one team's flood leaves the others served.

Counted from before a body is read, by the path alone: whoever floods may be anybody. A listener has half of the
threads, a quarter of them for small bodies alone, and of deliveries that are large (in their body, or in what becomes
of it) one at a time, which bounds its part of memory and of the turns in which large ones are parsed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from functions.adapters.http.room import BUSY_RETRY_SECONDS, ROOM_SECONDS, SMALL_BODY
from functions.common.errors import ExhaustedError
from functions.common.numbers import whole

THREADS = 16
"""Request threads of an instance, where THREADS says nothing: what the Terraform sets."""


class Tenant:
    """One listener's places. Shared by all threads."""

    def __init__(self, threads: int, *, seconds: float = ROOM_SECONDS) -> None:
        self._free = max(1, threads // 2)
        self._free_of_larger = self._free - self._free // 4
        self._may_wait = threads // 8
        self._seconds = seconds
        self._large = False
        self._changed = threading.Condition()

    @contextmanager
    def place(self, *, small: bool) -> Iterator[Place]:
        """Have a place. Raises ExhaustedError when none becomes free, or enough wait already."""

        def free() -> bool:
            return self._free > 0 and (small or self._free_of_larger > 0)

        with self._changed:
            if not free() and not self._awaited(free):
                raise _busy("too many deliveries of this listener are under way")
            self._free -= 1
            self._free_of_larger -= not small
        place = Place(self)
        try:
            yield place
        finally:
            with self._changed:
                self._free += 1
                self._free_of_larger += not small
                self._large = self._large and not place.is_large
                self._changed.notify_all()

    def _awaited(self, free: Callable[[], bool]) -> bool:
        if not self._may_wait:
            return False
        self._may_wait -= 1
        try:
            return self._changed.wait_for(free, self._seconds)
        finally:
            self._may_wait += 1

    def enlarge(self) -> None:
        """Wait until no other delivery of the listener is a large one. Raises ExhaustedError when one stays."""
        with self._changed:
            if not self._changed.wait_for(lambda: not self._large, self._seconds):
                raise _busy("another large delivery of this listener is under way")
            self._large = True


class Place:
    """One delivery's place. `tenant` None: there is one listener, which has everything."""

    def __init__(self, tenant: Tenant | None) -> None:
        self._tenant = tenant
        self.is_large = False

    def large(self) -> None:
        """Become a large delivery, until it ends. Raises as `Tenant.enlarge`."""
        if self._tenant is not None and not self.is_large:
            self._tenant.enlarge()
            self.is_large = True


class Tenants:
    """The listeners of one process, by their paths; all paths that name none are one together."""

    def __init__(self, threads: str = "") -> None:
        """`threads` is what the environment's THREADS says."""
        self._threads = whole(threads, digits=4) or THREADS
        self._known: dict[str, Tenant] = {}

    @contextmanager
    def place(self, listener: str, *, size: int | None = None) -> Iterator[Place]:
        """Have a place among a listener's deliveries; `size` is what the body says to have. Raises ExhaustedError."""
        small = size is not None and size <= SMALL_BODY
        with self._known.setdefault(listener, Tenant(self._threads)).place(small=small) as place:
            yield place


def _busy(why: str) -> ExhaustedError:
    return ExhaustedError(f"{why}: sending the delivery again later will help", retry_after=BUSY_RETRY_SECONDS)
