"""What Google, GitHub and clusters allow and charge, as published on 2026-11-26, and what was measured here."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

# https://cloud.google.com/run/docs/about-instance-autoscaling: averages over a minute, against targets of 60%; more at
# once where requests wait; an idle instance is kept for up to 15 minutes; a request waits for up to 10 s, then 429
TARGET = 0.6
WINDOW_SECONDS = 60
IDLE_SECONDS = 900
PENDING_SECONDS = 10

# https://cloud.google.com/secret-manager/quotas: a minute and project
ACCESSES = 90_000
LISTS = 600

# https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api: an installation (or a token). The
# primary limit grows with an organisation, to 12,500, and is 15,000 with Enterprise Cloud. Points: a read 1, a write 5.
CALLS_AN_HOUR = 5_000
POINTS_A_MINUTE = 900
CONTENT_A_MINUTE = 80
CONTENT_AN_HOUR = 500
READ_POINTS = 1
WRITE_POINTS = 5
REFUSED_SECONDS = 60.0
"""What GitHub asks to wait after a secondary limit that names no time."""
SWEEP_CALL_SECONDS = 0.150
"""Assumed: one call of `reconcile`, one after the other."""

# The API server and etcd of one cluster, assumed: some take more. Priority and fairness answers 429 above so many
# creates; 280 to 300 runs at a time is where Konflux caps a cluster, for etcd's sake.
CREATES_A_SECOND = 200
RUNS_AT_A_TIME = 300

# https://cloud.google.com/pubsub/docs/push: a push subscription begins with few messages outstanding (3), and has more
# with each success, up to 3,000 a region
PUSH_FIRST = 3
PUSH_MOST = 3_000

# US dollars, request-based billing, tier 1 (us-central1): https://cloud.google.com/run/pricing,
# https://cloud.google.com/secret-manager/pricing, https://cloud.google.com/stackdriver/pricing, and outgoing data by
# https://cloud.google.com/vpc/pricing. What is queued stays below Pub/Sub's free 10 GiB.
CPU_SECOND = 0.000024
IDLE_CPU_SECOND = 0.0000025
GIB_SECOND = 0.0000025
REQUEST = 0.40 / 1e6
ACCESS = 0.03 / 1e4
OUTGOING_GB = 0.12
LOG_GB = 0.50
FREE = {"cpu": 180_000.0, "memory": 360_000.0, "requests": 2e6, "accesses": 10_000.0, "outgoing": 1.0, "logs": 50.0}
"""A month."""


@dataclass(frozen=True, slots=True)
class Services:
    """Seconds. What was measured on this machine, and the network's part, which is assumed."""

    reject_cpu: float = 0.00172
    """A forgery, framework and log included: bench/README.md, 5 rejecting, 1 KB, processor, each."""
    deliver_cpu: float = 0.000806
    """What a delivery costs beyond that: 2 one delivery, 20 KB, three CEL triggers."""
    kilobyte_cpu: float = (0.0134 - 0.000806) / 980
    """More or less of the body's: 2 one delivery, 1,000 KB and 20 KB."""
    trigger_cpu: float = 0.0000296
    """More or fewer triggers': 4 triggers, 1,000 filtered by one CEL filter, each."""
    create_cpu: float = 1 / 413
    """One that creates, as a whole: 3 many deliveries, 1 worker, concurrency 1."""
    status_cpu: float = 0.010
    """Two calls and their bookkeeping: 7 statuses, of it the status."""
    cold: float = 0.530
    """From the process to the first answer: 1 cold start, Secret Manager, three triggers, processor time."""
    platform: float = 1.0
    """Assumed: what Cloud Run takes before our process starts."""
    create_wait: float = 0.050
    """Assumed: a create over the internet, one way there and back beside the 12.5 ms measured at a real API server."""
    access_wait: float = 0.020
    """Assumed: one call of Secret Manager in the same region."""
    github_wait: float = 0.150
    """Assumed: one call of GitHub."""

    def measured(self, document: dict[str, Any]) -> Services:
        """Return these with what the rows of `python -m bench --output json` say instead."""
        values = {(row["measured"], row["case"]): float(row["value"]) for row in document["rows"]}
        found = {}
        for name, (measured, case, scale) in ROWS.items():
            value = values.get((measured, case))
            if value:
                found[name] = 1 / value if scale == 0 else value * scale
        return replace(self, **found)

    def rows(self) -> dict[str, float]:
        """Return the values by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


ROWS = {
    "reject_cpu": ("5 rejecting", "1 KB, concurrency 8: processor, each", 0.001),
    "deliver_cpu": ("2 one delivery", "20 KB, three CEL triggers", 0.001),
    "trigger_cpu": ("4 triggers", "1,000 filtered by one CEL filter, each", 0.000001),
    "create_cpu": ("3 many deliveries", "1 worker(s), concurrency 1", 0.0),
    "status_cpu": ("7 statuses", "- of it the status", 0.001),
    "cold": ("1 cold start", "Secret Manager, three triggers with CEL, three creates: processor time", 0.001),
}
"""Field: what is measured, the case, and what makes seconds of its value (0: so many a second)."""
