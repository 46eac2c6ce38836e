"""What a trigger's manifests ask for: which of its runs are of a concurrency group, and how. Compiled at load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from msgspec import Struct

from functions.common.errors import LastingError
from functions.common.event_facts import EventFacts
from functions.common.lenient import at, object_at, text_at
from functions.common.numbers import whole
from functions.common.shown import shown
from functions.common.values import Json, Provider
from functions.concurrency.marks import (
    API_VERSION,
    CANCELLATION,
    MODES,
    PENDING,
    Stamp,
    bounded,
    group_key,
    is_cancellation,
)
from functions.model.annotations import CANCEL, GROUP, LIMIT, PREFIX

MAX_LIMIT = 1_000
_MODES = {"true": MODES[0], "false": "", **{mode: mode for mode in MODES}}
_REFERENCE = "$("


class Grouped(Struct, frozen=True, kw_only=True):
    """One run, or one Cancellation, that is of a group."""

    position: int
    text: str = ""
    """The listener's group; empty where the resource has its own, which is rendered with it."""
    mode: str
    limit: int = 0
    namespace: str = ""
    """As the template has it; empty where it names none."""


class Concurrency(Struct, frozen=True):
    """Which resources of one template are of a group."""

    resources: tuple[Grouped, ...]
    provider: Provider
    """Whose times the verified body has; empty: a delivery's time is that of its receipt."""

    def rights(self, own: str, clusters: Sequence[str]) -> frozenset[tuple[str, str, str]]:
        """Return what it takes on PipelineRuns: clusters, namespaces, verbs. A group alone lists, and changes nothing.

        `own` is where runs go that name no namespace. One that an event names is known when it comes.
        """
        return frozenset(
            (clusters[entry.position] if clusters else "", entry.namespace or own, verb)
            for entry in self.resources
            if _REFERENCE not in entry.namespace
            for verb in (("list", "patch") if entry.mode or entry.limit else ("list",))
        )

    def mark(self, resources: Sequence[dict[str, Json]], facts: EventFacts, *, listener: str, namespace: str) -> None:
        """Mark rendered resources, whose metadata is the caller's; `namespace` is theirs where they name none.

        Raises LastingError for a group without a text.
        """
        stamp = Stamp.of(facts)
        for entry in self.resources:
            _mark(resources[entry.position], entry, stamp, listener=listener, namespace=namespace)


def concurrency(
    resources: Sequence[Mapping[str, Json]], *, listener: Mapping[str, str], provider: Provider
) -> Concurrency | None:
    """Compile the annotations of a template's resources, and its listener's; None when nothing asks for a group.

    Raises LastingError for what means nothing where it stands.
    """
    default = _listeners(listener)
    found = []
    for position, resource in enumerate(resources):
        entry = _resource(position, resource, default)
        if entry is not None:
            found.append(entry)
    return Concurrency(tuple(found), provider) if found else None


def _listeners(annotations: Mapping[str, str]) -> Mapping[str, str]:
    found = {name: annotations[name] for name in (GROUP, CANCEL, LIMIT) if name in annotations}
    if _REFERENCE in found.get(GROUP, "") or not found.get(GROUP, "-").strip():
        raise LastingError(f"the annotation {GROUP} of an EventListener must be a text without params")
    _mode(found)
    _limit(found)
    return found


