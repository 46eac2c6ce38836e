"""Fixtures of the queue's tests."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from functions.adapters import google_calls
from functions.entrypoints import dispatch
from tests.adapters.kubernetes.support import Clock
from tests.standins.pubsub import PubSub
from tests.support.clocks import set_clock
from tests.support.pubsub import TestedPubSub, open_pubsub


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The function's clock, that waits alone move on, and calls of Pub/Sub that may take long on a busy machine."""
    found = Clock()
    monkeypatch.setattr(google_calls, "ATTEMPT_SECONDS", 60.0)
    monkeypatch.setattr(dispatch, "time", SimpleNamespace(monotonic=found))
    set_clock(monkeypatch, found)
    return found


@pytest.fixture(scope="session")
def running_pubsub() -> Iterator[TestedPubSub]:
    """Google's emulator, or the stand-in where there is none."""
    with open_pubsub() as running:
        yield running


@pytest.fixture
def pubsub(running_pubsub: TestedPubSub, monkeypatch: pytest.MonkeyPatch) -> TestedPubSub:
    """The Pub/Sub that PUBSUB_EMULATOR_HOST names."""
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", running_pubsub.host)
    return running_pubsub


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> Iterator[PubSub]:
    """The stand-in, for faults on demand that the emulator has not."""
    with PubSub(pull_wait=0.2) as running:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", running.host)
        yield running
