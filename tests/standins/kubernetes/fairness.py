"""API Priority and Fairness as one flow meets it: seats, a queue that is short, and 429 for what finds neither."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from typing import TYPE_CHECKING

from tests.standins.exchange import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable

EXEMPT = ("/readyz", "/livez", "/healthz")
"""What the flow schema `probes` lets in."""
MAX_RETRY_AFTER = 32
"""apiserver's flowcontrol.maxRetryAfter."""
MAX_WAIT = 15.0
"""Seconds: a quarter of a request's time-out, as apiserver has it."""


class Fairness:
    """One priority level, in the loop's thread: `seats` requests are carried out at a time, each for `seconds`.

    `queue` more wait for a seat, in order and for at most `wait` seconds. Counted are all requests but the server's
    probes; a client that goes away leaves the queue.
    """

    def __init__(self, *, seats: int, seconds: float, queue: int, wait: float = MAX_WAIT) -> None:
        self._seats = asyncio.Semaphore(seats)
        self._seconds = seconds
        self._queue = queue
        self._wait = wait
        self._waiting = 0
        self._pressure = Pressure()

    async def carried_out(self, request: Request, handle: Callable[[Request], Response]) -> Response:
        """Return the answer to a request once it had its time, or the refusal."""
        if request.path.startswith(EXEMPT):
            return handle(request)
        if not await self._seated():
            return self._refusal()
        try:
            response = handle(request)
            await asyncio.sleep(self._seconds)
            return response
        finally:
            self._seats.release()

    async def _seated(self) -> bool:
        if self._seats.locked() and self._waiting >= self._queue:
            return False
        self._waiting += 1
        try:
            async with asyncio.timeout(self._wait):
                return await self._seats.acquire()
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1

    def _refusal(self) -> Response:
        asked = self._pressure.refused(int(asyncio.get_running_loop().time()))
        # no Status object: the filter knows nothing of the API's types
        text = b"Too many requests, please try again later.\n"
        return Response(429, text, "text/plain; charset=utf-8", {"Retry-After": str(asked)})


class Pressure:
    """For how long those are told to stay away who are refused, as apiserver's droppedRequestsTracker has it.

    It doubles when three times as many as its seconds were refused in that time, and falls by one when fewer than its
    seconds were; both at the first refusal of a second.
    """

    def __init__(self) -> None:
        self._refused: Counter[int] = Counter()
        self._asked = 1
        self._raised = 0

    def refused(self, second: int) -> int:
        """Count a refusal and return the seconds for its Retry-After."""
        if second not in self._refused:
            recently = sum(self._refused[second - back] for back in range(1, self._asked + 1))
            if second - self._raised >= self._asked and recently >= 3 * self._asked:
                self._asked, self._raised = min(2 * self._asked, MAX_RETRY_AFTER), second
            elif recently < self._asked > 1:
                self._asked -= 1
            for old in list(itertools.takewhile(lambda known: known < second - MAX_RETRY_AFTER, self._refused)):
                del self._refused[old]
        self._refused[second] += 1
        return self._asked
