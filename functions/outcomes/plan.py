"""What creating means for a trigger: which objects, whose the existing ones are, which runs have ended. All pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from functions.common.errors import LastingError, PipehookError
from functions.common.lenient import object_at, objects_at, text_at
from functions.common.ports import Work
from functions.common.shown import listed, shown
from functions.common.values import Json, Outcome, ResourceRef, Status
from functions.model.annotations import KEY_ANNOTATION
from functions.outcomes.naming import LISTENER_LABEL, TRIGGER_LABEL, stamp

_RUNS = frozenset(
    {("tekton.dev", "PipelineRun"), ("tekton.dev", "TaskRun"), ("tekton.dev", "CustomRun"), ("batch", "Job")}
)
"""(group, kind) of what runs and ends: without a condition that says so, it has not ended."""
_ENDS = frozenset({"Complete", "Failed"})
"""A Job's conditions that end it when True; Tekton's Succeeded ends a run when True or False."""


class Planned(Struct, frozen=True):
    """One resource as it is to be created."""

    manifest: Mapping[str, Json]
    ref: ResourceRef

    @property
    def group(self) -> str:
        """The API group, empty for core."""
        return self.ref.api_version.rpartition("/")[0]

    @property
    def identity(self) -> tuple[str, str, str, str, str]:
        """What no two objects share: cluster, group (whatever the version), kind, namespace and name."""
        return self.ref.cluster, self.group, self.ref.kind, self.ref.namespace, self.ref.name

    def __str__(self) -> str:
        """Return the object's name as the cluster's own texts begin with it."""
        return str(replace(self.ref, cluster=""))


class State(Enum):
    """What became of one resource."""

    CREATED = "created"
    EXISTED = "existed"
    FAILED = "failed"


class Run(Enum):
    """Whether an object that existed is a run, and whether it has ended."""

    NONE = "none"
    RUNNING = "running"
    ENDED = "ended"


class Result(Struct, frozen=True, kw_only=True):
    """One resource and what became of it; `reason` says why it failed."""

    state: State
    ref: ResourceRef | None = None
    run: Run = Run.NONE
    reason: str = ""
    passing: bool = False
    retry_after: float | None = None

    @classmethod
    def failed(cls, error: PipehookError, about: str = "", *, within: str = "") -> Self:
        """Return the result of a fault. The reason names the resource `about`, unless the error's text does.

        `within` goes before it: the cluster, where it is not the default one.
        """
        reason = within + (error.reason if error.reason.startswith(about) else f"{about}: {error.reason}")
        retry_after = getattr(error, "retry_after", None)
        return cls(state=State.FAILED, reason=reason, passing=error.passing, retry_after=retry_after)


def plan(work: Sequence[Work]) -> list[list[Planned | Result]]:
    """Return what is to be created for each work, in order; a resource that never can be is a failed result.

    Of two resources with one identity the second fails, whether in one template or in two triggers' templates: it
    would find the first and take it for its own.
    """
    owners: dict[tuple[str, str, str, str, str], tuple[Work, int]] = {}
    plans: list[list[Planned | Result]] = []
    for item in work:
        row: list[Planned | Result] = []
        for position in range(len(item.resources)):
            try:
                planned = planned_at(item, position)
            except LastingError as error:
                row.append(Result.failed(error))
                continue
            here = item, position
            other = owners.setdefault(planned.identity, here)
            if other is here:
                row.append(planned)
            else:
                twice = f"{_place(*here)} has the same name as {_place(*other)}"
                row.append(Result.failed(LastingError(f"{planned}: {twice}; use generateName, or another name")))
        plans.append(row)
    return plans


def _place(work: Work, position: int) -> str:
    return f"resource {position + 1} of trigger {work.trigger_namespace}/{work.trigger}"


def planned_at(work: Work, position: int, *, attempt: int = 0) -> Planned:
    """Return one resource as attempt number `attempt` creates it. Raises LastingError, as naming.stamp does."""
    manifest = stamp(work, position, attempt=attempt)
    metadata = object_at(manifest, "metadata")
    ref = ResourceRef(
        api_version=str(manifest["apiVersion"]),
        kind=str(manifest["kind"]),
        namespace=str(metadata["namespace"]),
        name=str(metadata["name"]),
        cluster=work.cluster(position),
    )
    return Planned(manifest, ref)


def stranger(found: Mapping[str, Json], wanted: Mapping[str, Json]) -> str:
    """Return why an existing object is not the one that `wanted` would create, or an empty string when it is.

    It is when the same delivery, listener and trigger have made it.
    """
    labels, own = object_at(found, "metadata", "labels"), object_at(wanted, "metadata", "labels")
    key, own_key = (text_at(one, "metadata", "annotations", KEY_ANNOTATION) for one in (found, wanted))
    if not key:
        return f"it carries no annotation {KEY_ANNOTATION}, so Pipehook has not made it"
    if key.partition(".")[0] != own_key.partition(".")[0]:
        return "another delivery has made it"
    if any(labels.get(name, "") != own[name] for name in (LISTENER_LABEL, TRIGGER_LABEL)):
        trigger, listener = (shown(str(labels.get(name))) for name in (TRIGGER_LABEL, LISTENER_LABEL))
        return f"trigger {trigger} of listener {listener} has made it"
    if key != own_key:
        return "another trigger has made it from the same delivery"
    return ""


def run_of(found: Mapping[str, Json], group: str) -> Run:
    """Say whether an object is a run and has ended, by its condition Succeeded, Complete or Failed."""
    for condition in objects_at(found, "status", "conditions"):
        kind, status = condition.get("type"), condition.get("status")
        if kind == "Succeeded":
            return Run.ENDED if status in ("True", "False") else Run.RUNNING
        if kind in _ENDS and status == "True":
            return Run.ENDED
    return Run.RUNNING if (group, found.get("kind")) in _RUNS else Run.NONE


def may_rerun(results: Sequence[Result]) -> bool:
    """Say whether these are all of an earlier attempt's resources, some of them runs, and every run has ended."""
    return all(result.state is State.EXISTED and result.run is not Run.RUNNING for result in results) and any(
        result.run is Run.ENDED for result in results
    )


