"""The processes of a measurement: a served function, the stand-ins, and what they use of memory."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.inputs import ROOT

START_SECONDS = 60.0
_FOREIGN = ("KUBECONFIG", "GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "PYTHONDONTWRITEBYTECODE")
"""What a developer's shell may hold and the function must not inherit."""


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment without what would change the function, and with `given`."""
    kept = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    return kept | {"PYTHONPATH": str(ROOT)} | dict(given)


@dataclass(frozen=True, slots=True)
class Served:
    """A function on a port of 127.0.0.1."""

    port: int
    process: subprocess.Popen[bytes]
    ready: float
    """When its port first took a connection, as time.perf_counter() has it."""

    def megabytes(self) -> float:
        """Return the resident memory of the workers, in MB."""
        return sum(_resident(pid) for pid in _children(self.process.pid))

    def descriptors(self) -> int:
        """Return how many files and sockets the workers have open."""
        return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in _children(self.process.pid))

    def peak_megabytes(self) -> float:
        """Return the highest resident memory that any worker ever had, in MB."""
        return max(_resident(pid, "VmHWM") for pid in _children(self.process.pid))

    def cpu_seconds(self) -> float:
        """Return the processor time that the workers have used."""
        return sum(_cpu(pid) for pid in _children(self.process.pid))

    def tree_seconds(self) -> float:
        """Return the processor time of the workers and of what started them."""
        return _cpu(self.process.pid) + self.cpu_seconds()


@contextlib.contextmanager
def served(source: Path, given: Mapping[str, str], *, target: str = "webhook") -> Iterator[Served]:
    """Serve a function of `source` with functions-framework; its output is thrown away."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [sys.executable, "-m", "functions_framework", "--target", target, "--source", str(source)]
    process = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", str(port)],
        cwd=source.parent,
        env=environment(given),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield Served(port, process, _await_port(port, process))
    finally:
        process.terminate()
        process.wait(30)


def _await_port(port: int, process: subprocess.Popen[bytes]) -> float:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.002)
        else:
            return time.perf_counter()
    raise RuntimeError("the function did not start")


@contextlib.contextmanager
def stand_in(module: str, *arguments: str) -> Iterator[dict[str, Any]]:
    """Run a stand-in and yield where it is."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=environment({}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        line = process.stdout.readline() if process.stdout else b""
        yield json.loads(line)
    finally:
        process.communicate(timeout=30)


@contextlib.contextmanager
def cluster(directory: Path, namespace: str) -> Iterator[Path]:
    """Run the API-server stand-in and yield a kubeconfig of it."""
    path = directory / f"kubeconfig-{namespace}"
    with stand_in("tests.standins.apiserver", "--namespace", namespace, "--kubeconfig", str(path)):
        yield path


def python(module: str, job: Mapping[str, Any], given: Mapping[str, str] | None = None) -> Any:
    """Run a module of this package in a process of its own; a job goes in as JSON, and the result comes back so."""
    done = subprocess.run(
        [sys.executable, "-m", f"bench.{module}"],
        cwd=ROOT,
        env=environment(given or {}),
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"bench.{module} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _children(parent: int) -> list[int]:
    text = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return [int(pid) for pid in text.split()]


def _resident(pid: int, field: str = "VmRSS") -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1000
    raise RuntimeError(f"/proc/{pid}/status has no {field}")


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
