"""What the triggers of one delivery share: each question about the same value is answered once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from copy import copy
from typing import Any, TypeVar

from functions.common.errors import PipehookError, settled
from functions.common.values import Event

MAX_KEPT = 8 * 1024 * 1024
"""Characters of texts that are kept for others."""

T = TypeVar("T")


class Shared:
    """Answers by question and value. A value is known by its identity, so events and their parts are never changed.

    Only what came from the delivery itself by steps that are shared is known. What an interceptor outside made of it is
    one trigger's alone, and nothing of it is kept.
    """

    def __init__(self) -> None:
        self._known: dict[int, Event] = {}
        self._found: dict[tuple[Hashable, ...], Any] = {}
        self._room = MAX_KEPT

    def know(self, event: Event) -> Event:
        """Take an event for one that others may ask about, too."""
        self._known[id(event)] = event
        return event

    def knows(self, event: Event) -> bool:
        """Say whether others may ask about this very event."""
        return id(event) in self._known

    def answer(self, event: Event, question: Hashable) -> object:
        """Return what was answered to a question about an event, or the error that it raised; None before that."""
        return self._found.get((question, id(event)))

    def added(self, event: Event, question: Hashable, answer: Callable[[], Event]) -> Event:
        """Return the event that is made of another one, once for all who ask the same."""
        if id(event) not in self._known:
            return answer()
        return self.once(event, question, lambda: self.know(answer()))

    def once(
        self,
        event: Event,
        question: Hashable,
        answer: Callable[[], T],
        *,
        of: tuple[object, ...] = (),
        size: Callable[[T], int] | None = None,
    ) -> T:
        """Return the answer to a question about an event, or about the parts `of` it.

        Raises what `answer` raises, the second time as well. `size` gives the characters that an answer holds.
        """
        if id(event) not in self._known:
            return answer()
        key = (question, *map(id, of)) if of else (question, id(event))
        if key in self._found:
            known: T = self._found[key]
            if isinstance(known, PipehookError):
                raise copy(known)
            return known
        try:
            found = answer()
        except PipehookError as error:
            self._found[key] = settled(copy(error))
            raise
        length = size(found) if size else 0
        if length <= self._room:
            self._room -= length
            self._found[key] = found
        return found
