"""The sink for works with concurrency groups: outdated ones create nothing, and what is older ends once they exist."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from functions.common.errors import LastingError, PipehookError
from functions.common.lenient import texts_at
from functions.common.ports import Deadline, Sink, Work
from functions.common.shown import NAME, listed, shown
from functions.common.values import Outcome, ResourceRef, Status
from functions.concurrency.marks import Group, Member, Stamp, State, group_of, is_cancellation
from functions.concurrency.order import Cancelling, superseded_by
from functions.concurrency.settle import GroupRuns, Settled, settle
from functions.model.annotations import CANCEL, LIMIT

_LOG = logging.getLogger(__name__)


class _Entry(Struct, frozen=True, kw_only=True):
    """One resource of a work that is of a group."""

    group: Group
    stamp: Stamp
    mode: str
    waits: bool
    cancellation: bool

    @property
    def settles(self) -> bool:
        """Whether it changes other runs, or waits for them. A group alone does neither."""
        return bool(self.mode) or self.waits

    @property
    def wanted(self) -> bool:
        """Whether it is to run though newer ones have started: those that wait for their turn all do."""
        return self.waits and not self.mode


class GroupingSink:
    """A sink before the cluster's. Safe to use from any thread, and to give the same work again at any time."""

    def __init__(
        self, inner: Sink, runs: GroupRuns, named: Callable[[Work, int], ResourceRef], *, reruns: bool = False
    ) -> None:
        """`named` says what a work's resource is created as, or raises LastingError.

        `reruns`: a delivery whose runs have ended is a wish for another one.
        """
        self._inner = inner
        self._runs = runs
        self._named = named
        self._reruns = reruns

    def accept(self, work: Sequence[Work], deadline: Deadline) -> list[Outcome]:
        """Create (or find superseded) all works and settle their groups; one outcome for each work, in order.

        A group that cannot be settled never fails a work whose resources exist: its outcome is `unsettled`.
        """
        entries = [_entries(item) for item in work]
        seen: dict[Group, Sequence[Member]] = {}
        ends: list[Outcome | None] = [
            self._hindered(item, row, seen, deadline) for item, row in zip(work, entries, strict=True)
        ]
        going = [_creatable(item) for item, end in zip(work, ends, strict=True) if end is None and not _is_done(item)]
        created = iter(self._inner.accept(going, deadline) if going else ())
        outcomes = []
        for item, row, end in zip(work, entries, ends, strict=True):
            if end is not None:
                outcomes.append(end)
                continue
            made = _nothing_to_create(item) if _is_done(item) else next(created)
            outcomes.append(self._settled(item, row, made, deadline))
        return outcomes

    def _hindered(
        self, work: Work, entries: Sequence[_Entry], seen: dict[Group, Sequence[Member]], deadline: Deadline
    ) -> Outcome | None:
        """Return the end of a work that must create nothing: it is outdated, or whether it is cannot be known.

        `seen` holds the groups that were looked at for works beside it, before any of them creates anything.
        """
        if work.settles:
            return None
        for entry in entries:
            if entry.cancellation:
                continue
            try:
                if entry.group not in seen:
                    seen[entry.group] = self._runs.of(entry.group, deadline)
            except PipehookError as error:
                return _failed(work, error, f"whether a newer run has started cannot be seen: {error.reason}")
            newer = superseded_by(entry.stamp, seen[entry.group], wanted=entry.wanted)
            if newer is not None:
                if entry.settles:
                    self._tidy(entry, deadline)
                reason = f"a newer event of its concurrency group has started {_run(newer, entry.group)}"
                if refs := self._existing(work, entries, seen):
                    reason = f"this delivery had been created before; {reason}"
                    return replace(_end(work, Status.DUPLICATE, reason), resources=refs)
                return _end(work, Status.SUPERSEDED, reason)
        return None

    def _existing(
        self, work: Work, entries: Sequence[_Entry], seen: Mapping[Group, Sequence[Member]]
    ) -> tuple[ResourceRef, ...]:
        """Return the runs of an outdated work that `seen` shows to have all been created; nothing of any other."""
        if len(entries) < len(work.resources):  # no list shows the rest
            return ()
        refs, ended = [], True
        for position, entry in enumerate(entries):
            if entry.cancellation:
                continue
            try:
                ref = self._named(work, position)
            except LastingError:
                return ()
            own = [member for member in seen.get(entry.group, ()) if (member.name, member.key) == (ref.name, work.key)]
            if not own:
                return ()
            refs.append(ref)
            ended = ended and own[0].state is State.ENDED
        return () if ended and self._reruns else tuple(refs)

    def _tidy(self, entry: _Entry, deadline: Deadline) -> None:
        """Cancel what an earlier attempt could not, or what this event shows to be older; nobody waits for it."""
        by = Cancelling(stamp=entry.stamp, mode=entry.mode) if entry.mode else None
        try:
            settle(self._runs, entry.group, deadline, by)
        except PipehookError as error:
            _LOG.warning("concurrency group %s is not settled yet: %s", entry.group.key, error.reason)

    def _settled(self, work: Work, entries: Sequence[_Entry], made: Outcome, deadline: Deadline) -> Outcome:
        """Return an outcome with what became of the work's Cancellations and of the groups of its runs."""
        cancelled: list[ResourceRef] = []
        for entry in entries:
            if not entry.cancellation:
                continue
            try:
                by = Cancelling(stamp=entry.stamp, mode=entry.mode)
                cancelled += _refs(entry.group, settle(self._runs, entry.group, deadline, by).cancelled)
            except PipehookError as error:
                return _uncancelled(work, replace(made, cancelled=tuple(cancelled)), entry.group, error)
        superseded = ""
        if made.resources or work.settles:
            for group, own in _groups(entries).items():
                try:
                    done = settle(self._runs, group, deadline)
                except PipehookError as error:
                    return _unsettled(work, replace(made, cancelled=tuple(cancelled)), group, error)
                cancelled += _refs(group, done.cancelled)
                superseded = superseded or _overtaken(group, own, done)
        others = [ref for ref in dict.fromkeys(cancelled) if ref not in made.resources]
        told = f"cancelled {listed(map(str, others))}" if others else ""
        if superseded and made.status is Status.CREATED:
            made = replace(made, status=Status.SUPERSEDED, reason=superseded)
        elif not told and not made.reason and any(entry.cancellation for entry in entries):
            told = "no older run of the group was there to be cancelled"
        return replace(made, reason="; ".join(filter(None, (made.reason, told))), cancelled=tuple(others))


