"""What the tests of secrets share: a clock that is moved by hand, deadlines, and a store over the stand-in."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from unittest import mock

import pytest

from functions.adapters import secrets_sources
from functions.adapters.secrets_manager_client import ManagerClient
from functions.adapters.secrets_sources import SecretStore, open_secrets
from functions.delivery import Delivery
from functions.interceptors.base import Assurance, Call
from functions.interceptors.signatures import HubSignature
from functions.ports import Deadline, Services
from functions.settings import read_settings
from functions.values import Refusal, SecretRef
from tests.standins.secret_manager import SecretManager

PROJECT = "p"
NAMESPACE = "goldstine-lab"
HOOK = SecretRef(NAMESPACE, "github-webhook", "secretkey")
OTHER = SecretRef(NAMESPACE, "other-hook", "secretkey")
BODY = b'{"ref": "refs/heads/main"}'


@dataclass
class LifeClock:
    """Seconds that pass when a test says so."""

    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


def within(seconds: float = 8.0) -> Deadline:
    return Deadline(time.monotonic() + seconds, time.monotonic)


def counts(manager: SecretManager) -> dict[str, int]:
    """How often each method was called."""
    found: dict[str, int] = {}
    for call in manager.calls:
        found[call.method] = found.get(call.method, 0) + 1
    return found


@dataclass
class ManagedSecrets:
    """A store whose secrets come from a Secret Manager over gRPC, without waits between attempts."""

    manager: SecretManager
    monkeypatch: pytest.MonkeyPatch
    clock: LifeClock = field(default_factory=LifeClock)

    def open(self, *, namespaces: Collection[str] = (NAMESPACE,), **environment: str) -> SecretStore:
        self.monkeypatch.setattr(secrets_sources, "_open_client", lambda host: ManagerClient(host, sleep=mock.Mock()))
        settings = read_settings(
            {
                "SECRETS_SOURCE": f"secret-manager://{PROJECT}",
                "SECRET_MANAGER_EMULATOR_HOST": self.manager.host,
                **environment,
            }
        )
        return open_secrets(settings, kubernetes=mock.Mock(), namespaces=lambda: namespaces, clock=self.clock)


def verdict(store: SecretStore, key: bytes, ref: SecretRef = HOOK, *, seconds: float = 8.0) -> Assurance | Refusal:
    """Verify a delivery that was signed with `key`, as the github interceptor does."""
    signature = hmac.digest(key, BODY, hashlib.sha256).hex()
    headers = {"X-Hub-Signature-256": (f"sha256={signature}",)}
    delivery = Delivery(path="/", headers=headers, body=BODY, received_at=0.0, nonce="")
    call = Call(
        delivery=delivery,
        services=Services(secrets=store, outbound=mock.Mock(), github=mock.Mock()),
        deadline=within(seconds),
        trigger_id="namespaces/goldstine-lab/triggers/github-trigger",
    )
    return HubSignature(ref).verify(call)


def accepted(store: SecretStore, key: bytes, ref: SecretRef = HOOK) -> bool:
    return verdict(store, key, ref) is Assurance.SIGNED
