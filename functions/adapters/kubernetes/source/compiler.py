"""Compiles listeners from a cluster's objects, keeping those that nothing has changed for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from functions.common.destinations import refusal
from functions.listening.listeners import prepare
from functions.listening.prepared import Listener, PreparedTrigger, problems
from functions.listening.routing import Listeners
from functions.model.resources import EventListener, Registry

_LOG = logging.getLogger(__name__)
_ABSENT = object()
_MAPPINGS = Registry.__struct_fields__

K = TypeVar("K")
V = TypeVar("V")


class _Use(Struct):
    """What compiling one listener looked up in one mapping of the registry."""

    found: dict[object, object] = field(default_factory=dict)
    """By key; `_ABSENT` where there was nothing."""
    whole: bool = False
    """The mapping was gone through, so another entry would matter too."""

    def holds(self, mapping: Mapping[object, object]) -> bool:
        """Say whether a lookup in `mapping` would find the very same."""
        if self.whole and self.found.keys() != mapping.keys():
            return False
        return all(mapping.get(key, _ABSENT) is value for key, value in self.found.items())


class _Watched(Mapping[K, V]):
    """A mapping that notes what is looked up in it."""

    def __init__(self, mapping: Mapping[K, V], use: _Use) -> None:
        self._mapping = mapping
        self._use = use

    def __getitem__(self, key: K) -> V:
        self._use.found[key] = self._mapping.get(key, _ABSENT)
        return self._mapping[key]

    def __iter__(self) -> Iterator[K]:
        self._use.whole = True
        return iter(self._mapping)

    def __len__(self) -> int:
        self._use.whole = True
        return len(self._mapping)


class _Compiled(Struct, frozen=True):
    """A listener, what it was made of, and everything that it referred to then."""

    listener: Listener
    origin: object
    uses: Mapping[str, _Use]

    def holds(self, origin: object, registry: Registry) -> bool:
        """Say whether compiling it again would give the same."""
        return self.origin is origin and all(use.holds(getattr(registry, name)) for name, use in self.uses.items())


Lacks = Callable[[Listener], Mapping[str, str]]
"""Says by trigger what it asks of the deployment in vain."""


def no_lacks(_listener: Listener) -> Mapping[str, str]:
    """Say that nothing is lacking."""
    return {}


class Compiler:
    """Compiles what changed and keeps the rest. Not for two threads at a time."""

    def __init__(
        self,
        outbound_hosts: frozenset[str],
        *,
        allow_unverified: bool,
        clusters: frozenset[str] | None = None,
        lacks: Lacks = no_lacks,
    ) -> None:
        """`clusters` are the names that an annotation may have, None for any.

        `lacks` gives what triggers ask of the deployment in vain.
        """
        self._clusters = clusters
        self._lacks = lacks
        self._outbound_hosts = outbound_hosts
        self._allow_unverified = allow_unverified
        self._compiled: dict[str, _Compiled] = {}

    def compile(self, registry: Registry) -> Listeners:
        """Return all listeners by path, logging once what can never work in one of them.

        An EventListener that was never without mistakes is a listener whose only trigger always fails: its path, or
        EVENT_LISTENER, must not mean another one meanwhile.
        """
        origins: dict[str, EventListener | str] = {
            f"{namespace}/{name}": found for (namespace, name), found in registry.listeners.items()
        }
        for (kind, namespace, name), wrong in registry.invalid.items():
            if kind == "EventListener":
                origins[f"{namespace}/{name}"] = wrong
        before, self._compiled = self._compiled, {}
        for path, origin in origins.items():
            known = before.get(path)
            if known is None or not known.holds(origin, registry):
                compiled = _compile(path, origin, registry, self._outbound_hosts, self._clusters)
                self._log_problems(compiled.listener, known.listener if known else None)
                known = compiled
            self._compiled[path] = known
        anew = sum(self._compiled[path] is not before.get(path) for path in origins)
        _LOG.info("the cluster's triggers have been read: %d listener(s), %d of them compiled anew", len(origins), anew)
        return MappingProxyType({path: compiled.listener for path, compiled in self._compiled.items()})

    def _log_problems(self, listener: Listener, before: Listener | None) -> None:
        known = problems(before, allow_unverified=self._allow_unverified) if before else {}
        for trigger, problem in problems(listener, allow_unverified=self._allow_unverified).items():
            if known.get(trigger) != problem:
                _LOG.error("listener %s: trigger %s can never run: %s", listener.path, trigger, problem)
        lacked = self._lacks(before) if before else {}
        for trigger, lack in self._lacks(listener).items():
            if lacked.get(trigger) != lack:
                _LOG.error("listener %s: trigger %s: %s", listener.path, trigger, lack)
        wrong = refusal(listener.cloud_event_uri, self._outbound_hosts)
        if wrong and (before is None or before.cloud_event_uri != listener.cloud_event_uri):
            _LOG.error("listener %s: no CloudEvents are sent: cloudEventURI: %s", listener.path, wrong)


def _compile(
    path: str,
    origin: EventListener | str,
    registry: Registry,
    outbound_hosts: frozenset[str],
    clusters: frozenset[str] | None,
) -> _Compiled:
    if isinstance(origin, str):
        namespace, _, name = path.partition("/")
        problem = f"EventListener {path} is not valid: {origin}"
        broken = PreparedTrigger(name="", namespace=namespace, identity=path, problem=problem)
        return _Compiled(Listener(name, namespace, "", (broken,), takes_forms=False), origin, {})
    uses = {name: _Use() for name in _MAPPINGS}
    watched = replace(registry, **{name: _Watched(getattr(registry, name), use) for name, use in uses.items()})
    return _Compiled(prepare(origin, watched, outbound_hosts=outbound_hosts, clusters=clusters), origin, uses)
