"""Annotations `pipehook.dev/…` of Tekton Triggers' objects, which Tekton ignores; a slip in one is a mistake."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, cast

from functions.common.errors import LastingError
from functions.common.lenient import at, object_at
from functions.common.shown import shown
from functions.common.values import Json

PREFIX = "pipehook.dev/"
OWNERS = f"{PREFIX}owners"
VARIABLES = f"{PREFIX}pipelines-variables"
CLUSTER = f"{PREFIX}cluster"
GROUP = f"{PREFIX}concurrency-group"
CANCEL = f"{PREFIX}cancel-in-progress"
LIMIT = f"{PREFIX}max-in-progress"
KEY_ANNOTATION = f"{PREFIX}delivery-key"
"""Of what Pipehook creates: the delivery that it was created for."""
STATUS = f"{PREFIX}status"
SHA = f"{PREFIX}sha"

Judged = Literal["author", "sender"]
"""Whom githubOwners judges: a pull request's author, or whoever sent the event, as Tekton does."""

_JUDGED = ("author", "sender")
_WRITTEN = frozenset({KEY_ANNOTATION})
"""Pipehook may have created Triggers and templates, too."""
_KNOWN: Mapping[str, frozenset[str]] = {
    "EventListener": frozenset({CANCEL, CLUSTER, GROUP, LIMIT, OWNERS, STATUS, VARIABLES}),
    "Trigger": frozenset({OWNERS}),
    "TriggerTemplate": frozenset({VARIABLES}),
    "resource": frozenset({CANCEL, CLUSTER, GROUP, LIMIT, SHA, STATUS}),
}
_ARTICLED = {
    "EventListener": "an EventListener",
    "Trigger": "a Trigger",
    "TriggerTemplate": "a TriggerTemplate",
    "resource": "a resource of a template",
}


def check(kind: str, annotations: Iterable[str]) -> None:
    """Raise LastingError that names an annotation of ours which means nothing on this kind."""
    for name in annotations:
        if name.startswith(PREFIX) and name not in _KNOWN[kind] and name not in _WRITTEN:
            known = ", ".join(sorted(_KNOWN[kind]))
            raise LastingError(f"the annotation {shown(name)} means nothing on {_ARTICLED[kind]}: known are {known}")


def check_resource(resource: Mapping[str, Json]) -> None:
    """Raise LastingError for an annotation or label of ours that a template's resource may not have.

    What Pipehook writes to say whose a run is stands in such: a template must not be able to say it.
    """
    check("resource", object_at(resource, "metadata", "annotations"))
    for name in object_at(resource, "metadata", "labels"):
        if name.startswith(PREFIX):
            raise LastingError(f"the label {shown(name)} is Pipehook's own: a template cannot set it")


def is_told(resource: Mapping[str, Json]) -> bool:
    """Say whether a rendered resource is marked as one that is told of."""
    return at(resource, "metadata", "labels", STATUS) == "true"


def asks_for_status(resource: Mapping[str, Json]) -> bool:
    """Say whether a template's resource has an annotation of statuses."""
    return not object_at(resource, "metadata", "annotations").keys().isdisjoint((STATUS, SHA))


def has_drawn_keys(resource: Mapping[str, Json]) -> bool:
    """Say whether params make up names of a resource's annotations or labels, which are then known when rendered."""
    paths = ((), ("metadata",), ("metadata", "annotations"), ("metadata", "labels"))
    return any("$(" in name for path in paths for name in object_at(resource, *path))


def asks_for_concurrency(resource: Mapping[str, Json]) -> bool:
    """Say whether a template's resource asks for something that is about other runs, or is a Cancellation."""
    named = not object_at(resource, "metadata", "annotations").keys().isdisjoint((GROUP, CANCEL, LIMIT))
    return named or str(resource.get("apiVersion")).startswith(PREFIX)


def judged(listener: Mapping[str, str], trigger: Mapping[str, str]) -> Judged:
    """Return whom githubOwners judges: as the Trigger says, else the listener, else the author.

    Raises LastingError when it is said wrongly.
    """
    value = trigger.get(OWNERS, listener.get(OWNERS, "author"))
    if value not in _JUDGED:
        raise LastingError(f"the annotation {OWNERS} must be {' or '.join(_JUDGED)}")
    return cast("Judged", value)


def cluster(listener: Mapping[str, str], resource: str, known: frozenset[str] | None) -> str:
    """Return the cluster that a resource goes to: as it says, else the listener; empty: the default one.

    Raises LastingError for one that is not among `known`; None knows all.
    """
    name = resource or listener.get(CLUSTER, "")
    if (known is None and name) or name in (known or ()) or (not name and CLUSTER not in listener):
        return name
    names = ", ".join(sorted(known or ())) or "none"
    raise LastingError(
        f"the annotation {CLUSTER} names {shown(name) or 'nothing'}, which CLUSTERS does not: it has {names}"
    )


def literal(listener: Mapping[str, str], template: Mapping[str, str]) -> bool:
    """Say whether a template's values must never form a variable of Pipelines: it says so, or its listener does.

    Raises LastingError when it is said wrongly.
    """
    values = [annotations[VARIABLES] for annotations in (listener, template) if VARIABLES in annotations]
    if any(value != "literal" for value in values):
        raise LastingError(f"the annotation {VARIABLES} must be literal, or not there")
    return bool(values)
