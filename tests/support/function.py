"""The real function, served by functions-framework in a process of its own as a deployment serves it."""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import urllib3

from tests.support import processes
from tests.support.processes import INHERITED, Process, start

ROOT = processes.ROOT
START_SECONDS = 60.0
PORTS = 10_000, 32_000
"""Below those that systems give to outgoing connections: Linux begins at 32768."""
_RANDOM = random.SystemRandom()  # property tests seed the other one alike in every process


@dataclass(frozen=True)
class Answer:
    """One reply."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The reply's JSON."""
        return json.loads(self.text)

    @property
    def statuses(self) -> list[str]:
        """The triggers' statuses, in order."""
        return [trigger["status"] for trigger in self.json["triggers"]]

    @property
    def reasons(self) -> list[str]:
        """The triggers' reasons, in order."""
        return [trigger["reason"] for trigger in self.json["triggers"]]


def free_port() -> int:
    """Return a port that nobody listens on, and that no outgoing connection is given before somebody does."""
    while True:
        port = _RANDOM.randrange(*PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class ServedFunction:
    """functions-framework with `main.py` on a port of 127.0.0.1 while the context is open.

    `environment` is the function's own; nothing of a developer's cluster, cloud or settings is inherited. Lines of its
    output are kept in `lines`, for tests that read the log. `fresh` is as in `processes.start`.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        target: str = "webhook",
        threads: int = 8,
        workers: int = 1,
        fresh: bool = False,
    ) -> None:
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        self.environment = inherited | {
            "PYTHONUNBUFFERED": "1",
            "THREADS": str(threads),
            "WORKERS": str(workers),
            "FUNCTION_TARGET": target,
        }
        self.environment.update(environment)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.lines: list[str] = []
        self._target = target
        self._pool = urllib3.PoolManager(maxsize=64, retries=False, timeout=30)
        self._fresh = fresh
        self._process: Process | None = None
        self._reader: threading.Thread | None = None

    @property
    def pid(self) -> int:
        """The process's id."""
        if self._process is None:
            raise RuntimeError("the function is not served")
        return self._process.pid

    def memory(self) -> int:
        """Return the most bytes that the workers had in memory at any time so far."""
        sizes = []
        for status in Path("/proc").glob("[0-9]*/status"):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
                if int(fields["PPid"]) == self.pid and "VmHWM" in fields:
                    sizes.append(int(fields["VmHWM"].split()[0]) * 1024)
        return sum(sizes)

    def __enter__(self) -> Self:
        arguments = ("--target", self._target, "--source", "main.py", "--host", "127.0.0.1", "--port", str(self.port))
        self._process = start("functions_framework", *arguments, environment=self.environment, fresh=self._fresh)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._await_port()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.clear()
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._reader:
            self._reader.join(10)
        if self._process.stdout:
            self._process.stdout.close()

    def _read(self) -> None:
        if self._process and self._process.stdout:
            for line in self._process.stdout:
                self.lines.append(line.rstrip("\n"))

    def _await_port(self) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self._process and self._process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        self.__exit__(None, None, None)
        raise RuntimeError("the function did not start:\n" + "\n".join(self.lines))

    def running(self, seconds: float) -> bool:
        """Wait for at most so long and say whether the process still runs."""
        if self._process is None:
            return False
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return self._process.poll() is None

    def request(
        self, method: str, path: str = "/", *, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send one request and return the reply."""
        reply = self._pool.request(method, self.url + path, body=body, headers=dict(headers or {}), redirect=False)
        return Answer(reply.status, dict(reply.headers), reply.data.decode())

    def post(self, body: bytes, headers: Mapping[str, str], path: str = "/") -> Answer:
        """POST a body."""
        return self.request("POST", path, body=body, headers=headers)

    def logged(self) -> list[dict[str, Any]]:
        """Return the structured lines logged so far."""
        return [json.loads(line) for line in list(self.lines) if line.startswith("{")]