def _resource(position: int, resource: Mapping[str, Json], default: Mapping[str, str]) -> Grouped | None:
    annotations = object_at(resource, "metadata", "annotations")
    asked = {name: value for name, value in annotations.items() if name in (GROUP, CANCEL, LIMIT)}
    for name, value in asked.items():
        if not isinstance(value, str):
            raise LastingError(f"the annotation {name} must be a string: put it in quotes")
    own = cast("dict[str, str]", asked)
    if str(resource.get("apiVersion")).startswith(PREFIX):
        return _cancellation(position, resource, own, default)
    kind = str(resource.get("kind"))
    if kind != "PipelineRun" or not str(resource.get("apiVersion")).startswith("tekton.dev/"):
        if own:
            raise LastingError(f"the annotation {min(own)} means nothing on a {shown(kind)}: PipelineRuns have groups")
        return None
    if GROUP not in own and GROUP not in default:
        if own:
            raise LastingError(f"the annotation {min(own)} means nothing without {GROUP}")
        return None
    if not own.get(GROUP, "-").strip():
        raise LastingError(f"the annotation {GROUP} is empty: say what the runs have in common")
    both = {**default, **own}
    text = "" if GROUP in own else default[GROUP]
    return Grouped(position=position, text=text, mode=_mode(both), limit=_limit(both), namespace=_namespace(resource))


def _cancellation(
    position: int, resource: Mapping[str, Json], own: Mapping[str, str], default: Mapping[str, str]
) -> Grouped:
    if not is_cancellation(resource):
        raise LastingError(f"{PREFIX}… has nothing but kind {CANCELLATION} of apiVersion {API_VERSION}")
    spec = object_at(resource, "spec")
    if not text_at(spec, "concurrencyGroup").strip() or len(spec) > 1:
        raise LastingError(f"a {CANCELLATION}'s spec must be concurrencyGroup, a text, and nothing else")
    if not own.keys() <= {CANCEL}:
        raise LastingError(
            f"a {CANCELLATION} has its group in spec.concurrencyGroup; of the annotations {CANCEL} alone"
        )
    mode = _mode({CANCEL: "true", **{name: value for name, value in default.items() if name == CANCEL}, **own})
    if not mode:
        if CANCEL in own:
            raise LastingError(f"the annotation {CANCEL} of a {CANCELLATION} must not be false")
        mode = MODES[0]
    return Grouped(position=position, mode=mode, namespace=_namespace(resource))


def _mode(annotations: Mapping[str, str]) -> str:
    value = annotations.get(CANCEL, "false")
    if value not in _MODES:
        raise LastingError(f'the annotation {CANCEL} must be "true", "false", {", ".join(MODES[:-1])} or {MODES[-1]}')
    return _MODES[value]


def _limit(annotations: Mapping[str, str]) -> int:
    if LIMIT not in annotations:
        return 0
    number = whole(annotations[LIMIT])
    if number is None or not 1 <= number <= MAX_LIMIT:
        raise LastingError(f"the annotation {LIMIT} must be a number from 1 to {MAX_LIMIT}, without params")
    return number


def _mark(resource: dict[str, Json], entry: Grouped, stamp: Stamp, *, listener: str, namespace: str) -> None:
    metadata = resource.setdefault("metadata", {})
    if not isinstance(metadata, dict):
        raise LastingError("metadata of a resource with a concurrency group is not an object")
    annotations = dict(object_at(metadata, "annotations"))
    cancellation = is_cancellation(resource)
    written = text_at(resource, "spec", "concurrencyGroup") if cancellation else text_at(annotations, GROUP)
    text = entry.text or written.strip()
    if not text:
        raise LastingError(f"the {GROUP} of a resource is empty for this event: bind what runs have in common")
    namespace = str(metadata.get("namespace") or namespace)
    key = group_key(listener, namespace, text)
    for name in (CANCEL, LIMIT):
        annotations.pop(name, None)
    annotations |= {GROUP: bounded(text), **stamp.annotations()}
    if entry.mode:
        annotations[CANCEL] = entry.mode
    if entry.limit:
        annotations[LIMIT] = str(entry.limit)
        resource["spec"] = {**object_at(resource, "spec"), "status": PENDING}
    metadata["annotations"] = annotations
    metadata["labels"] = {**object_at(metadata, "labels"), GROUP: key}
    if cancellation:
        metadata.setdefault("name", f"cancel-{key[:10]}")


def _namespace(resource: Mapping[str, Json]) -> str:
    return str(at(resource, "metadata", "namespace") or "")
