"""Where the compiled listeners come from: files, loaded at start, or the cluster, read by deliveries."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from functions.adapters import logs
from functions.common.destinations import refusal
from functions.common.errors import ConfigurationError
from functions.common.ports import Deadline
from functions.entrypoints.accesses import KubeconfigReader, home_namespaces
from functions.entrypoints.grouping import CHECK_SECONDS, lacking, ordered
from functions.entrypoints.heralds import status_lacks
from functions.entrypoints.parts import Parts, put_together
from functions.listening.listeners import prepare
from functions.listening.prepared import Listener, problems
from functions.listening.routing import Listeners, served
from functions.model.load import load_path
from functions.settings import Settings

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


class FileListeners(Struct, frozen=True):
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


def load_files(settings: Settings, kubeconfig_file: KubeconfigReader) -> tuple[ListenerSource, Parts]:
    """Return the listeners of a file source, compiled, and the parts that they need."""
    listeners = FileListeners(load_listeners(settings))
    parts = put_together(settings, namespaces=listeners.namespaces, kubeconfig_file=kubeconfig_file)
    for lack in _lacking_rights(listeners.listeners.values(), parts):
        logs.write("ERROR", lack)
    return listeners, parts


def _lacking_rights(listeners: Iterable[Listener], parts: Parts) -> Iterator[str]:
    """Ask for the rights that triggers with concurrency groups need; others pay for no question."""
    if parts.api is None or not (places := ordered(listeners)):
        return
    yield from lacking(
        {"": parts.api, **parts.apis}, places, Deadline(time.monotonic() + CHECK_SECONDS, time.monotonic)
    )


def read_cluster(settings: Settings, kubeconfig_file: KubeconfigReader) -> tuple[ListenerSource, Parts]:
    """Return the listeners of a cluster, of which nothing is read yet, and the parts that they need."""
    # other sources do not pay for its import
    from functions.adapters.kubernetes.source.listeners import ClusterListeners  # noqa: PLC0415 -- see above

    opened: list[ClusterListeners] = []

    def namespaces() -> frozenset[str]:  # asked by a delivery, when there is the source
        return opened[0].namespaces()

    parts = put_together(settings, namespaces=namespaces, kubeconfig_file=kubeconfig_file)
    if parts.api is None or parts.access is None:
        raise ConfigurationError("TRIGGERS_SOURCE: cluster needs KUBECONFIG_SECRET or KUBECONFIG")
    if "/" not in settings.event_listener:
        logs.write(
            "WARNING",
            "TRIGGERS_SOURCE=cluster without EVENT_LISTENER=NAMESPACE/NAME: whoever may create an EventListener where "
            "the account may list them is served, and what its templates create is created with the account's rights",
        )
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
