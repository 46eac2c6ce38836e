"""The `webhook` entry point: puts its parts together once, then turns each request into outcomes and a reply."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from functions.adapters import logs
from functions.adapters.http import exchange
from functions.adapters.http.body import turn_away
from functions.adapters.http.room import share
from functions.adapters.http.tenants import Place, Tenants
from functions.adapters.kubernetes.kubeconfig.file import KubeconfigFile
from functions.adapters.logs import DeliveryLog
from functions.adapters.outbound.cloud_events import notify, reply_headers
from functions.common.destinations import refusal
from functions.common.errors import BadRequestError, ConfigurationError, ExhaustedError, LastingError, PassingError
from functions.common.limits import Limits
from functions.common.ports import Deadline, Services, Sink
from functions.common.tracing import UNTRACED, Tracer
from functions.delivery import Delivery
from functions.entrypoints.grouping import CHECK_SECONDS, lacking, ordered
from functions.entrypoints.parts import (
    KubeconfigReader,
    Parts,
    buttons_of,
    herald_of,
    home_namespaces,
    project_of,
    put_together,
    status_lacks,
    tracer_of,
    unusable_files,
)
from functions.listening.listeners import Listener, prepare, problems
from functions.listening.routing import Listeners, choose, named_by, served
from functions.model.load import load_path
from functions.outcomes.report import Report
from functions.pipeline import process
from functions.settings import Settings, read_settings, require_cluster

if TYPE_CHECKING:
    from flask import Request

    from functions.status.buttons import Buttons
    from functions.status.notices import Herald

DELIVERY_SECONDS = 8.0
"""What one delivery may take, retries included: GitHub gives up after ten seconds."""
_HOME = Path(__file__).resolve().parents[2]
"""Where `main.py` stands, and `infra/triggers` with it, in a clone as in what is deployed."""


class ListenerSource(Protocol):
    """Where the compiled listeners come from."""

    @property
    def several(self) -> bool:
        """Whether it has ever held more than one: then the path chooses, also when one alone is left or seen."""

    def knows(self, listener: str) -> bool:
        """Say whether a listener was there when they were last read; nothing is asked."""

    def current(self, deadline: Deadline) -> Listeners:
        """Return the listeners as they are now.

        Raises PassingError when they cannot be known now, and LastingError until somebody mends the cause.
        """


@dataclass(frozen=True, slots=True)
class FileListeners:
    """The listeners of a file source: compiled once, for the instance's life."""

    listeners: Listeners

    @property
    def several(self) -> bool:
        """Whether there is more than one."""
        return len(self.listeners) > 1

    def knows(self, listener: str) -> bool:
        """Say whether a listener was loaded."""
        return listener in self.listeners

    def current(self, deadline: Deadline) -> Listeners:  # noqa: ARG002 -- the form of a source
        """Return what was loaded."""
        return self.listeners

    def namespaces(self) -> frozenset[str]:
        """Return the namespaces of all listeners and triggers, in which secretRefs are looked up."""
        found = {listener.namespace for listener in self.listeners.values()}
        return frozenset(
            found.union(trigger.namespace for listener in self.listeners.values() for trigger in listener.triggers)
        )


