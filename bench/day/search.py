"""At which size of a day each limit first binds, and what that looks like."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from bench.day.facts import Services
from bench.day.policy import Load, Policy
from bench.day.simulation import Day, simulate
from bench.day.traffic import weights

SIZES = (1_000, 3_162, 10_000, 31_623, 100_000, 316_228, 1_000_000, 3_162_278)


def ladder(load: Load, policy: Policy, services: Services, say: Callable[[str], None]) -> Mapping[str, float]:
    """Return for each limit the deliveries a day from which it binds; beyond the ladder as its last step goes on."""
    over = weights(load.seed)
    found: list[tuple[int, Mapping[str, float]]] = []
    for size in SIZES:
        say(f"{policy.name}, statuses {load.statuses}: {size:,} deliveries")
        found.append((size, simulate(replace(load, deliveries=size), policy, services, over).limits()))
    return {name: binds([(size, used[name]) for size, used in found]) for name in found[0][1]}


def binds(points: Sequence[tuple[float, float]]) -> float:
    """Return where a curve through points reaches 1: straight between them in logarithms, and beyond the last."""
    rising = [(size, used) for size, used in points if used > 0]
    for (before, low), (after, high) in pairwise(rising):
        if low < 1 <= high:
            return _crossing(before, low, after, high)
    if rising and rising[0][1] >= 1:
        return rising[0][0]
    if len(rising) < 2 or rising[-1][1] <= rising[-2][1]:
        return math.inf
    return _crossing(*rising[-2], *rising[-1])


def _crossing(before: float, low: float, after: float, high: float) -> float:
    slope = (math.log(high) - math.log(low)) / (math.log(after) - math.log(before))
    return math.exp(math.log(after) - math.log(high) / slope)


def busiest_minute(day: Day) -> float:
    """Return the deliveries a second in the busiest minute of a day."""
    minutes = (sum(day.arrived[begin : begin + 60]) for begin in range(0, len(day.arrived), 60))
    return max(minutes) / 60
