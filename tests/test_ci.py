"""`.ci/run` and CI run the suite under the Python that is deployed, or say that it is not here."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.infra.hcl import INFRA, of_kind
from tests.support.function import ROOT


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def python(path: Path, version: str) -> Path:
    """Make what says that it is a Python of a version."""
    return script(path, f"echo {version}")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone in which `make` notes what it was asked for."""
    clone = tmp_path / "clone"
    for name in (".ci/run", *(str(path.relative_to(ROOT)) for path in INFRA.glob("variables*.tf"))):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, clone / name)
    script(tmp_path / "bin" / "make", f'echo "$@" >> {clone}/made')
    python(clone / ".venv/bin/python", "3.11")
    for tool in ("bash", "env", "dirname", "sed"):
        found = shutil.which(tool)
        assert found
        (tmp_path / "bin" / tool).symlink_to(found)
    python(tmp_path / "bin" / "python3", "3.11")
    return clone


def run(clone: Path) -> tuple[list[str], str]:
    """Run it; return what was made and what was said."""
    environment = {"PATH": str(clone.parent / "bin"), "HOME": str(clone.parent)}
    done = subprocess.run(
        [clone / ".ci" / "run"], env=environment, cwd=clone.parent, capture_output=True, text=True, check=True
    )
    return (clone / "made").read_text().splitlines(), done.stdout


def test_without_the_deployed_python_it_says_what_it_left_out(clone: Path) -> None:
    made, said = run(clone)
    assert made == ["test"]
    assert "left out: the tests under Python 3.12, which is deployed" in said


@pytest.mark.parametrize("place", ["bin/python3.12", ".pyenv/versions/3.12.7/bin/python", "bin/python3"])
def test_every_test_runs_under_the_deployed_python_where_it_is(clone: Path, place: str) -> None:
    found = python(clone.parent / place, "3.12")
    (_, unit), _ = run(clone)
    given = found.name if place.startswith("bin/") else str(found)
    assert unit == f"unit PYTHON={given} VENV=.cache/venv-3.12"


def test_where_make_test_has_run_under_it_it_runs_once(clone: Path) -> None:
    python(clone / ".venv/bin/python", "3.12")
    python(clone.parent / "bin/python3.12", "3.12")
    made, said = run(clone)
    assert made == ["test"]
    assert "has run under Python 3.12, which is deployed" in said


def test_a_failure_is_one(clone: Path) -> None:
    script(clone.parent / "bin" / "make", "exit 2")
    with pytest.raises(subprocess.CalledProcessError):
        run(clone)


def test_ci_tests_every_python_that_can_be_deployed() -> None:
    matrix = yaml.safe_load((ROOT / ".github/workflows/ci.yaml").read_text())["jobs"]["test"]["strategy"]["matrix"]
    condition = str(of_kind(INFRA, "variable")["runtime"].body["validation"])
    taken = dict.fromkeys(re.findall(r"python(\d)(\d+)", condition))
    assert matrix["python"] == [f"{major}.{minor}" for major, minor in taken]
