"""Secrets in files, as Kubernetes and Cloud Run mount them."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from unittest import mock

import pytest

from functions.adapters.secrets.sources import SecretStore, open_secrets
from functions.common.errors import PassingError, VerificationSetupError
from functions.common.values import SecretRef
from functions.interceptors.base import Assurance
from functions.settings import read_settings
from tests.adapters.secrets.support import HOOK, LifeClock, verdict
from tests.adapters.secrets.support import within as deadline


@pytest.fixture
def clock() -> LifeClock:
    return LifeClock()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "secrets"


def opened(directory: Path, clock: LifeClock, **environment: str) -> SecretStore:
    settings = read_settings({"SECRETS_SOURCE": f"file://{directory}", **environment})
    return open_secrets(settings, read_cluster=mock.Mock(), namespaces=lambda: (HOOK.namespace,), clock=clock)


@pytest.fixture
def store(directory: Path, clock: LifeClock) -> SecretStore:
    return opened(directory, clock)


def write(directory: Path, data: bytes, *, name: str = HOOK.name, key: str = HOOK.key) -> Path:
    path = directory / name / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def reason(store: SecretStore, ref: SecretRef = HOOK) -> str:
    with pytest.raises(VerificationSetupError) as caught:
        store.accepted(ref, deadline())
    return caught.value.reason


def test_a_file_is_the_value_whatever_is_in_it(directory: Path, store: SecretStore) -> None:
    write(directory, b'{"secretkey": "no lookup in files"}')
    assert store.accepted(HOOK, deadline()) == (b'{"secretkey": "no lookup in files"}',)


def test_what_echo_wrote_is_accepted_with_and_without_its_newline(directory: Path, store: SecretStore) -> None:
    write(directory, b"key\n")
    assert verdict(store, b"key") is Assurance.SIGNED
    assert verdict(store, b"key\n") is Assurance.SIGNED


def test_a_mounted_secret_is_followed_through_its_links(directory: Path, clock: LifeClock, store: SecretStore) -> None:
    secret = directory / HOOK.name
    for stamp, data in (("..2026_01", b"old"), ("..2026_02", b"new")):
        write(secret, data, name=stamp)
    (secret / "..data").symlink_to("..2026_01")
    (secret / HOOK.key).symlink_to(f"..data/{HOOK.key}")
    assert store.accepted(HOOK, deadline()) == (b"old",)
    (secret / "..swap").symlink_to("..2026_02")
    (secret / "..swap").rename(secret / "..data")
    clock.pass_by(5)
    assert store.accepted(HOOK, deadline()) == (b"new",)
    assert "secretKey is not a key" in reason(store, SecretRef(HOOK.namespace, HOOK.name, "..data"))


def test_a_changed_file_counts_at_once_when_the_old_value_does_not_match(
    directory: Path, clock: LifeClock, store: SecretStore
) -> None:
    write(directory, b"old")
    assert verdict(store, b"old") is Assurance.SIGNED
    write(directory, b"new")
    clock.pass_by(1)
    assert verdict(store, b"new") is Assurance.SIGNED


def test_it_is_not_read_with_each_delivery(
    directory: Path, clock: LifeClock, store: SecretStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(directory, b"key")
    really = mock.Mock(wraps=os.open)
    monkeypatch.setattr(os, "open", really)
    for _ in range(10):
        assert store.accepted(HOOK, deadline()) == (b"key",)
        clock.pass_by(1)
    assert really.call_count == 2


def test_namespaces_of_their_own(directory: Path, clock: LifeClock) -> None:
    write(directory, b"key", name=f"{HOOK.namespace}_{HOOK.name}")
    store = opened(directory, clock, SECRET_ID_FORMAT="{namespace}_{name}")
    assert store.accepted(HOOK, deadline()) == (b"key",)
    assert 'secrets "other_github-webhook" not found' in reason(store, SecretRef("other", HOOK.name, HOOK.key))


def test_a_missing_secret_is_named_with_its_directory(directory: Path, store: SecretStore) -> None:
    assert reason(store) == (
        f'error getting secret: secrets "github-webhook" not found: there is no directory {directory}/github-webhook '
        "(secret goldstine-lab/github-webhook, key secretkey)"
    )


def test_a_missing_key_is_named_with_its_file(directory: Path, store: SecretStore) -> None:
    write(directory, b"key", key="other")
    assert reason(store) == (
        "error getting secret: cannot find secretkey key in secret github-webhook: there is no file "
        f"{directory}/github-webhook/secretkey (secret goldstine-lab/github-webhook, key secretkey)"
    )


@pytest.mark.parametrize("data", [b"", b"\n", b"\r\n", b" \t\n"])
def test_an_empty_file_verifies_nothing(directory: Path, store: SecretStore, data: bytes) -> None:
    write(directory, data)
    assert "the value of key secretkey is empty" in reason(store)


def test_a_huge_file_is_refused(directory: Path, store: SecretStore) -> None:
    with write(directory, b"").open("wb") as file:
        file.truncate(1 << 40)
    assert "larger than 1024 KiB" in reason(store)


def test_what_is_no_file_is_refused_without_waiting(directory: Path, store: SecretStore) -> None:
    (directory / HOOK.name / HOOK.key).mkdir(parents=True)
    assert "is no file" in reason(store)
    os.mkfifo(directory / HOOK.name / "pipe")
    assert "is no file" in reason(store, SecretRef(HOOK.namespace, HOOK.name, "pipe"))


@pytest.mark.parametrize(
    ("number", "fault"),
    [(errno.EACCES, VerificationSetupError), (errno.ELOOP, VerificationSetupError), (errno.EIO, PassingError)],
)
def test_a_file_that_cannot_be_read(
    directory: Path,
    clock: LifeClock,
    store: SecretStore,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    fault: type[Exception],
) -> None:
    write(directory, b"key")
    monkeypatch.setattr(os, "open", mock.Mock(side_effect=OSError(number, os.strerror(number))))
    with pytest.raises(fault, match=os.strerror(number)):
        store.accepted(HOOK, deadline())
    monkeypatch.undo()
    clock.pass_by(1)
    assert store.accepted(HOOK, deadline()) == (b"key",)


def test_the_functions_own_kubeconfig_is_no_secret_of_a_trigger(directory: Path, clock: LifeClock) -> None:
    path = write(directory, b"credentials", name="kubeconfig", key="config")
    link = directory / "link"
    link.symlink_to(path)
    store = opened(directory, clock, KUBECONFIG=str(link))
    assert "the function's own kubeconfig" in reason(store, SecretRef(HOOK.namespace, "kubeconfig", "config"))
