"""The requests that a stand-in has seen, to be looked at and waited for."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Callable

R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRequest:
    """One request and what became of it; `status` 0: no answer was given."""

    method: str
    path: str
    query: str = ""
    status: int = 0
    user: str = ""
    impersonated: str = ""


class Journal(Sequence[R], Generic[R]):
    """A list that grows in other threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._seen: list[R] = []

    def append(self, entry: R) -> None:
        """Add one entry and wake those who wait."""
        with self._changed:
            self._seen.append(entry)
            self._changed.notify_all()

    def clear(self) -> None:
        """Forget all entries."""
        with self._changed:
            self._seen.clear()

    def wait(self, matching: Callable[[R], bool] = lambda _: True, *, count: int = 1, timeout: float = 60.0) -> list[R]:
        """Wait until `count` entries match and give them; TimeoutError after `timeout` seconds."""

        def found() -> list[R]:
            return [entry for entry in self._seen if matching(entry)]

        with self._changed:
            if not self._changed.wait_for(lambda: len(found()) >= count, timeout):
                raise TimeoutError(f"{len(found())} of {count} awaited requests came: {self._seen}")
            return found()

    @overload
    def __getitem__(self, index: int) -> R: ...
    @overload
    def __getitem__(self, index: slice) -> list[R]: ...
    def __getitem__(self, index: int | slice) -> R | list[R]:
        with self._changed:
            return self._seen[index]

    def __len__(self) -> int:
        return len(self._seen)

    def __repr__(self) -> str:
        return f"Journal({self[:]!r})"
