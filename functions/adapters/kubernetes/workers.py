"""A few threads that do several calls of one request at once, lent out to all requests of the process."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

T = TypeVar("T")


class Workers:
    """Runs calls in parallel, `limit` threads for the whole process; they start with the first use.

    Threads do not survive a fork (gunicorn forks after the import), so a process makes its own.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._process = 0

    def run(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Make all calls and return their results in order; one alone is made in the calling thread.

        The calling thread helps: it makes the first call, and then every one that no other thread has begun, so that
        a request never waits for another one's calls.
        """
        if len(calls) <= 1:
            return [call() for call in calls]
        pool = self._threads()
        futures = [(call, pool.submit(call)) for call in calls[1:]]
        first = calls[0]()
        return [first, *(call() if future.cancel() else future.result() for call, future in futures)]

    def _threads(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None or self._process != os.getpid():
                from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 -- single resources need none

                self._pool = ThreadPoolExecutor(self._limit, thread_name_prefix="create")
                self._process = os.getpid()
            return self._pool
