"""Servers and clients that the tests of the stand-ins share."""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from tests.standins.apiserver import ApiServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.standins.remote import RemoteApiServer

RUNS = "/apis/tekton.dev/v1/namespaces/lab/pipelineruns"
MAPS = "/api/v1/namespaces/lab/configmaps"


@dataclass(frozen=True)
class Client:
    """A bare HTTP client with a bearer token."""

    pool: urllib3.PoolManager
    url: str
    token: str

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: dict[str, str] | None = None,
        token: str | None = None,
        content_type: str = "application/json",
    ) -> urllib3.BaseHTTPResponse:
        sent = {"Content-Type": content_type, "Authorization": f"Bearer {token or self.token}"}
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        return self.pool.request(method, f"{self.url}{path}", body=data, headers={**sent, **(headers or {})})

    def refused(self, method: str, path: str, body: object = None, **more: Any) -> dict[str, Any]:
        """The Status of an answer that refuses."""
        document: dict[str, Any] = self.ask(method, path, body, **more).json()
        assert document["kind"] == "Status"
        assert document["status"] == "Failure"
        return document


def client_of(server: ApiServer | RemoteApiServer) -> Client:
    context = ssl.create_default_context(cadata=server.ca_pem)
    pool = urllib3.PoolManager(ssl_context=context, retries=False, timeout=60)
    return Client(pool, server.url, server.token)


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer(namespaces=["lab"]) as running:
        yield running


@pytest.fixture
def client(server: ApiServer) -> Iterator[Client]:
    made = client_of(server)
    yield made
    made.pool.clear()


def run(name: str | None = "r1", **metadata: Any) -> dict[str, Any]:
    """A PipelineRun."""
    found = {"name": name, **metadata} if name else metadata
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": found,
        "spec": {"pipelineRef": {"name": "build"}},
    }


def config_map(name: str, **data: Any) -> dict[str, Any]:
    """A ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}
