"""Kubernetes Secrets of the trigger's own namespace, through the real client."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from functools import partial
from typing import Any
from unittest import mock

import pytest

from functions.adapters.kubernetes.secrets import read_secret
from functions.adapters.secrets.sources import SecretStore, open_secrets
from functions.common.errors import PassingError, VerificationSetupError
from functions.common.values import SecretRef
from functions.settings import read_settings
from tests.adapters.kubernetes.support import Side
from tests.adapters.secrets.support import HOOK, LifeClock, accepted
from tests.standins.apiserver import ACCOUNT, ApiServer
from tests.standins.faults import Fault
from tests.standins.kubernetes.access import User
from tests.standins.kubernetes.starting import Stage


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer(namespaces=(HOOK.namespace, "other")) as running:
        yield running


@pytest.fixture
def side(server: ApiServer) -> Side:
    return Side(server)


@pytest.fixture
def clock() -> LifeClock:
    return LifeClock()


@pytest.fixture
def store(side: Side, clock: LifeClock) -> SecretStore:
    settings = read_settings({"SECRETS_SOURCE": "cluster", "SECRET_ID_FORMAT": "ignored-{name}"})
    return open_secrets(settings, read_cluster=partial(read_secret, side.api), clock=clock)


def put(server: ApiServer, data: dict[str, Any], *, name: str = HOOK.name, namespace: str = HOOK.namespace) -> None:
    encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
    metadata = {"name": name, "namespace": namespace}
    server.put_object({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": encoded})


def reads(server: ApiServer) -> int:
    return sum("/secrets/" in request.path for request in server.requests)


def reason(store: SecretStore, side: Side, ref: SecretRef = HOOK) -> str:
    with pytest.raises(VerificationSetupError) as caught:
        store.accepted(ref, side.deadline())
    return caught.value.reason


def test_keys_of_one_secret_are_read_together(server: ApiServer, side: Side, store: SecretStore) -> None:
    put(server, {HOOK.key: b"one\xff", "second": b'{"secretkey": "is no lookup"}'})
    assert store.accepted(HOOK, side.deadline()) == (b"one\xff",)
    second = SecretRef(HOOK.namespace, HOOK.name, "second")
    assert store.accepted(second, side.deadline()) == (b'{"secretkey": "is no lookup"}',)
    assert reads(server) == 1


def test_a_secret_is_its_namespaces(server: ApiServer, side: Side, store: SecretStore) -> None:
    put(server, {HOOK.key: b"key"})
    assert 'error getting secret: secrets "github-webhook" not found' in reason(
        store, side, SecretRef("other", HOOK.name, HOOK.key)
    )
    assert "not a name that Kubernetes allows" in reason(
        store, side, SecretRef("other", f"../../{HOOK.namespace}/secrets/{HOOK.name}", HOOK.key)
    )
    assert [request.path for request in server.requests] == ["/api/v1/namespaces/other/secrets/github-webhook"]


def test_a_missing_key_in_tektons_words(server: ApiServer, side: Side, store: SecretStore) -> None:
    put(server, {"other": b"key"})
    assert reason(store, side).startswith(
        "error getting secret: cannot find secretkey key in secret goldstine-lab/github-webhook"
    )


@pytest.mark.parametrize("data", [b"", b"\n"])
def test_an_empty_value_verifies_nothing(server: ApiServer, side: Side, store: SecretStore, data: bytes) -> None:
    put(server, {HOOK.key: data})
    assert "the value of key secretkey is empty" in reason(store, side)


def test_a_secret_without_data(server: ApiServer, side: Side, store: SecretStore) -> None:
    metadata = {"name": HOOK.name, "namespace": HOOK.namespace}
    server.put_object({"apiVersion": "v1", "kind": "Secret", "metadata": metadata})
    assert "cannot find secretkey key" in reason(store, side)


def test_a_changed_secret_is_found_by_the_first_signature_that_needs_it(
    server: ApiServer, side: Side, store: SecretStore, clock: LifeClock
) -> None:
    put(server, {HOOK.key: b"old"})
    assert accepted(store, b"old")
    put(server, {HOOK.key: b"new"})
    clock.pass_by(10)
    assert accepted(store, b"new")
    assert not accepted(store, b"old")
    assert reads(server) == 2


def test_a_forbidden_secret_is_lasting(server: ApiServer, side: Side, store: SecretStore) -> None:
    body = '{"kind": "Status", "reason": "Forbidden", "message": "secrets \\"github-webhook\\" is forbidden"}'
    server.faults.add(Fault(status=403, body=body))
    assert "403 Forbidden" in reason(store, side)


def test_a_server_that_starts_forbids_nothing(
    server: ApiServer, side: Side, store: SecretStore, clock: LifeClock
) -> None:
    put(server, {HOOK.key: b"key"})
    server.stage = Stage.NO_ROLES
    with pytest.raises(PassingError, match="not confirmed yet"):
        store.accepted(HOOK, side.deadline())
    server.stage = Stage.READY
    clock.pass_by(1)
    assert store.accepted(HOOK, side.deadline()) == (b"key",)
    server.stage = Stage.NO_RBAC
    clock.pass_by(60)
    assert store.accepted(HOOK, side.deadline()) == (b"key",)


def test_a_right_that_is_missing_is_said_at_once(server: ApiServer, side: Side, store: SecretStore) -> None:
    server.add_token(server.token, User(name=ACCOUNT, rules=()))
    assert "add it to the Role of the kubeconfig's ServiceAccount" in reason(store, side)
    assert side.clock.slept == []


def test_an_outage_is_passing_when_cold_and_bridged_when_warm(
    server: ApiServer, side: Side, store: SecretStore, clock: LifeClock
) -> None:
    put(server, {HOOK.key: b"key"})
    server.faults.add(Fault(status=503))
    with pytest.raises(PassingError, match="503"):
        store.accepted(HOOK, side.deadline())
    server.faults.clear()
    clock.pass_by(1)
    assert store.accepted(HOOK, side.deadline()) == (b"key",)
    server.faults.add(Fault(status=503))
    clock.pass_by(60)
    assert store.accepted(HOOK, side.deadline()) == (b"key",)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ([], "cannot find secretkey key"),
        ([1], "its data is not a mapping"),
        ({"secretkey": 1}, "not a string"),
        ({"secretkey": "no base64"}, "not a string"),
        ({"secretkey": "ä"}, "not a string"),
    ],
)
def test_data_that_no_api_server_gives(clock: LifeClock, side: Side, data: object, said: str) -> None:
    api = mock.Mock()
    api.get.return_value = {"data": data}
    settings = read_settings({"SECRETS_SOURCE": "cluster", "KUBECONFIG": "kubeconfig"})
    store = open_secrets(settings, read_cluster=partial(read_secret, api), clock=clock)
    assert said in reason(store, side)
