"""Serving on this machine: functions-framework's own application, on threads, until Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec import Struct

from functions.cli.local import Arrival, LocalFunction, LogLines
from functions.cli.needs import secret_refs
from functions.cli.output import progress, status
from functions.cli.signing import DEFAULT_VARIABLE
from functions.common.errors import PipehookError
from functions.lint.views import Views
from functions.model.load import load_path
from functions.settings import read_settings

if TYPE_CHECKING:
    from flask import Request
    from werkzeug.serving import BaseWSGIServer

    from functions.adapters.http.exchange import Response

_SOURCE = Path(__file__).with_name("served.py")
_SERVED: list[LocalFunction] = []


def served(request: Request) -> Response:
    """Answer with the function that is being served; functions-framework calls this through `served.py`."""
    return _SERVED[-1](request)


class Place(Struct, frozen=True):
    """Where it listens."""

    host: str
    port: int


@contextlib.contextmanager
def local_function(
    triggers: str, place: Place, *, on_arrival: Callable[[Arrival], None], raw_logs: bool
) -> Iterator[tuple[LocalFunction, str]]:
    """Serve the function while the context is open; yields it and its URL.

    What a developer has not configured is made up: a dry run without a cluster, and one key for all secrets. Raises
    click.UsageError when the port is taken.
    """
    import functions_framework  # noqa: PLC0415 -- brings Flask along

    output = contextlib.nullcontext() if raw_logs else contextlib.redirect_stdout(LogLines(sys.stderr))
    with tempfile.TemporaryDirectory(prefix="pipehook-") as directory, output:
        made_up = _MadeUp(Path(directory), triggers)
        function = LocalFunction(made_up.environment, on_arrival=on_arrival, triggers=made_up.triggers)
        if not function.working:
            progress(
                f"{status('failed')} the function answers 500 until that is mended; it looks again on every change."
            )
        _SERVED.append(function)
        application = functions_framework.create_app("deliver", str(_SOURCE), "http")  # type: ignore[no-untyped-call] # the library types its decorators only
        server = wsgi_server(place, application)
        threads = [
            threading.Thread(target=server.serve_forever, daemon=True),
            threading.Thread(target=function.watch_files, daemon=True),
        ]
        for thread in threads:
            thread.start()
        try:
            yield function, f"http://{place.host}:{server.server_port}"
        finally:
            function.close()
            server.shutdown()
            server.server_close()
            for thread in threads:
                thread.join(5)
            _SERVED.remove(function)


def wait_for_end(announcement: str) -> None:
    """Listen for Ctrl-C, SIGTERM and the terminal's end, say so, and return when one comes.

    What waits for a lock can miss a signal: it may come just before, or to another thread. A socket is written to
    whenever and wherever it comes.
    """
    ended, waker = socket.socketpair()
    waker.settimeout(0)
    with ended, waker:
        for number in (signal.SIGINT, signal.SIGTERM, *filter(None, [getattr(signal, "SIGHUP", None)])):
            signal.signal(number, lambda _number, _frame: None)
        signal.set_wakeup_fd(waker.fileno())
        progress(announcement)
        ended.recv(1)
        signal.set_wakeup_fd(-1)


def free_to_listen(host: str, port: int) -> None:
    """Raise click.UsageError when somebody listens already, or the address is none of this machine."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise click.UsageError(f"{host}:{port} cannot be listened on: {error.strerror}") from error


def wsgi_server(place: Place, application: Any) -> BaseWSGIServer:
    """Return a threaded server that logs nothing."""
    from werkzeug.serving import WSGIRequestHandler, make_server  # noqa: PLC0415 -- there with Flask

    class Quiet(WSGIRequestHandler):
        def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 -- werkzeug's signature
            pass

    free_to_listen(place.host, place.port)
    return make_server(place.host, place.port, application, threaded=True, request_handler=Quiet)


class _MadeUp:
    """The environment of a local function, with what is missing made up."""

    def __init__(self, directory: Path, triggers: str) -> None:
        self._directory = directory
        self._given = {**os.environ, **({"TRIGGERS_SOURCE": triggers} if triggers else {})}
        self._key = os.environ.get(DEFAULT_VARIABLE, "") or secrets.token_hex(16)
        self.triggers = self._given.get("TRIGGERS_SOURCE") or "infra/triggers"
        if not (self._given.get("KUBECONFIG") or self._given.get("KUBECONFIG_SECRET") or self._given.get("DRY_RUN")):
            self._given["DRY_RUN"] = "true"
            progress("No cluster is configured (KUBECONFIG): this is a dry run, and nothing is created.")
        self._makes_secrets = not self._given.get("SECRETS_SOURCE")
        if self._makes_secrets:
            self._given["SECRETS_SOURCE"] = directory.as_uri()
            if os.environ.get(DEFAULT_VARIABLE):
                progress(f"No SECRETS_SOURCE: {DEFAULT_VARIABLE} is the key of every secret.")
            else:
                progress("No SECRETS_SOURCE: every secret has a key of this session. To sign with it:")
                progress(f"  export {DEFAULT_VARIABLE}={self._key}")

    def environment(self) -> Mapping[str, str]:
        """Return the environment, and make the secrets that the manifests name now."""
        if self._makes_secrets:
            with contextlib.suppress(PipehookError):  # loading says so better
                self._write_secrets()
        return self._given

    def _write_secrets(self) -> None:
        settings = read_settings(self._given)
        registry = load_path(settings.triggers_source, namespace=settings.namespace).registry
        for ref in secret_refs(Views(registry, settings.outbound_hosts)):
            name = settings.secret_id_format.format(name=ref.name, namespace=ref.namespace)
            file = self._directory / name / ref.key
            if self._directory in file.resolve().parents:
                file.parent.mkdir(mode=0o700, exist_ok=True, parents=True)
                file.write_text(self._key, encoding="utf-8")