@dataclass(frozen=True, slots=True)
class Webhook:
    """Serves deliveries. Immutable; shared by all request threads."""

    settings: Settings
    listeners: ListenerSource
    services: Services
    sink: Sink
    project: str
    tracer: Tracer = UNTRACED
    herald: Herald | None = None
    buttons: Buttons | None = None
    tenants: Tenants = field(default_factory=Tenants, kw_only=True)

    def __call__(self, request: Request) -> exchange.Response:
        """Answer one request."""
        if exchange.is_probe(request):
            return exchange.respond({"status": "ok"})
        started = time.monotonic()
        deadline = Deadline(started + DELIVERY_SECONDS, time.monotonic)
        try:
            with (
                self._place(request) as place,
                exchange.received(request, place.large) as delivery,
                share(len(delivery.body), large=place.large) as memory,
                self.tracer.request("delivery", delivery),
            ):
                return self._deliver(delivery, Limits(deadline, memory), started)
        except BadRequestError as error:
            logs.write("WARNING", f"bad request: {error.reason}", fields={"kind": "delivery", "status": error.status})
            return exchange.refusal(error)
        except PassingError as error:
            logs.write("WARNING", f"not received: {error.reason}", fields={"kind": "delivery", "status": 503})
            return exchange.busy(error)

    @contextmanager
    def _place(self, request: Request) -> Iterator[Place]:
        """Have a place among the deliveries of the listener that the path names, where it has to name one.

        Raises ExhaustedError.
        """
        if self.settings.event_listener or not self.listeners.several:
            yield Place(None)
            return
        named = named_by(exchange.path_of(request))
        with ExitStack() as held:
            try:
                known = named if self.listeners.knows(named) else ""
                place = held.enter_context(self.tenants.place(known, size=request.content_length))
            except ExhaustedError:
                turn_away(request)
                raise
            yield place

    def _deliver(self, delivery: Delivery, limits: Limits, started: float) -> exchange.Response:
        log = DeliveryLog.of(delivery, project=self.project)
        try:
            listeners = self.listeners.current(limits.deadline)
            several = self.listeners.several
            listener = choose(listeners, self.settings.event_listener, delivery.path, several=several)
            report = self._process(delivery, listener, limits)
        except BadRequestError as error:
            log.refused(error.reason, error.status, (time.monotonic() - started) * 1000)
            return exchange.refusal(error, delivery.event_id)
        except PassingError as error:
            log.unserved(error.reason, 503, (time.monotonic() - started) * 1000)
            return exchange.unavailable(error, delivery.event_id)
        except LastingError as error:
            log.unserved(error.reason, 500, (time.monotonic() - started) * 1000)
            return exchange.misconfigured()
        log.reported(report, (time.monotonic() - started) * 1000)
        return exchange.reply(report, reply_headers(delivery, report))

    def _process(self, delivery: Delivery, listener: Listener, limits: Limits) -> Report:
        """Run the pipeline, and tell the listener's cloudEventURI of it."""
        try:
            report = process(
                delivery,
                listener,
                services=self.services,
                sink=self.sink,
                deadline=limits.deadline,
                memory=limits.memory,
                allow_unverified=self.settings.allow_unverified,
                tracer=self.tracer,
                herald=self.herald,
                buttons=self.buttons,
            )
        except BadRequestError as error:
            if error.verified:
                notify(self.services.outbound, listener, delivery, None, deadline=limits.deadline)
            raise
        notify(self.services.outbound, listener, delivery, report, deadline=limits.deadline)
        return report


class Misconfigured:
    """Answers 500 to everything, probes included: a half-configured function never serves."""

    status = 500

    def __init__(self, mistakes: Iterable[str] = ()) -> None:
        """`mistakes` are those of the log, for whoever serves on their own machine."""
        self.mistakes = tuple(mistakes)

    def __call__(self, _request: Request) -> exchange.Response:
        """Answer one request."""
        return exchange.misconfigured(self.status)


def load_listeners(settings: Settings) -> Listeners:
    """Load and compile the listeners of a file source, logging what can never work in one of them.

    Raises ConfigurationError for mistakes of structure and when the listener to serve does not exist.
    """
    given = Path(settings.triggers_source)
    # functions-framework may be started anywhere, with --source naming main.py
    path = _HOME / given if not given.exists() and (_HOME / given).exists() else given
    registry = load_path(path, namespace=settings.namespace).registry
    listeners = {}
    for found in registry.listeners.values():
        listener = prepare(found, registry, outbound_hosts=settings.outbound_hosts, clusters=settings.cluster_names)
        listeners[listener.path] = listener
        if wrong := refusal(listener.cloud_event_uri, settings.outbound_hosts):
            logs.write("ERROR", f"listener {listener.path}: no CloudEvents are sent: cloudEventURI: {wrong}")
        for trigger, lack in status_lacks(listener, settings).items():
            logs.write("ERROR", f"listener {listener.path}: trigger {trigger}: {lack}")
        for trigger, problem in problems(listener, allow_unverified=settings.allow_unverified).items():
            logs.write("ERROR", f"listener {listener.path}: trigger {trigger} can never run: {problem}")
    served(listeners, settings.event_listener)
    return listeners


