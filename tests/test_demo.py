"""`make demo` as a newcomer runs it."""

from __future__ import annotations

import subprocess
import sys

from tests.support.function import ROOT


def test_the_demo_shows_one_run_and_ends_by_itself() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.demo"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for shown in ("HTTP 202", "HTTP 401", "event type ping is not allowed", "no X-Hub-Signature-256 header set"):
        assert shown in done.stdout
    assert done.stdout.count("kind: PipelineRun") == 1


def test_it_says_how_it_is_used() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.demo", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "--serve" in done.stdout
