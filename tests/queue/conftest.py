"""Fixtures of the queue's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.standins.pubsub import PubSub
from tests.support.pubsub import TestedPubSub, open_pubsub


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
