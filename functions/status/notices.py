"""What a delivery has to tell at once, of works and their outcomes: pending, queued, failed, not allowed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol
from urllib.parse import quote

from msgspec import Struct

from functions.common.errors import LastingError
from functions.common.lenient import at
from functions.common.ports import Deadline, Work
from functions.common.shown import NAME, shown
from functions.common.values import Outcome, ResourceRef, Status
from functions.concurrency.marks import PENDING
from functions.outcomes.plan import planned_at
from functions.status.marks import target_of
from functions.status.values import MAX_DESCRIPTION, Said, State, Target
from functions.status.words import CREATED, WAITING

QUEUED = "Queued: it is created as soon as the cluster takes it"
SUPERSEDED = "Superseded: a newer event has started already"
NOT_ALLOWED = "Not allowed to run: an owner may comment /ok-to-test"
_MANY = 50


class Notice(Struct, frozen=True, kw_only=True):
    """One thing to tell. `run` says which run it is about, if it is about one."""

    target: Target
    state: State
    description: str
    run: ResourceRef | None = None
    overrides: bool = False
    """It replaces what stands: what newly failed, and not what only waits."""
    replaces: Notice | None = None
    """It is told in the place of this one alone, and not where anything else stands, or nothing."""


class Herald(Protocol):
    """Who tells a provider what became of a delivery's runs."""

    def announce(self, ends: Sequence[tuple[Work, Outcome]], notices: Sequence[Notice], deadline: Deadline) -> None:
        """Tell what can be told within a little of what is left of the deadline. Raises nothing of the family."""


def link_to(template: str, *, namespace: str, name: str, kind: str, context: str) -> str:
    """Return STATUS_TARGET_URL with its fields put in, percent-encoded; empty where there is none."""
    fields = {"namespace": namespace, "name": name, "kind": kind, "context": context}
    for field, value in fields.items():
        template = template.replace(f"{{{field}}}", quote(value, safe=""))
    return template


def said_of_notice(notice: Notice, template: str) -> Said:
    """Return what a notice says; without a run there is nothing to link to."""
    ref = notice.run
    if ref is None:
        return Said(state=notice.state, description=notice.description)
    link = link_to(template, namespace=ref.namespace, name=ref.name, kind=ref.kind, context=notice.target.context)
    return Said(state=notice.state, description=notice.description, link=link, run=f"{ref.namespace}/{ref.name}")


def notices_of(work: Work, outcome: Outcome) -> Iterator[Notice]:
    """Yield what is to be told of one work: of duplicates and of what passes nothing, since it was or will be told."""
    for position, resource in enumerate(work.resources):
        target = target_of(resource)
        if target is None:
            continue
        ref = _made(work, outcome, position)
        if ref is not None and outcome.status in (Status.CREATED, Status.FAILED):
            waits = at(resource, "spec", "status") == PENDING
            state, words = (State.QUEUED, WAITING) if waits else (State.PENDING, CREATED)
            yield Notice(target=target, state=state, description=words, run=ref, overrides=True)
        elif outcome.status is Status.QUEUED:
            yield Notice(target=target, state=State.QUEUED, description=QUEUED)
        elif outcome.status is Status.SUPERSEDED:
            queued = Notice(target=target, state=State.QUEUED, description=QUEUED)
            yield Notice(target=target, state=State.CANCELLED, description=SUPERSEDED, overrides=True, replaces=queued)
        elif outcome.status is Status.FAILED and not outcome.passing:
            yield failure(target, _without_names(work, outcome.reason))


def failure(target: Target, reason: str) -> Notice:
    """Return the notice of a trigger that failed for a lasting reason."""
    return Notice(target=target, state=State.ERROR, description=shown(reason, MAX_DESCRIPTION - 1), overrides=True)


def not_allowed(target: Target) -> Notice:
    """Return the notice of a run that an owner has to allow."""
    return Notice(target=target, state=State.NEEDS_APPROVAL, description=NOT_ALLOWED)


def _made(work: Work, outcome: Outcome, position: int) -> ResourceRef | None:
    """Return which of an outcome's objects a resource has become."""
    if len(outcome.resources) == len(work.resources):
        return outcome.resources[position]
    for attempt in range(_MANY if outcome.resources else 0):
        ref = planned_at(work, position, attempt=attempt).ref
        if ref in outcome.resources:
            return ref
    return None


def _without_names(work: Work, reason: str) -> str:
    """Return a reason without the names of objects, which may come from the event."""
    for position in range(len(work.resources)):
        try:
            planned = planned_at(work, position)
        except LastingError:
            continue
        ref = planned.ref
        said = f"resource {position + 1}"
        for name in (str(planned), f"{shown(ref.namespace, NAME)}/{shown(ref.name, NAME)}", shown(ref.name, NAME)):
            reason = reason.replace(name, said)
    return reason
