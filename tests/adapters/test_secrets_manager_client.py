"""The Secret Manager client's own business: pages, credentials, deadlines, and what refusals mean."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from unittest import mock

import grpc
import pytest
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import DefaultCredentialsError, TransportError
from google.cloud.secretmanager_v1.services.secret_manager_service.transports.grpc import (
    SecretManagerServiceGrpcTransport,
)

from functions.adapters import secrets_manager_calls, secrets_manager_client
from functions.adapters.secrets_manager_client import ManagerClient
from functions.errors import LastingError, PassingError
from tests.adapters.secrets_support import PROJECT, Relay, within
from tests.standins.secret_manager import SecretManager
from tests.support.function import ROOT

SECRET = f"projects/{PROJECT}/secrets/hook"


@pytest.fixture
def manager() -> Iterator[SecretManager]:
    with SecretManager() as running:
        yield running


@pytest.mark.parametrize(("limit", "calls"), [(2, 1), (3, 1), (5, 2), (9, 3), (99, 4)])
def test_pages_are_read_until_there_are_enough(
    manager: SecretManager, monkeypatch: pytest.MonkeyPatch, limit: int, calls: int
) -> None:
    monkeypatch.setattr(secrets_manager_calls, "PAGE_SIZE", 3)
    for _ in range(20):
        manager.add(PROJECT, "hook", b"key")
    names = ManagerClient(manager.host).enabled(SECRET, limit=limit, deadline=within())
    assert names == tuple(f"{SECRET}/versions/{20 - index}" for index in range(min(limit, 12)))
    assert len(manager.calls) == calls


def test_without_time_nothing_is_asked(manager: SecretManager) -> None:
    with pytest.raises(PassingError, match="no time was left"):
        ManagerClient(manager.host).access(f"{SECRET}/versions/1", deadline=within(0))
    assert not manager.calls


def test_without_an_emulator_googles_credentials_are_used(
    manager: SecretManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager.add(PROJECT, "hook", b"key")
    manager.fail("", grpc.StatusCode.UNAVAILABLE, times=1)
    credentials = AnonymousCredentials()  # type: ignore[no-untyped-call] # google-auth has no annotation there
    default = mock.Mock(return_value=(credentials, PROJECT))
    create = mock.Mock(side_effect=lambda **_: grpc.insecure_channel(manager.host))
    monkeypatch.setattr(secrets_manager_client, "default_credentials", default)
    monkeypatch.setattr(SecretManagerServiceGrpcTransport, "create_channel", create)
    client = ManagerClient(sleep=mock.Mock())
    assert client.access(f"{SECRET}/versions/latest", deadline=within()) == (f"{SECRET}/versions/1", b"key")
    assert default.call_count == 1, "they outlive a connection, and their token with them"
    assert [call.kwargs["credentials"] for call in create.call_args_list] == [credentials, credentials]


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
    monkeypatch.setattr(secrets_manager_client, "default_credentials", mock.Mock(side_effect=error))
    with pytest.raises(kind, match=said) as caught:
        ManagerClient().access(f"{SECRET}/versions/latest", deadline=within())
    assert caught.value.__cause__ is error
    assert "/path" not in str(caught.value)


def test_a_project_without_the_service_is_told_apart_from_a_missing_role() -> None:
    def said(reason: str) -> str:
        denied: Any = exceptions.PermissionDenied
        error = denied("no", error_info=mock.Mock(reason=reason))
        return secrets_manager_client._fault(error, f"{SECRET}/versions/1", "the.permission", "roles/r").reason

    assert "enable secretmanager.googleapis.com" in said("SERVICE_DISABLED")
    assert said("IAM_PERMISSION_DENIED").startswith(f"the.permission is denied on {SECRET}, or it does not exist")


def test_whole_answers_never_reach_the_librarys_debug_log(
    manager: SecretManager, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    caplog.set_level("DEBUG", logger=SecretManagerServiceGrpcTransport.__module__)
    manager.add(PROJECT, "hook", b"canary-value")
    ManagerClient(manager.host).access(f"{SECRET}/versions/latest", deadline=within())
    assert not [record for record in caplog.records if hasattr(record, "response")]


def test_a_connection_that_died_in_a_frozen_instance_costs_one_attempt(manager: SecretManager) -> None:
    manager.add(PROJECT, "hook", b"key")
    with Relay(manager.host) as relay:
        client = ManagerClient(relay.host, sleep=mock.Mock())
        client.access(f"{SECRET}/versions/1", deadline=within())
        other_threads = client._calls
        relay.freeze()
        assert client.access(f"{SECRET}/versions/1", deadline=within(3.0)) == (f"{SECRET}/versions/1", b"key")
        assert client._calls is not other_threads


IN_FULL = """
from google.cloud import secretmanager
from google.cloud.secretmanager_v1 import SecretManagerServiceAsyncClient, SecretManagerServiceClient, __version__
assert secretmanager.SecretManagerServiceClient is SecretManagerServiceClient
assert SecretManagerServiceClient.get_transport_class("grpc") is SecretManagerServiceGrpcTransport
"""
NARROW = "from functions.adapters.secrets_manager_calls import SecretManagerServiceGrpcTransport\n"


@pytest.mark.parametrize("code", [NARROW + IN_FULL, IN_FULL.replace("\n", f"\n{NARROW}", 3)], ids=["before", "after"])
def test_other_users_of_googles_package_find_it_whole(code: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_googles_client_and_its_other_transports_are_not_imported() -> None:
    code = f"import sys\n{NARROW}print(*sys.modules)"
    imported = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True).split()
    service = "google.cloud.secretmanager_v1.services.secret_manager_service"
    assert [name for name in imported if name.startswith(f"{service}.")] == [
        f"{service}.transports",
        f"{service}.transports.base",
        f"{service}.transports.grpc",
    ]
