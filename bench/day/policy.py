"""What is simulated: a load, a deployment, and how the product goes about limits, before and now."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from bench.day.scaling import Size
from functions.adapters.secrets.manager import FEW_VERSIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the product does where a limit is near."""

    name: str
    listed_seconds: float
    """After how long versions are listed again without a need."""
    by_number: int
    """Up to this number of the newest version none is listed; 0: a list that is refused fails the delivery."""
    hints: int
    """Of a run's events, how many are looked at, and GitHub asked for."""
    remembers: bool
    """`reconcile` asks no more about what it has found to stand."""
    paced: bool
    """What can wait is left out where GitHub's limit is near, and GitHub's wish to wait is followed."""


BEFORE = Policy(name="before", listed_seconds=600.0, by_number=0, hints=7, remembers=False, paced=False)
NOW = Policy(name="now", listed_seconds=math.inf, by_number=FEW_VERSIONS, hints=2, remembers=True, paced=True)
POLICIES = {policy.name: policy for policy in (BEFORE, NOW)}


EVENTS = (
    ("check_run, check_suite, workflow_run, workflow_job, status", 0.45, 20.0),
    ("push", 0.18, 12.0),
    ("pull_request and its reviews", 0.17, 28.0),
    ("issue_comment", 0.08, 15.0),
    ("large pushes and releases", 0.002, 1_000.0),
    ("others", 0.118, 8.0),
)
"""What is delivered, its share, and kilobytes: assumed, after webhooks of organisations that take all events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A day. Shares are of all deliveries."""

    deliveries: int = 1_000_000
    forged: float = 0.01
    creates: float = 0.05
    """Deliveries that create one run; the others are filtered out by their triggers."""
    asks: float = 0.02
    """Deliveries whose interceptors ask GitHub (owners, changed files) and find no kept answer."""
    triggers: int = 10
    """Of a listener, each of which looks at each delivery."""
    kilobytes: float = sum(share * size for _, share, size in EVENTS)
    """Of a body, on the average."""
    secrets: int = 200
    """Keys of webhooks, each of some repositories or a team."""
    version: int = 5
    """The number of each secret's newest version: a year of quarterly rotation."""
    run_seconds: float = 300.0
    statuses: bool = True
    installations: int = 8
    """Owners at GitHub, of equal shares; limits are for each."""
    clusters: int = 2
    queue: bool = True
    deployed_at: int = 16 * 3600
    """The second in which a deployment replaces all instances."""
    seed: int = 2026
    webhook: Size = field(default_factory=Size)
    worker: Size = field(default_factory=lambda: Size(max_instances=3, concurrency=8))
    report: Size = field(default_factory=lambda: Size(max_instances=3))
