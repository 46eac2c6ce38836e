"""The `redeliver` entry point: Cloud Scheduler calls it, and it asks GitHub to send failed deliveries again."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, NoReturn

from msgspec import Struct

from functions.adapters import logs
from functions.adapters.github.app import Fetch
from functions.adapters.github.hook_tokens import open_hooks
from functions.adapters.github.hooks import APP
from functions.adapters.http import exchange
from functions.adapters.secrets.sources import open_secrets
from functions.common.errors import ConfigurationError, LastingError, mistaken
from functions.common.ports import Deadline
from functions.common.tracing import UNTRACED, Tracer
from functions.delivery import Delivery, canonical_headers
from functions.entrypoints import scheduled
from functions.entrypoints.identities import fetch_of
from functions.entrypoints.misconfigured import Misconfigured
from functions.entrypoints.scheduled import RUN_SECONDS, seconds_of
from functions.entrypoints.traces import project_of, tracer_of
from functions.redelivery.run import Bounds, Progress, Sweep, TracedDeliveries
from functions.redelivery.summary import Summary
from functions.settings import Settings, read_settings

if TYPE_CHECKING:
    from flask import Request

_SEVERITY = {"done": "INFO", "limited": "WARNING", "stopped": "ERROR", "failed": "ERROR"}
_ONE_AT_A_TIME = threading.Lock()


class HookSweep(Struct, frozen=True, kw_only=True):
    """The sweep of a configuration: what the function and the command line share."""

    hooks: tuple[str, ...]
    bounds: Bounds
    sweep: Sweep

    def run(
        self, *, dry_run: bool = False, progress: Progress = lambda _: None, seconds: float = RUN_SECONDS
    ) -> Summary:
        """Sweep all hooks once, within `seconds`. Raises nothing of the family: the summary says what went wrong."""
        deadline = Deadline(time.monotonic() + seconds, time.monotonic)
        return self.sweep.run(self.hooks, self.bounds, deadline=deadline, dry_run=dry_run, progress=progress)


def open_sweep(
    settings: Settings,
    *,
    patient: bool = True,
    fetch: Fetch | None = None,
    sleep: Callable[[float], None] = time.sleep,
    tracer: Tracer = UNTRACED,
) -> HookSweep:
    """Put the sweep of a configuration together; nothing is asked yet.

    `patient` False: what failed again a short while ago does not wait. `fetch` reads secrets (default: from Secret
    Manager), `tracer` spans what GitHub is asked.

    Raises ConfigurationError when no hooks are configured, or no token for them.
    """
    mistakes = []
    if not settings.github_hooks:
        mistakes.append("GITHUB_HOOKS: not set; name the hooks that are to be swept")
    if not settings.github_token_secret and not settings.github_app_id:
        mistakes.append("GITHUB_TOKEN_SECRET: not set, nor are GITHUB_APP_ID and GITHUB_APP_KEY_SECRET")
    if APP in settings.github_hooks and not settings.github_app_id:
        mistakes.append("GITHUB_HOOKS: app needs GITHUB_APP_ID and GITHUB_APP_KEY_SECRET")
    if mistakes:
        raise mistaken("the configuration", mistakes)
    github = open_hooks(settings, fetch or fetch_of(open_secrets(settings, read_cluster=_no_cluster)))
    return HookSweep(
        hooks=settings.github_hooks,
        bounds=Bounds(
            lookback_hours=settings.redeliver_lookback_hours,
            limit=settings.redeliver_limit,
            attempts=settings.redeliver_attempts,
            patient=patient,
        ),
        sweep=Sweep(TracedDeliveries(github, tracer), now=time.time, sleep=sleep),
    )


def _no_cluster(*_: object) -> NoReturn:
    raise LastingError("the sweep reads no secrets of a cluster")


class Redeliver(Struct, frozen=True):
    """Serves Cloud Scheduler. Immutable."""

    sweep: HookSweep
    seconds: float = RUN_SECONDS
    project: str = ""
    tracer: Tracer = UNTRACED

    def __call__(self, request: Request) -> exchange.Response:
        """Run one sweep and answer with its summary: 200, or 503 when GitHub could not be asked about some hook."""
        return scheduled.answer(request, _ONE_AT_A_TIME, lambda: self._swept(_caller(request)))

    def _swept(self, caller: Delivery) -> exchange.Response:
        with self.tracer.request("sweep", caller):
            started = time.monotonic()
            summary = self.sweep.run(seconds=self.seconds)
            trace = logs.trace_of(caller, project=self.project)
            # before the spans are sent, which is no part of the sweep and may take long
            _log(summary, round((time.monotonic() - started) * 1000, 1), trace)
        status = HTTPStatus.SERVICE_UNAVAILABLE if summary.failed else HTTPStatus.OK
        return exchange.respond(summary.json(), status)


def _caller(request: Request) -> Delivery:
    """Return the request without its body, which says nothing: its headers name the trace that it belongs to."""
    return Delivery(path="/", headers=canonical_headers(request.headers.items()), body=b"", received_at=0.0, nonce="")


def _log(summary: Summary, milliseconds: float, trace: str) -> None:
    names = ("asked", "came_through", "failed_again", "refused", "left", "waiting", "given_up")
    counts = {name: summary.total(name) for name in names}
    severity = _SEVERITY[summary.outcome]
    if counts["given_up"] and severity == "INFO":
        severity = "WARNING"
    fields: dict[str, str | int | float] = {"kind": "sweep", "milliseconds": milliseconds, **counts}
    logs.write(
        severity,
        f"sweep {summary.outcome}: " + " | ".join(summary.sentences()),
        labels={"outcome": summary.outcome},
        trace=trace,
        fields=fields,
    )


def start(environment: Mapping[str, str] = os.environ) -> Redeliver | Misconfigured:
    """Read the configuration and return what serves; every mistake goes to the log at once."""
    logs.set_up()
    try:
        settings = read_settings(environment)
        project = project_of(settings, environment)
        tracer = tracer_of(settings, project)
        sweep = open_sweep(settings, tracer=tracer)
        return Redeliver(sweep, seconds_of(environment), project=project, tracer=tracer)
    except ConfigurationError as error:
        return Misconfigured(error)
