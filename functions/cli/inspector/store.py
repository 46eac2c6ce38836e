"""The deliveries that the inspector shows: the newest, in memory, shared by the threads that serve."""

from __future__ import annotations

import threading
from collections import OrderedDict

from functions.cli.local import Arrival

KEPT = 200


class Store:
    """Keeps the newest deliveries."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._kept: OrderedDict[int, Arrival] = OrderedDict()

    def add(self, arrival: Arrival) -> None:
        """Keep one."""
        with self._condition:
            self._kept[arrival.number] = arrival
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            self._condition.notify_all()

    def newest_first(self) -> list[Arrival]:
        """Return all that are kept."""
        with self._condition:
            return list(reversed(self._kept.values()))

    def get(self, number: int) -> Arrival | None:
        """Return one, None when it was never there or is gone."""
        with self._condition:
            return self._kept.get(number)

    def newest(self) -> int:
        """Return the number of the newest, 0 when there is none."""
        with self._condition:
            return next(reversed(self._kept), 0)
