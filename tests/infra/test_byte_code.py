"""What the build compiles stays valid in the image, whose files are all as old as 1980."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.infra.hcl import INFRA, of_kind, unquoted

FUNCTION = INFRA / "modules" / "function"
EXPORTED = 315_532_801
"""1980-01-01T00:00:01Z: what the buildpacks' lifecycle makes of every file's time."""


def build_environment() -> dict[str, str]:
    resource = of_kind(FUNCTION, "resource")["google_cloudfunctions2_function.this"]
    (build,) = resource.body["build_config"]
    return {name: unquoted(value) for name, value in build["environment_variables"].items()}


def compiled_by_the_start(directory: Path, environment: dict[str, str]) -> bool:
    """Build as the buildpack does, and say whether a start has to compile again."""
    shutil.copytree(INFRA.parent / "functions", directory / "functions", ignore=shutil.ignore_patterns("__pycache__"))
    bare = {"PATH": os.environ["PATH"]}
    subprocess.run(
        [sys.executable, "-m", "compileall", "-f", "-q", "."], cwd=directory, env=bare | environment, check=True
    )
    for file in directory.rglob("*"):
        os.utime(file, (EXPORTED, EXPORTED))
    told = subprocess.run(
        [sys.executable, "-v", "-c", "import functions.common.errors"],
        cwd=directory,
        env=bare | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    ours = [line for line in told.splitlines() if "functions" in line and "code object from" in line]
    assert ours
    return any(".pyc" not in line for line in ours)


@pytest.mark.parametrize("deployed", [True, False])
def test_byte_code_of_the_build_is_used_at_the_start(tmp_path: Path, deployed: bool) -> None:
    environment = build_environment() if deployed else {}
    assert compiled_by_the_start(tmp_path, environment) is not deployed
