"""One run of the sweep over several hooks: asks GitHub in small lots and looks what became of each before the next.

The first lot is a single delivery. While the function fails, a run therefore costs one attempt of one delivery for each
hook, and then stops and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from functions.common.errors import LastingError, PassingError, PipehookError
from functions.common.ports import Deadline
from functions.common.tracing import Tracer
from functions.redelivery.summary import HookSummary, Summary
from functions.redelivery.sweep import Answer, Attempt, Failed, Plan, answers, merged, plan

LOT = 10
"""Deliveries that are asked for before GitHub's records are looked at."""
PAUSE_SECONDS = 1.0
"""Between two calls that make GitHub do something, as its rate limits ask for."""
LOOKS = (1.0, 2.0, 3.0, 4.0, 5.0)
"""Seconds before each look at the records: an attempt takes ten seconds at most."""
REFUSALS = 3
"""After so many refusals in a row, GitHub is not asked again for a hook: it is not the single delivery, then."""

Progress = Callable[[str], None]


class Deliveries(Protocol):
    """GitHub's deliveries of hooks. All raise PassingError (rate limits, outages) and LastingError (rights, hooks)."""

    def attempts(self, hook: str, *, since: float, deadline: Deadline) -> tuple[list[Attempt], bool]:
        """Return all attempts since a time, and whether they are all: a very busy hook has more than are read."""

    def newest(self, hook: str, *, deadline: Deadline) -> list[Attempt]:
        """Return a hook's newest attempts, one page."""

    def redeliver(self, hook: str, attempt: int, *, deadline: Deadline) -> None:
        """Ask GitHub to make an attempt again."""


class TracedDeliveries(Struct, frozen=True):
    """Deliveries of which every call is a span: `list` or `redeliver`."""

    deliveries: Deliveries
    tracer: Tracer

    def attempts(self, hook: str, *, since: float, deadline: Deadline) -> tuple[list[Attempt], bool]:
        """Return all attempts since a time."""
        with self.tracer.span("list"):
            return self.deliveries.attempts(hook, since=since, deadline=deadline)

    def newest(self, hook: str, *, deadline: Deadline) -> list[Attempt]:
        """Return the newest attempts."""
        with self.tracer.span("list"):
            return self.deliveries.newest(hook, deadline=deadline)

    def redeliver(self, hook: str, attempt: int, *, deadline: Deadline) -> None:
        """Ask GitHub to make an attempt again."""
        with self.tracer.span("redeliver"):
            self.deliveries.redeliver(hook, attempt, deadline=deadline)


class Bounds(Struct, frozen=True, kw_only=True):
    """How far one run may go."""

    lookback_hours: int
    limit: int
    """Deliveries that GitHub is asked to send again, over all hooks."""
    attempts: int
    """Of one delivery, in all."""
    patient: bool = True
    """Whether what failed again has to wait (`sweep.WAITS`)."""


