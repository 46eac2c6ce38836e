"""Running the command line: as a process, as people do, or in this process where one adds nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from functions.settings.variables import VARIABLES
from tests.support.function import ROOT
from tests.support.processes import run, start

SECRET = "a-key-of-the-tests"
SECONDS = 120.0
"""What no command takes, however busy the machine: after it something hangs."""
OWN = ("WEBHOOK_SECRET", "GITHUB_TOKEN", "NO_COLOR", "FORCE_COLOR", "GOOGLE_APPLICATION_CREDENTIALS")


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its standard output, read as JSON."""
        return json.loads(self.out)


def clean(environment: Mapping[str, str] = {}) -> dict[str, str]:
    """Return this process's environment without what a developer's shell may hold, and with `environment`."""
    kept = {name: value for name, value in os.environ.items() if name not in VARIABLES and name not in OWN}
    return kept | {"PYTHONPATH": str(ROOT), "COLUMNS": "100"} | dict(environment)


def pipehook(*args: str | Path, environment: Mapping[str, str] = {}, typed: str = "", directory: Path = ROOT) -> Done:
    """Run a command to its end."""
    done = run(
        "functions", *map(str, args), environment=clean(environment), directory=directory, typed=typed, seconds=SECONDS
    )
    return Done(done.returncode, done.stdout, done.stderr)


class Running:
    """A command that runs until the context ends; its lines on standard error can be awaited."""

    def __init__(self, *args: str | Path, environment: Mapping[str, str] = {}) -> None:
        self._arguments = [str(argument) for argument in args]
        self._environment = clean({"PYTHONUNBUFFERED": "1", **environment})
        self._condition = threading.Condition()
        self._ended = False
        self.lines: list[str] = []

    def __enter__(self) -> Self:
        self._process = start("functions", *self._arguments, environment=self._environment)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._reader.join(5)
        if self._process.stdout:
            self._process.stdout.close()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            with self._condition:
                self.lines.append(line.rstrip("\n"))
                self._condition.notify_all()
        with self._condition:
            self._ended = True
            self._condition.notify_all()

    def wait_for(self, wanted: Callable[[str], bool] | str, *, after: int = 0) -> str:
        """Return the first line that is wanted (or holds a text), as soon as it is there."""
        matches = wanted if callable(wanted) else lambda line: wanted in line
        end = time.monotonic() + SECONDS
        with self._condition:
            while True:
                for line in self.lines[after:]:
                    if matches(line):
                        return line
                left = end - time.monotonic()
                if self._ended or left <= 0:
                    raise AssertionError("the line did not come:\n" + "\n".join(self.lines))
                self._condition.wait(left)

    def send(self, number: signal.Signals) -> None:
        """Send a signal and wait for the end."""
        self._process.send_signal(number)
        self._process.wait(SECONDS)

    def url(self, word: str) -> str:
        """Return the address in the line that holds a word."""
        line = self.wait_for(lambda line: word in line and "http://" in line)
        return "http://" + line.partition("http://")[2].split()[0].rstrip(",.")

    @property
    def code(self) -> int | None:
        """The exit code, None while it runs."""
        return self._process.poll()


def rows(text: str) -> Sequence[Sequence[str]]:
    """Return a table's rows, cut into words at two blanks."""
    return [[cell for cell in line.split("  ") if cell] for line in text.splitlines()[1:]]
