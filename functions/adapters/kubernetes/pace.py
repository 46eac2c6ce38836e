"""How many requests an instance has under way at a cluster: fewer after it refused some, none while it asks for that.

An API server that has too much to do refuses with 429 and Retry-After (API Priority and Fairness), and for longer the
more it has to refuse. What all threads learn from one refusal is asked once, not by each of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from functions.common.errors import PassingError
from functions.common.ports import Deadline

LEAST = 2
"""Requests that may be under way in any case: one that hangs must not hold up all others."""
ROUNDS = 4.0
"""After so many rounds of answers one more may be."""
MAX_PAUSE = 10.0
"""Seconds for which nothing is asked at most, whatever the server asks for: then it is seen whether it still does."""
IMPATIENT_SECONDS = 0.25
"""How long a place is waited for where a queue takes what finds none."""
_SPREAD = 0.2
"""Seconds over which requests are spread that have waited for the same end."""
_AT_ONCE = 0.001


class Pace:
    """The pace of one account's requests. Shared by all threads."""

    def __init__(self, most: int, *, draw: Callable[[], float], sleep: Callable[[float], None]) -> None:
        """With `most` under way, and as long as none was refused, they are not counted."""
        self._most = most
        self._limit = float("inf")
        self._draw = draw
        self._sleep = sleep
        self._under_way = 0
        self._closed_until = float("-inf")
        self._changed = threading.Condition()

    @contextmanager
    def place(self, subject: str, deadline: Deadline) -> Iterator[None]:
        """Have a request under way. Raises PassingError when that is too much until the deadline."""
        while left := self._taken(subject, deadline):
            if not deadline.patient or left > deadline.remaining():
                text = f"{subject}: the cluster has too many requests, and is asked again in {left:.0f} s"
                raise PassingError(text, retry_after=left)
            self._sleep(left + self._draw() * _SPREAD)
        try:
            yield
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify()

    def _taken(self, subject: str, deadline: Deadline) -> float:
        """Take a place and return 0, or return how long there is none for anybody."""
        seconds = deadline.remaining() if deadline.patient else min(IMPATIENT_SECONDS, deadline.remaining())
        with self._changed:
            if not self._changed.wait_for(lambda: self._left(deadline) or self._under_way + 1 <= self._limit, seconds):
                raise PassingError(f"{subject}: {self._under_way} requests wait for the cluster already")
            left = self._left(deadline)
            if not left:
                self._under_way += 1
            return left

    def _left(self, deadline: Deadline) -> float:
        left = self._closed_until - deadline.clock()
        return left if left > _AT_ONCE else 0.0

    def refused(self, seconds: float, now: float) -> None:
        """Learn that a request was one too many, and that the server asks for so many seconds without."""
        with self._changed:
            if now >= self._closed_until:  # what was under way with it says nothing new
                self._limit = max(LEAST, min(self._limit, self._under_way) / 2)
            self._closed_until = max(self._closed_until, now + min(seconds, MAX_PAUSE))
            self._changed.notify_all()

    def taken(self) -> None:
        """Learn that a request was carried out."""
        with self._changed:
            if self._limit < self._most:
                self._limit += 1 / (ROUNDS * self._limit)
            else:
                self._limit = float("inf")
            self._changed.notify()
