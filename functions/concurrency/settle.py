"""Settles a group: cancels its outdated runs and lets waiting ones begin. Nothing is kept between two times.

Whoever settles reads all runs of the group and changes them on the condition that they are as they were read, so that
any number of instances may do so at once: runs that have ended meanwhile are left alone, and never do more begin than
may. For the latter a run that was created late, but is of an older event and so begins first, has the earlier created
ones changed before: somebody who has read the group without the late run, and lets one of those begin, then fails.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct, field

from functions.common.errors import LastingError, PassingError
from functions.common.ports import Deadline
from functions.common.values import Json
from functions.concurrency.marks import Group, Member
from functions.concurrency.order import Cancelling, Decision, decide
from functions.model.annotations import PREFIX

PASSED_OVER = f"{PREFIX}passed-over-for"
"""On a waiting run: the later created one of an older event that has begun before it."""
_ROUNDS = 6
"""How often runs that change while they are looked at are looked at again."""


class GroupRuns(Protocol):
    """The cluster's runs of one group. Both calls raise as the Kubernetes API does."""

    def of(self, group: Group, deadline: Deadline) -> Sequence[Member]:
        """Return all runs, as they were at one time."""

    def change(self, group: Group, member: Member, change: Mapping[str, Json], deadline: Deadline) -> bool:
        """Merge `change` into a run that is as it was read; say False, and change nothing, when it is not."""


class Settled(Struct, frozen=True):
    """What was done, and all runs as they were read last."""

    cancelled: tuple[str, ...] = ()
    released: tuple[str, ...] = ()
    members: Sequence[Member] = ()


def settle(runs: GroupRuns, group: Group, deadline: Deadline, by: Cancelling | None = None) -> Settled:
    """Cancel what is outdated, also what is older than `by`, and release what may begin.

    Raises PassingError when the runs keep changing, and what `runs` raises. What was done by then stays done, and the
    next time goes on.
    """
    turn = _Turn(runs, group, deadline)
    for _ in range(_ROUNDS):
        members = runs.of(group, deadline)
        if turn.carry_out(decide(members, by)):
            return Settled(tuple(turn.cancelled), tuple(turn.released), members)
    raise PassingError("the runs of the group keep changing while they are looked at")


class _Turn(Struct):
    """What one settling has done so far."""

    runs: GroupRuns
    group: Group
    deadline: Deadline
    cancelled: dict[str, None] = field(default_factory=dict)
    released: dict[str, None] = field(default_factory=dict)

    def carry_out(self, decision: Decision) -> bool:
        """Make the changes; say False when runs had changed. One that is refused does not keep others from theirs."""
        refused: LastingError | None = None
        whole = True
        for member, mode in decision.cancel:
            try:
                changed = self._change(member, {"spec": {"status": mode}})
            except LastingError as error:
                refused = refused or error
                continue
            if changed:
                self.cancelled[member.name] = None
            whole = whole and changed
        if not all(self._change(member, _mark(member, decision)) for member in decision.pass_over):
            return False
        for member in decision.release:
            if self._change(member, {"spec": {"status": None}}):
                self.released[member.name] = None
            else:
                whole = False
        if refused is not None:
            raise refused
        return whole

    def _change(self, member: Member, change: Mapping[str, Json]) -> bool:
        return self.runs.change(self.group, member, change, self.deadline)


def _mark(member: Member, decision: Decision) -> Mapping[str, Json]:
    """Return a change that is one whatever stands there: with the version that the run had."""
    begun = ",".join(other.name for other in decision.release)
    return {"metadata": {"annotations": {PASSED_OVER: f"{begun}@{member.version}"}}}
