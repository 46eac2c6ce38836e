"""What the tests of secrets share: a clock moved by hand, a store over the stand-in, connections that die."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from unittest import mock

import pytest

from functions.adapters import google_calls
from functions.adapters.secrets import sources
from functions.adapters.secrets.manager_client import ManagerClient
from functions.adapters.secrets.sources import SecretStore, open_secrets
from functions.common.ports import Deadline, Services
from functions.common.values import Refusal, SecretRef
from functions.delivery import Delivery
from functions.interceptors.base import Assurance, Call
from functions.interceptors.signatures import HubSignature
from functions.settings import read_settings
from tests.standins.secret_manager import SecretManager

PROJECT = "p"
NAMESPACE = "goldstine-lab"
HOOK = SecretRef(NAMESPACE, "github-webhook", "secretkey")
OTHER = SecretRef(NAMESPACE, "other-hook", "secretkey")
BODY = b'{"ref": "refs/heads/main"}'
PATIENT_SECONDS = 60.0
"""What an attempt may take that nothing keeps from being answered."""
HANGING_SECONDS = 0.2
"""What an attempt may take that is never answered."""


@dataclass
class LifeClock:
    """Seconds that pass when a test says so."""

    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


def within(seconds: float = 60.0) -> Deadline:
    """Return a deadline that is always so far away: however slow the machine, no time passes."""
    return Deadline(seconds, lambda: 0.0)


class Unhurried:
    """A client whose calls take what they need on a busy machine, where the store gives them any time at all."""

    def __init__(self, client: ManagerClient) -> None:
        self._client = client

    def enabled(self, secret: str, *, limit: int, deadline: Deadline) -> tuple[str, ...]:
        return self._client.enabled(secret, limit=limit, deadline=_unhurried(deadline))

    def access(self, version: str, *, deadline: Deadline) -> tuple[str, bytes]:
        return self._client.access(version, deadline=_unhurried(deadline))


def _unhurried(deadline: Deadline) -> Deadline:
    return within(2 * PATIENT_SECONDS) if deadline.remaining() else deadline


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
    first_attempt: float = PATIENT_SECONDS
    """After how many seconds a store gives up its first attempt."""

    def open(self, *, namespaces: Collection[str] = (NAMESPACE,), **environment: str) -> SecretStore:
        patient = patient_from_now(self.monkeypatch)
        self.monkeypatch.setattr(google_calls, "ATTEMPT_SECONDS", self.first_attempt)
        self.monkeypatch.setattr(sources, "_open_client", lambda host: Unhurried(ManagerClient(host, sleep=patient)))
        settings = read_settings(
            {
                "SECRETS_SOURCE": f"secret-manager://{PROJECT}",
                "SECRET_MANAGER_EMULATOR_HOST": self.manager.host,
                **environment,
            }
        )
        return open_secrets(settings, read_cluster=mock.Mock(), namespaces=lambda: namespaces, clock=self.clock)


def patient_from_now(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Return what to sleep with after an attempt that hung: those that follow are given the time that they need."""
    return lambda _: monkeypatch.setattr(google_calls, "ATTEMPT_SECONDS", PATIENT_SECONDS)


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
