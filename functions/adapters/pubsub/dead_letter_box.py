"""Lists dead letters and puts them back into the queue, for the command line."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from msgspec import Struct

from functions.adapters.pubsub.queue import Publisher
from functions.common.errors import PipehookError
from functions.common.ports import Deadline
from functions.queue.dead_letters import DeadLetter, read_letter, revive
from functions.queue.messages import Message

LOT = 100
"""Letters that are pulled at a time."""
LEASE_SECONDS = 600
"""How long letters that are looked at are kept from other readers, Pub/Sub's most."""
CALL_SECONDS = 20.0
"""What one call may take, further attempts included."""

Progress = Callable[[str], None]


class Lent(Protocol):
    """A message that a subscription lent out."""

    @property
    def ack_id(self) -> str: ...  # noqa: D102 -- said by the class
    @property
    def message(self) -> Message: ...  # noqa: D102 -- the same
    @property
    def message_id(self) -> str: ...  # noqa: D102 -- the same
    @property
    def published(self) -> str: ...  # noqa: D102 -- the same


class Subscriber(Protocol):
    """What takes messages from a subscription. All raise PassingError and LastingError."""

    def pull(self, most: int, *, deadline: Deadline) -> Sequence[Lent]:
        """Return up to `most` messages, none when none came within a few seconds."""

    def acknowledge(self, ack_ids: Sequence[str], *, deadline: Deadline) -> None:
        """Take messages away for good."""

    def hold(self, ack_ids: Sequence[str], lease: int, *, deadline: Deadline) -> None:
        """Keep messages for `lease` seconds, or give them back at once with 0."""


class Replay(Struct, frozen=True, kw_only=True):
    """What became of the letters that were to be put back."""

    replayed: int
    unreadable: int
    """Wanted, but no messages of Pipehook's: the worker could do nothing with them."""
    kept: int
    """Not wanted."""
    error: str = ""
    """Why it ended early; what was put back by then is, and putting everything back again is safe."""


class DeadLetterBox:
    """The dead letters of one subscription, and the topic that they are put back into."""

    def __init__(self, subscriber: Subscriber, queue: Publisher) -> None:
        self._subscriber = subscriber
        self._queue = queue

    def letters(self, *, limit: int = 1000, progress: Progress = lambda _: None) -> list[DeadLetter]:
        """Return up to `limit` letters, oldest first; they stay where they are.

        Raises PassingError and LastingError. Two readers at a time see a part each.
        """
        lent: list[Lent] = []
        try:
            lent.extend(self._lend(limit, progress))
        finally:
            self._give_back(lent, progress)
        return sorted((_letter(one) for one in lent), key=lambda letter: (letter.died, letter.id))

    def replay(
        self,
        wanted: Callable[[DeadLetter], bool] = lambda _: True,
        *,
        limit: int = 1000,
        progress: Progress = lambda _: None,
    ) -> Replay:
        """Put every wanted letter back into the queue; each leaves the dead letters once the queue has it.

        Only the letters that are there now are looked at: one that dies again at once is not put back for ever.
        Raises PassingError and LastingError as long as nothing was put back.
        """
        lent: list[Lent] = []
        replayed = unreadable = kept = 0
        error = ""
        try:
            lent.extend(self._lend(limit, progress))
            there = list(lent)
            for number, one in enumerate(there, start=1):
                letter = _letter(one)
                if not wanted(letter):
                    kept += 1
                elif not letter.readable:
                    unreadable += 1
                    progress(f"{number} of {len(there)}: {letter.id} is no message of Pipehook's and stays")
                else:
                    self._queue.publish([revive(letter.message)], deadline=_soon())
                    self._subscriber.acknowledge([one.ack_id], deadline=_soon())
                    replayed += 1
                    progress(f"{number} of {len(there)}: {letter.trigger or letter.id} is back in the queue")
                    lent.remove(one)
        except PipehookError as fault:
            if not replayed:
                raise
            error = fault.reason
        finally:
            self._give_back(lent, progress)
        return Replay(replayed=replayed, unreadable=unreadable, kept=kept, error=error)

    def _lend(self, limit: int, progress: Progress) -> Iterator[Lent]:
        """Yield the letters that are there, each once, and keep them from other readers meanwhile."""
        seen: set[str] = set()
        while len(seen) < limit:
            lot = self._subscriber.pull(min(LOT, limit - len(seen)), deadline=_soon())
            new = [one for one in lot if one.message_id not in seen]
            if not new:
                return
            self._subscriber.hold([one.ack_id for one in new], LEASE_SECONDS, deadline=_soon())
            seen |= {one.message_id for one in new}
            yield from new
            progress(f"{len(seen)} dead letters read")

    def _give_back(self, lent: Sequence[Lent], progress: Progress) -> None:
        try:
            for start in range(0, len(lent), LOT):
                self._subscriber.hold([one.ack_id for one in lent[start : start + LOT]], 0, deadline=_soon())
        except PipehookError as error:
            progress(f"letters that were read come back within {LEASE_SECONDS // 60} minutes ({error.reason})")


def open_dead_letters(subscription: str, queue_topic: str) -> DeadLetterBox:
    """Return the dead letters of `projects/P/subscriptions/S`, put back into `projects/P/topics/T`."""
    from functions.adapters.pubsub.client import PubSubPublisher, PubSubSubscriber  # noqa: PLC0415 -- heavy

    return DeadLetterBox(PubSubSubscriber(subscription), PubSubPublisher(queue_topic))


def subscription_of(topic: str) -> str:
    """Return the subscription that infra/ makes for a dead-letter topic: the one of the same name."""
    return topic.replace("/topics/", "/subscriptions/")


def _letter(lent: Lent) -> DeadLetter:
    return read_letter(lent.message, message_id=lent.message_id, published=lent.published)


def _soon() -> Deadline:
    return Deadline(time.monotonic() + CALL_SECONDS, time.monotonic)
