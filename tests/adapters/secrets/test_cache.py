"""The cache by itself: lives, one read at a time, what waits get, and that nothing waits for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import pytest

from functions.adapters import clocks
from functions.adapters.clocks import LIFE_CLOCK
from functions.adapters.secrets.cache import SecretCache
from functions.adapters.secrets.limits import Allowance, Limits
from functions.adapters.secrets.values import Secret, SecretValue
from functions.common.errors import LastingError, PassingError
from functions.common.ports import Deadline
from tests.adapters.secrets.support import LifeClock
from tests.adapters.secrets.support import within as deadline

THREADS = 64


def secret(number: int = 0) -> Secret:
    return Secret((SecretValue(b"%d" % number),))


class Source:
    """Gives a new value with each read, or what a test wants."""

    def __init__(self) -> None:
        self.reads: list[str] = []
        self.known: list[Secret | None] = []
        self.seconds: list[float] = []
        self.answer: Callable[[], Secret] | None = None

    def __call__(self, location: str, known: Secret | None, until: Deadline) -> Secret:
        self.reads.append(location)
        self.known.append(known)
        self.seconds.append(until.remaining())
        return self.answer() if self.answer is not None else secret(len(self.reads))

    def fail(self, error: Exception) -> None:
        def answer() -> Secret:
            raise type(error)(*error.args)

        self.answer = answer


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def clock() -> LifeClock:
    return LifeClock()


@pytest.fixture
def cache(source: Source, clock: LifeClock) -> SecretCache:
    return SecretCache(source, Limits(), clock=clock)


def number(found: Secret) -> int:
    return int(found.values[0].raw)


class TestLife:
    def test_read_again_only_when_it_ages(self, cache: SecretCache, source: Source, clock: LifeClock) -> None:
        first = cache.get("s", deadline())
        clock.pass_by(44.9)
        assert cache.get("s", deadline()) is first
        clock.pass_by(0.1)
        assert number(cache.get("s", deadline())) == 2
        assert source.known == [None, first]

    def test_while_one_reads_ahead_the_others_go_on(self, cache: SecretCache, source: Source, clock: LifeClock) -> None:
        cache.get("s", deadline())
        clock.pass_by(50)
        begun, go_on = threading.Event(), threading.Event()

        def slow() -> Secret:
            begun.set()
            assert go_on.wait(60)
            return secret(2)

        source.answer = slow
        with ThreadPoolExecutor(1) as pool:
            ahead = pool.submit(cache.get, "s", deadline())
            assert begun.wait(60)
            assert number(cache.get("s", deadline())) == 1
            go_on.set()
            assert number(ahead.result()) == 2
        assert number(cache.get("s", deadline())) == 2

    def test_an_expired_value_waits_for_the_read(self, cache: SecretCache, source: Source, clock: LifeClock) -> None:
        cache.get("s", deadline())
        clock.pass_by(60)
        begun, go_on = threading.Event(), threading.Event()

        def slow() -> Secret:
            begun.set()
            assert go_on.wait(60)
            return secret(2)

        source.answer = slow
        with ThreadPoolExecutor(2) as pool:
            reader = pool.submit(cache.get, "s", deadline())
            assert begun.wait(60)
            waiter = pool.submit(cache.get, "s", deadline())
            go_on.set()
            assert [number(reader.result()), number(waiter.result())] == [2, 2]
        assert len(source.reads) == 2

    def test_the_least_recently_used_goes_first(self, source: Source, clock: LifeClock) -> None:
        cache = SecretCache(source, Limits(size=2), clock=clock)
        for location in ("a", "b", "a", "c", "a", "b"):
            cache.get(location, deadline())
        assert source.reads == ["a", "b", "c", "b"]

    def test_a_read_is_given_its_share_of_the_time(self, cache: SecretCache, source: Source, clock: LifeClock) -> None:
        cache.get("s", deadline(8))
        clock.pass_by(60)
        cache.get("s", deadline(8))
        clock.pass_by(60)
        cache.get("s", deadline(1))
        assert [round(seconds) for seconds in source.seconds] == [5, 2, 1]

    def test_the_clock_goes_on_where_there_is_none_for_frozen_instances(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert LIFE_CLOCK() <= LIFE_CLOCK()
        monkeypatch.setattr(time, "clock_gettime", mock.Mock(side_effect=OSError))
        assert clocks._life_clock() is time.monotonic


class TestTogether:
    def test_all_threads_share_one_read(self, cache: SecretCache, source: Source) -> None:
        arrived = threading.Barrier(THREADS + 1)

        def slow() -> Secret:
            arrived.wait(60)
            return secret(1)

        def get(_: int) -> Secret:
            if _:
                arrived.wait(60)
            return cache.get("s", deadline())

        source.answer = slow
        with ThreadPoolExecutor(THREADS + 1) as pool:
            found = list(pool.map(get, range(THREADS + 1)))
        assert len({id(one) for one in found}) == 1
        assert len(source.reads) == 1

    def test_all_threads_share_one_failure(self, cache: SecretCache, source: Source) -> None:
        arrived = threading.Barrier(THREADS + 1)

        def slow() -> Secret:
            arrived.wait(60)
            raise PassingError("down", retry_after=7)

        def get(index: int) -> float | None:
            if index:
                arrived.wait(60)
            with pytest.raises(PassingError, match="down") as caught:
                cache.get("s", deadline())
            return caught.value.retry_after

        source.answer = slow
        with ThreadPoolExecutor(THREADS + 1) as pool:
            assert set(pool.map(get, range(THREADS + 1))) == {7}
        assert len(source.reads) == 1

    def test_a_reader_without_time_leaves_the_read_to_the_next(self, cache: SecretCache, source: Source) -> None:
        source.fail(PassingError("too late"))
        with pytest.raises(PassingError, match="too late"):
            cache.get("s", deadline(0))
        source.answer = None
        assert number(cache.get("s", deadline())) == len(source.reads)

    def test_a_waiter_without_time_goes(self, cache: SecretCache, source: Source, clock: LifeClock) -> None:
        begun, go_on = threading.Event(), threading.Event()

        def slow() -> Secret:
            begun.set()
            assert go_on.wait(60)
            return secret(1)

        source.answer = slow
        with ThreadPoolExecutor(1) as pool:
            reader = pool.submit(cache.get, "s", deadline())
            assert begun.wait(60)
            for ask in (cache.get, cache.renew):
                with pytest.raises(PassingError, match="not read in time"):
                    ask("s", deadline(0))
            go_on.set()
            value = reader.result()
            clock.pass_by(70)
            begun.clear()
            go_on.clear()
            reader = pool.submit(cache.get, "s", deadline())
            assert begun.wait(60)
            assert cache.get("s", deadline(0)) is value, "the last good one, rather than nothing"
            go_on.set()
            reader.result()

    def test_a_fault_of_our_own_blocks_nobody(self, cache: SecretCache, source: Source) -> None:
        source.fail(ZeroDivisionError())
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                cache.get("s", deadline())
        source.answer = None
        assert number(cache.get("s", deadline())) == len(source.reads)


class TestFailures:
    def test_last_good_values_end(self, cache: SecretCache, source: Source, clock: LifeClock) -> None:
        first = cache.get("s", deadline())
        source.fail(PassingError("down"))
        clock.pass_by(599)
        assert cache.get("s", deadline()) is first
        clock.pass_by(1)
        with pytest.raises(PassingError, match="down"):
            cache.get("s", deadline())

    def test_a_second_outage_is_said_again(
        self, cache: SecretCache, source: Source, clock: LifeClock, caplog: pytest.LogCaptureFixture
    ) -> None:
        for _ in range(2):
            source.answer = None
            cache.get("s", deadline())
            source.fail(PassingError("down"))
            for _ in range(5):
                clock.pass_by(60)
                cache.get("s", deadline())
            clock.pass_by(10)
        assert len(caplog.records) == 2
        assert "the secret s cannot be read (down)" in caplog.text

    def test_a_lasting_fault_is_remembered_and_mended(
        self, cache: SecretCache, source: Source, clock: LifeClock
    ) -> None:
        source.fail(LastingError("forbidden"))
        for _ in range(5):
            with pytest.raises(LastingError, match="forbidden"):
                cache.get("s", deadline())
        assert len(source.reads) == 1
        source.answer = None
        clock.pass_by(10)
        assert number(cache.get("s", deadline())) == len(source.reads)

    def test_a_lasting_fault_ends_last_good_values(self, cache: SecretCache, source: Source, clock: LifeClock) -> None:
        cache.get("s", deadline())
        clock.pass_by(60)
        source.fail(LastingError("gone"))
        for _ in range(2):
            with pytest.raises(LastingError, match="gone"):
                cache.get("s", deadline())


class TestRenewal:
    def test_no_more_than_one_in_ten_seconds(self, cache: SecretCache, source: Source, clock: LifeClock) -> None:
        first = cache.get("s", deadline())
        assert cache.renew("s", deadline()) is first, "it was read only just now"
        clock.pass_by(10)
        assert number(cache.renew("s", deadline())) == 2
        clock.pass_by(9.9)
        assert number(cache.renew("s", deadline())) == 2
        assert len(source.reads) == 2

    def test_whoever_comes_during_a_renewal_gets_its_values(
        self, cache: SecretCache, source: Source, clock: LifeClock
    ) -> None:
        cache.get("s", deadline())
        clock.pass_by(20)
        begun, go_on = threading.Event(), threading.Event()

        def slow() -> Secret:
            begun.set()
            assert go_on.wait(60)
            return secret(2)

        source.answer = slow
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(cache.renew, "s", deadline())
            assert begun.wait(60)
            second = pool.submit(cache.renew, "s", deadline())
            assert number(cache.get("s", deadline())) == 1
            go_on.set()
            assert [number(first.result()), number(second.result())] == [2, 2]
        assert len(source.reads) == 2

    def test_a_secret_that_went_missing_meanwhile_is_read(self, cache: SecretCache) -> None:
        assert number(cache.renew("never read", deadline())) == 1

    def test_a_lasting_fault(self, cache: SecretCache, source: Source, clock: LifeClock) -> None:
        cache.get("s", deadline())
        clock.pass_by(20)
        source.fail(LastingError("gone"))
        for ask in (cache.renew, cache.renew, cache.get):
            with pytest.raises(LastingError, match="gone"):
                ask("s", deadline())
        assert len(source.reads) == 2


def test_an_allowance_refills_slowly() -> None:
    allowance = Allowance(burst=3, rate=0.5)
    assert [allowance.take(0) for _ in range(4)] == [True, True, True, False]
    assert not allowance.take(1)
    assert allowance.take(2.1)
    assert [allowance.take(1000) for _ in range(4)] == [True, True, True, False]


def test_reads_of_what_is_not_there_are_bounded_and_outages_do_not_count(
    cache: SecretCache, source: Source, clock: LifeClock
) -> None:
    cache.get("good", deadline())
    source.fail(PassingError("down"))
    for index in range(600):
        with pytest.raises(PassingError, match="down"):
            cache.get(f"cold-{index}", deadline())
    source.fail(LastingError("not found"))
    for index in range(500):
        with pytest.raises(LastingError):
            cache.get(f"guess-{index}", deadline())
    with pytest.raises(PassingError, match="do not exist"):
        cache.get("one-too-many", deadline())
    source.answer = None
    clock.pass_by(60)
    assert number(cache.get("good", deadline())) == len(source.reads)
