"""The Secret Manager stand-in, asked by google-cloud-secret-manager."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.api_core import exceptions
from google.cloud import secretmanager_v1
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport
from grpc import StatusCode

from tests.standins.google.checksums import crc32c
from tests.standins.secret_manager import SecretManager

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "projects/p/secrets/hook"
LATEST = f"{SECRET}/versions/latest"


@pytest.fixture
def manager() -> Iterator[SecretManager]:
    with SecretManager() as running:
        yield running


@pytest.fixture
def client(manager: SecretManager) -> Iterator[Any]:
    with grpc.insecure_channel(manager.host) as channel:
        transport = SecretManagerServiceGrpcTransport(channel=channel)
        yield secretmanager_v1.SecretManagerServiceClient(transport=transport)


def access(client: Any, name: str = LATEST) -> Any:
    return client.access_secret_version(name=name, retry=None, timeout=60)


def test_the_checksum_is_castagnolis() -> None:
    assert crc32c(b"123456789") == 0xE3069283


def test_payloads_and_their_checksums(manager: SecretManager, client: Any) -> None:
    assert manager.add("p", "hook", b"one") == 1
    assert manager.add("p", "hook", b"two") == 2
    found = access(client)
    assert (found.name, found.payload.data) == (f"{SECRET}/versions/2", b"two")
    assert found.payload.data_crc32c == crc32c(b"two")
    assert access(client, f"{SECRET}/versions/1").payload.data == b"one"
    manager.corrupt()
    assert access(client).payload.data_crc32c != crc32c(b"two")
    assert access(client).payload.data_crc32c == crc32c(b"two")
    assert [call.method for call in manager.calls] == ["AccessSecretVersion"] * 4


def test_latest_is_the_newest_whatever_its_state(manager: SecretManager, client: Any) -> None:
    manager.add("p", "hook", b"one")
    manager.add("p", "hook", b"two")
    manager.disable("p", "hook", 2)
    with pytest.raises(exceptions.FailedPrecondition) as caught:
        access(client)
    assert caught.value.message == f"Secret Version [{SECRET}/versions/2] is in DISABLED state."
    manager.enable("p", "hook", 2)
    assert access(client).payload.data == b"two"
    manager.destroy("p", "hook", 2)
    with pytest.raises(exceptions.FailedPrecondition, match="is in DESTROYED state"):
        client.enable_secret_version(name=f"{SECRET}/versions/2", retry=None)


def test_versions_are_listed_newest_first_in_pages(manager: SecretManager, client: Any) -> None:
    for number in range(5):
        manager.add("p", "hook", str(number).encode())
    manager.disable("p", "hook", 3)
    request = {"parent": SECRET, "filter": "state:ENABLED", "page_size": 2}
    names = [version.name for version in client.list_secret_versions(request=request, retry=None)]
    assert names == [f"{SECRET}/versions/{number}" for number in (5, 4, 2, 1)]
    assert len(manager.calls) == 2


def test_secrets_are_made_over_the_api(manager: SecretManager, client: Any) -> None:
    secret: dict[str, Any] = {"replication": {"automatic": {}}}
    client.create_secret(parent="projects/p", secret_id="hook", secret=secret, retry=None)
    with pytest.raises(exceptions.AlreadyExists):
        client.create_secret(parent="projects/p", secret_id="hook", secret=secret, retry=None)
    with pytest.raises(exceptions.NotFound, match="not found or has no versions"):
        access(client)
    client.add_secret_version(parent=SECRET, payload={"data": b"x"}, retry=None)
    assert access(client).payload.data == b"x"
    with pytest.raises(exceptions.InvalidArgument, match="65536"):
        client.add_secret_version(parent=SECRET, payload={"data": b"x" * 65537}, retry=None)
    with pytest.raises(exceptions.InvalidArgument, match="checksum"):
        client.add_secret_version(parent=SECRET, payload={"data": b"x", "data_crc32c": 1}, retry=None)
    assert client.get_secret(name=SECRET, retry=None).name == SECRET
    assert [found.name for found in client.list_secrets(parent="projects/p", retry=None)] == [SECRET]
    assert client.get_secret_version(name=LATEST, retry=None).state.name == "ENABLED"
    assert client.disable_secret_version(name=f"{SECRET}/versions/1", retry=None).state.name == "DISABLED"
    assert client.destroy_secret_version(name=f"{SECRET}/versions/1", retry=None).state.name == "DESTROYED"


def test_what_is_not_there(manager: SecretManager, client: Any) -> None:
    manager.add("p", "hook", b"one")
    with pytest.raises(exceptions.NotFound, match=r"Secret Version \[projects/p/secrets/hook/versions/7\]"):
        access(client, f"{SECRET}/versions/7")
    with pytest.raises(exceptions.NotFound):
        access(client, "projects/p/secrets/other/versions/latest")


def test_faults(manager: SecretManager, client: Any) -> None:
    manager.add("p", "hook", b"one")
    manager.fail("AccessSecretVersion", StatusCode.UNAVAILABLE, times=1)
    manager.fail("AccessSecretVersion", StatusCode.RESOURCE_EXHAUSTED, times=1, secret="hook")
    hanging = manager.hang("AccessSecretVersion", times=1)
    with pytest.raises(exceptions.ServiceUnavailable):
        access(client)
    with pytest.raises(exceptions.ResourceExhausted):
        access(client)
    call = client.transport.access_secret_version.future(secretmanager_v1.AccessSecretVersionRequest(name=LATEST))
    while not hanging.fired:
        assert not call.done()
    call.cancel()
    assert access(client).payload.data == b"one"
    codes = [call.code for call in manager.calls.wait(count=4)]
    assert sorted(codes) == ["DEADLINE_EXCEEDED", "OK", "RESOURCE_EXHAUSTED", "UNAVAILABLE"]


def test_permissions_are_denied_by_method_and_secret(manager: SecretManager, client: Any) -> None:
    manager.add("p", "hook", b"one")
    manager.add("p", "other", b"two")
    manager.deny("ListSecretVersions")
    manager.deny("", secret="other")
    with pytest.raises(exceptions.PermissionDenied, match=r"'secretmanager.versions.list' denied"):
        list(client.list_secret_versions(parent=SECRET, retry=None))
    with pytest.raises(exceptions.PermissionDenied):
        access(client, "projects/p/secrets/other/versions/latest")
    assert access(client).payload.data == b"one"
    manager.mend()
    assert len(list(client.list_secret_versions(parent=SECRET, retry=None))) == 1
