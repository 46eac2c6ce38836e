"""What an overlay makes of a result, and what it cannot."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from functions.cel import CelConversionError, convert, to_json
from functions.cel.errors import BudgetError
from tests.cel.event import EVENT, overlay, value_of


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("9007199254740991", 9007199254740991),
        ("9007199254740992", "9007199254740992"),
        ("-9007199254740992", "-9007199254740992"),
        ("[9007199254740993, 1u, null]", ["9007199254740993", 1, None]),
        ("b'hello'", "aGVsbG8="),
        ("{'a': b'hi'}", {"a": "aGk="}),
        ("[timestamp(0), duration('90s')]", ["1970-01-01T00:00:00Z", "90s"]),
        ("body.big", 9007199254740992),
        ("body.repository.owner", {"login": "octo-org", "email": None}),
        ("12345678901234567890.0", 12345678901234567000),
        ("1e21", 1e21),
        ("1.5", 1.5),
        ("-0.0", -0.0),
        ("header", dict(EVENT.header)),
        ("'naïve 🎉'", "naïve 🎉"),
    ],
)
def test_holds(source: str, value: object) -> None:
    made = overlay(source)
    assert made == value
    assert type(made) is type(value)


@pytest.mark.parametrize(
    "source",
    [
        "null", "1u", "timestamp(0)", "duration('1s')", "type(1)", "[type(1)]", "1.0 / 0.0", "[0.0 / 0.0]", "{1: 2}",
        "{true: 1}", "{null: 1}", "{'a': {1u: 2}}", "'é'.truncate(1)", "['é'.truncate(1)]", "{'é'.truncate(1): 1}",
    ],
)  # fmt: skip
def test_is_refused(source: str) -> None:
    value = value_of(source)
    with pytest.raises(CelConversionError, match="failed to convert overlay result to type"):
        to_json(value)


def test_a_result_that_repeats_a_list_many_times_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    event = replace(EVENT, body={"l": list(range(300))})
    value = value_of("body.l.map(a, body.l)", event)
    assert to_json(value) == [list(range(300))] * 300
    monkeypatch.setattr(convert, "MAX_SIZE", 4 * 1024 * 1024)
    with pytest.raises(BudgetError, match="larger than"):
        to_json([value] * 100)


def test_deep_results_are_refused() -> None:
    deep: list[object] = []
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(BudgetError, match="nested deeper"):
        to_json(deep)
