"""Which deliveries are sent again: decided from GitHub's records alone, and never without end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from functions.redelivery.sweep import LASTING, WAITS, Answer, Attempt, answers, plan

NOW = 1_000_000.0
HOUR = 3600.0


def attempt(number: int = 1, guid: str = "g", code: int = 503, *, ago: float = HOUR, again: bool = False) -> Attempt:
    return Attempt(id=number, guid=guid, event="push", status_code=code, delivered_at=NOW - ago, redelivery=again)


def _plan(attempts: Sequence[Attempt], **more: Any) -> Any:
    return plan(attempts, now=NOW, **{"most": 5, **more})


@pytest.mark.parametrize("code", [0, 301, 403, 408, 429, 500, 502, 503, 504])
def test_what_may_pass_is_sent_again(code: int) -> None:
    (due,) = _plan([attempt(code=code)]).due
    assert (due.guid, due.newest, due.status_code) == ("g", 1, code)


@pytest.mark.parametrize("code", sorted(LASTING))
def test_what_failed_lastingly_is_left(code: int) -> None:
    found = _plan([attempt(code=code)])
    assert (found.due, found.lasting) == ((), 1)


@pytest.mark.parametrize("code", [200, 202, 204])
def test_what_ever_succeeded_is_left_whatever_came_later(code: int) -> None:
    found = _plan([attempt(1, code=code, ago=3 * HOUR), attempt(2, code=503, again=True)])
    assert (found.due, found.succeeded) == ((), 1)


def test_the_last_answer_says_whether_a_failure_lasts() -> None:
    lasting_at_last = [attempt(1, code=503, ago=3 * HOUR), attempt(2, code=422, again=True)]
    passing_at_last = [attempt(1, code=422, ago=30 * HOUR), attempt(2, code=503, again=True, ago=20 * HOUR)]

    assert _plan(lasting_at_last).lasting == 1
    assert [one.newest for one in _plan(passing_at_last).due] == [2]


@pytest.mark.parametrize(
    ("codes", "named"), [((503, 401), True), ((503, 503, 401), True), ((401, 401), False), ((503, 422), False)]
)
def test_what_is_rejected_only_when_it_is_sent_again_is_named(codes: tuple[int, ...], *, named: bool) -> None:
    listed = [attempt(n, code=code, again=n > 0, ago=(9 - n) * HOUR) for n, code in enumerate(codes)]
    found = _plan(listed)
    assert (found.lasting, found.due) == (1, ())
    assert [one.guid for one in found.turned_away] == (["g"] if named else [])


def test_the_oldest_come_first() -> None:
    listed = [attempt(n, f"g{n}", ago=hours * HOUR) for n, hours in enumerate([1, 5, 3])]
    assert [one.guid for one in _plan(listed).due] == ["g1", "g2", "g0"]


def test_a_delivery_whose_first_attempt_is_out_of_view_is_left_since_nobody_can_count_its_attempts() -> None:
    found = _plan([attempt(7, again=True, ago=20 * HOUR)])
    assert (found.due, found.out_of_view) == ((), 1)


def test_an_attempt_that_two_pages_list_counts_once() -> None:
    found = _plan([attempt(1, ago=20 * HOUR), attempt(1, ago=20 * HOUR)], most=2)
    assert len(found.due) == 1


def test_after_so_many_attempts_a_delivery_is_given_up() -> None:
    listed = [attempt(1, ago=60 * HOUR), *(attempt(n, again=True, ago=(60 - n) * HOUR) for n in range(2, 6))]
    assert [one.guid for one in _plan(listed).given_up] == ["g"]
    assert _plan(listed).due == ()
    assert len(_plan(listed, most=6).due) == 1


@pytest.mark.parametrize(("attempts", "wait"), [(2, WAITS[1]), (3, WAITS[2]), (4, WAITS[3]), (9, WAITS[3])])
def test_what_failed_again_waits_longer_and_longer(attempts: int, wait: float) -> None:
    def listed(ago: float) -> list[Attempt]:
        later = [attempt(n, again=True, ago=ago + attempts - n) for n in range(2, attempts + 1)]
        return [attempt(1, ago=ago + HOUR), *later]

    early, late = _plan(listed(wait - 1), most=20), _plan(listed(wait), most=20)

    assert (len(early.due), len(early.waiting)) == (0, 1)
    assert (len(late.due), len(late.waiting)) == (1, 0)
    assert len(_plan(listed(wait - 1), most=20, patient=False).due) == 1


def test_five_attempts_span_a_nights_outage() -> None:
    assert sum(WAITS) > 12 * HOUR


def test_the_answers_of_new_attempts_are_told_from_the_old_ones() -> None:
    (due,) = _plan([attempt(1)]).due
    seen = [attempt(1), attempt(2, code=202, again=True), attempt(3, guid="other", code=503)]
    assert answers([due], seen) == {"g": Answer.SUCCESS}
    assert answers([due], seen[:1]) == {}
    assert answers([due], [attempt(2, code=0, again=True)]) == {}


@given(st.lists(st.integers(0, 3), min_size=1, max_size=200), st.integers(1, 6), st.integers(1, 72))
def test_no_delivery_is_ever_sent_more_often_than_is_allowed(choices: list[int], most: int, lookback: int) -> None:
    """Sweeps at any times, of a function that never works, with records that GitHub forgets."""
    now, number = 0.0, 1
    records = [replace(attempt(1), delivered_at=0.0)]
    for choice in choices:
        now += (0.1, 1.0, 7.0, 30.0)[choice] * HOUR
        view = [one for one in records if one.delivered_at >= now - lookback * HOUR]
        for one in plan(view, now=now, most=most, patient=choice != 1).due:
            number += 1
            records.append(replace(attempt(number, one.guid, again=True), delivered_at=now))
    assert len(records) <= most
