"""How much of GitHub's limits one process has used, and what it says of that: by a clock moved by hand."""

from __future__ import annotations

import contextlib

import pytest

from functions.adapters.github.answers import Answer
from functions.adapters.github.pace import HOUR_SHARE, MAX_OWNERS, MINUTE_SHARE, QUIET_SECONDS, Pace
from functions.common.errors import LastingError, PassingError
from tests.adapters.secrets.support import LifeClock

APP = "acme/app"


@pytest.fixture
def clock() -> LifeClock:
    return LifeClock()


@pytest.fixture
def pace(clock: LifeClock) -> Pace:
    return Pace(by_owner=True, clock=clock)


def heard(pace: Pace, remaining: str = "4999", limit: str = "5000", owner: str = "acme") -> None:
    headers = {"x-ratelimit-limit": limit, "x-ratelimit-remaining": remaining}
    pace.heard(Answer(200, headers, b"", f"https://api.github.com/repos/{owner}/app/statuses/1"))


def write(pace: Pace, times: int, repository: str = APP) -> None:
    for _ in range(times):
        with pace.asking(repository, writes=True):
            pass


def refuse(pace: Pace, seconds: float | None, repository: str = APP) -> None:
    with contextlib.suppress(PassingError), pace.asking(repository):
        raise PassingError("403", retry_after=seconds)


def test_a_quarter_of_a_minutes_writes_and_of_an_hours_are_near(pace: Pace, clock: LifeClock) -> None:
    heard(pace)
    write(pace, MINUTE_SHARE - 1)
    assert not pace.near(APP)
    write(pace, 1)
    assert pace.near(APP)
    clock.pass_by(60)
    assert not pace.near(APP)
    for _ in range(HOUR_SHARE - MINUTE_SHARE):
        assert not pace.near(APP)
        write(pace, 1)
        clock.pass_by(10)
    assert pace.near(APP), "so many within the hour"
    clock.pass_by(3600)
    assert not pace.near(APP)


def test_the_log_is_told_once_an_hour_what_is_left_out(
    pace: Pace, clock: LifeClock, caplog: pytest.LogCaptureFixture
) -> None:
    heard(pace)
    assert not pace.near(APP)
    for _ in range(70):
        write(pace, MINUTE_SHARE)
        assert pace.near(APP)
        clock.pass_by(60)
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 2
    assert "their ends are told" in caplog.text


def test_a_server_without_limits_is_never_near(pace: Pace) -> None:
    write(pace, 1000)
    assert not pace.near(APP)
    for limit in ("", "many", "-1"):
        heard(pace, limit=limit)
    assert not pace.near(APP)


def test_whoever_was_asked_to_wait_asks_nothing_until_then(pace: Pace, clock: LifeClock) -> None:
    refuse(pace, 30)
    clock.pass_by(29)
    with pytest.raises(PassingError) as caught, pace.asking(APP):
        raise AssertionError("asked")
    assert caught.value.retry_after == 1
    clock.pass_by(1)
    write(pace, 1)
    assert pace.near(APP), "another process uses the limit, too"
    clock.pass_by(QUIET_SECONDS)
    assert not pace.near(APP)


def test_a_wait_ends_however_long_it_was_asked_for(pace: Pace, clock: LifeClock) -> None:
    refuse(pace, 10.0**9)
    clock.pass_by(3600)
    write(pace, 1)


@pytest.mark.parametrize("error", [PassingError("502"), LastingError("404")])
def test_no_other_fault_has_anybody_wait(pace: Pace, error: PassingError | LastingError) -> None:
    with pytest.raises(type(error)), pace.asking(APP):
        raise error
    write(pace, 1)
    assert not pace.near(APP)


def test_the_last_fifth_of_the_calls_is_scarce_for_a_minute(pace: Pace, clock: LifeClock) -> None:
    heard(pace, "1000")
    assert not pace.scarce(APP)
    heard(pace, "999")
    assert pace.scarce(APP)
    heard(pace, "4000")
    assert not pace.scarce(APP), "the hour is over"
    heard(pace, "0")
    clock.pass_by(60)
    assert not pace.scarce(APP), "nobody knows any more"


def test_owners_have_limits_of_their_own_with_an_app_and_share_a_tokens(clock: LifeClock) -> None:
    app, token = Pace(by_owner=True, clock=clock), Pace(by_owner=False, clock=clock)
    for pace in (app, token):
        heard(pace, "1", owner="ACME")
        refuse(pace, 60)
    assert (app.scarce("other/x"), app.near("other/x"), app.scarce(APP)) == (False, False, True)
    assert (token.scarce("other/x"), token.near("other/x")) == (True, True)


def test_so_many_owners_are_kept(pace: Pace) -> None:
    refuse(pace, 60)
    for number in range(MAX_OWNERS):
        assert not pace.near(f"owner-{number}/x")
    assert not pace.near(APP)
