"""One Cloud Run service, second by second: how many instances there are, who waits, who is refused, what is billed."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

from bench.day import facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """As the Terraform's `webhook`."""

    min_instances: int = 0
    max_instances: int = 10
    concurrency: int = 16
    cpu: float = 1.0
    memory: float = 0.5
    """GiB."""


@dataclass(slots=True)
class Service:
    """The state of a service. `second` is called once for each second, in order."""

    size: Size
    start_seconds: float
    alive: int = 0
    waiting: deque[list[int]] = field(default_factory=deque)
    """The second in which requests came, and how many of them still wait."""
    starts: int = 0
    met_cold: int = 0
    """Requests that waited while an instance started, or that brought a new one its first work."""
    busy: float = 0.0
    """Instance-seconds with a request in them."""
    idle: float = 0.0
    history: list[int] = field(default_factory=list)
    _starting: deque[tuple[float, int]] = field(default_factory=deque)
    _flights: deque[float] = field(default_factory=deque)
    _used: deque[float] = field(default_factory=deque)
    _wanted: deque[tuple[int, int]] = field(default_factory=deque)
    """A falling sequence: the most that was wanted in the last quarter of an hour comes first."""

    def __post_init__(self) -> None:
        self.alive = self.size.min_instances

    def second(self, now: int, arrived: int, *, seconds: float, cpu: float, billed: float) -> tuple[int, int]:
        """Serve for one second; return how many requests ended well and how many were refused (429).

        `seconds` and `cpu` are what one request takes, `billed` the seconds that it is charged for.
        """
        while self._starting and self._starting[0][0] <= now:
            _, number = self._starting.popleft()
            self.alive += number
            # the first requests of a new instance pay for its imports
            self.met_cold += min(number, arrived)
        if arrived:
            self.waiting.append([now, arrived])
        room = self.alive * min(self.size.concurrency / seconds, self.size.cpu / cpu)
        served = self._served(int(room))
        refused = self._given_up(now)
        left = sum(number for _, number in self.waiting)
        # the first requests of a cold service wait for its start, of which no average knows yet
        self.met_cold += min(left, arrived) if self._starting or not self.alive else 0
        _push(self._flights, served * seconds + left, facts.WINDOW_SECONDS)
        _push(self._used, served * cpu, facts.WINDOW_SECONDS)
        self._scale(now, left)
        busy = min(float(self.alive), served * billed)
        self.busy += busy
        self.idle += min(self.size.min_instances, self.alive) - min(busy, self.size.min_instances)
        self.history.append(self.alive)
        return served, refused

    def replace(self) -> None:
        """Deploy: every instance is followed by a new one before it goes."""
        self.starts += self.alive
        self.met_cold += self.alive

    def _served(self, room: int) -> int:
        served = 0
        while self.waiting and served < room:
            first = self.waiting[0]
            taken = min(first[1], room - served)
            served += taken
            first[1] -= taken
            if not first[1]:
                self.waiting.popleft()
        return served

    def _given_up(self, now: int) -> int:
        refused = 0
        while self.waiting and now - self.waiting[0][0] >= facts.PENDING_SECONDS:
            refused += self.waiting.popleft()[1]
        return refused

    def _scale(self, now: int, left: int) -> None:
        window = facts.WINDOW_SECONDS
        flights = sum(self._flights) / window / (facts.TARGET * self.size.concurrency)
        used = sum(self._used) / window / (facts.TARGET * self.size.cpu)
        wanted = math.ceil(max(flights, used))
        if left:
            wanted = max(wanted, self.alive + math.ceil(left / self.size.concurrency))
        wanted = min(max(wanted, self.size.min_instances), self.size.max_instances)
        while self._wanted and self._wanted[-1][1] <= wanted:
            self._wanted.pop()
        self._wanted.append((now, wanted))
        while self._wanted[0][0] <= now - facts.IDLE_SECONDS:
            self._wanted.popleft()
        coming = sum(number for _, number in self._starting)
        if wanted > self.alive + coming:
            self._starting.append((now + self.start_seconds, wanted - self.alive - coming))
            self.starts += wanted - self.alive - coming
        self.alive = min(self.alive, max(self._wanted[0][1], self.size.min_instances))


def _push(values: deque[float], value: float, most: int) -> None:
    values.append(value)
    if len(values) > most:
        values.popleft()
