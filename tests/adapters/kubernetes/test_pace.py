"""The pace of requests at a cluster that refuses them as one too many: by the real client, against the stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from functions.adapters.kubernetes.pace import LEAST, MAX_PAUSE, Pace
from functions.common.errors import PassingError
from functions.common.ports import Deadline
from functions.common.values import Status
from tests.adapters.kubernetes.support import Clock, Side, work
from tests.standins.apiserver import ApiServer
from tests.standins.faults import Fault
from tests.standins.kubernetes.fairness import Fairness


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer() as running:
        yield running


@pytest.fixture
def side(server: ApiServer) -> Side:
    return Side(server)


def crowded(seconds: float, times: int = 1) -> Fault:
    return Fault(method="POST", status=429, headers={"Retry-After": f"{seconds:g}"}, times=times)


def posts(server: ApiServer) -> int:
    return sum(seen.method == "POST" for seen in server.requests)


def impatient(side: Side) -> Deadline:
    return Deadline(side.clock() + 8, side.clock, patient=False)


def test_what_api_priority_and_fairness_says_is_no_stranger(server: ApiServer, side: Side) -> None:
    server.fairness = Fairness(seats=1, seconds=0, queue=0)
    side.api.resource("v1", "ConfigMap", deadline=side.deadline())
    server.fairness = Fairness(seats=0, seconds=0, queue=0)
    outcome = side.one(work(), seconds=0.9)
    assert "the cluster answers 429 Too Many Requests: it has too many requests" in outcome.reason
    assert (outcome.passing, outcome.retry_after) == (True, 1)


def test_who_has_a_queue_does_not_wait_and_neither_do_the_next(server: ApiServer, side: Side) -> None:
    side.one(work())
    server.faults.add(crowded(4))
    before = posts(server)
    first = side.sink.accept([work(key="1")], impatient(side))[0]
    later = [side.sink.accept([work(key=str(key))], impatient(side))[0] for key in range(2, 5)]
    assert (first.passing, first.retry_after, side.clock.slept) == (True, 4, [])
    assert [(one.passing, one.retry_after) for one in later] == [(True, 4)] * 3
    assert "the cluster has too many requests, and is asked again in 4 s" in later[0].reason
    assert posts(server) - before == 1

    side.clock.sleep(4)
    assert side.sink.accept([work(key="5")], impatient(side))[0].status is Status.CREATED


def test_the_others_wait_once_for_all(server: ApiServer, side: Side) -> None:
    side.one(work())
    server.faults.add(crowded(4))
    before = posts(server)
    assert side.sink.accept([work(key="1")], impatient(side))[0].passing
    assert side.one(work(key="2")).status is Status.CREATED
    assert posts(server) - before == 2
    assert 4 <= sum(side.clock.slept) < 5


def test_who_has_no_time_for_it_asks_nothing(server: ApiServer, side: Side) -> None:
    side.one(work())
    server.faults.add(crowded(4))
    assert side.one(work(key="1"), seconds=3).retry_after == 4
    before = posts(server)
    outcome = side.one(work(key="2"), seconds=3)
    assert (outcome.passing, outcome.retry_after) == (True, 4)
    assert posts(server) == before


def test_nothing_is_asked_for_ten_seconds_at_most(server: ApiServer, side: Side) -> None:
    server.faults.add(crowded(600))
    assert side.one(work()).retry_after == 600
    side.clock.sleep(MAX_PAUSE)
    assert side.one(work()).status is Status.CREATED


def test_a_webhook_that_denies_with_429_concerns_its_object_alone(server: ApiServer, side: Side) -> None:
    body = (
        '{"kind":"Status","status":"Failure","reason":"TooManyRequests","code":429,"details":{"retryAfterSeconds":4},'
        '"message":"admission webhook \\"limits.example.com\\" denied the request: not now"}'
    )
    server.faults.add(Fault(method="POST", status=429, headers={"Retry-After": "4"}, body=body, times=1))
    assert side.one(work(), seconds=3).passing
    assert side.one(work(key="other"), seconds=3).status is Status.CREATED


def test_accounts_that_are_impersonated_have_a_pace_each(server: ApiServer, side: Side) -> None:
    server.faults.add(crowded(4))
    assert side.one(work(service_account="busy"), seconds=3).passing
    assert side.one(work(key="1", service_account="other"), seconds=3).status is Status.CREATED
    assert side.one(work(key="2"), seconds=3).status is Status.CREATED
    assert "asked again" in side.one(work(key="3", service_account="busy"), seconds=3).reason


class TestPlaces:
    """How many may be under way."""

    def pace(self, clock: Clock) -> Pace:
        return Pace(32, draw=lambda: 0.5, sleep=clock.sleep)

    def fits(self, pace: Pace, clock: Clock, under_way: int) -> bool:
        """Say whether one more may be under way beside so many."""
        deadline = Deadline(clock() + 0.01, clock, patient=False)
        with ExitStack() as held:
            try:
                for _ in range(under_way + 1):
                    held.enter_context(pace.place("it", deadline))
            except PassingError:
                return False
        return True

    def most(self, pace: Pace, clock: Clock) -> int:
        return next((under_way for under_way in range(40) if not self.fits(pace, clock, under_way)), 40)

    def test_a_refusal_halves_them_and_answers_add_to_them(self) -> None:
        clock = Clock()
        pace, deadline = self.pace(clock), Deadline(clock() + 1000, clock)
        assert self.most(pace, clock) == 40
        with ExitStack() as held:
            for _ in range(12):
                held.enter_context(pace.place("it", deadline))
            for _ in range(5):  # what had been under way together is one lesson
                pace.refused(1, clock())
        clock.sleep(1)
        assert self.most(pace, clock) == 6
        for _ in range(4 * 6):
            pace.taken()
        assert self.most(pace, clock) == 6
        for _ in range(4):
            pace.taken()
        assert self.most(pace, clock) == 7
        pace.refused(1, clock())
        clock.sleep(1)
        assert self.most(pace, clock) == LEAST

    def test_without_a_refusal_for_long_they_are_not_counted(self) -> None:
        clock = Clock()
        pace = self.pace(clock)
        pace.refused(0, clock())
        assert self.most(pace, clock) == LEAST
        for _ in range(5_000):
            pace.taken()
        assert self.most(pace, clock) == 40
