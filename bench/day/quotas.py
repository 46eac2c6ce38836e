"""Limits that are counted in windows, and how far each was used."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Window:
    """So many in each window of so many seconds. What is above is refused, and counted as asked for all the same."""

    limit: float
    seconds: int
    asked: float = 0.0
    """In the present window."""
    peak: float = 0.0
    """The most that was asked for in one window."""
    refused: float = 0.0
    most_given: float = 0.0
    """In one window."""
    _number: int = -1

    def take(self, now: float, number: float = 1.0) -> float:
        """Return how many of `number` there is room for."""
        window = int(now // self.seconds)
        if window != self._number:
            self._number, self.asked = window, 0.0
        room = max(0.0, self.limit - self.asked)
        self.asked += number
        self.peak = max(self.peak, self.asked)
        given = min(number, room)
        self.most_given = max(self.most_given, self.asked - number + given if room else 0.0)
        self.refused += number - given
        return given

    def left(self, now: float) -> float:
        """Return how many there is room for in the present window."""
        return self.limit if int(now // self.seconds) != self._number else max(0.0, self.limit - self.asked)

    def so_far(self, now: float) -> float:
        """Return how many were asked for in the present window."""
        return self.asked if int(now // self.seconds) == self._number else 0.0

    @property
    def used(self) -> float:
        """The part of the limit that was asked for at the most."""
        return self.peak / self.limit
