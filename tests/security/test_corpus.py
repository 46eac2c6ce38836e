"""Every seed of the fuzzing, and every case that it ever found, through its target; a bit of chance beside them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.security import targets
from tests.security.targets import TARGETS
from tests.support.function import ROOT

CORPUS = ROOT / "tests" / "security" / "corpus"
CASES = sorted(path for path in CORPUS.rglob("*") if path.is_file())


@pytest.fixture(scope="module", autouse=True)
def _strangers() -> object:
    """Begin the servers that the cases share, which would be the first case's otherwise."""
    adapters = targets._adapters()
    return adapters.http, adapters.grpc


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_case(case: Path) -> None:
    TARGETS[case.parent.name](case.read_bytes())


def test_every_target_has_seeds() -> None:
    assert {case.parent.name for case in CASES} == TARGETS.keys()


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(CASES), st.data())
def test_damaged_cases(case: Path, data: st.DataObject) -> None:
    raw = case.read_bytes()[:4096]
    at = data.draw(st.integers(0, len(raw)))
    removed = data.draw(st.integers(0, 8))
    put = data.draw(st.sampled_from([b"", b"$(", b"\0", b"\xff", b'"', b"{", b"[", b"\\", b"\r\n", b": ", b"*a", b"0"]))
    TARGETS[case.parent.name](raw[:at] + put + raw[at + removed :])


def test_the_runner_knows_its_targets() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "fuzz", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in TARGETS:
        assert name in shown.stdout
