"""JSON as Go reads it, with bounds."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.common.errors import BadRequestError
from functions.go import text
from functions.go.decode import MAX_DEPTH, parse_json
from functions.go.encode import go_text

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "not JSON: Expecting value at line 1 column 1"),
        (b'{"a":\n ]', "not JSON: Expecting value at line 2 column 2"),
        (b"{} {}", "not JSON: Extra data"),
        (b'{"a":1 , \n }', "not JSON: Expecting property name enclosed in double quotes at line 2 column 2"),
        (b'{"a":[1,\n]}', "not JSON: Expecting value at line 2 column 1"),
        (b'{"a": NaN}', "NaN is no JSON number"),
        (b"[-Infinity]", "-Infinity is no JSON number"),
        (b"1e400", "larger than a 64-bit float"),
        (b"9" * 310, "larger than a 64-bit float"),
        (b"9" * 5000, "more than 400 digits"),
        (b"\xff", "not JSON: Expecting value at line 1 column 1"),
        (b'{"a": "\xc3"\xff}', "not JSON: Expecting ',' delimiter"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b'{"a":"\n"}', "not JSON: Invalid control character"),
        (b"[" * 100_000, "nests deeper than"),
        (b"[" * 100_000 + b"]" * 100_000, "nests deeper than"),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "nests deeper than"),
        (b'["]",' * 5_000 + b'"["]' + b"]" * 4_999, "nests deeper than"),
    ],
)
def test_what_go_or_reason_refuses_is_a_bad_request_with_a_sentence(raw: bytes, said: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        parse_json(raw)
    assert said in caught.value.reason
    assert caught.value.status == 400


def test_of_duplicate_keys_the_last_wins() -> None:
    assert parse_json(b'{"a": 1, "a": 2}') == {"a": 2}


@pytest.mark.parametrize("text", ["-0", "-0.0", "-0e0"])
def test_minus_zero_stays_minus_zero(text: str) -> None:
    parsed = parse_json(f'{{"n":[{text}, 0]}}'.encode())
    assert go_text(parsed) == '{"n":[-0,0]}'


def test_integers_keep_their_digits() -> None:
    assert parse_json(b"[12345678901234567890, -9007199254740993]") == [12345678901234567890, -9007199254740993]


def test_lone_surrogates_become_replacement_characters_and_pairs_stay() -> None:
    assert parse_json(rb'{"\ud800": ["\udfff x", "\ud83c\udf89"]}') == {"\ufffd": ["\ufffd x", "🎉"]}


def test_each_byte_of_a_string_that_is_no_utf_8_becomes_a_replacement_character() -> None:
    parsed = parse_json(b'{"a\xff": ["\xc3\x28", "\xed\xa0\x80", "\xf0\x9f\x98"]}')
    assert parsed == {"a\ufffd": ["\ufffd(", "\ufffd" * 3, "\ufffd" * 3]}


PIECES = [
    b"a",
    b"\x80",
    b"\xb2",
    b"\xed",
    b"\xed\xb2\x80",
    b"\xe2\x82",
    b"\xf0\x9f\x98",
    b"\xef\xbf\xbd",
    "é🎉".encode(),
]


@given(st.lists(st.sampled_from(PIECES)).map(b"".join), st.integers(1, 5))
def test_it_is_the_same_wherever_the_text_is_cut_to_be_decoded(raw: bytes, window: int) -> None:
    expected = re.sub("[\udc80-\udcff]", "\ufffd", raw.decode("utf-8", "surrogateescape"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "_WINDOW", window)
        assert text.go_decode(raw) == expected


def test_brackets_in_strings_are_no_nesting() -> None:
    assert parse_json(b'["' + b"[" * 5_000 + b'"]') == ["[" * 5_000]


def test_real_depths_pass() -> None:
    assert parse_json(b"[" * 500 + b"]" * 500) is not None
    assert MAX_DEPTH >= 500


@given(VALUES)
def test_everything_that_json_can_say_comes_through(value: object) -> None:
    assert parse_json(json.dumps(value).encode()) == value


@given(st.binary())
def test_any_bytes_are_parsed_or_refused(raw: bytes) -> None:
    try:
        parse_json(raw)
    except BadRequestError as error:
        assert error.reason
