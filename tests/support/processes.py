"""Starts Python's commands as processes; the tests' are forked off one that has imported what they will, the template.

A process of the template is a real one, with an environment, a directory, standard streams, signals and an end of its
own, run as `python -m MODULE` runs it. It only has not to import first what takes most of a second each time. Outside
of the tests, and where the start itself is looked at (its imports, its memory), `fresh` interpreters are started.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Protocol

import functions

ROOT = Path(__file__).resolve().parents[2]
INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH")
"""All that a function gets of a developer's shell, which may hold proxies, clusters, clouds and settings."""
IMPORTED = ("celpy", "functions_framework", "gunicorn.app.base", "gunicorn.workers.gthread", "kubernetes.dynamic")
"""What the template imports, beside all of functions/: nothing that goes by the environment or starts a thread then."""
_LARGEST = 1 << 17
_DESCRIPTORS = 1024


class Process(Protocol):
    """What is used of a `subprocess.Popen`."""

    @property
    def pid(self) -> int: ...
    @property
    def stdout(self) -> IO[str] | None: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int, /) -> None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


class Forked:
    """A process of the template. Its exit code is negative for a signal, as `subprocess` has it."""

    def __init__(self, status: int, stdout: IO[str] | None) -> None:
        self.stdout = stdout
        self._status = os.fdopen(status)
        self._lock = threading.Lock()
        self._code: int | None = None
        self.pid = int(self._status.readline())

    def poll(self) -> int | None:
        """Return the exit code, None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self._code

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code once it has ended."""
        with self._lock:
            if self._code is None:
                if not select.select([self._status], [], [], timeout)[0]:
                    raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
                self._code = int(self._status.readline() or -signal.SIGTERM)  # the template's end is its own
                self._status.close()
            return self._code

    def send_signal(self, sig: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, sig)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


class Template:
    """The process that the others are forked off; it starts with the first of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opened: tuple[socket.socket, subprocess.Popen[bytes]] | None = None

    def start(
        self, arguments: Sequence[str], environment: Mapping[str, str], directory: Path, streams: Sequence[int]
    ) -> int:
        """Fork, and return where the process's id and its exit code can be read, a line each."""
        request = json.dumps([list(arguments), dict(environment), str(directory)]).encode()
        read, write = os.pipe()
        with self._lock:
            self._opened = self._opened or self._open()
            socket.send_fds(self._opened[0], [request], [*streams, write])
        os.close(write)
        return read

    @staticmethod
    def _open() -> tuple[socket.socket, subprocess.Popen[bytes]]:
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        with there:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.processes", str(there.fileno())],
                cwd=ROOT,
                env=inherited | {"PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                pass_fds=[there.fileno()],
            )
        return here, process

    def close(self) -> None:
        """End it, and what it has started."""
        if self._opened:
            calls, process = self._opened
            calls.close()
            process.wait()


template: Template | None = None
"""Set by tests/conftest.py."""


def start(
    module: str,
    *arguments: str,
    environment: Mapping[str, str],
    directory: Path = ROOT,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.STDOUT,
    fresh: bool = False,
) -> Process:
    """Start `python -m MODULE` with all of its environment; streams are as those of `subprocess.Popen`, as text."""
    if template is None or fresh:
        command = [sys.executable, "-m", module, *arguments]
        return subprocess.Popen(
            command, cwd=directory, env=dict(environment), stdin=stdin, stdout=stdout, stderr=stderr, text=True
        )
    with contextlib.ExitStack() as opened:
        nothing = os.open(os.devnull, os.O_RDWR)
        opened.callback(os.close, nothing)
        given, read = [nothing if stream == subprocess.DEVNULL else stream for stream in (stdin, stdout, stderr)], None
        if stdout == subprocess.PIPE:
            reading, given[1] = os.pipe()
            opened.callback(os.close, given[1])
            read = os.fdopen(reading)
        if stderr == subprocess.STDOUT:
            given[2] = given[1]
        return Forked(template.start([module, *arguments], environment, directory, given), read)


def run(
    module: str,
    *arguments: str,
    environment: Mapping[str, str],
    directory: Path = ROOT,
    typed: str = "",
    merged: bool = False,
    seconds: float,
) -> subprocess.CompletedProcess[str]:
    """Run `python -m MODULE` to its end; its errors are in its output if `merged`."""
    with contextlib.ExitStack() as opened:
        given, out, err = (opened.enter_context(tempfile.TemporaryFile("w+")) for _ in range(3))
        given.write(typed)
        given.seek(0)
        process = start(
            module,
            *arguments,
            environment=environment,
            directory=directory,
            stdin=given.fileno(),
            stdout=out.fileno(),
            stderr=(out if merged else err).fileno(),
        )
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess([module, *arguments], code, out.read(), err.read())


def _serve(calls: socket.socket) -> Sequence[str]:
    """Fork for each request and say how each ended. Returns in the processes alone, with their arguments."""
    own = [found.name for found in pkgutil.walk_packages(functions.__path__, "functions.")]
    for name in (*IMPORTED, *own):
        if not name.endswith("__main__"):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()
    # a terminal's Ctrl-C is for the tests, and whoever is forked takes it as every program does
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    awoken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    running: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([calls.fileno(), awoken], [], [])
        if awoken in ready:
            os.read(awoken, _LARGEST)
            _reap(running)
        if calls.fileno() in ready:
            request, received, _, _ = socket.recv_fds(calls, _LARGEST, 4)
            if not request:  # the tests have ended, or were killed
                for process in running:
                    os.kill(process, signal.SIGTERM)
                sys.exit()
            *streams, status = received
            process = os.fork()
            if not process:
                calls.detach()
                return _become(request, streams)
            running[process] = status
            os.write(status, b"%d\n" % process)
            for descriptor in streams:
                os.close(descriptor)


def _reap(running: dict[int, int]) -> None:
    for process in tuple(running):
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            with os.fdopen(running.pop(process), "w") as told, contextlib.suppress(BrokenPipeError):
                told.write(f"{os.waitstatus_to_exitcode(status)}\n")


def _become(request: bytes, streams: Sequence[int]) -> Sequence[str]:
    """Make of a fork the process that was asked for; return its arguments."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for stream, descriptor in enumerate(streams):
        os.dup2(descriptor, stream)
    os.closerange(3, _DESCRIPTORS)
    # the template's own streams remember what could be done with its own, as to seek
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", buffering=1, closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    arguments, environment, directory = json.loads(request)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(directory)
    sys.path[0] = directory
    tempfile.tempdir = None
    return list(arguments)


if __name__ == "__main__":
    module, *sys.argv[1:] = _serve(socket.socket(fileno=int(sys.argv[1])))
    runpy.run_module(module, run_name="__main__", alter_sys=True)
