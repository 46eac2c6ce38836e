"""docs/faults.md: every row names tests that exist with all their cases, and every case of the matrix has its row."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from tests.support import fault_cases
from tests.support.function import ROOT

DOCUMENT = (ROOT / "docs" / "faults.md").read_text()
TRIGGERS = (ROOT / "docs" / "triggers.md").read_text()
NAMED = re.compile(r"`(?:([\w/]+\.py)::)?(test_\w+|[A-Z]\w+)(?:\[([^\]]+)\])?`")
CASES: Mapping[str, Mapping[str, object]] = {
    "test_creating_while_it_stays": fault_cases.CREATING,
    "test_creating_when_it_ends": fault_cases.CREATING,
    "test_looking_while_it_stays": fault_cases.LOOKING,
    "test_looking_when_it_ends": fault_cases.LOOKING,
    "test_discovering_while_it_stays": fault_cases.DISCOVERING,
    "test_discovering_when_it_ends": fault_cases.DISCOVERING,
    "test_one_of_three_while_it_stays": fault_cases.OF_SEVERAL,
    "test_reading_the_key_when_cold": fault_cases.SECRETS,
    "test_reading_the_key_again": fault_cases.SECRETS,
    "test_reading_the_kubeconfig_when_cold": fault_cases.SECRETS,
    "test_reading_the_kubeconfig_again": fault_cases.SECRETS,
}


def rows() -> list[str]:
    """Return the tables' rows without their heads."""
    lines = DOCUMENT.splitlines()
    return [line for line, before in zip(lines[1:], lines, strict=False) if line.startswith("| ") and before[:1] == "|"]


def defined(path: str) -> set[str]:
    """Return the names of a test module's functions and classes."""
    tree = ast.parse((ROOT / "tests" / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def named() -> list[tuple[str, str, list[str]]]:
    """Return file, test and cases of each test that a row names."""
    found = []
    for row in rows():
        last = row.rstrip("| ").rpartition(" | ")[2]
        tests = NAMED.findall(last)
        assert tests, f"no test is named: {row}"
        found += [(path or "test_faults.py", test, cases.split(", ") if cases else []) for path, test, cases in tests]
    return found


def test_every_row_names_tests_that_exist() -> None:
    missing = [f"{path}::{test}" for path, test, _ in named() if test not in defined(path)]
    assert missing == []
    assert len(rows()) > 60


def test_every_named_case_exists_and_every_case_is_named() -> None:
    seen: dict[str, set[str]] = {}
    for _, test, cases in named():
        if cases:
            seen.setdefault(test, set()).update(cases)
    assert set(seen) == set(CASES)
    for test, wanted in seen.items():
        assert wanted - set(CASES[test]) == set(), test
        if not test.endswith("_when_it_ends"):
            assert wanted == set(CASES[test]), test


def test_what_triggers_md_says_of_reading_from_the_cluster_that_fails_has_its_rows() -> None:
    asked = re.findall(
        r"^\| (?:And while the API cannot|An object becomes|`EVENT_LISTENER`).*$", TRIGGERS, re.MULTILINE
    )
    assert len(asked) == 3
    wanted = {(path, test) for row in asked for path, test, _ in NAMED.findall(row) if path}
    assert wanted - {(path, test) for path, test, _ in named()} == set()
