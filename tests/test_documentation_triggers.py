"""Every test that the documentation names exists."""

from __future__ import annotations

import ast
import re
from itertools import pairwise

import pytest

from tests.support.function import ROOT

TESTS = ROOT / "tests"
DOCUMENTS = ("triggers.md",)


def defined(path: str) -> set[str]:
    """Return the names of a test module's functions and classes."""
    tree = ast.parse((TESTS / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_named_test_exists(document: str) -> None:
    text = (ROOT / "docs" / document).read_text()
    named = re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", text)
    assert len(named) > 50
    missing = [f"{path}::{test}" for path, test in named if not (TESTS / path).is_file()]
    missing += [f"{path}::{test}" for path, test in named if test and test not in defined(path)]
    assert missing == []


def test_every_feature_is_shown_by_a_test() -> None:
    features = (ROOT / "docs" / "triggers.md").read_text().split("\n## Where the manifests come from")[0]
    lines = features.splitlines()
    rows = [line for before, line in pairwise(lines) if line.startswith("| ") and before.startswith("|")]
    assert len(rows) > 30
    assert [row for row in rows if not re.search(r"`[\w/]+\.py(::\w+)?`", row.rpartition(" | ")[2])] == []
