"""The `reconcile` entry point: Cloud Scheduler calls it, and what no event told is told, and groups are settled."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING

from msgspec import Struct

from functions.adapters import logs
from functions.adapters.http import exchange
from functions.common.errors import ConfigurationError, mistaken
from functions.common.ports import Deadline
from functions.entrypoints import scheduled
from functions.entrypoints.misconfigured import Misconfigured
from functions.entrypoints.parts import put_together
from functions.entrypoints.report import teller_of, without_runs
from functions.entrypoints.settling import Settler, Swept, open_settler
from functions.entrypoints.telling import open_runs
from functions.settings import Settings, read_settings, require_cluster
from functions.status.reconcile import Reconcile, Summary

if TYPE_CHECKING:
    from flask import Request

_GROUPS_SHARE = 0.3
"""The part of a run's time that concurrency groups may take beside statuses."""
_SEVERITY = {"done": "INFO", "limited": "WARNING", "failed": "ERROR"}
_ONE_AT_A_TIME = threading.Lock()


class Reconciling(Struct, frozen=True):
    """Serves Cloud Scheduler. Immutable."""

    sweep: Reconcile | None
    """None without a token of any provider: then concurrency groups alone are settled."""
    settler: Settler
    seconds: float = scheduled.RUN_SECONDS

    def __call__(self, request: Request) -> exchange.Response:
        """Run one sweep and answer with its summary: 200, or 503 when the cluster's runs could not be listed."""
        return scheduled.answer(request, _ONE_AT_A_TIME, self._swept)

    def _swept(self) -> exchange.Response:
        started = time.monotonic()
        share = _GROUPS_SHARE if self.sweep else 1.0
        groups = self.settler.sweep(Deadline(started + self.seconds * share, time.monotonic))
        whole = Deadline(started + self.seconds, time.monotonic)
        summary = self.sweep.sweep(whole) if self.sweep else Summary()
        _log(summary, groups)
        failed = summary.outcome == "failed" or groups.unlisted
        status = HTTPStatus.SERVICE_UNAVAILABLE if failed else HTTPStatus.OK
        return exchange.respond(summary.json() | groups.json(), status)


def _log(summary: Summary, groups: Swept) -> None:
    counts = {name: getattr(summary, name) for name in ("looked", "told", "failed", "left")}
    if groups.json():
        said = f"concurrency groups: {groups.cancelled} cancelled, {groups.released} begun, {groups.failed} failed"
        logs.write("WARNING" if groups.failed else "INFO", said, fields={"kind": "groups"})
    severity = "ERROR" if summary.failed or groups.unlisted else _SEVERITY[summary.outcome]
    logs.write(
        severity,
        f"reconcile {summary.outcome}: " + " | ".join(summary.sentences()),
        labels={"outcome": summary.outcome},
        fields={"kind": "reconcile", **counts},
    )


def _open(settings: Settings, environment: Mapping[str, str], sleep: Callable[[float], None]) -> Reconciling:
    require_cluster(settings)
    if mistakes := without_runs(settings):
        raise mistaken("the configuration", mistakes)
    parts = put_together(settings, namespaces=frozenset[str])
    sweep = None
    if teller := teller_of(settings, parts):
        sweep = Reconcile(
            teller=teller,
            runs=open_runs(settings, parts).all,
            now=time.time,
            sleep=sleep,
            lookback_hours=settings.reconcile_lookback_hours,
        )
    return Reconciling(sweep, open_settler(settings, parts), scheduled.seconds_of(environment))


def start(
    environment: Mapping[str, str] = os.environ, *, sleep: Callable[[float], None] = time.sleep
) -> Reconciling | Misconfigured:
    """Read the configuration and return what serves; every mistake goes to the log at once."""
    logs.set_up()
    try:
        return _open(read_settings(environment), environment, sleep)
    except ConfigurationError as error:
        return Misconfigured(error)
