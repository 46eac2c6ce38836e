"""Numbers that others write: never an exception, never more than can be reckoned with."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.adapters.github.answers import Answer, Question
from functions.adapters.kubernetes.answers import Answer as ApiAnswer
from functions.adapters.kubernetes.errors import of_answer
from functions.adapters.secrets.manager import version_number
from functions.common.errors import PassingError
from functions.common.numbers import MAX_DIGITS, wait, whole
from functions.common.ports import Reply
from functions.interceptors.outgoing import raise_fault

ENDLESS = "9" * 400
ODD: list[Any] = [
    ENDLESS,
    int(ENDLESS),
    "-1",
    -1,
    "1e9",
    "٣",
    "+5",
    "0x10",
    "",
    " ",
    "5 s",
    1.5,
    math.inf,
    True,
    None,
    [],
]


@pytest.mark.parametrize(
    ("given_number", "expected"),
    [("0", 0), ("007", 7), (5, 5), (0, 0), ("9" * MAX_DIGITS, 10**MAX_DIGITS - 1), ("1" + "0" * 18, None)],
)
def test_a_whole_number_is_read(given_number: Any, expected: int | None) -> None:
    assert whole(given_number) == expected


@pytest.mark.parametrize("odd", ODD)
def test_what_is_none_is_none(odd: Any) -> None:
    assert whole(odd) is None
    assert wait(odd) is None


@given(st.text() | st.integers() | st.floats() | st.booleans() | st.none())
def test_whatever_is_given_is_a_bounded_number_or_none(odd: Any) -> None:
    found, asked = whole(odd), wait(odd)
    assert found is None or 0 <= found < 10**MAX_DIGITS
    assert asked is None or 0 < asked < 10**6


@pytest.mark.parametrize("odd", ["9" * 7, ENDLESS, "9" * 5000])
class TestWaits:
    """A server that asks to wait for ever asks for nothing that could be said in a reply."""

    def test_of_an_api_server(self, odd: str) -> None:
        body = b'{"kind": "Status", "details": {"retryAfterSeconds": %s}}' % odd.encode()
        error = of_answer(ApiAnswer(503, odd, body), "x", None)
        assert isinstance(error, PassingError)
        assert error.retry_after is None

    def test_of_an_interceptor(self, odd: str) -> None:
        with pytest.raises(PassingError) as caught:
            raise_fault(Reply(503, {"Retry-After": (odd,)}, b""), "down")
        assert caught.value.retry_after is None

    def test_of_github(self, odd: str) -> None:
        headers = {"retry-after": odd * 2, "x-ratelimit-reset": odd * 2, "x-ratelimit-remaining": "0"}
        with pytest.raises(PassingError) as caught:
            Answer(403, headers, b"", "").check(Question("files", "x"), now=0.0)
        assert caught.value.retry_after == 60.0

    def test_of_a_version_of_a_secret(self, odd: str) -> None:
        assert version_number(f"projects/p/secrets/s/versions/{odd * 3}") == -1
