"""The API server stand-in while it starts, in the words and the order of kube-apiserver."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import urllib3

from tests.standins import apiserver
from tests.standins.apiserver import ACCOUNT, ApiServer
from tests.standins.kubernetes.starting import Stage

RUNS = "/apis/tekton.dev/v1/namespaces/lab/pipelineruns"
SECRETS = "/api/v1/namespaces/lab/secrets"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
CANNOT = f'pipelineruns.tekton.dev is forbidden: User "{ACCOUNT}" cannot list resource "pipelineruns" in API group '
REVIEW = {"spec": {"resourceAttributes": {"verb": "list", "group": "tekton.dev", "namespace": "lab", "resource": "x"}}}


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer(namespaces=["lab"]) as running:
        yield running


def ask(server: ApiServer, path: str, body: Any = None, *, impersonate: str = "") -> urllib3.BaseHTTPResponse:
    headers = {"Authorization": f"Bearer {server.token}", **({"Impersonate-User": impersonate} if impersonate else {})}
    with urllib3.PoolManager(ca_cert_data=server.ca_pem) as pool:
        return pool.request(
            "GET" if body is None else "POST", server.url + path, headers=headers, json=body, retries=False
        )


def test_without_rbac_everything_is_forbidden(server: ApiServer) -> None:
    server.stage = Stage.NO_RBAC
    answer = ask(server, RUNS)
    assert (answer.status, answer.json()["reason"]) == (403, "Forbidden")
    assert answer.json()["message"] == f'{CANNOT}"tekton.dev" in the namespace "lab"'
    assert ask(server, "/readyz").json()["message"] == f'forbidden: User "{ACCOUNT}" cannot get path "/readyz"'
    assert 'cannot create resource "selfsubjectaccessreviews"' in ask(server, REVIEWS, REVIEW).json()["message"]
    assert "cannot impersonate" in ask(server, RUNS, impersonate="system:serviceaccount:lab:b").json()["message"]


def test_without_roles_what_a_namespace_grants_is_forbidden(server: ApiServer) -> None:
    server.stage = Stage.NO_ROLES
    why = 'RBAC: role.rbac.authorization.k8s.io "pipehook" not found'
    assert ask(server, RUNS).json()["message"] == f'{CANNOT}"tekton.dev" in the namespace "lab": {why}'
    assert ask(server, REVIEWS, REVIEW).json()["status"] == {"allowed": False, "reason": why}
    readiness = ask(server, "/readyz")
    assert (readiness.status, b"[-]informer-sync failed" in readiness.data) == (500, True)


@pytest.mark.parametrize("path", [RUNS, "/apis/tekton.dev/v1", "/apis/unknown.example.com/v1"])
def test_without_paths_custom_kinds_are_asked_to_wait(server: ApiServer, path: str) -> None:
    server.stage = Stage.NO_PATHS
    answer = ask(server, path)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json()["message"].startswith("the request has been made before all known HTTP paths")
    assert answer.json()["details"] == {"retryAfterSeconds": 5}
    assert ask(server, SECRETS).status == 200
    assert ask(server, "/readyz").status == 500


def test_a_restart_goes_through_every_stage_and_keeps_what_was_stored(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(server, RUNS, {"apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "metadata": {"name": "a"}})
    seen: list[Stage | str] = []

    def pause(_seconds: float) -> None:
        try:
            socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))).close()
        except ConnectionRefusedError:
            seen.append("refused")
        else:
            seen.append(server.stage)

    monkeypatch.setattr(apiserver, "time", SimpleNamespace(sleep=pause))
    server.restart(pause=1.0)
    assert seen == ["refused", Stage.NO_RBAC, Stage.NO_ROLES, Stage.NO_PATHS]
    assert (server.stage, ask(server, "/readyz").data) == (Stage.READY, b"ok")
    assert [run["metadata"]["name"] for run in ask(server, RUNS).json()["items"]] == ["a"]
