"""What instances ask of Secret Manager: values, and which versions there are."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from itertools import accumulate

from bench.day import facts
from bench.day.policy import Policy
from bench.day.quotas import Window
from functions.adapters.secrets.limits import Allowance, Limits
from functions.adapters.secrets.manager import LISTS, LISTS_A_SECOND, MAX_VERSIONS

AHEAD_SECONDS = Limits().ahead
"""How old a value is when it is read anew."""
OWN = 2
"""The function's own secrets, read as `latest`: the kubeconfig, and a token or an App's key."""


@dataclass(slots=True)
class Instances:
    """The secrets that the instances of a service know, and the quotas of the project."""

    policy: Policy
    secrets: int
    version: int
    """The number of the newest version; it and none before is enabled."""
    drawn: random.Random
    accesses: Window = field(default_factory=lambda: Window(facts.ACCESSES, 60))
    lists: Window = field(default_factory=lambda: Window(facts.LISTS, 60))
    read: float = 0.0
    _known: list[dict[int, list[float]]] = field(default_factory=list)
    """For each instance, when a secret was read and its versions listed."""
    _lists: list[Allowance] = field(default_factory=list)
    """What each instance lets itself list, now."""
    _shares: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        # some tenants are a hundred times as busy as others
        self._shares = list(accumulate(1 / (number + 3) for number in range(self.secrets)))

    def replace(self) -> None:
        """Forget everything: the instances are new."""
        self._known.clear()
        self._lists.clear()

    def deliver(self, now: float, deliveries: int, alive: int) -> int:
        """Let deliveries verify; return how many could not, since nothing told which versions there are."""
        del self._known[alive:], self._lists[alive:]
        while len(self._known) < alive:
            self._known.append({})
            self._lists.append(Allowance(burst=LISTS, rate=LISTS_A_SECOND))
        failed = 0
        for secret in self.drawn.choices(range(self.secrets), cum_weights=self._shares, k=deliveries):
            instance = int(self.drawn.random() * alive)
            known = self._known[instance]
            failed += not self._verified(known, secret, now, self._lists[instance])
            for own in range(OWN):
                self._refresh(known, -1 - own, now)
        return failed

    def _refresh(self, known: dict[int, list[float]], secret: int, now: float) -> None:
        last = known.get(secret)
        if last is None or now - last[0] >= AHEAD_SECONDS:
            self._ask(now, 1)
            known[secret] = [now, math.inf]

    def _verified(self, known: dict[int, list[float]], secret: int, now: float, lists: Allowance) -> bool:
        last = known.get(secret)
        if last is not None and now - last[0] < AHEAD_SECONDS:
            return True
        if last is not None and now - last[1] < self.policy.listed_seconds:
            self._ask(now, 1)
            last[0] = now
            return True
        self._ask(now, 1)
        by_number = self.policy.by_number
        if by_number and (self.version <= by_number or not lists.take(now)):
            self._ask(now, min(self.version, MAX_VERSIONS) - 1)
        elif not self.lists.take(now):
            if not by_number:
                return False
            self._ask(now, min(self.version, MAX_VERSIONS) - 1)
        known[secret] = [now, now]
        return True

    def _ask(self, now: float, number: int) -> None:
        self.accesses.take(now, number)
        self.read += number
