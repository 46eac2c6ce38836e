"""The Secret Manager client's own business: pages, credentials, deadlines, and what refusals mean."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

import grpc
import pytest
from google.auth.exceptions import DefaultCredentialsError, TransportError

from functions.adapters import google_calls
from functions.adapters.secrets import manager_client
from functions.adapters.secrets.manager_client import ManagerClient
from functions.common.errors import LastingError, PassingError
from tests.adapters.secrets.support import HANGING_SECONDS, PATIENT_SECONDS, PROJECT, patient_from_now, within
from tests.standins.certificates import Authority
from tests.standins.secret_manager import SecretManager
from tests.standins.threaded import ThreadedServer
from tests.support.function import ROOT
from tests.support.relay import Relay

SECRET = f"projects/{PROJECT}/secrets/hook"


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google_calls, "ATTEMPT_SECONDS", PATIENT_SECONDS)


@pytest.fixture
def manager() -> Iterator[SecretManager]:
    with SecretManager() as running:
        yield running


@pytest.mark.parametrize(("limit", "calls"), [(2, 1), (3, 1), (5, 2), (9, 3), (99, 4)])
def test_pages_are_read_until_there_are_enough(
    manager: SecretManager, monkeypatch: pytest.MonkeyPatch, limit: int, calls: int
) -> None:
    monkeypatch.setattr(manager_client, "PAGE_SIZE", 3)
    for _ in range(20):
        manager.add(PROJECT, "hook", b"key")
    names = ManagerClient(manager.host).enabled(SECRET, limit=limit, deadline=within(2 * PATIENT_SECONDS))
    assert names == tuple(f"{SECRET}/versions/{20 - index}" for index in range(min(limit, 12)))
    assert len(manager.calls) == calls


def test_without_time_nothing_is_asked(manager: SecretManager) -> None:
    with pytest.raises(PassingError, match="no time was left"):
        ManagerClient(manager.host).access(f"{SECRET}/versions/1", deadline=within(0))
    assert not manager.calls


def test_a_silent_server_ends_with_the_deadline(manager: SecretManager) -> None:
    manager.hang("")
    client = ManagerClient(manager.host, sleep=mock.Mock())
    with pytest.raises(PassingError, match="DEADLINE_EXCEEDED"):
        client.access(f"{SECRET}/versions/1", deadline=within(0.3))


@pytest.mark.parametrize(
    ("cause", "retryable", "kind", "said"),
    [
        (DefaultCredentialsError, False, LastingError, "give the function a service account"),
        (TransportError, True, PassingError, "cannot be had now"),
    ],
)
def test_credentials_that_cannot_be_had(
    monkeypatch: pytest.MonkeyPatch, cause: Any, retryable: bool, kind: type[Exception], said: str
) -> None:
    error = cause("quotes /path/to/key.json", retryable=retryable)
    monkeypatch.setattr(google_calls, "default_credentials", mock.Mock(side_effect=error))
    with pytest.raises(kind, match=said) as caught:
        ManagerClient().access(f"{SECRET}/versions/latest", deadline=within(2 * PATIENT_SECONDS))
    assert caught.value.__cause__ is error
    assert "/path" not in str(caught.value)


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("SERVICE_DISABLED", "enable secretmanager.googleapis.com"),
        ("IAM_PERMISSION_DENIED", f"secretmanager.versions.access is denied on {SECRET}, or it does not exist"),
        ("", f"secretmanager.versions.access is denied on {SECRET}, or it does not exist"),
    ],
)
def test_a_project_without_the_service_is_told_apart_from_a_missing_role(
    manager: SecretManager, reason: str, said: str
) -> None:
    manager.fail("", grpc.StatusCode.PERMISSION_DENIED, reason=reason)
    with pytest.raises(LastingError, match=said):
        ManagerClient(manager.host).access(f"{SECRET}/versions/1", deadline=within(2 * PATIENT_SECONDS))


@pytest.mark.parametrize("version", ["latest", "1"])
def test_calls_say_where_they_are_to_be_routed(manager: SecretManager, version: str) -> None:
    manager.add(PROJECT, "hook", b"key")
    client = ManagerClient(manager.host)
    client.access(f"{SECRET}/versions/{version}", deadline=within(2 * PATIENT_SECONDS))
    client.enabled(SECRET, limit=1, deadline=within(2 * PATIENT_SECONDS))
    assert [call.metadata["x-goog-request-params"] for call in manager.calls] == [
        f"name={SECRET}/versions/{version}",
        f"parent={SECRET}",
    ]


def test_answers_never_reach_a_debug_log(manager: SecretManager, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    manager.add(PROJECT, "hook", b"canary-value")
    ManagerClient(manager.host).access(f"{SECRET}/versions/latest", deadline=within(2 * PATIENT_SECONDS))
    assert "canary-value" not in caplog.text


def test_a_connection_that_died_in_a_frozen_instance_costs_one_attempt(
    manager: SecretManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager.add(PROJECT, "hook", b"key")
    with Relay(manager.host) as relay:
        client = ManagerClient(relay.host, sleep=patient_from_now(monkeypatch))
        client.access(f"{SECRET}/versions/1", deadline=within(2 * PATIENT_SECONDS))
        other_threads = client._connection._client
        relay.freeze()
        monkeypatch.setattr(google_calls, "ATTEMPT_SECONDS", HANGING_SECONDS)
        found = client.access(f"{SECRET}/versions/1", deadline=within(2 * PATIENT_SECONDS))
        assert found == (f"{SECRET}/versions/1", b"key")
        assert client._connection._client is not other_threads


AS_DEPLOYED = """
import json, sys
from functions.adapters import google_calls
from functions.adapters.secrets import manager_client
from functions.adapters.secrets.manager_client import ManagerClient
from functions.common.ports import Deadline
manager_client.HOST = sys.argv[1]
google_calls.ATTEMPT_SECONDS = 60.0
client = ManagerClient()
deadline = Deadline(120.0, lambda: 0.0)
found = [client.access("projects/p/secrets/hook/versions/latest", deadline=deadline) for _ in range(2)]
print(json.dumps([value.decode() for _, value in found]))
"""


class Metadata(BaseHTTPRequestHandler):
    """Google's metadata server, as far as a service account's token goes."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        """Answer, whatever is asked: a client takes from it what it wants."""
        self.asked.append(self.path.partition("?")[0].rpartition("/")[2])
        account = {"email": "runtime@p.iam.gserviceaccount.com", "scopes": [], "aliases": ["default"]}
        token = {"access_token": "canary-token", "expires_in": 3600, "token_type": "Bearer"}
        body = json.dumps({"token": token, "project-id": "p"}.get(self.asked[-1], account)).encode()
        self.send_response(200)
        self.send_header("Metadata-Flavor", "Google")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- http.server's name
        """Say nothing."""


def test_as_deployed_a_token_of_the_metadata_server_goes_with_every_call_over_tls(tmp_path: Path) -> None:
    # a client certificate that the machine has, or has lost, is none of the function's business
    certificates = {"cert_configs": {"workload": {"cert_path": "/nonexistent", "key_path": "/nonexistent"}}}
    (tmp_path / "certificates.json").write_text(json.dumps(certificates))
    authority = Authority()
    (tmp_path / "roots.pem").write_text(authority.pem)
    pair = authority.server()
    tls = grpc.ssl_server_credentials([(pair.key, pair.certificate)])
    metadata = ThreadedServer(("127.0.0.1", 0), Metadata)
    threading.Thread(target=metadata.serve_forever, daemon=True).start()
    host = f"127.0.0.1:{metadata.server_port}"
    try:
        with SecretManager(tls=tls) as manager:
            manager.add(PROJECT, "hook", b"key")
            done = subprocess.run(
                [sys.executable, "-c", AS_DEPLOYED, manager.host],
                cwd=ROOT,
                env={
                    "PATH": "/usr/bin:/bin",
                    "HOME": str(tmp_path),
                    "GCE_METADATA_HOST": host,
                    "GCE_METADATA_IP": host,
                    "GOOGLE_API_CERTIFICATE_CONFIG": str(tmp_path / "certificates.json"),
                    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(tmp_path / "roots.pem"),
                },
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            assert json.loads(done.stdout) == ["key", "key"]
            assert [call.metadata["authorization"] for call in manager.calls] == ["Bearer canary-token"] * 2
    finally:
        metadata.shutdown()
        metadata.server_close()
    assert Metadata.asked.count("token") == 1, "a token is kept for its life"
