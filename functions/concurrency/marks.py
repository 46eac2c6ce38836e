"""What stands on a run of a concurrency group: written where a template is rendered, read from what the cluster has.

The group is a label, by which its runs are listed, and an annotation for people. The event's time is its sender's, from
the verified body, so that the order of runs is that of events, however late their deliveries come.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from enum import Enum

from msgspec import Struct

from functions.common.event_facts import EventFacts
from functions.common.lenient import at, object_at, objects_at, text_at, texts_at
from functions.common.shown import shown
from functions.common.values import Json
from functions.model.annotations import CANCEL, GROUP, KEY_ANNOTATION, LIMIT, PREFIX

EVENT_TIME = f"{PREFIX}event-time"
BEFORE = f"{PREFIX}event-before"
AFTER = f"{PREFIX}event-after"
"""The commits between which a push has moved its ref."""
API_VERSION, CANCELLATION = "pipehook.dev/v1", "Cancellation"
PENDING = "PipelineRunPending"
RUNS = "tekton.dev/v1"
"""Where the runs are listed that a Cancellation is about."""
MODES = ("CancelledRunFinally", "Cancelled", "StoppedRunFinally")
"""What `spec.status` of a PipelineRun takes to end it."""
MAX_GROUP = 200
"""Characters of a group's text that its annotation shows."""

_DIGITS = re.compile(r"[0-9]{1,18}")


class Stamp(Struct, frozen=True, kw_only=True):
    """Where an event stands among others: seconds since 1970 by its sender's clock; of pushes, the commits, too."""

    time: int
    before: str = ""
    after: str = ""

    @classmethod
    def of(cls, facts: EventFacts) -> Stamp:
        """Return the stamp of an event."""
        return cls(time=max(0, int(facts.time)), before=facts.before, after=facts.sha if facts.before else "")

    @classmethod
    def read(cls, annotations: Mapping[str, str]) -> Stamp:
        """Return the stamp that annotations hold; without one, that of the oldest event."""
        time = annotations.get(EVENT_TIME, "")
        seconds = int(time) if _DIGITS.fullmatch(time) else 0
        return cls(time=seconds, before=annotations.get(BEFORE, ""), after=annotations.get(AFTER, ""))

    def annotations(self) -> dict[str, Json]:
        """Return the annotations that hold it."""
        pushed: dict[str, Json] = {BEFORE: self.before, AFTER: self.after} if self.before and self.after else {}
        return {EVENT_TIME: str(self.time), **pushed}


class Group(Struct, frozen=True, kw_only=True):
    """One concurrency group, as its runs are found."""

    key: str
    """The label's value, which messages show as well: its text is the event's."""
    namespace: str
    api_version: str = RUNS
    cluster: str = ""

    @property
    def selector(self) -> str:
        """The label selector of its runs."""
        return f"{GROUP}={self.key}"


class State(Enum):
    """How far a run is."""

    PENDING = "pending"
    RUNNING = "running"
    ENDED = "ended"


class Member(Struct, frozen=True, kw_only=True):
    """One run of a group, as it was when it was read."""

    name: str
    version: str
    """The resourceVersion: a patch that carries it changes this state of the run and no later one."""
    created: str
    stamp: Stamp
    state: State
    told: bool = False
    """It has been told to end."""
    mode: str = ""
    """How it wants older runs to end, empty where it wants none to."""
    limit: int = 0
    """How many of its group may run, itself among them; 0 for any number."""
    key: str = ""
    """Of the delivery that has made it."""


def group_key(listener: str, namespace: str, text: str) -> str:
    """Return the label's value for a group: of one listener (`namespace/name`), in one namespace."""
    digest = hashlib.sha256()
    for part in (listener, namespace, text):
        raw = part.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "big"))
        digest.update(raw)
    return digest.hexdigest()[:40]


def member(run: Mapping[str, Json]) -> Member:
    """Return a run of the cluster as a member of its group; what is missing or strange counts as not there."""
    metadata, asked = object_at(run, "metadata"), at(run, "spec", "status")
    annotations = texts_at(metadata, "annotations")
    mode, limit = annotations.get(CANCEL, ""), annotations.get(LIMIT, "")
    ended = _has_ended(run) or "deletionTimestamp" in metadata
    state = State.ENDED if ended else State.PENDING if asked == PENDING else State.RUNNING
    return Member(
        name=str(metadata.get("name", "")),
        version=str(metadata.get("resourceVersion", "")),
        created=str(metadata.get("creationTimestamp", "")),
        stamp=Stamp.read(annotations),
        state=state,
        told=isinstance(asked, str) and asked not in ("", PENDING),
        mode=mode if mode in MODES else "",
        limit=int(limit) if limit.isascii() and limit.isdigit() else 0,
        key=annotations.get(KEY_ANNOTATION, "").partition(".")[0],
    )


def group_of(resource: Mapping[str, Json], *, namespace: str, cluster: str = "") -> Group | None:
    """Return the group of a run or a Cancellation that is marked; `namespace` is where it goes if it names none."""
    key = text_at(resource, "metadata", "labels", GROUP)
    if not key:
        return None
    return Group(
        key=key,
        namespace=str(at(resource, "metadata", "namespace") or namespace),
        api_version=RUNS if is_cancellation(resource) else str(resource.get("apiVersion", RUNS)),
        cluster=cluster,
    )


def is_cancellation(resource: Mapping[str, Json]) -> bool:
    """Say whether a resource is done and not created."""
    return resource.get("apiVersion") == API_VERSION and resource.get("kind") == CANCELLATION


def bounded(text: str) -> str:
    """Return a group's text as an annotation and messages show it."""
    return shown(text, MAX_GROUP)


def _has_ended(run: Mapping[str, Json]) -> bool:
    return bool(at(run, "status", "completionTime")) or any(
        condition.get("type") == "Succeeded" and condition.get("status") in ("True", "False")
        for condition in objects_at(run, "status", "conditions")
    )
