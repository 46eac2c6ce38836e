"""A day of deliveries, second by second: offices in three parts of the world, bots on the hour, releases."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from itertools import accumulate

DAY = 86_400

# share of the deliveries, the hour (UTC) around which a region works, and how wide its day is
_REGIONS = ((0.30, 9.5, 3.2), (0.38, 18.0, 3.4), (0.12, 4.0, 3.0))
_BOTS = 0.17
"""Dependency updates, scheduled workflows, mirrors: level, but for the starts of hours and quarters."""
_RELEASES = 12
_RELEASE = 0.03 / _RELEASES
"""The share of one release, tags and merges and what follows, within half a minute."""
_HOURLY = ((0, 20, 10.0), (15, 10, 3.0), (30, 10, 3.0), (45, 10, 3.0))
"""Minute, seconds and factor of bots' starts."""


def weights(seed: int) -> list[float]:
    """Return the weight of each second, of a sum of one; the same for every number of deliveries."""
    drawn = random.Random(seed)
    found = []
    for second in range(DAY):
        hour = second / 3600
        people = sum(share * _bell(hour, middle, width) for share, middle, width in _REGIONS)
        starts = max([factor for minute, long, factor in _HOURLY if 0 <= second % 3600 - minute * 60 < long] or [1.0])
        # more even than people are, and less than clocks: four things have to happen before somebody pushes
        found.append((people + _BOTS / DAY * starts) * drawn.gammavariate(4, 0.25))
    level = sum(found)
    found = [weight / level * (1 - _RELEASES * _RELEASE) for weight in found]
    for _ in range(_RELEASES):
        begin = int(min(max(drawn.gauss(15, 4), 6), 23) * 3600)
        for second in range(begin, begin + 30):
            found[second] += _RELEASE / 30
    return found


def _bell(hour: float, middle: float, width: float) -> float:
    away = min(abs(hour - middle), 24 - abs(hour - middle))
    return math.exp(-((away / width) ** 2) / 2) / (width * 3600 * math.sqrt(2 * math.pi))


def spread(total: float, over: Sequence[float]) -> list[int]:
    """Return whole numbers in proportion to weights of a sum of one, which are the total together."""
    ends = [math.floor(total * part + 0.5) for part in accumulate(over)]
    return [end - begin for begin, end in zip([0, *ends], ends, strict=False)]
