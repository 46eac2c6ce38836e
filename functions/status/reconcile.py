"""The sweep of `reconcile`: every run that is told of and has changed lately, compared with what the provider shows."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec import Struct, field

from functions.common.errors import LastingError, PassingError, PipehookError
from functions.common.lenient import at
from functions.common.ports import Deadline
from functions.common.shown import listed
from functions.common.values import Json, Provider
from functions.status.marks import order_of, place_of, target_of
from functions.status.settle import Teller
from functions.status.values import CLUSTER, Run, Target
from functions.status.words import condition, seconds

MAX_TOLD = 200
"""Statuses that one sweep tells: an hour's allowance of GitHub for what creates content is 500."""
PAUSE_SECONDS = 1.0
"""Between two calls that write, as GitHub asks for it:
https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api"""
OUTAGE = 3
"""So many contexts in a row that fail in passing are an outage: one alone that always does holds up no other."""

SETTLED_SECONDS = 900.0
"""How long after the last change of its runs what stands at a target stays: nobody tells anything later."""
AGAIN_SECONDS = 6 * 3600.0
"""After so long it is compared again all the same: somebody else may have told something under this context."""
MAX_SETTLED = 100_000


class Settled:
    """What stands as it should, so that the next sweep need not ask: with a day's runs it could ask of no others."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[object, float]] = OrderedDict()

    def stands(self, target: Target, runs: Sequence[Run], now: float) -> bool:
        """Say whether these runs, as they are, were found to be shown already."""
        seen, until = self._known.get(target.key, (None, 0.0))
        return now < until and seen == _versions(runs)

    def found(self, target: Target, runs: Sequence[Run], now: float) -> None:
        """Remember that they are shown, unless something may still be under way."""
        versions = _versions(runs)
        if all(versions) and now - max(map(changed, runs)) >= SETTLED_SECONDS:
            self._known[target.key] = versions, now + AGAIN_SECONDS
            self._known.move_to_end(target.key)
            if len(self._known) > MAX_SETTLED:
                self._known.popitem(last=False)


def _versions(runs: Sequence[Run]) -> tuple[str, ...]:
    """Return what changes with any change of any run: names no run twice, in no order."""
    found = []
    for run in runs:
        version = at(run, "metadata", "resourceVersion")
        found.append(f"{'/'.join(place_of(run))}@{version}" if version else "")
    return tuple(sorted(found))


class Summary(Struct):
    """What one sweep came to."""

    looked: int = 0
    """Contexts of commits that were compared."""
    told: int = 0
    left: int = 0
    """Not compared: the bound of a sweep, its time, or a rate limit came first. The next one goes on."""
    failed: int = 0
    reasons: list[str] = field(default_factory=list)
    unlisted: str = ""
    """Why the runs could not be listed at all."""

    @property
    def outcome(self) -> str:
        """`failed` when nothing could be compared, `limited` when something was left, else `done`."""
        if self.unlisted:
            return "failed"
        return "limited" if self.left or self.failed else "done"

    def sentences(self) -> Iterator[str]:
        """Yield what happened, for a person."""
        yield f"{self.looked} compared, {self.told} told, {self.failed} failed, {self.left} left for the next time"
        if self.unlisted:
            yield self.unlisted
        if self.reasons:
            yield listed(dict.fromkeys(self.reasons), separator="; ", most=5)

    def json(self) -> dict[str, Json]:
        """Return the reply's JSON."""
        counts: dict[str, Json] = {name: getattr(self, name) for name in ("looked", "told", "failed", "left")}
        return {"outcome": self.outcome, **counts, "summary": list(self.sentences())}


class Reconcile(Struct, frozen=True, kw_only=True):
    """Compares and tells. `now` is in seconds since 1970."""

    teller: Teller
    runs: Callable[[Deadline], Iterable[Run]]
    """Lists all runs that are told of."""
    now: Callable[[], float]
    sleep: Callable[[float], None]
    lookback_hours: int
    limit: int = MAX_TOLD
    settled: Settled = field(default_factory=Settled)

    def sweep(self, deadline: Deadline) -> Summary:
        """Tell what differs, oldest change first. Raises nothing of the family: the summary says what went wrong."""
        summary = Summary()
        try:
            groups = recent(self.runs(deadline), since=self.now() - self.lookback_hours * 3600)
        except PipehookError as error:
            summary.unlisted = error.reason
            return summary
        limited: set[tuple[Provider, str, Json]] = set()
        failing: Counter[tuple[Provider, str, Json]] = Counter()
        for target, runs in groups:
            if self.settled.stands(target, runs, self.now()):
                summary.looked += 1
                continue
            # one cluster that is away keeps no end from being told that another one knows
            whose = (target.provider, target.repository.partition("/")[0].lower(), runs[-1].get(CLUSTER))
            if summary.told >= self.limit or whose in limited or deadline.remaining() < PAUSE_SECONDS * 2:
                summary.left += 1
                continue
            try:
                self._one(target, runs, summary, deadline)
                failing[whose] = 0
            except PassingError as error:
                failing[whose] += 1
                # a rate limit holds for all that one installation or token may ask; an outage passes for all, too
                if error.retry_after or failing[whose] >= OUTAGE:
                    limited.add(whose)
                summary.left += 1
                summary.reasons.append(error.reason)
            except LastingError as error:
                summary.failed += 1
                summary.reasons.append(error.reason)
        return summary

    def _one(self, target: Target, runs: Sequence[Run], summary: Summary, deadline: Deadline) -> None:
        if self.teller.scarce(target):
            raise PassingError("the rest of the provider's rate limit is left to deliveries and to what ends")
        if self.teller.stands(target, runs, deadline):
            self.settled.found(target, runs, self.now())
        else:
            if summary.told:
                self.sleep(PAUSE_SECONDS)
            read = self.teller.reader(target, {place_of(run) for run in runs})
            summary.told += self.teller.settle(target, read, deadline)
        summary.looked += 1


def recent(runs: Iterable[Run], *, since: float) -> list[tuple[Target, list[Run]]]:
    """Return the runs by target, of which the newest or any other changed after `since`, oldest change first."""
    groups: dict[str, list[tuple[Target, Run]]] = {}
    for run in runs:
        target = target_of(run)
        if target is not None:
            groups.setdefault(target.key, []).append((target, run))
    changes = {key: max(changed(run) for _, run in found) for key, found in groups.items()}
    order = sorted((key for key in groups if changes[key] >= since), key=lambda key: (changes[key], key))
    rows = [sorted(groups[key], key=lambda entry: order_of(entry[1])) for key in order]
    return [(row[-1][0], [run for _, run in row]) for row in rows]


def changed(run: Run) -> float:
    """Return when a run last changed, in seconds since 1970: created, started, or its condition."""
    times = (
        at(run, "metadata", "creationTimestamp"),
        at(run, "status", "startTime"),
        at(run, "status", "completionTime"),
        condition(run).get("lastTransitionTime"),
    )
    return max(map(seconds, times))
