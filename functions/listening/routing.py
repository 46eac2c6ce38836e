"""Which listener a request is for: the one that is served, or the one that its path names."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote

from functions.common.errors import BadRequestError, ConfigurationError
from functions.listening.prepared import Listener

Listeners = Mapping[str, Listener]
"""Listeners by `namespace/name`."""


def served(listeners: Listeners, event_listener: str, *, several: bool = False) -> Listener | None:
    """Return the listener that answers on every path, None where the path has to choose.

    `event_listener` is `name`, `namespace/name` or empty. With `several` the source has held more than one: the last
    one that is seen never answers for the others. Raises ConfigurationError when there is no such listener, or several.
    """
    if not listeners and not (several and not event_listener):
        raise ConfigurationError("TRIGGERS_SOURCE: there is no EventListener", ["TRIGGERS_SOURCE: no EventListener"])
    known = ", ".join(sorted(listeners))
    if event_listener:
        found = [path for path in listeners if event_listener in (path, path.partition("/")[2])]
        if len(found) == 1:
            return listeners[found[0]]
        wrong = "several listeners have that name; give NAMESPACE/NAME" if found else "there is no such listener"
        mistake = f"EVENT_LISTENER: {event_listener}: {wrong} (there are: {known})"
        raise ConfigurationError(mistake, [mistake])
    return next(iter(listeners.values())) if len(listeners) == 1 and not several else None


def choose(listeners: Listeners, event_listener: str, path: str, *, several: bool = False) -> Listener:
    """Return the listener for a request's path and query. Raises BadRequestError (404) when the path names none."""
    listener = served(listeners, event_listener, several=several)
    if listener is not None:
        return listener
    named = listeners.get(named_by(path))
    if named is None:
        raise BadRequestError("there is no such listener: the path must start with /NAMESPACE/NAME", status=404)
    return named


def named_by(path: str) -> str:
    """Return the `namespace/name` that a request's path and query begin with, empty when it can be none's."""
    parts = [unquote(part) for part in path.partition("?")[0].split("/")][1:3]
    return "" if any("/" in part for part in parts) else "/".join(parts)
