"""Steering an API server stand-in that runs in another process."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode

import urllib3

if TYPE_CHECKING:
    from tests.standins.faults import Fault

END_SECONDS = 10


class RemoteApiServer:
    """The in-process API of `ApiServer`, over its control endpoint."""

    def __init__(self, *, url: str, control_url: str, control_token: str, token: str, ca_pem: str) -> None:
        self.url = url
        self.token = token
        self.ca_pem = ca_pem
        self._control_url = control_url
        self._headers = {"Authorization": f"Bearer {control_token}"}
        self._pool = urllib3.PoolManager()

    def close(self) -> None:
        """Close the connections to the control endpoint."""
        self._pool.clear()

    def add_fault(self, fault: Fault) -> None:
        """Put a fault into force."""
        self._ask("POST", "/faults", asdict(fault))

    def faults(self) -> list[dict[str, Any]]:
        """The faults in force with their counters (`seen`, `fired`)."""
        found: list[dict[str, Any]] = self._ask("GET", "/faults")
        return found

    def clear_faults(self) -> None:
        """End all faults."""
        self._ask("DELETE", "/faults")

    def limit(self, *, seats: int, seconds: float, queue: int) -> None:
        """Limit requests from now on, as `Fairness` does."""
        self._ask("PUT", "/fairness", {"seats": seats, "seconds": seconds, "queue": queue})

    def requests(self) -> list[dict[str, Any]]:
        """The requests seen: method, path, query, status, user, impersonated."""
        found: list[dict[str, Any]] = self._ask("GET", "/requests")
        return found

    def clear_requests(self) -> None:
        """Forget the requests seen."""
        self._ask("DELETE", "/requests")

    def objects(self, kind: str | None = None, namespace: str | None = None) -> list[dict[str, Any]]:
        """The objects of a kind, or all that were not there at the start."""
        query = urlencode({"kind": kind or "", "namespace": namespace or ""})
        found: list[dict[str, Any]] = self._ask("GET", f"/objects?{query}")
        return found

    def put_object(self, document: dict[str, Any]) -> None:
        """Create or replace an object."""
        self._ask("PUT", "/objects", document)

    def finish(self, kind: str, namespace: str, name: str, succeeded: bool = True) -> None:
        """End a PipelineRun or TaskRun."""
        self._ask("POST", "/finish", {"kind": kind, "namespace": namespace, "name": name, "succeeded": succeeded})

    def rotate_token(self, new: str) -> None:
        """Replace the token."""
        self._ask("POST", "/token", {"token": new})
        self.token = new

    def revoke_token(self) -> None:
        """Answer the present token with 401."""
        self._ask("DELETE", "/token")

    def kubeconfig(self, *, namespace: str = "default") -> str:
        """A kubeconfig with the present token."""
        found: str = self._ask("GET", f"/kubeconfig?{urlencode({'namespace': namespace})}")
        return found

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        answer = self._pool.request(
            method,
            f"{self._control_url}{path}",
            headers=self._headers,
            body=None if body is None else json.dumps(body),
        )
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status} {answer.data.decode()}")
        return answer.json()


class ApiServerProcess:
    """`python -m tests.standins.apiserver` while the context is open; `control` steers it."""

    def __init__(self, *arguments: str) -> None:
        self._arguments = arguments

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.standins.apiserver", *self._arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self.__exit__()
            raise RuntimeError("the API server stand-in did not start")
        self.control = RemoteApiServer(**json.loads(line))
        return self

    def __exit__(self, *_: object) -> None:
        control = getattr(self, "control", None)
        if control is not None:
            control.close()
        # Closing standard input ends it.
        self._process.communicate(timeout=END_SECONDS)
