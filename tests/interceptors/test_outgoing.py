"""What is sent to interceptors: the same JSON as ever, written piece by piece, in memory that counts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.common.errors import ExhaustedError, LimitError
from functions.common.limits import Limits
from functions.common.ports import Deadline
from functions.common.values import Event, Json
from functions.go.text import go_decode
from functions.interceptors import outgoing
from functions.interceptors.outgoing import assembled, json_pieces, text_pieces
from tests.support.memory import Counted

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


def limits(memory: Counted, *, left: float = 1.0) -> Limits:
    return Limits(Deadline(left, lambda: 0.0), memory)


def written(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


@settings(max_examples=200, deadline=None)
@given(VALUES, st.binary(max_size=40) | st.text(max_size=40).map(str.encode), st.integers(1, 5))
def test_pieces_are_the_json_of_the_whole(value: Json, raw: bytes, window: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outgoing, "_WINDOW", window)
        assert b"".join(json_pieces(value)) == written(value)
        assert b"".join(text_pieces(event(text=raw))) == written(go_decode(raw))
        assert b"".join(text_pieces(event(body=value))) == written(written(value).decode())


def event(body: Json = None, text: bytes | None = None) -> Event:
    return Event(body=body, headers={}, extensions={}, request_url="/", event_id="e", text=text)


def test_what_is_sent_counts_while_it_is_sent() -> None:
    memory = Counted(1 << 20)
    with assembled(json_pieces(["😀" * 100_000]), limits(memory)) as body:
        assert len(body) <= memory.taken < 2 * len(body)
    assert memory.taken == 0


def test_what_stands_in_many_places_counts_as_often() -> None:
    memory = Counted(1 << 20)
    value: Json = "x" * 100
    for _ in range(40):  # a terabyte
        value = [value, value]
    with pytest.raises(LimitError), assembled(json_pieces(value), limits(memory)):
        pytest.fail("it does not fit")
    assert memory.taken == 0
    with pytest.raises(ExhaustedError), assembled(json_pieces(value), limits(Counted(1 << 50), left=0.0)):
        pytest.fail("there is no time")
