"""Whole answers within a deadline and a size, and faults in words that show nothing."""

from __future__ import annotations

from unittest import mock

import pytest
from urllib3 import BaseHTTPResponse, HTTPConnectionPool
from urllib3.connection import HTTPConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationParseError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
)

from functions.adapters.bounded import NoAnswerError, whole
from functions.common.errors import LastingError
from functions.common.ports import Deadline


def deadline() -> Deadline:
    return Deadline(8.0, lambda: 0.0)


@pytest.mark.parametrize(
    ("error", "text", "maybe_done", "cause"),
    [
        (ConnectTimeoutError(), "no connection came about in time", False, "time"),
        (NewConnectionError(HTTPConnection("h"), "x"), "no connection", False, ""),
        (ReadTimeoutError(HTTPConnectionPool("h"), "/secret", "x"), "no answer came in time", True, "time"),
        (ProtocolError("Connection broken"), "the connection was closed before the whole answer came", True, ""),
        (HTTPError("/secret"), "the connection was closed before the whole answer came", True, ""),
    ],
)
def test_what_the_library_raises_is_said_plainly(error: HTTPError, text: str, maybe_done: bool, cause: str) -> None:
    with pytest.raises(NoAnswerError) as caught:
        whole(mock.Mock(side_effect=error), deadline=deadline(), size=1)
    assert (caught.value.text, caught.value.maybe_done, caught.value.cause) == (text, maybe_done, cause)


@pytest.mark.parametrize("error", [LocationParseError("/secret"), UnicodeError("/secret")])
def test_what_can_never_be_sent_lasts(error: Exception) -> None:
    with pytest.raises(LastingError, match="it cannot be sent") as caught:
        whole(mock.Mock(side_effect=error), deadline=deadline(), size=1)
    assert "secret" not in caught.value.reason


def test_a_dribbling_answer_ends_with_the_deadline() -> None:
    now = 0.0

    def read(_amount: int) -> bytes:
        nonlocal now
        now += 1.0
        return b"x"

    response = mock.Mock(spec=BaseHTTPResponse, read1=read)
    with pytest.raises(NoAnswerError, match="had not ended when the time was up"):
        whole(lambda: response, deadline=Deadline(8.0, lambda: now), size=100)
    assert now == 8.0
    response.close.assert_called_once()


def test_an_answer_of_just_the_size_is_whole() -> None:
    response = mock.Mock(spec=BaseHTTPResponse, read1=mock.Mock(side_effect=[b"ab", b"c", b""]))
    assert whole(lambda: response, deadline=deadline(), size=3) == (response, b"abc")


def test_a_larger_one_is_given_up() -> None:
    response = mock.Mock(spec=BaseHTTPResponse, read1=mock.Mock(side_effect=[b"ab", b"cd", b""]))
    with pytest.raises(NoAnswerError, match="is larger than") as caught:
        whole(lambda: response, deadline=deadline(), size=3)
    assert caught.value.cause == "size"
    response.close.assert_called_once()
