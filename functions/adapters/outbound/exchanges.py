"""Exchanges over a connection, each in a thread of its own, so that whoever asked goes on when the time is over.

Nothing else ends a name server that does not answer, or a server that sends a byte a second.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from functions.common.errors import PassingError

if TYPE_CHECKING:
    from functions.adapters.outbound.connections import Connection, Kept, Key

T = TypeVar("T")


class Exchange:
    """One exchange under way: which connection it uses, to be cut when its time is over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._given_up = False
        self._connection: Connection | None = None

    def on(self, connection: Connection, talk: Callable[[Connection], tuple[T, bool]], *, kept: Kept, key: Key) -> T:
        """Talk on a connection, which is kept when `talk` says that it may serve another call, and closed otherwise.

        Raises TimeoutError when the time is over already.
        """
        whole = False
        try:
            with self._lock:
                if self._given_up:
                    raise TimeoutError
                self._connection = connection
            answer, whole = talk(connection)
        finally:
            with self._lock:  # from here on it may be another call's
                self._connection = None
                whole = whole and not self._given_up
            if whole:
                kept.keep(key, connection)
            else:
                connection.end()
        return answer

    def give_up(self) -> None:
        """Cut the connection, and let no other one be used."""
        with self._lock:
            self._given_up = True
            if self._connection is not None:
                self._connection.cut()


class Exchanges:
    """Runs exchanges, `limit` at once, those included whose time is over and whose name is still being resolved."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._slots = threading.BoundedSemaphore(limit)

    def run(self, ask: Callable[[Exchange], T], *, seconds: float) -> T:
        """Call `ask` in another thread and return what it returns.

        Raises TimeoutError when that takes longer than `seconds`, PassingError when there is no thread to be had, and
        what `ask` raises.
        """
        if not self._slots.acquire(blocking=False):
            raise PassingError(f"more than {self._limit} outgoing calls are under way")
        exchange = Exchange()
        done = threading.Event()
        answers: list[T] = []
        errors: list[BaseException] = []

        def run() -> None:
            try:
                answers.append(ask(exchange))
            except BaseException as error:  # noqa: BLE001 -- handed to the thread that waits, which raises it
                errors.append(error)
            finally:
                done.set()
                self._slots.release()

        try:
            threading.Thread(target=run, name="outbound call", daemon=True).start()
        except RuntimeError as error:  # no thread to be had
            self._slots.release()
            raise PassingError("no thread could be started for an outgoing call") from error
        if not done.wait(seconds):
            exchange.give_up()
            raise TimeoutError
        if errors:
            raise errors[0]
        return answers[0]
