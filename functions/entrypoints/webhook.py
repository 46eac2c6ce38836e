"""The `webhook` entry point: puts its parts together once, then turns each request into outcomes and a reply."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec import Struct, field

from functions.adapters import logs
from functions.adapters.http import exchange
from functions.adapters.http.room import share
from functions.adapters.http.tenants import Place, Tenants
from functions.adapters.kubernetes.kubeconfig.file import KubeconfigFile
from functions.adapters.logs import DeliveryLog
from functions.adapters.outbound.cloud_events import notify, reply_headers
from functions.common.errors import BadRequestError, ConfigurationError, LastingError, PassingError
from functions.common.limits import Limits
from functions.common.ports import Deadline, Services, Sink
from functions.common.tracing import UNTRACED, Tracer
from functions.delivery import Delivery
from functions.entrypoints.accesses import KubeconfigReader
from functions.entrypoints.heralds import buttons_of, herald_of
from functions.entrypoints.listeners import ListenerSource, load_files, read_cluster
from functions.entrypoints.misconfigured import Misconfigured
from functions.entrypoints.parts import unusable_files
from functions.entrypoints.traces import project_of, tracer_of
from functions.listening.prepared import Listener
from functions.listening.routing import choose, named_by
from functions.outcomes.report import Report
from functions.pipeline import process
from functions.settings import Settings, read_settings, require_cluster

if TYPE_CHECKING:
    from flask import Request

    from functions.status.buttons import Buttons
    from functions.status.notices import Herald

DELIVERY_SECONDS = 8.0
"""What one delivery may take, retries included: GitHub gives up after ten seconds."""


class Webhook(Struct, frozen=True):
    """Serves deliveries. Immutable; shared by all request threads."""

    settings: Settings
    listeners: ListenerSource
    services: Services
    sink: Sink
    project: str
    tracer: Tracer = UNTRACED
    herald: Herald | None = None
    buttons: Buttons | None = None
    tenants: Tenants = field(default_factory=Tenants)

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
        known = named if self.listeners.knows(named) else ""
        with self.tenants.place(known, size=request.content_length) as place:
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
        notify(self.services.outbound, listener, delivery, report, deadline=limits.deadline)
        return report


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
        load = read_cluster if settings.triggers_source == "cluster" else load_files
        listeners, parts = load(settings, kubeconfig_file)
    except ConfigurationError as error:
        return Misconfigured(error)
    for wrong in unusable_files(settings, parts, Deadline(time.monotonic() + DELIVERY_SECONDS, time.monotonic)):
        logs.write("ERROR", f"deliveries will fail until this is mended: {wrong}")
    project = project_of(settings, environment)
    tracer, herald = tracer_of(settings, project), herald_of(settings, parts)
    tenants, buttons = Tenants(environment.get("THREADS", "")), buttons_of(settings, parts)
    return Webhook(settings, listeners, parts.services, parts.sink, project, tracer, herald, buttons, tenants=tenants)