def outcome(work: Work, results: Sequence[Result], *, attempt: int = 0, milliseconds: float = 0.0) -> Outcome:
    """Return a trigger's outcome: a fault that passes decides over one that lasts, that over created and duplicate."""
    failed = [result for result in results if result.state is State.FAILED]
    existed = [result for result in results if result.state is State.EXISTED]
    if failed:
        status, reason = Status.FAILED, listed((result.reason for result in failed), separator="; ")
    elif results and len(existed) == len(results):
        status, reason = Status.DUPLICATE, _why_duplicate(existed, attempt)
    else:
        status, reason = Status.CREATED, _what_created(len(existed), len(results), attempt)
    return Outcome(
        work.trigger,
        work.trigger_namespace,
        status,
        reason,
        tuple(result.ref for result in results if result.ref is not None),
        passing=any(result.passing for result in failed),
        retry_after=max((result.retry_after for result in failed if result.retry_after), default=None),
        verified=work.verified,
        milliseconds=milliseconds,
    )


def _why_duplicate(existed: Sequence[Result], attempt: int) -> str:
    which = f" (run {attempt + 1} of it)" if attempt else ""
    running = ", which has not ended" if any(result.run is Run.RUNNING for result in existed) else ""
    return f"this delivery had been created before{which}{running}"


def _what_created(existed: int, wanted: int, attempt: int) -> str:
    said = []
    if attempt:
        said.append(f"run {attempt + 1} of this delivery: the earlier one has ended")
    if existed:
        said.append(f"{existed} of {wanted} resources existed from this delivery")
    return "; ".join(said)
