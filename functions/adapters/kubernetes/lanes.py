"""A lane for each cluster: its own client, threads, places and circuit, so that one that hangs holds up nobody else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

from functions.adapters.kubernetes.api import KubernetesApi
from functions.adapters.kubernetes.errors import ApiUnavailableError
from functions.adapters.kubernetes.pace import IMPATIENT_SECONDS
from functions.adapters.kubernetes.workers import Workers
from functions.common.errors import LastingError, PassingError, PipehookError
from functions.common.ports import Deadline

PARALLEL = 16
"""Threads for the resources of deliveries with several."""
PLACES = 8
"""Deliveries that may be at one of several clusters at once: half of an instance's by default, so that others find a
thread to be served in."""
PLACE_SECONDS = 1.0
"""How long a delivery waits for a place: a cluster that answers frees one in a small part of it."""
OPENS_AFTER = 3
"""Calls without an answer, one after the other, after which a cluster is not asked for a while."""
OPEN_SECONDS = 10.0
"""How long; then one delivery tries, while the others still go on without."""

_DEFAULT = frozenset({""})

T = TypeVar("T")


class Lane:
    """One cluster. Shared by all threads."""

    def __init__(self, name: str, api: KubernetesApi, *, alone: bool) -> None:
        """`alone`: there is no other cluster that it could hold up, so it is always asked, unless a queue waits."""
        self.name = name
        self.api = api
        self._alone = alone
        self._places = threading.BoundedSemaphore(PLACES)
        self._lock = threading.Lock()
        self._unanswered = 0
        self._closed_until = float("-inf")

    @contextmanager
    def admitted(self, deadline: Deadline) -> Iterator[None]:
        """Have a place at the cluster. Raises PassingError when there is none, or it does not answer at present."""
        if self._alone and deadline.patient:
            yield
            return
        self._refuse(deadline.clock())
        seconds = PLACE_SECONDS if deadline.patient else IMPATIENT_SECONDS
        if not self._places.acquire(timeout=min(seconds, deadline.remaining())):
            raise PassingError(f"{self.said}{PLACES} deliveries wait for {self._it} already")
        try:
            self._refuse(deadline.clock(), tries=True)  # it may have been found out while this one waited
            yield
        finally:
            self._places.release()

    @contextmanager
    def asked(self, deadline: Deadline) -> Iterator[KubernetesApi]:
        """Have a place at the cluster, and learn from what comes of it; raises as `admitted`."""
        with self.admitted(deadline):
            try:
                yield self.api
            except PipehookError as error:
                self.heard(error, deadline.clock())
                raise
            self.heard(None, deadline.clock())

    @property
    def said(self) -> str:
        """What reasons begin with; nothing for the default cluster."""
        return f"cluster {self.name}: " if self.name else ""

    @property
    def _it(self) -> str:
        return "it" if self.name else "the cluster"

    def _refuse(self, now: float, *, tries: bool = False) -> None:
        """Raise PassingError while the cluster is left alone; the first one after that `tries`."""
        with self._lock:
            if self._unanswered < OPENS_AFTER:
                return
            if now < self._closed_until:
                wait = self._closed_until - now
                silent = f"{self._it} has not answered {self._unanswered} times"
                text = f"{self.said}{silent}, and is asked again in {wait:.0f} s"
                raise PassingError(text, retry_after=wait)
            if tries:
                self._closed_until = now + OPEN_SECONDS

    def heard(self, error: PipehookError | None, now: float) -> None:
        """Learn from a call whether the cluster answers."""
        silent = isinstance(error, ApiUnavailableError) and not error.status
        if not silent and isinstance(error, PassingError) and not isinstance(error, ApiUnavailableError):
            return  # it was not asked
        with self._lock:
            self._unanswered = self._unanswered + 1 if silent else 0
            if silent and self._unanswered >= OPENS_AFTER:
                self._closed_until = now + OPEN_SECONDS


class Lanes:
    """The clusters of a deployment: the default one, under an empty name, and those of CLUSTERS."""

    def __init__(self, api: KubernetesApi, others: Mapping[str, KubernetesApi], *, parallel: int = PARALLEL) -> None:
        given = {"": api, **others}
        self._lanes = {name: Lane(name, found, alone=not others) for name, found in given.items()}
        self._parallel = parallel
        self._workers: dict[frozenset[str], Workers] = {}

    def lane(self, name: str) -> Lane:
        """Return one. Raises LastingError for a name that is not configured, as in a message of another deployment."""
        lane = self._lanes.get(name)
        if lane is None:
            known = ", ".join(sorted(filter(None, self._lanes))) or "none"
            raise LastingError(f"cluster {name} is not configured here: CLUSTERS has {known}")
        return lane

    def run(self, calls: Sequence[tuple[Iterable[str], Callable[[], T]]]) -> list[T]:
        """Make calls, each with the names of the clusters that it asks, and return their results in order.

        Those of different clusters run beside each other, in threads of their own: none waits for another cluster's.
        """
        groups: dict[frozenset[str], list[int]] = {}
        for position, (names, _) in enumerate(calls):
            known = frozenset(name for name in names if name in self._lanes)
            groups.setdefault(known or _DEFAULT, []).append(position)

        def of(names: frozenset[str]) -> list[T]:
            workers = self._workers.setdefault(names, Workers(self._parallel))
            return workers.run([calls[position][1] for position in groups[names]])

        if len(groups) <= 1:
            return of(next(iter(groups))) if calls else []
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 -- for deliveries to several clusters alone

        results: dict[int, T] = {}
        # threads of its own: those of a pool could all be waiting for the cluster that hangs
        with ThreadPoolExecutor(len(groups), thread_name_prefix="cluster") as threads:
            for positions, found in zip(groups.values(), threads.map(of, groups), strict=True):
                results.update(zip(positions, found, strict=True))
        return [results[position] for position in range(len(calls))]
