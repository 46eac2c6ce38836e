"""Triggers that a listener chooses in two ways, as Tekton does, and so starts twice: PH502."""

from __future__ import annotations

from collections.abc import Iterator

from functions.lint.hits import Hit
from functions.lint.views import object_place
from functions.listening.selection import Entry, entries
from functions.model.resources import EventListener, Registry, Trigger


def check(listener: EventListener, registry: Registry) -> Iterator[Hit]:
    """Check one listener. What only groups choose may differ by their interceptors, and is left alone."""
    ways: dict[tuple[str, str], tuple[str | int, ...]] = {}
    for entry in entries(listener, registry):
        if isinstance(entry.trigger, Trigger):
            metadata, way = entry.trigger.metadata, _way(entry, listener)
            first = ways.setdefault((metadata.namespace, metadata.name), way)
            if first != way and "triggerGroups" not in first:
                place, before = (object_place("EventListener", listener, "spec", *steps) for steps in (way, first))
                message = f"each event starts these twice, for {before.text} chooses them, too"
                yield Hit("PH502", place, message, "keep one of them", (f"{metadata.namespace}/{metadata.name}",))


def _way(entry: Entry, listener: EventListener) -> tuple[str | int, ...]:
    if entry.position >= 0:
        return "triggers", entry.position, "triggerRef"
    if entry.group >= 0:
        return "triggerGroups", entry.group, "triggerSelector"
    return ("labelSelector" if listener.selector.namespaces is None else "namespaceSelector",)