class Sweep:
    """Runs over hooks. `now` gives seconds since 1970, `sleep` waits."""

    def __init__(self, github: Deliveries, *, now: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._github = github
        self._now = now
        self._sleep = sleep

    def run(
        self,
        hooks: Sequence[str],
        bounds: Bounds,
        *,
        deadline: Deadline,
        dry_run: bool = False,
        progress: Progress = lambda _: None,
    ) -> Summary:
        """Sweep all hooks, one after the other, and return what became of each; `progress` is told in between.

        A hook that cannot be asked about does not keep the others from being swept. Once a rate limit is met or GitHub
        is away, nobody is asked any more.
        """
        summary = Summary(dry_run=dry_run)
        away = ""
        for hook in hooks:
            found = HookSummary(hook=hook, error=away)
            summary.hooks.append(found)
            if away:
                continue
            budget = bounds.limit - summary.total("asked")
            try:
                self._hook(found, bounds, budget, deadline, dry_run=dry_run, progress=progress)
            except PassingError as error:
                again = f"; it asks to wait {error.retry_after:.0f} s" if error.retry_after else ""
                found.error = f"stopped: {error.reason}{again}"
                away = "not swept, since GitHub could not be asked about an earlier hook"
                progress(f"{hook}: {found.error}")
            except PipehookError as error:
                found.error = error.reason
                progress(f"{hook}: {found.error}")
        return summary

    def _hook(
        self, found: HookSummary, bounds: Bounds, budget: int, deadline: Deadline, *, dry_run: bool, progress: Progress
    ) -> None:
        since = self._now() - bounds.lookback_hours * 3600
        progress(f"{found.hook}: reading GitHub's deliveries of the last {bounds.lookback_hours} h")
        attempts, complete = self._github.attempts(found.hook, since=since, deadline=deadline)
        planned = plan(attempts, now=self._now(), most=bounds.attempts, patient=bounds.patient)
        _note(found, planned, attempts=len(attempts), complete=complete)
        progress(f"{found.hook}: {len(attempts)} attempts read, {len(planned.due)} deliveries are due")
        if dry_run:
            found.asked = min(len(planned.due), budget)
            found.left = len(planned.due) - found.asked
            for one in planned.due[: found.asked]:
                progress(f"{found.hook}: would ask for {_line(one)}")
            return
        self._ask(found, planned, budget, deadline, progress)
        if found.refused and not found.asked:
            raise LastingError("GitHub refused every redelivery; the notes say why")

    def _ask(self, found: HookSummary, planned: Plan, budget: int, deadline: Deadline, progress: Progress) -> None:
        todo, waiting = list(planned.due), list(planned.waiting)
        size, refusals = 1, 0
        found.left = len(todo)
        while todo and found.asked < budget:
            if deadline.remaining() < sum(LOOKS) + size * PAUSE_SECONDS:
                found.notes.append("the time for one run was used up; the next run goes on")
                return
            lot: list[Failed] = []
            for one in todo[: min(size, budget - found.asked)]:
                if self._asked(found, one, deadline, progress):
                    lot.append(one)
                    refusals = 0
                else:
                    refusals += 1
                todo.remove(one)
                found.left = len(todo)
                if refusals >= REFUSALS:
                    raise LastingError(f"GitHub refused {refusals} redeliveries in a row; the last reason stands above")
            if not lot:
                continue
            if not self._confirmed(found, lot, deadline, progress):
                found.stopped = True
                return
            # the function works: nobody has to wait any longer, and larger lots are safe
            todo, waiting = merged(todo, waiting), []
            found.waiting, found.left, size = 0, len(todo), LOT

    def _asked(self, found: HookSummary, one: Failed, deadline: Deadline, progress: Progress) -> bool:
        if found.asked:
            self._sleep(min(PAUSE_SECONDS, deadline.remaining()))
        try:
            self._github.redeliver(found.hook, one.newest, deadline=deadline)
        except LastingError as error:
            found.refused += 1
            found.notes.append(f"{one.guid}: {error.reason}")
            return False
        found.asked += 1
        progress(f"{found.hook}: asked for {_line(one)}")
        return True

    def _confirmed(self, found: HookSummary, lot: Sequence[Failed], deadline: Deadline, progress: Progress) -> bool:
        """Wait for the attempts' records and say whether the function can be sent more."""
        seen = answers(lot, ())
        for seconds in LOOKS:
            self._sleep(min(seconds, deadline.remaining()))
            seen = answers(lot, self._github.newest(found.hook, deadline=deadline))
            if len(seen) == len(lot):
                break
        through = sum(answer is Answer.SUCCESS for answer in seen.values())
        failed = sum(answer is Answer.PASSING for answer in seen.values())
        rejected = sum(answer is Answer.REJECTED for answer in seen.values())
        found.came_through += through
        found.failed_again += failed
        progress(f"{found.hook}: of {len(lot)}, {through} came through, {failed} failed again")
        if not seen:
            found.notes.append(
                f"stopped: GitHub has recorded none of {len(lot)} redeliveries yet; the next run goes on"
            )
        elif failed * 2 > len(seen):
            found.notes.append(
                f"stopped: {failed} of {len(seen)} redeliveries failed again: the function or its cluster is still away"
            )
        elif (failed + rejected) * 2 > len(seen):
            found.notes.append(
                f"stopped: {rejected} of {len(seen)} redeliveries were rejected (401): GitHub may send them without "
                "their signature now; push those anew, the next run goes on with the others"
            )
        return bool(seen) and (failed + rejected) * 2 <= len(seen)


def _note(found: HookSummary, planned: Plan, *, attempts: int, complete: bool) -> None:
    found.succeeded, found.lasting = planned.succeeded, planned.lasting
    found.waiting, found.given_up = len(planned.waiting), len(planned.given_up)
    found.out_of_view = planned.out_of_view
    if not complete:
        found.notes.append(f"only the newest {attempts} attempts were read; a shorter look-back leaves none out")
    for one in planned.given_up:
        found.notes.append(f"given up: {_line(one)}; redeliver it by hand once the cause is mended")
    for one in planned.turned_away:
        found.notes.append(
            f"rejected when it was sent again: {_line(one)}; the function's log says why. What GitHub sends again "
            "without a signature, as has been reported, never comes through: push anew"
        )


def _line(one: Failed) -> str:
    answered = f"answered {one.status_code}" if one.status_code else "without an answer"
    return f"{one.event} {one.guid} (attempt {len(one.attempts)} {answered})"
