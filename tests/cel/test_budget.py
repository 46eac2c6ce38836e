"""No expression holds an instance: work and size are bounded, and what exceeds them is an error like any other."""

from __future__ import annotations

import pytest

from functions.cel import Activation
from functions.cel.errors import BudgetError
from functions.common import limits
from tests.cel.event import EVENT, value_of

_DEEP: list[object] = []
for _ in range(900):
    _DEEP = [_DEEP]

LARGE = Activation(
    body={
        "text": "a" * 1_000_000,
        "other": "a" * 999_999 + "b",
        "list": list(range(30_000)),
        "lists": [[1] * 300] * 300,
        "deep": _DEEP,
        "pattern": "[a-z0-9]{1,999}" * 300,
        "yaml": "[" + "a," * 200_000 + "a]",
    },
    header={},
    extensions={},
    request_url="/",
    compare_secret=EVENT.compare_secret,
)
MANY = "lists.range(100000)"


@pytest.mark.parametrize(
    "source",
    [
        "lists.range(1000000)",
        f"{MANY}.map(x, {MANY})",
        "lists.range(1000).all(a, lists.range(1000).all(b, lists.range(1000).all(c, true)))",
        "body.text.replace('a', body.text)",
        "body.text.replace('', body.text)",
        "body.text.split('')",
        "body.text.translate('a', body.text)",
        "body.list.map(x, body.text).join()",
        f"{MANY}.all(x, body.text == body.other || true)",
        f"{MANY}.all(x, body.text < body.other || true)",
        f"{MANY}.all(x, body.text.contains('b') || true)",
        f"{MANY}.all(x, body.text.matches('(a|b)*c') || true)",
        f"{MANY}.all(x, 'x'.matches(body.text) || true)",
        f"{MANY}.all(x, body.text.substring(1) == '' || true)",
        f"{MANY}.all(x, size(body.marshalJSON()) > 0 || true)",
        f"{MANY}.map(x, body.list == body.list)",
        f"{MANY}.map(x, body.list + body.list)",
        f"{MANY}.exists(x, -1.0 in body.list)",
        f"{MANY}.map(x, body.list.slice(0, 30000))",
        "body.list.map(a, body.list.exists(b, b == a))",
        "body.list.distinct()",
        "sets.equivalent(body.list, body.list)",
        f"{MANY}.map(x, body.lists.flatten())",
        "'%s'.format([body.lists.map(l, body.lists)])",
        f"{MANY}.map(x, body.yaml.parseYAML())",
        f"{MANY}.map(x, '%.100f'.format([1.0]))",
        "body.list.map(x, body.list.sort())",
        "body.list.map(x, strings.quote(body.text))",
    ],
)
def test_runs_out(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MIN_STEPS", 100_000)
    with pytest.raises(BudgetError, match=r"more than \d+ (steps|bytes) on this event"):
        value_of(source, LARGE)


@pytest.mark.parametrize(
    "source",
    [
        "body.deep == body.deep",
        "'%s'.format([body.deep])",
        "body.deep.flatten(800)",
        "[body.text, body.text].marshalJSON()",
        "json.encode([body.text, body.text])",
        "'a'.matches(body.pattern)",
    ],
)
def test_what_is_beyond_a_limit_is_refused_for_it(source: str) -> None:
    with pytest.raises(BudgetError, match=r"nested too deeply|nest deeper|longer than \d+|pattern too large"):
        value_of(source, LARGE)


def test_a_spent_budget_is_not_absorbed() -> None:
    with pytest.raises(BudgetError):
        value_of("lists.range(1000000).map(x, lists.range(1000000)).size() > 0 || true", LARGE)


def test_what_a_real_filter_does_stays_within() -> None:
    assert value_of("body.list.filter(x, x >= 29999.0).size() == 1 && !body.list.exists(x, x < 0.0)", LARGE) is True
    assert value_of("body.text.size() == 1000000 && body.text.endsWith('a')", LARGE) is True
