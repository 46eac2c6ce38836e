"""A process that is forked off the template is what a fresh interpreter would be."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import processes
from tests.support.processes import run, start

SECONDS = 60.0
TOLD = """
import os, sys
print(__name__, sys.argv[1:], os.getcwd(), sys.path[0], dict(sorted(os.environ.items())), sys.stdin.read())
print("said aside", file=sys.stderr)
"""
WAITS = """
import signal, sys
if sys.argv[1] == "ignores":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
print("started", flush=True)
signal.pause()
"""


@pytest.fixture(params=["forked", "fresh"])
def program(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Write a program as the module `program`, and return its directory."""
    if request.param == "fresh":
        monkeypatch.setattr(processes, "template", None)

    def write(text: str) -> Path:
        (tmp_path / "program.py").write_text(text)
        return tmp_path

    return write


def test_it_has_what_it_was_given_and_nothing_else(program: Callable[[str], Path]) -> None:
    given = {"LC_CTYPE": "C.UTF-8", "ONLY": "this"}
    directory = program(TOLD)
    done = run("program", "a", "b c", environment=given, directory=directory, typed="typed\n", seconds=SECONDS)
    expected = f"__main__ ['a', 'b c'] {directory} {directory} {given} typed\n\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, expected, "said aside\n")
    merged = run("program", environment={}, directory=directory, merged=True, seconds=SECONDS)
    assert "said aside" in merged.stdout


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("raise SystemExit(3)", 3, ""),
        ("raise SystemExit('no')", 1, "no\n"),
        ("import atexit, sys; atexit.register(sys.stderr.write, 'at exit')", 0, "at exit"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL, ""),
    ],
)
def test_it_ends_as_it_says(program: Callable[[str], Path], text: str, code: int, said: str) -> None:
    done = run("program", environment={}, directory=program(text), seconds=SECONDS)
    assert (done.returncode, done.stderr) == (code, said)


def test_a_fault_is_a_traceback(program: Callable[[str], Path]) -> None:
    done = run("program", environment={}, directory=program("1 / 0"), seconds=SECONDS)
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback (most recent call last):\n")
    assert done.stderr.endswith("ZeroDivisionError: division by zero\n")


@pytest.mark.parametrize(
    ("how", "number", "code"),
    [
        ("ignores", signal.SIGTERM, 7),
        ("dies", signal.SIGTERM, -signal.SIGTERM),
        ("dies", signal.SIGKILL, -signal.SIGKILL),
        ("dies", signal.SIGINT, -signal.SIGINT),
    ],
)
def test_signals_reach_it(program: Callable[[str], Path], how: str, number: signal.Signals, code: int) -> None:
    process = start("program", how, environment={}, directory=program(WAITS), stderr=subprocess.DEVNULL)
    assert process.stdout
    assert process.stdout.readline() == "started\n"
    assert process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.01)
    os.kill(process.pid, number)
    assert process.wait(SECONDS) == process.poll() == code
    process.kill()  # which has ended
    process.stdout.close()


def test_what_still_runs_ends_with_the_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    template = processes.Template()
    monkeypatch.setattr(processes, "template", template)
    (tmp_path / "program.py").write_text(WAITS)
    process = start("program", "dies", environment={}, directory=tmp_path, stderr=subprocess.DEVNULL)
    assert process.stdout
    with process.stdout:
        assert process.stdout.readline() == "started\n"
        template.close()
        assert process.stdout.read() == ""
    assert process.wait(SECONDS) == -signal.SIGTERM
