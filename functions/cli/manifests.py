"""The options that say which manifests are meant, and their texts."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click
from msgspec import Struct

from functions.cli.output import options
from functions.cli.types import LISTENER, NAMESPACE, THERE
from functions.common.errors import ConfigurationError
from functions.listening.listeners import prepare
from functions.listening.routing import Listeners, choose
from functions.model.load import load_documents, read_manifests
from functions.settings import Settings, read_settings

F = TypeVar("F", bound=Callable[..., Any])


class Selection(Struct, frozen=True):
    """Which manifests, and which listener of them."""

    settings: Settings

    @classmethod
    def of(cls, *, triggers: str = "", listener: str = "", namespace: str = "") -> Selection:
        """Read the settings; options go before the environment. Raises ConfigurationError."""
        given = {"TRIGGERS_SOURCE": triggers, "EVENT_LISTENER": listener, "NAMESPACE": namespace}
        settings = read_settings({**os.environ, **{name: value for name, value in given.items() if value}})
        if settings.triggers_source == "cluster":
            raise click.UsageError("TRIGGERS_SOURCE is cluster, and this command reads files: give --triggers PATH")
        return cls(settings)

    def listeners(self, source: str = "") -> Listeners:
        """Load and compile all listeners of the manifests, or of others. Raises ManifestError."""
        registry = load_documents(
            read_manifests(source or self.settings.triggers_source), namespace=self.settings.namespace
        ).registry
        prepared = [
            prepare(found, registry, outbound_hosts=self.settings.outbound_hosts)
            for found in registry.listeners.values()
        ]
        return {listener.path: listener for listener in prepared}

    def listener(self, path: str, source: str = "") -> Any:
        """Return the listener that a request's path is for.

        Raises click.UsageError when --listener or EVENT_LISTENER names none, ManifestError and BadRequestError.
        """
        listeners = self.listeners(source)
        try:
            return choose(listeners, self.settings.event_listener, path)
        except ConfigurationError as error:
            raise click.UsageError(error.reason) from error


triggers_option: Callable[[F], F] = click.option(
    "--triggers", type=THERE, default="", metavar="PATH", help="Manifest file or directory [TRIGGERS_SOURCE]."
)
namespace_option: Callable[[F], F] = click.option(
    "--namespace", type=NAMESPACE, default="", help="Namespace of manifests that name none [NAMESPACE]."
)


triggers_options: Callable[[F], F] = options(
    triggers_option,
    click.option(
        "--listener", type=LISTENER, default="", metavar="[NS/]NAME", help="Listener to serve [EVENT_LISTENER]."
    ),
    namespace_option,
)


def texts_of(paths: Sequence[str]) -> dict[str, bytes]:
    """Return the texts of several files and directories, by name. Raises ManifestError."""
    texts: dict[str, bytes] = {}
    for path in paths:
        texts.update(read_manifests(path))
    return texts
