"""infra/README.md cannot drift: its tables are the .tf files', its sums are right, what it names exists."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable

import pytest

from tests.infra.hcl import INFRA, of_kind
from tests.infra.readme_tables import README, renewed

_TEXT = README.read_text()
_SUMS = re.findall(r"`([^`=]*[×/+][^`=]*) = ([\d,.]+)`", _TEXT)
_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def _value(node: ast.expr) -> float:
    if isinstance(node, ast.BinOp):
        return _OPERATORS[type(node.op)](_value(node.left), _value(node.right))
    assert isinstance(node, ast.Constant)
    return float(str(node.value))


def test_tables_are_the_files() -> None:
    assert renewed(_TEXT) == _TEXT, "run python -m tests.infra.readme_tables"


def test_there_are_sums_to_check() -> None:
    assert len(_SUMS) == 19


@pytest.mark.parametrize(("arithmetic", "result"), _SUMS)
def test_sums_are_right(arithmetic: str, result: str) -> None:
    python = arithmetic.replace(",", "").replace("×", "*").replace("−", "-")
    digits = len(result.partition(".")[2])

    assert f"{_value(ast.parse(python, mode='eval').body):,.{digits}f}" == result


def test_columns_add_up() -> None:
    rows = [
        line.split("|")[3:6] for line in _TEXT.splitlines() if re.match(r"\| [^|]+ \| `[^`]+` \|( [\d.]+ \|){3}$", line)
    ]
    (together,) = re.findall(r"\| \*\*together\*\* \|[^|]*\|(.*)\|", _TEXT)

    for column, total in enumerate(re.findall(r"\*\*([\d.]+)\*\*", together)):
        assert round(sum(float(row[column]) for row in rows), 2) == float(total)


def test_variables_that_it_names_exist() -> None:
    named = set(re.findall(r"-var '?(\w+)=", _TEXT)) | {"uptime_host", "tracing", "notification_channels"}

    assert named <= set(of_kind(INFRA, "variable"))


def test_links_and_paths_lead_somewhere() -> None:
    for link in re.findall(r"\]\((?!https:)([^)#]+)[^)]*\)", _TEXT):
        assert (INFRA / link).exists(), link
    for path in re.findall(r"infra/(?:checks|cluster)/[\w./-]*\w", _TEXT):
        assert (INFRA.parent / path).exists(), path
