"""What the command line writes to Secret Manager stands nowhere else."""

from __future__ import annotations

import subprocess
import sys
from base64 import b64encode

from tests.standins.secret_manager import SecretManager
from tests.support.function import ROOT

WRITE_AND_READ = """
from functions.cli import google_secrets
secret = "projects/p/secrets/cluster"
assert google_secrets.add_version(secret, b"canary-value") == f"{secret}/versions/1"
assert google_secrets.read_value(secret) == b"canary-value"
"""


def test_a_value_never_reaches_the_librarys_debug_log() -> None:
    with SecretManager() as manager:
        done = subprocess.run(
            [sys.executable, "-c", WRITE_AND_READ],
            cwd=ROOT,
            env={
                "PATH": "/usr/bin:/bin",
                "SECRET_MANAGER_EMULATOR_HOST": manager.host,
                "GOOGLE_SDK_PYTHON_LOGGING_SCOPE": "google",
            },
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert "Created client" in done.stderr, "the library's log was not turned on"
    assert b64encode(b"canary-value").decode() not in done.stderr
    assert "payload" not in done.stderr
