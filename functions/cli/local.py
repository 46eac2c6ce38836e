"""The function on this machine: the real one, watched, reloaded when its manifests change, every delivery kept."""

from __future__ import annotations

import contextlib
import io
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from msgspec import Struct

from functions.adapters.http import exchange
from functions.cli.admin import OwnKubeconfig
from functions.cli.needs import secret_refs
from functions.cli.output import coloured, progress, visible
from functions.cli.recorded import Recorded
from functions.cli.trace import TriggerTrace, Watch
from functions.common.errors import PipehookError
from functions.common.limits import Limits
from functions.common.ports import Deadline, Sink, Work
from functions.common.values import Outcome
from functions.delivery import Delivery, repository_name
from functions.entrypoints.misconfigured import Misconfigured
from functions.entrypoints.webhook import Webhook, start
from functions.lint.views import Views
from functions.listening.prepared import Listener
from functions.model.load import load_path
from functions.outcomes.report import Report

if TYPE_CHECKING:
    from flask import Request

    from functions.status.notices import Notice


class _Current(Struct):
    """One request, while it is served."""

    watch: Watch
    delivery: Delivery | None = None
    traces: Sequence[TriggerTrace] = ()


SECONDS = 8.0
_CURRENT: ContextVar[_Current] = ContextVar("current")
_COLOURS = {"ERROR": "red", "CRITICAL": "red", "WARNING": "yellow"}


class Arrival(Struct, frozen=True):
    """One delivery that came in, and what became of it."""

    number: int
    recorded: Recorded
    status: int
    reply: Mapping[str, Any]
    traces: tuple[TriggerTrace, ...]
    milliseconds: float
    repository: str
    event_id: str

    @property
    def event(self) -> str:
        """The event's name."""
        return self.recorded.delivery().event_name or "(no event)"


