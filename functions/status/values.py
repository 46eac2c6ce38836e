"""The values of statuses: where one is shown, what it says, and the ports that show it and that read the runs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from functions.common.ports import Deadline
from functions.common.values import Json, Provider

MAX_CONTEXT = 100
"""Characters of a context; GitHub takes 255."""
MAX_DESCRIPTION = 140
"""Characters of a description that GitHub takes."""

CLUSTER = "cluster"
"""Beside the parts of a run: the name of its cluster, empty for the default one."""
CANCEL_ACTION = "cancel"
CANCEL: Json = {"label": "Cancel", "description": "Cancel this run", "identifier": CANCEL_ACTION}
"""The button of a check run, as GitHub takes it."""

Run = Mapping[str, Json]
"""A PipelineRun as the cluster has it."""


class State(StrEnum):
    """What a run has come to, in more words than any provider has."""

    QUEUED = "queued"
    PENDING = "pending"
    NEEDS_APPROVAL = "needs approval"
    SUCCESS = "success"
    FAILURE = "failure"
    TIMED_OUT = "timed out"
    CANCELLED = "cancelled"
    ERROR = "error"
    """It never was a run, could not start, or is gone."""

    @property
    def ended(self) -> bool:
        """Whether nothing further comes of it."""
        return self not in (State.QUEUED, State.PENDING, State.NEEDS_APPROVAL)


class Target(Struct, frozen=True, kw_only=True):
    """Where a status is shown: one context of one commit of one repository."""

    provider: Provider
    repository: str
    sha: str
    context: str
    installation: int = 0
    """Of the GitHub App, 0 where the body named none."""

    @property
    def key(self) -> str:
        """What all runs of this context and commit share, as a label's value."""
        digest = hashlib.sha256()
        for part in (self.provider, self.repository.lower(), self.sha, self.context):
            digest.update(f"{len(part)}:{part}".encode("utf-8", "surrogatepass"))
        return digest.hexdigest()[:40]


class Task(Struct, frozen=True, kw_only=True):
    """One task of a run, for the table of a check."""

    name: str
    state: str
    duration: str = ""


class Said(Struct, frozen=True, kw_only=True):
    """What a status says."""

    state: State
    description: str
    link: str = ""
    run: str = ""
    """`namespace/name` of the run, empty where there is none."""
    tasks: tuple[Task, ...] = ()


class Standing(Struct, frozen=True, kw_only=True):
    """What a provider shows now."""

    shown: tuple[str, ...]
    """State, description and link as the provider has them; `Statuses.shown` gives the same of a `Said`."""
    ended: bool
    link: str
    number: int = 0
    """Of a check run."""
    run: str = ""
    """The run that a check is about."""
    closed: bool = False
    """A check run is completed, which it stays."""


def about(standing: Standing, said: Said) -> bool:
    """Say whether what stands is about the run that is meant, as far as it tells: by its run, or by its link."""
    return standing.run == said.run if standing.run else standing.link.rstrip("/") == said.link.rstrip("/")


def can_wait(said: Said, standing: Standing | None) -> bool:
    """Say whether nothing wrong is shown without `said`: a run goes on, and nothing stands, or that this very one does.

    What stands of another run could not be ended when this one is deleted, nor when the other is, as this one goes on.
    """
    going_on = said.state in (State.QUEUED, State.PENDING)
    return going_on and (standing is None or (not standing.ended and about(standing, said)))


class Statuses(Protocol):
    """A provider's statuses. Both calls raise PassingError, and LastingError that names what the token lacks."""

    def standing(self, target: Target, deadline: Deadline) -> Standing | None:
        """Return what stands at the target now, None when nothing does."""

    def shown(self, said: Said) -> tuple[str, ...]:
        """Return how `said` will stand."""

    def tell(self, target: Target, said: Said, standing: Standing | None, deadline: Deadline) -> bool:
        """Show `said` at the target, in the place of what stands there. A lost answer leaves open whether it does.

        False where it was left out, since it `can_wait` and the provider's limit is near.
        """

    def scarce(self, target: Target) -> bool:  # noqa: ARG002 -- of most nothing is known
        """Say whether questions that can wait should, as a rate limit is nearly used up."""
        return False


class Runs(Protocol):
    """The cluster's PipelineRuns, for which `get` and `list` are enough. All raise as the Kubernetes API does."""

    def get(self, namespace: str, name: str, deadline: Deadline) -> Run | None:
        """Return a run, None when there is none."""

    def of(self, key: str, namespace: str, deadline: Deadline) -> Sequence[Run]:
        """Return the runs of one `Target.key`."""

    def tasks(self, run: Run, deadline: Deadline) -> Mapping[str, Run]:
        """Return the TaskRuns of a run by name, as far as they may be read; never raises."""
