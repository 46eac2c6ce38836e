"""Fixtures of the statuses' tests."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from types import SimpleNamespace

import pytest

from functions.adapters.github.pace import Pace
from functions.entrypoints import reconcile, telling
from tests.adapters.kubernetes.support import Clock
from tests.adapters.secrets.support import LifeClock
from tests.standins.apiserver import ApiServer
from tests.status.support import Scene, go_by_waits, open_scene
from tests.support.workspace import Workspace


@pytest.fixture(scope="session")
def cluster() -> Iterator[ApiServer]:
    """A cluster of these tests' own, whose faults nobody else meets."""
    with ApiServer() as server:
        yield server


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The monotonic clock of the functions."""
    return go_by_waits(monkeypatch)


@pytest.fixture
def scene(workspace: Workspace, waits: Clock) -> Iterator[Scene]:
    """The scene, with a listener whose trigger asks for a status."""
    with open_scene(workspace) as opened:
        yield opened


@pytest.fixture
def clock(scene: Scene, waits: Clock, monkeypatch: pytest.MonkeyPatch) -> LifeClock:
    """The clock of GitHub's limits, on both sides; the sweep's is the real one and so much on."""
    found = LifeClock(0.0)
    monkeypatch.setattr(telling, "Pace", partial(Pace, clock=found))
    scene.hub.secondary.clock = found
    began = time.time()
    monkeypatch.setattr(reconcile, "time", SimpleNamespace(time=lambda: began + found(), monotonic=waits))
    return found
