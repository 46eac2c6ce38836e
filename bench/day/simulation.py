"""The day, second by second: deliveries arrive, are verified, filtered or make runs, and every limit is counted."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.day import facts
from bench.day.policy import Load, Policy
from bench.day.queue import Queue
from bench.day.quotas import Window
from bench.day.scaling import Service
from bench.day.secrets import Instances
from bench.day.statuses import SWEEP_EVERY, Telling
from bench.day.traffic import spread, weights

EVENTS_A_RUN = 20
"""Of Tekton, to `report`: of the run, and of its tasks, which are dropped at once."""


SERIES = ("runs", "calls", "content")


@dataclass(slots=True)
class Ends:
    """How deliveries ended; each once."""

    rejected: int = 0
    filtered: int = 0
    created: int = 0
    queued: int = 0
    """202, and created by the worker later."""
    failed: int = 0
    """503: the sweep of redeliveries asks for them again."""
    refused: int = 0
    """429 by Cloud Run, before our process; the sweep again."""

    @property
    def together(self) -> int:
        """All of them."""
        return self.rejected + self.filtered + self.created + self.queued + self.failed + self.refused


@dataclass(slots=True)
class Day:
    """What a day came to."""

    load: Load
    policy: Policy
    ends: Ends
    webhook: Service
    report: Service
    secrets: Instances
    telling: Telling
    creates: Window
    queue: Queue
    arrived: Sequence[int]
    made: int = 0
    """Runs that exist by now."""
    minutes: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in SERIES})
    """At the end of each minute: runs at a time; one installation's calls and content at GitHub in the hour so far."""
    _sent: int = 0

    def events(self) -> int:
        """Return how many events Tekton sends: at once here, as they cost the same whenever they come."""
        found, self._sent = (self.made - self._sent) * EVENTS_A_RUN, self.made
        return found

    def limits(self) -> Mapping[str, float]:
        """Return the part of each limit that was used at the most; from 1 on it binds."""
        hubs = self.telling.hubs
        return {
            "Cloud Run: max_instances of the webhook": max(self.webhook.history) / self.load.webhook.max_instances
            if not self.ends.refused
            else 1.0 + self.ends.refused / self.load.deliveries,
            "Secret Manager: list, 600 a minute and project": self.secrets.lists.used,
            "Secret Manager: access, 90,000 a minute and project": self.secrets.accesses.used,
            "GitHub: calls, 5,000 an hour and installation": max(hub.calls.used for hub in hubs),
            "GitHub: points, 900 a minute and installation": max(hub.points.used for hub in hubs),
            "GitHub: content, 80 a minute and installation": max(hub.minute.used for hub in hubs),
            "GitHub: content, 500 an hour and installation": max(hub.hour.used for hub in hubs),
            "API server: 200 creates a second": self.creates.used,
            "cluster: 300 runs at a time": self.telling.most_going_on / (facts.RUNS_AT_A_TIME * self.load.clusters),
            "Pub/Sub: 3,000 messages outstanding": self.queue.outstanding / facts.PUSH_MOST,
        }


class _Parts:
    """Takes whole numbers out of shares, so that nothing is lost by rounding."""

    def __init__(self, share: float) -> None:
        self._share = share
        self._left = 0.0

    def of(self, number: int) -> int:
        exact = number * self._share + self._left
        self._left = exact - math.floor(exact)
        return min(math.floor(exact), number)


def simulate(load: Load, policy: Policy, services: facts.Services, over: Sequence[float] | None = None) -> Day:
    """Simulate a day. The same arguments give the same day; `over` are weights of seconds other than `weights`."""
    drawn = random.Random(load.seed)
    arrived = spread(load.deliveries, weights(load.seed) if over is None else over)
    start = services.cold + services.platform
    webhook, report = Service(load.webhook, start), Service(load.report, start)
    secrets = Instances(policy, load.secrets, load.version, drawn)
    telling = Telling(load, policy, drawn)
    creates = Window(facts.CREATES_A_SECOND * load.clusters, 1)
    day = Day(load, policy, Ends(), webhook, report, secrets, telling, creates, Queue(load.worker), arrived)
    costs = _costs(load, services)
    shares = _Parts(load.forged), _Parts(load.creates), _Parts(load.asks)
    # what arrives in the last seconds ends behind them
    for now in range(len(arrived) + facts.PENDING_SECONDS + math.ceil(start) + 1):
        if now == load.deployed_at:
            webhook.replace()
            secrets.replace()
        served, refused = webhook.second(now, arrived[now] if now < len(arrived) else 0, **costs)
        day.ends.refused += refused
        _second(day, now, served, shares)
        telling.end(now)
        if load.statuses:
            report.second(now, day.events(), seconds=0.1, cpu=services.reject_cpu, billed=0.1)
            if now % SWEEP_EVERY == 0:
                telling.sweep(now)
        if now % 60 == 59:
            hub = telling.hubs[0]
            for name, value in zip(
                SERIES, (telling.going_on, hub.calls.so_far(now), hub.hour.so_far(now)), strict=True
            ):
                day.minutes[name].append(value)
    return day


def _second(day: Day, now: int, served: int, shares: tuple[_Parts, _Parts, _Parts]) -> None:
    """Let the deliveries of a second end: verified or not, asked about, filtered out, created or queued."""
    forged, creating, asking = shares
    ends, telling = day.ends, day.telling
    bad = forged.of(served)
    failed = day.secrets.deliver(now, served, day.webhook.alive) if served else 0
    good = max(0, served - bad - failed)
    ends.rejected += bad
    ends.failed += served - bad - good
    telling.asked(now, min(asking.of(served), good))
    wanted = min(creating.of(served), good)
    ends.filtered += good - wanted
    # the worker comes after deliveries: Pub/Sub waits, GitHub does not
    taken = int(day.creates.take(now, wanted))
    ends.created += taken
    added = wanted - taken if day.load.queue else 0
    ends.queued += added
    ends.failed += wanted - taken - added
    worked = day.queue.second(now, added, day.creates)
    for _ in range(taken + worked):
        telling.begin(now, int(telling.drawn.random() * max(day.webhook.alive, 1)))
    day.made += taken + worked


def _costs(load: Load, services: facts.Services) -> dict[str, float]:
    """Return what a delivery takes on the average: seconds, processor time, and seconds as Cloud Run charges them."""
    told = services.status_cpu if load.statuses else 0.0
    told_wait = 2 * services.github_wait if load.statuses else 0.0
    verified = services.deliver_cpu + services.kilobyte_cpu * (load.kilobytes - 20)
    verified += services.trigger_cpu * (load.triggers - 3)
    cpu = services.reject_cpu + verified * (1 - load.forged)
    cpu += load.creates * (max(0.0, services.create_cpu - services.reject_cpu - services.deliver_cpu) + told)
    wait = load.creates * (services.create_wait + told_wait) + load.asks * services.github_wait
    # each ends in a step of a tenth of a second of its own: half of one more, on the average, and never less than one
    filtered = 1 - load.creates - load.asks
    billed = 0.1 * filtered + load.asks * (services.github_wait + 0.1)
    billed += load.creates * (services.create_wait + told_wait + services.create_cpu + told + 0.05)
    return {"seconds": cpu + wait, "cpu": cpu, "billed": billed}
