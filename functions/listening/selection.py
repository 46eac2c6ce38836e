"""Which Trigger objects a listener or group selects, as Tekton's sink does (pkg/sink/sink.go selectTriggers)."""

from __future__ import annotations

from collections.abc import Mapping

from functions.model.resources import LabelSelector, Registry, Requirement, Trigger, TriggerSelector


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
