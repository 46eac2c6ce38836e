"""Text as Go's encoding/json prints it, and literal text as Tekton's templates decode it."""

from __future__ import annotations

import json
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.common.errors import LastingError
from functions.common.values import Json
from functions.go.encode import MAX_TEXT, Ordered, TextTooLongError, decode_pasted, go_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('as\nit "is"', 'as\nit "is"'),
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (-3, "-3"),
        (9007199254740993, "9007199254740993"),
        (12345678901234567890, "12345678901234567890"),
        (1.0, "1"),
        (1.7, "1.7"),
        (-0.0, "-0"),
        (0.1, "0.1"),
        (0.000001, "0.000001"),
        (0.00001, "0.00001"),
        (1.5e-5, "0.000015"),
        (-1.25e-5, "-0.0000125"),
        (1e-7, "1e-7"),
        (1.5e-9, "1.5e-9"),
        (1e-10, "1e-10"),
        (5e-324, "5e-324"),
        (1e16, "10000000000000000"),
        (-2.5e17, "-250000000000000000"),
        (123456789012345680.0, "123456789012345680"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (-1.5e300, "-1.5e+300"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        ([], "[]"),
        ({}, "{}"),
        ([1, "a", None, [True, {}]], '[1,"a",null,[true,{}]]'),
        ({"b": 1.0, "a": [1e21], "Z": "z"}, '{"Z":"z","a":[1e+21],"b":1}'),
        ({"é": 1, "z": 2, "🎉": 3, "\uffee": 4}, '{"z":2,"é":1,"\uffee":4,"🎉":3}'),
        (["<a & b>", "\u2028"], '["<a & b>","\u2028"]'),
        (['say "hi"\\\n\t\x01'], '["say \\"hi\\"\\\\\\n\\t\\u0001"]'),
        ({'k"': 1}, '{"k\\"":1}'),
        (Ordered({"b": {"d": 1, "c": 2}, "a": 3}), '{"b":{"c":2,"d":1},"a":3}'),
    ],
)
def test_prints_as_go(value: Json, text: str) -> None:
    assert go_text(value) == text


def test_deep_nesting_is_printed() -> None:
    deep: Json = 1
    for _ in range(5_000):
        deep = [deep]

    assert go_text(deep) == "[" * 5_000 + "1" + "]" * 5_000


def test_a_text_beyond_the_bound_is_refused() -> None:
    with pytest.raises(TextTooLongError, match="longer than 1572864 characters"):
        go_text(["x" * MAX_TEXT])


@pytest.mark.parametrize("value", [[10.0] * 200_000, [[]] * 400_000, {"": [{"k": 1}] * 150_000}, [[1.5]] * 900_000])
def test_writing_takes_little_memory_beside_the_text(value: Json) -> None:
    tracemalloc.start()
    with suppress(TextTooLongError):
        go_text(value)
    assert tracemalloc.get_traced_memory()[1] < 8 * MAX_TEXT
    tracemalloc.stop()


def test_what_is_no_json_number_is_refused() -> None:
    with pytest.raises(LastingError):
        go_text([float("nan")])


JSON: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)


@settings(deadline=None)
@given(value=st.lists(JSON, max_size=4) | st.dictionaries(st.text(max_size=4), JSON, max_size=4))
def test_the_text_of_a_container_reads_back(value: Json) -> None:
    def read(text: str) -> Json:
        # a large float is printed without a fraction, so whole numbers are read as floats on both sides
        parsed: Json = json.loads(text, parse_int=float)
        return parsed

    assert read(go_text(value)) == read(json.dumps(value))


@settings(deadline=None)
@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_a_floats_text_reads_back(value: float) -> None:
    assert float(go_text(value)) == value


@pytest.mark.parametrize(
    ("literal", "decoded"),
    [
        ("plain", "plain"),
        ("", ""),
        (r"two\nlines\t\"quoted\" \\ \/ \u00e9", 'two\nlines\t"quoted" \\ / é'),
        (r"\ud83c\udf89", "🎉"),
        (r"\ud83c alone", "\ufffd alone"),
        ("\\", "\\"),
        ("\\d+", "\\d+"),
        ('"', '"'),
        (r'a\n","b', r'a\n","b'),
        ("a\\n\n", "a\\n\n"),
        (r"trailing\n ", "trailing\n "),
    ],
)
def test_a_literal_is_decoded_where_it_is_json_string_content(literal: str, decoded: str) -> None:
    assert decode_pasted(literal) == decoded


@settings(deadline=None)
@given(text=st.text())
def test_json_string_content_is_decoded_and_anything_is_accepted(text: str) -> None:
    assert decode_pasted(json.dumps(text)[1:-1]) == text
    decode_pasted(text)
