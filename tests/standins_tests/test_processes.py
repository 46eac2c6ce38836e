"""The stand-ins as processes: one line of JSON when ready, an end with the pipe on standard input."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("name", "arguments", "keys"),
    [
        ("secret_manager", ["--secret", "p/hook=FILE"], {"host"}),
        ("github_api", ["--token", "t"], {"url", "token", "app_id"}),
        ("pubsub", ["--topic", "projects/p/topics/builds"], {"host"}),
        (
            "apiserver",
            ["--token", "t", "--kubeconfig", "KUBECONFIG"],
            {"url", "token", "ca_pem", "control_url", "control_token"},
        ),
    ],
)
def test_start_and_end(name: str, arguments: list[str], keys: set[str], tmp_path: Path) -> None:
    (tmp_path / "key").write_text("value")
    files = {"p/hook=FILE": f"p/hook={tmp_path / 'key'}", "KUBECONFIG": str(tmp_path / "config")}
    command = [sys.executable, "-W", "error", "-m", f"tests.standins.{name}"]
    command += [files.get(argument, argument) for argument in arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()).keys() == keys
        _, errors = process.communicate(timeout=10)
        assert (process.returncode, errors) == (0, b"")
    if name == "apiserver":
        assert (tmp_path / "config").stat().st_mode & 0o777 == 0o600
