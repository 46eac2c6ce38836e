"""PH307: CEL whose syntax cel-python refuses, and CEL that it only does not know."""

from __future__ import annotations

import pytest
import yaml

from functions import lint
from tests.lint.support import ids, listed, only, with_params
from tests.support.sources import cel, github

PUSHES = github(eventTypes=["push"])


def rules(filter_: str) -> list[str]:
    return ids(listed(PUSHES, cel(filter_)), with_params())


@pytest.mark.parametrize(
    "expression", ["body.after in ['a', 'b',]", "{'a': 1,}.a == 1 && body.after == 'x'", "'x' in [\n'x',\n]"]
)
def test_syntax_that_it_refuses_is_a_note(expression: str) -> None:
    assert rules(expression) == ["PH307"]


@pytest.mark.parametrize(
    "expression",
    [
        "header.match('X-GitHub-Event', 'push')",
        "body.ref.truncate(3) == 'ref' && body.after.compareSecret('k', 'n')",
        "body.commits.exists(c, c.id.charAt(0) == 'a')",
        "'refs' in body.ref.split('/') || body.ref.parseURL().path == ''",
        "sets.contains([body.ref], ['x']) && math.greatest(1, 2) == 2",
        "has(body.ref) ? body.ref.lowerAscii() == 'x' : false",
    ],
)
def test_functions_are_not_judged(expression: str) -> None:
    assert rules(expression) == []


def test_it_says_where_and_is_found_in_overlays_too() -> None:
    finding = only("PH307", listed(PUSHES, cel(x="[body.ref]", y="[body.ref,]")), with_params())
    assert finding.message == "not portable CEL: cel-python's parser stops at line 1, column 11"
    assert finding.path.endswith("value[1].expression")


def test_what_does_not_compile_is_no_note() -> None:
    assert rules("body.ref in ['a',") == ["PH002"]


def test_nobody_else_asks() -> None:
    text = yaml.safe_dump(listed(PUSHES, cel("body.a in [1,]")))
    findings, loaded = lint.check({"m.yaml": text}, namespace="n")
    assert loaded is not None
    assert "PH307" not in {finding.rule.id for finding in findings}