def _load_files(settings: Settings, kubeconfig_file: KubeconfigReader) -> tuple[ListenerSource, Parts]:
    listeners = FileListeners(load_listeners(settings))
    parts = put_together(settings, namespaces=listeners.namespaces, kubeconfig_file=kubeconfig_file)
    _check_rights(listeners.listeners, parts)
    return listeners, parts


def _check_rights(listeners: Listeners, parts: Parts) -> None:
    """Ask at once for the rights that triggers with concurrency groups need; others pay for no question."""
    for lack in _lacking_rights(listeners.values(), parts):
        logs.write("ERROR", lack)


def _lacking_rights(listeners: Iterable[Listener], parts: Parts) -> Iterator[str]:
    if parts.api is None or not (places := ordered(listeners)):
        return
    apis = {"": parts.api, **{name: cluster.api for name, cluster in parts.clusters.items()}}
    yield from lacking(apis, places, Deadline(time.monotonic() + CHECK_SECONDS, time.monotonic))


def _read_cluster(settings: Settings, kubeconfig_file: KubeconfigReader) -> tuple[ListenerSource, Parts]:
    # other sources do not pay for its import
    from functions.adapters.kubernetes.source.listeners import ClusterListeners  # noqa: PLC0415

    opened: list[ClusterListeners] = []

    def namespaces() -> frozenset[str]:  # asked by a delivery, when there is the source
        return opened[0].namespaces()

    parts = put_together(settings, namespaces=namespaces, kubeconfig_file=kubeconfig_file)
    if parts.api is None or parts.access is None:
        raise ConfigurationError("TRIGGERS_SOURCE: cluster needs KUBECONFIG_SECRET or KUBECONFIG")
    home = home_namespaces(settings, parts.access)

    def lacks(listener: Listener) -> Mapping[str, str]:
        rights = "; ".join(_lacking_rights([listener], parts))
        return {**status_lacks(listener, settings=settings), **({"with groups": rights} if rights else {})}

    opened.append(
        ClusterListeners(
            parts.api,
            home=home,
            event_listener=settings.event_listener,
            outbound_hosts=settings.outbound_hosts,
            allow_unverified=settings.allow_unverified,
            clusters=settings.cluster_names,
            lacks=lacks,
        )
    )
    return opened[0], parts


def start(
    environment: Mapping[str, str] = os.environ, *, kubeconfig_file: KubeconfigReader = KubeconfigFile
) -> Webhook | Misconfigured:
    """Read the configuration and manifests and return what serves; every mistake goes to the log at once.

    Nothing is opened or asked yet but files, a cluster's triggers included: clients are made by the first delivery.
    """
    logs.set_up()
    try:
        settings = read_settings(environment)
        require_cluster(settings)
        load = _read_cluster if settings.triggers_source == "cluster" else _load_files
        listeners, parts = load(settings, kubeconfig_file)
    except ConfigurationError as error:
        logs.write("CRITICAL", f"Pipehook cannot serve: {error.reason}")
        for mistake in error.mistakes:
            logs.write("ERROR", f"mistake: {mistake}")
        return Misconfigured([error.reason, *error.mistakes])
    for wrong in unusable_files(settings, parts, Deadline(time.monotonic() + DELIVERY_SECONDS, time.monotonic)):
        logs.write("ERROR", f"deliveries will fail until this is mended: {wrong}")
    project = project_of(settings, environment)
    tracer, herald = tracer_of(settings, project), herald_of(settings, parts)
    tenants, buttons = Tenants(environment.get("THREADS", "")), buttons_of(settings, parts)
    return Webhook(settings, listeners, parts.services, parts.sink, project, tracer, herald, buttons, tenants=tenants)
