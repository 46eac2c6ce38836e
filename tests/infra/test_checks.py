"""The checks that need a binary say so where it is missing, instead of passing in silence or failing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.infra.hcl import INFRA


@pytest.mark.parametrize(
    ("script", "binary"), [("terraform.py", "terraform"), ("kustomize.py", "kubectl"), ("gcloud.py", "gcloud")]
)
def test_what_cannot_run_says_that_it_was_left_out(script: str, binary: str) -> None:
    command = [sys.executable, str(INFRA / "checks" / script)]

    done = subprocess.run(command, env={"PATH": ""}, capture_output=True, text=True, check=True)

    assert "LEFT OUT" in done.stdout
    assert f"{binary} is not installed" in done.stdout
