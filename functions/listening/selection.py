"""Which triggers a listener has, and in which order, as Tekton's sink goes through them (pkg/sink/sink.go)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from functions.model.resources import (
    EventListener,
    InlineTrigger,
    LabelSelector,
    Registry,
    Requirement,
    Trigger,
    TriggerRef,
    TriggerSelector,
)


class Entry(Struct, frozen=True):
    """One trigger of a listener."""

    trigger: InlineTrigger | Trigger | TriggerRef
    """The reference itself when it leads nowhere."""
    position: int = -1
    """Among those that the listener lists; -1 for a selected one."""
    group: int = -1
    """The position of the trigger group that selects it; -1 without one."""


def entries(listener: EventListener, registry: Registry) -> Iterator[Entry]:
    """Yield what the listener lists, then what it selects, then what its groups select."""
    namespace = listener.metadata.namespace
    for position, listed in enumerate(listener.triggers):
        found = registry.triggers.get((namespace, listed.name)) if isinstance(listed, TriggerRef) else None
        yield Entry(found or listed, position=position)
    for trigger in selected_triggers(listener.selector, registry, namespace=namespace):
        yield Entry(trigger)
    for number, group in enumerate(listener.groups):
        for trigger in selected_triggers(group.selector, registry, namespace=namespace):
            yield Entry(trigger, group=number)


def selected_triggers(selector: TriggerSelector, registry: Registry, *, namespace: str) -> list[Trigger]:
    """Return the selected Triggers by namespace and name.

    Without a namespaceSelector the listener's own `namespace` counts; `*` means every namespace only when it is the
    sole entry. With neither selector given, nothing is selected.
    """
    if selector.namespaces is None and selector.labels is None:
        return []
    names = selector.namespaces or ()
    if not names:
        if selector.labels is None:
            return []
        names = (namespace,)
    everywhere = names == ("*",)
    labels = selector.labels or LabelSelector()
    return [
        trigger
        for (trigger_namespace, _), trigger in sorted(registry.triggers.items())
        if (everywhere or trigger_namespace in names) and matches(labels, trigger.metadata.labels)
    ]


def matches(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    """Say whether labels satisfy a selector, as Kubernetes' labels.Selector does."""
    return all(labels.get(key) == value for key, value in selector.match_labels.items()) and all(
        _satisfies(requirement, labels) for requirement in selector.match_expressions
    )


def _satisfies(requirement: Requirement, labels: Mapping[str, str]) -> bool:
    value = labels.get(requirement.key)
    if requirement.operator == "In":
        return value is not None and value in requirement.values
    if requirement.operator == "NotIn":
        return value is None or value not in requirement.values
    if requirement.operator == "Exists":
        return value is not None
    return value is None
