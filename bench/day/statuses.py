"""What GitHub is told of runs, within its limits: by the webhook and `report` at once, and by `reconcile`."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field

from bench.day import facts
from bench.day.policy import Load, Policy
from bench.day.quotas import Window
from functions.adapters.github.answers import Answer
from functions.adapters.github.pace import Pace
from functions.common.errors import PassingError
from functions.status.reconcile import MAX_TOLD, SETTLED_SECONDS

SWEEP_EVERY = 600
SWEEP_SECONDS = 270.0 * 0.7
"""What a sweep has, once concurrency groups had their share."""


@dataclass(slots=True)
class Hub:
    """One installation's limits at GitHub."""

    calls: Window = field(default_factory=lambda: Window(facts.CALLS_AN_HOUR, 3600))
    points: Window = field(default_factory=lambda: Window(facts.POINTS_A_MINUTE, 60))
    minute: Window = field(default_factory=lambda: Window(facts.CONTENT_A_MINUTE, 60))
    hour: Window = field(default_factory=lambda: Window(facts.CONTENT_AN_HOUR, 3600))

    def ask(self, now: float, *, write: bool) -> None:
        """Take one call. Raises PassingError as our client does when GitHub refuses."""
        if not self.calls.take(now):
            raise PassingError("primary limit", retry_after=3600 - now % 3600)
        allowed = self.points.take(now, facts.WRITE_POINTS if write else facts.READ_POINTS) >= 1
        if write:
            allowed = bool(self.minute.take(now)) and bool(self.hour.take(now)) and allowed
        if not allowed:
            raise PassingError("secondary limit", retry_after=facts.REFUSED_SECONDS)


@dataclass(slots=True)
class Run:
    """One run, and what GitHub shows of it."""

    hub: int
    created: float
    ends: float
    shown: str = ""
    pending_at: float | None = None
    end_at: float | None = None
    settled: bool = False


@dataclass(slots=True)
class Telling:
    """All that is told in a day."""

    load: Load
    policy: Policy
    drawn: random.Random
    now: float = 0.0
    hubs: list[Hub] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    lost: int = 0
    """Calls that were refused, or not made since GitHub had asked to wait."""
    going_on: int = 0
    most_going_on: int = 0
    _due: dict[int, list[Run]] = field(default_factory=lambda: defaultdict(list))
    _paces: list[Pace] = field(default_factory=list)
    _report: Pace | None = None
    _sweep: Pace | None = None

    def __post_init__(self) -> None:
        self.hubs = [Hub() for _ in range(self.load.installations)]
        self._report, self._sweep = self._pace(), self._pace()

    def begin(self, now: float, instance: int) -> None:
        """Create a run, by a webhook's instance, which tells that it is pending."""
        hub = int(self.drawn.random() * len(self.hubs))
        lasts = self.load.run_seconds * self.drawn.lognormvariate(-0.32, 0.8)
        run = Run(hub, now, now + lasts)
        self._due[int(run.ends)].append(run)
        self.going_on += 1
        self.most_going_on = max(self.most_going_on, self.going_on)
        if not self.load.statuses:
            return
        self.runs.append(run)
        while len(self._paces) <= instance:
            self._paces.append(self._pace())
        self.now = now
        self._tell(run, "pending", self._paces[instance])
        # what Tekton says while the run goes on; at once here, as it changes nothing
        for _ in range(self.policy.hints - 1):
            self._tell(run, "pending", self._report)

    def end(self, now: int) -> int:
        """End the runs of a second; return how many."""
        ended = self._due.pop(now, [])
        self.going_on -= len(ended)
        self.now = now
        for run in ended if self.load.statuses else ():
            self._tell(run, "ended", self._report)
        return len(ended)

    def asked(self, now: float, number: int) -> None:
        """Let interceptors ask GitHub."""
        self.now = now
        for _ in range(number):
            try:
                self.hubs[int(self.drawn.random() * len(self.hubs))].ask(now, write=False)
            except PassingError:
                self.lost += 1

    def sweep(self, now: int) -> None:
        """Run `reconcile`, oldest change first."""
        spent, told = 0.0, 0
        stopped: set[int] = set()
        for run in self.runs:
            if run.settled or run.hub in stopped:
                continue
            if spent > SWEEP_SECONDS or told >= MAX_TOLD:
                break
            self.now = now + spent
            if self.policy.paced and self._sweep and self._sweep.scarce(f"{run.hub}/x"):
                stopped.add(run.hub)
                continue
            spent += facts.SWEEP_CALL_SECONDS
            wanted = "ended" if run.ends <= now else "pending"  # as the runs were listed
            if not self._call(run, self._sweep, write=False):
                stopped.add(run.hub)
            elif run.shown == wanted:
                changed = run.ends if wanted == "ended" else run.created
                run.settled = self.policy.remembers and wanted == "ended" and self.now - changed > SETTLED_SECONDS
            else:
                spent += 1 + 3 * facts.SWEEP_CALL_SECONDS
                told += self._tell(run, wanted, self._sweep)

    def _tell(self, run: Run, state: str, pace: Pace | None) -> bool:
        if not self._call(run, pace, write=False) or run.shown == state:
            return False
        if state == "pending" and self.policy.paced and pace and pace.near(f"{run.hub}/x"):
            return False
        if not self._call(run, pace, write=True):
            return False
        run.shown = state
        if state == "ended":
            run.end_at = self.now
        else:
            run.pending_at = self.now
        return True

    def _call(self, run: Run, pace: Pace | None, *, write: bool) -> bool:
        hub = self.hubs[run.hub]
        try:
            if not self.policy.paced or pace is None:
                hub.ask(self.now, write=write)
                return True
            with pace.asking(f"{run.hub}/x", writes=write):
                hub.ask(self.now, write=write)
        except PassingError:
            self.lost += 1
            return False
        left = {
            "x-ratelimit-limit": str(facts.CALLS_AN_HOUR),
            "x-ratelimit-remaining": f"{hub.calls.left(self.now):.0f}",
        }
        pace.heard(Answer(200, left, b"", f"/repos/{run.hub}/x"))
        return True

    def _pace(self) -> Pace:
        return Pace(by_owner=True, clock=lambda: self.now)
