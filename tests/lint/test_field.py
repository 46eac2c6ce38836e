"""Small manifests rebuilt from public bug reports and repositories: what the lint says of each, and nothing else."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from functions import lint

FIELD = Path(__file__).parent / "field"

EXPECTED: dict[str, dict[str, int]] = {
    "after-webhook": {},
    "disjunction": {},
    "shell-positional": {},
    "uppercase-param": {"PH202": 1},
    "overlay-cleaned": {},
    "github-drawn-fields": {"PH207": 3},
    "branch-deletion": {"PH304": 1, "PH404": 1},
    "binding-never-resolves": {"PH303": 6, "PH305": 2},
    "reference-misspelt": {"PH103": 4},
}


def test_every_case_is_looked_at() -> None:
    assert {path.stem for path in FIELD.iterdir()} == set(EXPECTED)


@pytest.mark.parametrize("case", EXPECTED)
def test_a_case_of_the_field(case: str) -> None:
    found, _ = lint.check({case: (FIELD / f"{case}.yaml").read_bytes()}, namespace="default")
    assert Counter(finding.rule.id for finding in found) == EXPECTED[case]


def test_what_is_misspelt_is_told_how_it_is_written() -> None:
    found, _ = lint.check({"m": (FIELD / "reference-misspelt.yaml").read_bytes()}, namespace="default")
    assert {finding.hint for finding in found} == {"write $(tt.params.v)"}
    assert [finding.message.rpartition(": ")[2] for finding in found] == [
        "$(params.v)",
        "$(tt.param.v)",
        "$( tt.params.v )",
        "${tt.params.v}",
    ]
