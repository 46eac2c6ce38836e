"""What one delivery may take of time and memory; every stage looks at it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from msgspec import Struct

from functions.common.ports import Deadline, Memory

MIN_STEPS = 1_000_000
"""Steps of CEL that every delivery has."""
STEPS_PER_BYTE = 4
"""More of them for each byte of the body, so that a filter goes over all that GitHub's largest push lists."""
MIN_VISITED = 200_000
"""Values that a JSONPath may visit, whatever the body."""
BYTES_PER_VISITED = 4
"""One more of these for so many bytes of the body."""


class Limits(Struct, frozen=True):
    """The bounds of one delivery. Time ends all work, and memory all growth; steps end what its body cannot explain."""

    deadline: Deadline
    memory: Memory
    size: int = 0
    """Bytes of the body."""
    verified: bool = False
    """Somebody with a secret has sent the body."""

    @property
    def steps(self) -> int:
        """The steps that one evaluation of CEL may take."""
        return MIN_STEPS + STEPS_PER_BYTE * self.size

    @property
    def visited(self) -> int:
        """The values that one evaluation of a JSONPath may visit."""
        return MIN_VISITED + self.size // BYTES_PER_VISITED

    def take(self, size: int) -> None:
        """Take memory. Raises LimitError and ExhaustedError, as `Memory` does."""
        self.memory.take(size, verified=self.verified)

    def making(self, size: int) -> AbstractContextManager[None]:
        """Take memory, and a turn to fill it. Raises as `take`."""
        return self.memory.making(size, verified=self.verified)

    def give_back(self, size: int) -> None:
        """Give it back before the delivery ends."""
        self.memory.give_back(size)

    def in_time(self, what: str) -> None:
        """Go on. Raises ExhaustedError, naming `what`, when the delivery's time is over."""
        self.deadline.require(what)


class Unbounded:
    """The memory of a process that serves nobody else, as the command line does."""

    def take(self, size: int, *, verified: bool) -> None:
        """Take it."""

    def give_back(self, size: int) -> None:
        """Take it back."""

    def making(self, size: int, *, verified: bool) -> AbstractContextManager[None]:  # noqa: ARG002 -- a Memory's form
        """Have a turn at once."""
        return nullcontext()


UNLIMITED = Limits(Deadline(float("inf"), lambda: 0.0), Unbounded())
"""For what is no delivery: constants, and the command line."""
