"""An event loop in a thread of its own, which the HTTP stand-ins share."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")
WAIT_SECONDS = 10.0


class LoopThread:
    """Runs one event loop until `stop`, which raises the first error that a callback let through."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self.failures: list[BaseException] = []
        self.loop.set_exception_handler(self._note)
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the loop, from any other thread, and give its result."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(WAIT_SECONDS)

    def call(self, work: Callable[[], T]) -> T:
        """Run a function in the loop's thread and give its result."""

        async def once() -> T:
            return work()

        return self.run(once())

    def stop(self) -> None:
        """End the loop; raise what went wrong in it, so that a bug of a stand-in never hides."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(WAIT_SECONDS)
        if self.failures:
            raise self.failures[0]

    def _serve(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
            self.loop.run_until_complete(_end_tasks())
        finally:
            self.loop.close()

    def _note(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        failure = context.get("exception")
        # A client that goes away in the middle of a TLS record is no fault of the server.
        if isinstance(failure, BaseException) and not isinstance(failure, OSError):
            self.failures.append(failure)


async def _end_tasks() -> None:
    """Cancel what is left and let transports close: two turns for TLS, whose closing is scheduled twice."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for _ in range(5):
        await asyncio.sleep(0)
