"""The memory of a process that counts what is taken of it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from functions.common.errors import LimitError


class Counted:
    """A `Memory` of so many bytes."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.taken = 0
        self.most = 0

    def take(self, size: int, *, verified: bool) -> None:
        """Count it."""
        if self.taken + size > self.size:
            raise LimitError("more than there is")
        self.taken += size
        self.most = max(self.most, self.taken)

    def give_back(self, size: int) -> None:
        """Count it back."""
        self.taken -= size

    def making(self, size: int, *, verified: bool) -> AbstractContextManager[None]:
        """Count it."""
        self.take(size, verified=verified)
        return nullcontext()
