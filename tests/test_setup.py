"""Set-up installs what is needed and no more, says how far it is, and shows what pip says when it fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.function import ROOT

INSTALL = ROOT / "supply-chain" / "install.py"


def install(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, INSTALL, *arguments], capture_output=True, text=True, timeout=300, check=False
    )


def test_it_says_what_it_does() -> None:
    done = install("--no-deps", "--no-index", "pip")
    assert done.returncode == 0
    assert "package 1, pip" in done.stdout


def test_pips_cause_is_shown() -> None:
    done = install("--no-index", "no-such-package-of-anybody==1.0")
    assert done.returncode == 1
    assert "No matching distribution found for no-such-package-of-anybody==1.0" in done.stderr
    assert "run the same command again once that is mended" in done.stderr


def steps(target: str, place: Path) -> str:
    """Return what `make TARGET` would do where nothing is set up."""
    done = subprocess.run(
        ["make", "--dry-run", target, f"VENV={place / 'venv'}"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize(
    ("target", "tools"), [("demo", False), ("run", False), ("kubeconfig", False), ("unit", True), ("lint", True)]
)
def test_tools_for_development_are_for_those_who_develop(target: str, tools: bool, tmp_path: Path) -> None:
    said = steps(target, tmp_path)
    assert "--require-hashes -r requirements.txt" in said
    assert ("requirements-dev.txt" in said.replace("'^trustme==' requirements-dev.txt", "")) is tools
