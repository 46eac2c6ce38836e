"""Keeps the last good state of every object that a cluster held, and makes a Registry of them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct, field

from functions.adapters.kubernetes.source.reader import Key, Object
from functions.common.lenient import text_at, texts_at
from functions.model.decode import CLUSTER_SCOPED
from functions.model.findings import ManifestError
from functions.model.load import decode_object
from functions.model.resources import REGISTRY_FIELDS, Metadata, Registry, Resource, Source, Trigger, TriggerSpec

_LOG = logging.getLogger(__name__)

SOURCE = Source("cluster")


class _Held(Struct, frozen=True):
    """One object: the version that was seen last, and the last one without mistakes."""

    uid: str
    version: str
    resource: Resource | None
    problem: str = ""
    """What is wrong with the version that was seen last."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Those of an object that was never without mistakes, for selectors to find it all the same."""


class Objects:
    """What is known of a cluster's objects. Not for two threads at a time."""

    def __init__(self) -> None:
        self._held: dict[Key, _Held] = {}
        self._registry = Registry()

    def update(self, found: Mapping[Key, Object]) -> Registry:
        """Take over what was found, decoding what has changed; the very same registry when nothing has.

        An object with mistakes keeps its last good state; one that never had any is `invalid`. Either is logged, once
        for each of its versions.
        """
        held = {key: self._one(key, entry) for key, entry in found.items()}
        if held.keys() != self._held.keys() or any(held[key] is not self._held[key] for key in held):
            self._held, self._registry = held, _registry(held)
        return self._registry

    def _one(self, key: Key, found: Object) -> _Held:
        uid, version = text_at(found, "metadata", "uid"), text_at(found, "metadata", "resourceVersion")
        before = self._held.get(key)
        if before is not None and before.uid != uid:  # another object of the same name
            before = None
        if before is not None and version and before.version == version:
            return before
        last_good = before.resource if before else None
        try:
            resource = decode_object(found, source=SOURCE, namespace=key[1])
        except ManifestError as error:
            for mistake in error.mistakes:
                _LOG.error("%s", mistake)
            kept = "its last good state serves on" if last_good else "it is left out"
            _LOG.error("%s has mistakes as it now stands in the cluster: %s", named(key), kept)
            return _Held(uid, version, last_good, _summary(error), texts_at(found, "metadata", "labels"))
        # decode_object gives None only for other groups and kinds, and only ours were listed
        return _Held(uid, version, resource)


def named(key: Key) -> str:
    """Return how texts name an object: `Trigger team/build`, `ClusterTriggerBinding build`."""
    kind, namespace, name = key
    return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"


def _summary(error: ManifestError) -> str:
    first = error.found[0]
    text = ": ".join(part for part in (first.path, first.message) if part)
    return f"{text} (the log lists all {len(error.found)} mistakes)" if len(error.found) > 1 else text


def _registry(held: Mapping[Key, _Held]) -> Registry:
    kinds: dict[str, dict[object, Resource]] = {name: {} for name in REGISTRY_FIELDS.values()}
    invalid: dict[Key, str] = {}
    for key, entry in held.items():
        kind, namespace, name = key
        resource = entry.resource
        if resource is None:
            invalid[key] = entry.problem
            if kind != "Trigger":
                continue
            resource = Trigger(Metadata(name, namespace, entry.labels), TriggerSpec((), None), SOURCE)
        kinds[REGISTRY_FIELDS[kind]][name if kind in CLUSTER_SCOPED else (namespace, name)] = resource
    fields = {name: MappingProxyType(found) for name, found in kinds.items()}
    # the keys and values of each mapping fit its field: both were chosen by kind
    return Registry(**fields, invalid=MappingProxyType(invalid))  # type: ignore[arg-type] # see the line above