def _entries(work: Work) -> list[_Entry]:
    found = []
    for position, resource in enumerate(work.resources):
        group = group_of(resource, namespace=work.trigger_namespace, cluster=work.cluster(position))
        if group is None:
            continue
        annotations = texts_at(resource, "metadata", "annotations")
        found.append(
            _Entry(
                group=group,
                stamp=Stamp.read(annotations),
                mode=annotations.get(CANCEL, ""),
                waits=LIMIT in annotations,
                cancellation=is_cancellation(resource),
            )
        )
    return found


def _creatable(work: Work) -> Work:
    """Return a work without what is done and not created."""
    kept = [position for position, resource in enumerate(work.resources) if not is_cancellation(resource)]
    return replace(
        work,
        resources=tuple(work.resources[position] for position in kept),
        places=tuple(work.places[position] for position in kept if work.places),
        clusters=tuple(work.clusters[position] for position in kept if work.clusters),
    )


def _is_done(work: Work) -> bool:
    """Say whether a work creates nothing."""
    return work.settles or all(map(is_cancellation, work.resources))


def _nothing_to_create(work: Work) -> Outcome:
    if work.settles:
        return _end(work, Status.DUPLICATE, "its runs had been created before")
    return _end(work, Status.CREATED, "")


def _groups(entries: Iterable[_Entry]) -> Mapping[Group, list[tuple[Stamp, bool]]]:
    """Return the groups that are to be settled, with the stamps of the work's own runs, and whether all are wanted."""
    found: dict[Group, list[tuple[Stamp, bool]]] = {}
    for entry in entries:
        if entry.settles and not entry.cancellation:
            found.setdefault(entry.group, []).append((entry.stamp, entry.wanted))
    return found


def _overtaken(group: Group, own: Iterable[tuple[Stamp, bool]], done: Settled) -> str:
    """Return why a run that has just been created is outdated, or an empty string."""
    for stamp, wanted in own:
        newer = superseded_by(stamp, done.members, wanted=wanted)
        if newer is not None:
            return f"created, and told to end again: a newer event has started {_run(newer, group)} meanwhile"
    return ""


def _uncancelled(work: Work, made: Outcome, group: Group, error: PipehookError) -> Outcome:
    """Return the outcome of a Cancellation that could not be done, for which the delivery is to be sent again."""
    why = f"the runs of concurrency group {group.key} are not cancelled: {error.reason}"
    reason = "; ".join(filter(None, (made.reason if made.status is Status.FAILED else "", why)))
    failed = _failed(work, error, reason)
    return replace(failed, passing=failed.passing or made.passing, resources=made.resources, cancelled=made.cancelled)


def _unsettled(work: Work, made: Outcome, group: Group, error: PipehookError) -> Outcome:
    why = f"concurrency group {group.key} is not settled yet: {error.reason}"
    if not error.passing:
        _LOG.error("trigger %s/%s: %s", work.trigger_namespace, work.trigger, why)
    if work.settles:
        return replace(_failed(work, error, why), resources=made.resources)
    return replace(made, reason="; ".join(filter(None, (made.reason, why))), unsettled=error.passing)


def _refs(group: Group, names: Iterable[str]) -> list[ResourceRef]:
    return [ResourceRef(group.api_version, "PipelineRun", group.namespace, name, group.cluster) for name in names]


def _run(member: Member, group: Group) -> str:
    return f"PipelineRun {shown(group.namespace, NAME)}/{shown(member.name, NAME)}"


def _end(work: Work, status: Status, reason: str) -> Outcome:
    return Outcome(work.trigger, work.trigger_namespace, status, reason, verified=work.verified)


def _failed(work: Work, error: PipehookError, reason: str) -> Outcome:
    retry_after = getattr(error, "retry_after", None)
    return replace(_end(work, Status.FAILED, reason), passing=error.passing, retry_after=retry_after)
