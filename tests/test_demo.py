"""`make demo` as a newcomer runs it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.function import ROOT

FOREIGN = {
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "ALL_PROXY": "http://127.0.0.1:9",
    "DRY_RUN": "true",
    "EVENT_LISTENER": "no/such",
    "NAMESPACE": "elsewhere",
    "UNVERIFIED_TRIGGERS": "allow",
    "QUEUE_MODE": "always",
    "TRACING": "true",
    "KUBECONFIG": "/nowhere",
    "KUBECONFIG_SECRET": "projects/p/secrets/s",
    "FUNCTION_SIGNATURE_TYPE": "cloudevent",
    "FUNCTION_SOURCE": "/nowhere.py",
    "ENTRY_POINT": "x",
    "DEBUG": "1",
    "LOG_EXECUTION_ID": "true",
    "CLOUD_RUN_TIMEOUT_SECONDS": "1",
    "GUNICORN_LOG_LEVEL": "nonsense",
    "WEB_CONCURRENCY": "many",
    "PORT": "1",
    "HOST": "203.0.113.7",
}
"""What a developer's shell may hold, each of which would make a function that inherits it fail or do otherwise."""


def test_the_demo_shows_one_run_and_ends_by_itself() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.demo"],
        cwd=ROOT,
        env={**os.environ, **FOREIGN},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for shown in ("HTTP 202", "HTTP 401", "event type ping is not allowed", "no X-Hub-Signature-256 header set"):
        assert shown in done.stdout
    assert done.stdout.count("kind: PipelineRun") == 1


@pytest.mark.parametrize(
    ("example", "page", "shown"),
    [
        (
            "concurrency",
            "concurrency.md",
            ["build: created, build-", ", cancelled build-", "build: superseded, ", "PipelineRunPending"],
        ),
        ("paths", "monorepo.md", ["cart: created", "billing: created", "filtered by every trigger"]),
        (
            "comments",
            "comments.md",
            ["test: created", "test: duplicate", "cancelled test-pull-request-", "retest: created"],
        ),
    ],
)
def test_an_example_of_a_page_does_what_the_page_says(example: str, page: str, shown: list[str]) -> None:
    assert f'$ make demo ARGS="--example {example}"' in (ROOT / "docs" / page).read_text()
    done = subprocess.run(
        [sys.executable, "-m", "tests.demo", "--example", example],
        cwd=ROOT,
        env={**os.environ, **FOREIGN},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert [text for text in shown if text not in done.stdout] == []


def test_make_hands_over_what_is_asked_for() -> None:
    command = ["make", "--dry-run", "demo", "ARGS=--example paths"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "-m tests.demo --example paths" in done.stdout


def test_it_says_how_it_is_used() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.demo", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "--serve" in done.stdout
    assert all(page in done.stdout for page in ("docs/concurrency.md", "docs/monorepo.md", "docs/comments.md"))


def test_a_demo_that_fails_shows_the_functions_log(tmp_path: Path) -> None:
    for part in ("main.py", "functions", "tests", "infra"):
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, tmp_path / part)
    (tmp_path / "infra" / "triggers" / "listener.yaml").write_text("kind: [")
    done = subprocess.run(
        [sys.executable, "-m", "tests.demo"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 1
    assert "demo: expected HTTP 202" in done.stderr
    assert "listener.yaml:1" in done.stderr.partition("The function's log:")[2]


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("end", ["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL", "make is killed"])
def test_run_leaves_nothing_behind_however_it_ends(end: str, tmp_path: Path) -> None:
    command = f"{sys.executable} -m tests.demo --serve"
    with subprocess.Popen(
        # as make does, for one of the cases: a shell that waits
        ["/bin/sh", "-c", f"{command}; true" if end == "make is killed" else f"exec {command}"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    ) as serving:
        assert serving.stdout
        url = re.search(r"http://127\.0\.0\.1:(\d+)", serving.stdout.readline())
        assert url
        port = int(url[1])
        assert listens(port)
        assert list(tmp_path.iterdir())
        serving.send_signal(signal.SIGKILL if end == "make is killed" else getattr(signal, end))
        wait_until(lambda: not listens(port) and not list(tmp_path.iterdir()))


def wait_until(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.05)
