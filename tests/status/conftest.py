"""Fixtures of the statuses' tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.standins.apiserver import ApiServer
from tests.status.support import Scene, open_scene
from tests.support.workspace import Workspace


@pytest.fixture(scope="session")
def cluster() -> Iterator[ApiServer]:
    """A cluster of these tests' own, whose faults nobody else meets."""
    with ApiServer() as server:
        yield server


@pytest.fixture
def scene(workspace: Workspace) -> Iterator[Scene]:
    """The scene, with a listener whose trigger asks for a status."""
    with open_scene(workspace) as opened:
        yield opened
