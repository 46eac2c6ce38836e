"""Keys of overlays: what sjson's SetRawBytes does with the same paths."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.common.errors import LastingError
from functions.interceptors.overlay_paths import parse_path, placed


@pytest.mark.parametrize(
    ("document", "key", "result"),
    [
        ({}, "a", {"a": "v"}),
        ({}, "name.last", {"name": {"last": "v"}}),
        ({"name": {"last": "x"}}, "name.first", {"name": {"last": "x", "first": "v"}}),
        ({"name": {"last": "x"}}, "name.last", {"name": {"last": "v"}}),
        ({"name": "x"}, "name.last", {"name": {"last": "v"}}),
        ({"name": None}, "name.last", {"name": {"last": "v"}}),
        ({"name": {"last": "x"}}, "name", {"name": "v"}),
        ({"friends": ["a", "b"]}, "friends.2", {"friends": ["a", "b", "v"]}),
        ({"friends": ["a", "b"]}, "friends.1", {"friends": ["a", "v"]}),
        ({"friends": ["a", "b"]}, "friends.4", {"friends": ["a", "b", None, None, "v"]}),
        ({"friends": ["a", "b"]}, "friends.-1", {"friends": ["a", "b", "v"]}),
        ({"friends": [{"last": "x"}]}, "friends.0.last", {"friends": [{"last": "v"}]}),
        ({"friends": [{"last": "x"}]}, "friends.-1.last", {"friends": [{"last": "x"}, {"last": "v"}]}),
        ({"friends": []}, "friends.1", {"friends": [None, "v"]}),
        ({}, "friends.0", {"friends": ["v"]}),
        ({}, "friends.2", {"friends": [None, None, "v"]}),
        ({}, "friends.-1", {"friends": ["v"]}),
        ({"friends": 2}, "friends.-1", {"friends": {"-1": "v"}}),
        ({}, "a.0.b", {"a": [{"b": "v"}]}),
        ({"a": 5}, "a.0", {"a": ["v"]}),
        ({}, "0", {"0": "v"}),
        ({}, "9999999", {"9999999": "v"}),
        ({"a": [1]}, "a.0000000000000", {"a": ["v"]}),
        ({"users": {}}, "users.2313", {"users": {"2313": "v"}}),
        ({}, "users.:2313.name", {"users": {"2313": {"name": "v"}}}),
        ({}, "users.:-1", {"users": {"-1": "v"}}),
        ({"users": ["a", "b"]}, "users.:1", {"users": ["a", "v"]}),
        ({}, r"fav\.movie", {"fav.movie": "v"}),
        ({}, r"a\.b\.c.d", {"a.b.c": {"d": "v"}}),
        ({}, r"a\\b", {"a\\b": "v"}),
        ({}, r"a\#b\*", {"a#b*": "v"}),
        ({}, "a\\", {"a": "v"}),
        ({}, "a b.é", {"a b": {"é": "v"}}),
        ({}, "extensions.a", {"extensions": {"a": "v"}}),
    ],
)
def test_a_value_is_placed_as_sjson_places_it(document: Any, key: str, result: Any) -> None:
    assert placed(document, parse_path(key), "v") == result


@pytest.mark.parametrize("key", ["a.b", "a.:0", "a.-1x"])
def test_a_name_cannot_lead_into_a_list(key: str) -> None:
    with pytest.raises(LastingError, match="cannot set array element for non-numeric key"):
        placed({"a": []}, parse_path(key), "v")


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("", "path cannot be empty"),
        (".a", "path cannot be empty"),
        ("a.", "path cannot be empty"),
        ("a..b", "path cannot be empty"),
        (":", "path cannot be empty"),
        ("a.#", r"write \\# for the character itself"),
        ("a.*", r"write \\\* for the character itself"),
        ("@this", r"write \\@ for the character itself"),
        ("a|b", r"write \\\| for the character itself"),
    ],
)
def test_a_key_that_can_never_be_one_is_refused(key: str, reason: str) -> None:
    with pytest.raises(LastingError, match=reason):
        parse_path(key)


@pytest.mark.parametrize("key", ["a.1001", "a.12345678901234567890", "a." + "9" * 5000, "a.1.5000"])
def test_an_index_is_bounded_since_all_below_it_is_filled_up(key: str) -> None:
    with pytest.raises(LastingError, match="an index may be 1000 at most: write :"):
        placed({}, parse_path(key), "v")


def test_what_is_shared_with_the_document_is_not_changed() -> None:
    document: Any = {"a": {"b": [1, {"c": 2}]}, "d": {}}
    result: Any = placed(document, parse_path("a.b.1.c"), 3)
    assert document == {"a": {"b": [1, {"c": 2}]}, "d": {}}
    assert result == {"a": {"b": [1, {"c": 3}]}, "d": {}}
    assert result["d"] is document["d"]


@given(st.text(max_size=30))
def test_any_key_is_a_path_or_a_lasting_error(key: str) -> None:
    try:
        path = parse_path(key)
    except LastingError:
        return
    assert isinstance(placed({}, path, "v"), dict)
