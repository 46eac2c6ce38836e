"""Which of GitHub's deliveries are to be sent again: decided from GitHub's own records alone, without state. Pure.

A sweep cannot loop. Only a delivery whose first attempt is in view is considered, so that all its later attempts are in
view too and counted; after `attempts` of them it is given up for good. What fails again comes again later and later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from http import HTTPStatus

from msgspec import Struct

LASTING = frozenset({400, 401, 404, 405, 413, 414, 422, 431})
"""What the webhook function answers when the same delivery will never do. Everything else that is no success (503, 5xx
of whatever stands before it, no answer) may pass."""
WAITS = (0.0, 30 * 60.0, 4 * 3600.0, 16 * 3600.0)
"""Seconds from the first, second, … attempt to the next: five attempts in all span twenty hours, a night's outage."""


class Answer(Enum):
    """What an attempt came to."""

    SUCCESS = "success"
    LASTING = "lasting"
    REJECTED = "rejected"
    """Lasting as well: the signature is wrong, or GitHub has left it out, as it has been reported to do again."""
    PASSING = "passing"


class Attempt(Struct, frozen=True, kw_only=True):
    """One attempt to deliver, as GitHub lists it."""

    id: int
    guid: str
    event: str
    status_code: int
    """GitHub's own 502 and 504 for no connection and no answer included; 0 where there was none."""
    delivered_at: float
    """Seconds since 1970."""
    redelivery: bool

    @property
    def answer(self) -> Answer:
        """What it came to."""
        if 200 <= self.status_code < 300:  # noqa: PLR2004 -- HTTP's successes
            return Answer.SUCCESS
        if self.status_code == HTTPStatus.UNAUTHORIZED:
            return Answer.REJECTED
        return Answer.LASTING if self.status_code in LASTING else Answer.PASSING


class Failed(Struct, frozen=True, kw_only=True):
    """One delivery that never came through."""

    guid: str
    event: str
    newest: int
    """The id of the newest attempt, which GitHub is asked to repeat."""
    attempts: frozenset[int]
    """The ids of all attempts."""
    status_code: int
    """Of the newest attempt."""
    first: float
    """When it was delivered first, in seconds since 1970."""
    last: float
    """When it was delivered last."""

    @property
    def due(self) -> float:
        """The earliest time of the next attempt."""
        return self.last + WAITS[min(len(self.attempts), len(WAITS)) - 1]


class Plan(Struct, frozen=True, kw_only=True):
    """What is to become of the deliveries of one hook; lists are oldest first."""

    due: tuple[Failed, ...]
    waiting: tuple[Failed, ...]
    """Failed again a short while ago."""
    given_up: tuple[Failed, ...]
    """Tried as often as is allowed."""
    succeeded: int
    lasting: int
    """Whose last answer was that sending it again will not help."""
    turned_away: tuple[Failed, ...]
    """Those of them that were sent again and rejected, though the first attempt was not: without their signature?"""
    out_of_view: int
    """Whose first attempt is older than the look-back."""


def plan(attempts: Iterable[Attempt], *, now: float, most: int, patient: bool = True) -> Plan:
    """Group attempts by GUID and decide; `most` is the number of attempts after which a delivery is given up.

    With `patient` False, what failed again a short while ago is due as well.
    """
    succeeded = lasting = out_of_view = 0
    failed: list[Failed] = []
    turned_away: list[Failed] = []
    for guid, group in _by_guid(attempts).items():
        last = group[-1]
        if any(attempt.answer is Answer.SUCCESS for attempt in group):
            succeeded += 1
        elif last.answer is not Answer.PASSING:
            lasting += 1
            if last.answer is Answer.REJECTED and group[0].answer is Answer.PASSING:
                turned_away.append(_failed(guid, group))
        elif all(attempt.redelivery for attempt in group):
            out_of_view += 1
        else:
            failed.append(_failed(guid, group))
    failed.sort(key=lambda one: (one.first, one.guid))
    open_ = [one for one in failed if len(one.attempts) < most]
    return Plan(
        due=tuple(one for one in open_ if not patient or one.due <= now),
        waiting=tuple(one for one in open_ if patient and one.due > now),
        given_up=tuple(one for one in failed if len(one.attempts) >= most),
        succeeded=succeeded,
        lasting=lasting,
        turned_away=tuple(turned_away),
        out_of_view=out_of_view,
    )


def merged(*parts: Sequence[Failed]) -> list[Failed]:
    """Return deliveries of several lists, oldest first."""
    return sorted((one for part in parts for one in part), key=lambda one: (one.first, one.guid))


def answers(asked: Iterable[Failed], seen: Iterable[Attempt]) -> Mapping[str, Answer]:
    """Return what became of the deliveries that GitHub was asked to send again, as far as it has recorded that."""
    known = {one.guid: one.attempts for one in asked}
    found: dict[str, Answer] = {}
    for attempt in seen:
        # without a status it may still be on its way
        if attempt.status_code and attempt.id not in known.get(attempt.guid, {attempt.id}):
            best = found.get(attempt.guid)
            found[attempt.guid] = Answer.SUCCESS if best is Answer.SUCCESS else attempt.answer
    return found


def _by_guid(attempts: Iterable[Attempt]) -> dict[str, list[Attempt]]:
    groups: dict[str, dict[int, Attempt]] = {}
    for attempt in attempts:  # one that moved to the next page while pages were read is listed twice
        groups.setdefault(attempt.guid, {})[attempt.id] = attempt
    return {
        guid: sorted(group.values(), key=lambda one: (one.delivered_at, one.redelivery, one.id))
        for guid, group in groups.items()
    }


def _failed(guid: str, group: Sequence[Attempt]) -> Failed:
    return Failed(
        guid=guid,
        event=group[-1].event,
        newest=group[-1].id,
        attempts=frozenset(attempt.id for attempt in group),
        status_code=group[-1].status_code,
        first=group[0].delivered_at,
        last=group[-1].delivered_at,
    )
