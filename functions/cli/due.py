"""What a deployed function would tell of a watched delivery's runs; nothing is told from here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from functions.common.ports import Deadline, Work
from functions.common.values import Json, Outcome, Provider, Status
from functions.model.annotations import is_told
from functions.outcomes.plan import Planned

if TYPE_CHECKING:
    from functions.cli.watched import Step
    from functions.common.event_facts import EventFacts
    from functions.status.asked import Asked
    from functions.status.notices import Notice
    from functions.status.values import Target

_SHORT = 7
"""Digits of a commit, as git shows them."""


class Due(Struct, frozen=True):
    """One status that would be told."""

    where: str
    """Context, repository and commit."""
    state: str
    description: str

    def __str__(self) -> str:
        return f"{self.where}: {self.state}, {self.description}"


class Notices(Struct):
    """The Herald of a watched delivery, which keeps what is to be told of triggers that made nothing."""

    kept: Sequence[Notice] = ()

    def announce(self, ends: Sequence[tuple[Work, Outcome]], notices: Sequence[Notice], deadline: Deadline) -> None:  # noqa: ARG002 -- the port's signature
        """Keep them."""
        self.kept = notices

    def due(self, asked: WatchedAsked | None) -> tuple[Due, ...]:
        """Return what is due of a trigger that made nothing."""
        targets = asked.found if asked else []
        return tuple(_due(notice) for notice in self.kept if any(notice.target is target for target in targets))


class WatchedAsked(Struct, frozen=True):
    """What a trigger asks for; it keeps where something is to be told of what was not made."""

    inner: Asked
    steps: list[Step]
    """The trigger's, among which what is rendered to find a context is none."""
    found: list[Target] = field(default_factory=list)

    @property
    def provider(self) -> Provider:
        """As the inner one."""
        return self.inner.provider

    def mark(self, resources: Sequence[dict[str, Json]], facts: EventFacts) -> None:
        """As the inner one."""
        self.inner.mark(resources, facts)

    def targets(self, facts: EventFacts, render: Callable[[], Sequence[Mapping[str, Json]]]) -> list[Target]:
        """As the inner one."""
        noted = len(self.steps)
        self.found[:] = self.inner.targets(facts, render)
        del self.steps[noted:]
        return list(self.found)


def due_of(work: Work, outcome: Outcome, planned: Sequence[Planned]) -> tuple[Due, ...]:
    """Return what is due of a trigger's resources; a dry run's as if they had been made."""
    if not any(map(is_told, work.resources)):
        return ()
    from functions.status.notices import notices_of  # noqa: PLC0415 -- for those who ask for statuses

    if outcome.status is Status.FILTERED:
        outcome = replace(outcome, status=Status.CREATED, resources=tuple(entry.ref for entry in planned))
    return tuple(map(_due, notices_of(work, outcome)))


def _due(notice: Notice) -> Due:
    target = notice.target
    where = f"{target.context} at {target.repository}@{target.sha[:_SHORT]}"
    return Due(where, notice.state.value, notice.description)
