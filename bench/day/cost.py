"""What a day and a month cost, by published prices."""

from __future__ import annotations

import math
from collections.abc import Mapping

from bench.day import facts
from bench.day.simulation import EVENTS_A_RUN, Day

DAYS = 30
LOG_BYTES = 3_000
"""Of one delivery: infra/README.md."""
OUTGOING_BYTES = 10_000
"""Of one creation, to a cluster outside Google Cloud: infra/README.md."""


def used(day: Day, services: facts.Services) -> Mapping[str, float]:
    """Return what a day uses, in the units that are charged."""
    load, webhook, report = day.load, day.webhook, day.report
    made = day.ends.created + day.ends.queued
    start = services.cold + services.platform
    # the worker makes what was queued, one after the other in the worst case
    worker = math.ceil((services.create_wait + services.create_cpu) * 10) / 10 * day.ends.queued
    seconds = webhook.busy + webhook.starts * start
    told = report.busy + report.starts * start + worker
    return {
        "cpu": seconds * load.webhook.cpu + told,
        "memory": seconds * load.webhook.memory + told * load.report.memory,
        "idle cpu": webhook.idle * load.webhook.cpu,
        "idle memory": webhook.idle * load.webhook.memory,
        "requests": day.ends.together
        - day.ends.refused
        + day.ends.queued
        + (made * EVENTS_A_RUN if load.statuses else 0),
        "accesses": day.secrets.read,
        "outgoing": made * OUTGOING_BYTES / 1e9,
        "logs": day.ends.together * LOG_BYTES / 1e9,
    }


PRICES = {
    "cpu": facts.CPU_SECOND,
    "memory": facts.GIB_SECOND,
    "idle cpu": facts.IDLE_CPU_SECOND,
    "idle memory": facts.GIB_SECOND,
    "requests": facts.REQUEST,
    "accesses": facts.ACCESS,
    "outgoing": facts.OUTGOING_GB,
    "logs": facts.LOG_GB,
}


def of_day(day: Day, services: facts.Services) -> float:
    """Return US dollars, without a free tier."""
    return sum(amount * PRICES[name] for name, amount in used(day, services).items())


def of_month(day: Day, services: facts.Services) -> Mapping[str, float]:
    """Return US dollars of thirty such days by what is charged, the free tier of a billing account taken off."""
    return {
        name: max(0.0, amount * DAYS - facts.FREE.get(name, 0.0)) * PRICES[name]
        for name, amount in used(day, services).items()
    }
