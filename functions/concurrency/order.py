"""What is to become of a group's runs: which are outdated, which are to end, which may begin. Of values alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from functions.concurrency.marks import Member, Stamp, State


class Cancelling(Struct, frozen=True, kw_only=True):
    """A wish that runs end which are older than an event."""

    stamp: Stamp
    mode: str


class Decision(Struct, frozen=True, kw_only=True):
    """What to change, in this order. Each change holds for the runs as they were read, and for no later state."""

    cancel: tuple[tuple[Member, str], ...]
    """Runs to end, and how."""
    pass_over: tuple[Member, ...]
    """Waiting runs that must not have begun meanwhile, since a run that was created after them begins before them."""
    release: tuple[Member, ...]

    @property
    def changes(self) -> bool:
        """Whether anything is to be changed."""
        return bool(self.cancel or self.release)


def is_newer(one: Stamp, other: Stamp, among: Iterable[Stamp]) -> bool:
    """Say whether an event is newer than another: by time; of pushes in one second, the one that the other leads to.

    `among` are stamps of further pushes that may lie between the two. Where nothing tells, neither is newer.
    """
    if one.time != other.time:
        return one.time > other.time
    steps = [stamp for stamp in among if stamp.time == one.time and stamp.before and stamp.after]
    return _leads(other, one, steps) and not _leads(one, other, steps)


def _leads(start: Stamp, end: Stamp, steps: Sequence[Stamp]) -> bool:
    """Say whether pushes lead from the commit where one has ended to the one where another has begun."""
    if not start.after or not end.before:
        return False
    reached = {start.after}
    while end.before not in reached:
        further = {step.after for step in steps if step.before in reached} - reached
        if not further:
            return False
        reached |= further
    return True


def superseded_by(stamp: Stamp, members: Sequence[Member], *, wanted: bool) -> Member | None:
    """Return a run of a newer event because of which one with this stamp is outdated, the newest by time, else None.

    One that is `wanted` though newer ones have started, since it waits for its turn, is outdated only by a run that
    wants older ones to end.
    """
    stamps = [member.stamp for member in members]
    newer = [
        member for member in members if (member.mode or not wanted) and is_newer(member.stamp, stamp, (*stamps, stamp))
    ]
    return max(newer, key=lambda member: member.stamp.time, default=None)


def decide(members: Sequence[Member], by: Cancelling | None = None) -> Decision:
    """Return what is to be done with all the runs of a group, as they were read at one time.

    Outdated: runs older than one that wants older runs to end, whether that has ended itself or not, and runs older
    than `by`. Begins: the oldest of those that wait, while there is room for it.
    """
    stamps = [member.stamp for member in members] + ([by.stamp] if by else [])
    wishes = [Cancelling(stamp=member.stamp, mode=member.mode) for member in members if member.mode]
    wishes = sorted([*wishes, *([by] if by else [])], key=lambda wish: wish.stamp.time, reverse=True)
    cancel: list[tuple[Member, str]] = []
    for member in members:
        if member.state is State.ENDED or member.told:
            continue
        mode = next((wish.mode for wish in wishes if is_newer(wish.stamp, member.stamp, stamps)), "")
        if mode:
            cancel.append((member, mode))
    outdated = {member.name for member, _ in cancel}
    waiting = [
        member for member in members if member.state is State.PENDING and member.limit and member.name not in outdated
    ]
    running = sum(member.state is State.RUNNING for member in members)
    release = []
    for member in _oldest_first(waiting):
        if running >= member.limit:
            break
        release.append(member)
        running += 1
    first = max((member.created for member in release), default="")
    begun = {member.name for member in release}
    return Decision(
        cancel=tuple(cancel),
        pass_over=tuple(member for member in waiting if member.name not in begun and member.created <= first),
        release=tuple(release),
    )


def _oldest_first(waiting: Sequence[Member]) -> list[Member]:
    stamps = [member.stamp for member in waiting]

    def key(member: Member) -> tuple[int, int, str, str]:
        older = sum(stamp.time == member.stamp.time and is_newer(member.stamp, stamp, stamps) for stamp in stamps)
        return member.stamp.time, older, member.created, member.name

    return sorted(waiting, key=key)