class LocalFunction:
    """Answers requests as the deployed function does. Shared by all threads."""

    def __init__(
        self, environment: Callable[[], Mapping[str, str]], *, on_arrival: Callable[[Arrival], None], triggers: str
    ) -> None:
        """`environment` is asked at each load; `triggers` is the file or directory that is watched."""
        self._environment = environment
        self._on_arrival = on_arrival
        self._triggers = Path(triggers)
        self._lock = threading.Lock()
        self._numbers = 0
        self._stop = threading.Event()
        self._seen = self._fingerprint()
        self._kubeconfig = cache(OwnKubeconfig)  # a plugin is not asked again because a manifest changed
        self.mistakes: tuple[str, ...] = ()
        """What is wrong with the configuration and the manifests as they are now; what serves may be older."""
        self._handler = self._load()

    @property
    def working(self) -> bool:
        """Whether the configuration and the manifests are right."""
        return isinstance(self._handler, Webhook)

    def __call__(self, request: Request) -> exchange.Response:
        """Answer one request, and hand on what came of a delivery."""
        began = time.monotonic()
        current = _Current(Watch())
        token = _CURRENT.set(current)
        try:
            answer = self._handler(request)
        finally:
            _CURRENT.reset(token)
        if current.delivery is not None:
            self._on_arrival(self._arrival(current, current.delivery, answer, (time.monotonic() - began) * 1000))
        return answer

    def _arrival(
        self, current: _Current, delivery: Delivery, answer: exchange.Response, milliseconds: float
    ) -> Arrival:
        with self._lock:
            self._numbers += 1
            number = self._numbers
        text, status, _ = answer
        recorded = Recorded(
            headers=tuple((name, value) for name, values in delivery.headers.items() for value in values),
            body=delivery.body,
            path=delivery.path,
            received_at=delivery.received_at,
        )
        try:
            repository = repository_name(delivery.event(forms=True).body)
        except PipehookError:
            repository = ""
        traces = tuple(current.traces)
        return Arrival(number, recorded, status, json.loads(text), traces, milliseconds, repository, delivery.event_id)

    def keys(self) -> Iterator[bytes]:
        """Yield the keys and tokens that the manifests' secrets hold now, as far as they can be read."""
        handler = self._handler
        if not isinstance(handler, Webhook) or handler.settings.triggers_source == "cluster":
            return
        with contextlib.suppress(PipehookError):
            registry = load_path(self._triggers, namespace=handler.settings.namespace).registry
            for ref in secret_refs(Views(registry, handler.settings.outbound_hosts)):
                with contextlib.suppress(PipehookError):
                    yield from handler.services.secrets.accepted(
                        ref, Deadline(time.monotonic() + SECONDS, time.monotonic)
                    )

    def watch_files(self) -> None:
        """Look at the manifests twice a second and load them again when they change, until `close`."""
        while not self._stop.wait(0.5):
            self.reload_if_changed()

    def reload_if_changed(self) -> bool:
        """Load the manifests again if they have changed; say whether they had."""
        fingerprint = self._fingerprint()
        if fingerprint == self._seen:
            return False
        self._seen = fingerprint
        handler = self._load()
        if isinstance(handler, Misconfigured) and self.working:
            progress(coloured("The manifests have mistakes: what was loaded before serves on.", "yellow"))
        else:
            self._handler = handler
            progress(coloured("The manifests have changed and were loaded again.", "green"))
        return True

    def close(self) -> None:
        """End `watch_files`."""
        self._stop.set()

    def _load(self) -> Webhook | Misconfigured:
        loaded = start(self._environment(), kubeconfig_file=self._kubeconfig)
        if not isinstance(loaded, Webhook):
            self.mistakes = loaded.mistakes
            return loaded
        self.mistakes = ()
        return _WatchedWebhook(
            loaded.settings,
            loaded.listeners,
            loaded.services,
            _WatchedSink(loaded.sink),
            loaded.project,
            loaded.tracer,
            _WatchedHerald(),
        )

    def _fingerprint(self) -> tuple[tuple[str, int, int], ...]:
        try:
            files = sorted(self._triggers.iterdir()) if self._triggers.is_dir() else [self._triggers]
            found = [(str(file), file.stat()) for file in files]
        except OSError:
            return ()
        return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in found)


class _WatchedWebhook(Webhook, frozen=True):
    """The webhook, its parts watched for the delivery that is being served."""

    def _deliver(self, delivery: Delivery, limits: Limits, started: float) -> exchange.Response:
        _CURRENT.get().delivery = delivery
        return super()._deliver(delivery, limits, started)

    def _process(self, delivery: Delivery, listener: Listener, limits: Limits) -> Report:
        current = _CURRENT.get()
        report = super()._process(delivery, current.watch.listener(listener), limits)
        current.traces = current.watch.traces(report)
        return report


class _WatchedSink(Struct, frozen=True):
    inner: Sink

    def accept(self, work: Sequence[Work], deadline: Deadline) -> list[Outcome]:
        """Note the work and hand it on."""
        return _CURRENT.get().watch.sink(self.inner).accept(work, deadline)


class _WatchedHerald:
    def announce(self, ends: Sequence[tuple[Work, Outcome]], notices: Sequence[Notice], deadline: Deadline) -> None:
        """Keep what would be told; nothing is told from here."""
        _CURRENT.get().watch.herald.announce(ends, notices, deadline)


class LogLines(io.TextIOBase):
    """Standard output of a local function: its structured log lines become lines for people on standard error."""

    def __init__(self, beyond: TextIO) -> None:
        self._beyond = beyond

    def write(self, text: str) -> int:
        """Write one line of the log, or what is none as it is."""
        for line in text.splitlines():
            try:
                entry = json.loads(line)
                severity, message = str(entry["severity"]), str(entry["message"])
            except (ValueError, KeyError, TypeError):
                self._beyond.write(visible(line) + "\n")
                continue
            progress(f"{coloured(severity.ljust(8), _COLOURS.get(severity, 'white'))} {message}")
        return len(text)
