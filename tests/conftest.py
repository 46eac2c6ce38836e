"""Fixtures that several tests share."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.standins.apiserver import ApiServer
from tests.support import processes
from tests.support.emulator import which
from tests.support.workspace import Workspace

_NUMBERS = itertools.count(1)

# the same cases in every run, however slow the machine is
settings.register_profile(
    "pipehook", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], database=None
)
settings.load_profile("pipehook")

# started processes are forked off one that has imported what they need
processes.template = processes.Template()


def pytest_unconfigure() -> None:
    """End the process that the others were forked off."""
    if processes.template:
        processes.template.close()


def pytest_report_header() -> str:
    """Say which Pub/Sub the queue's tests run against."""
    return f"pub/sub: {which()}"


@pytest.fixture(scope="session")
def cluster() -> Iterator[ApiServer]:
    """One API-server stand-in for tests that keep to a namespace of their own and set no faults."""
    with ApiServer() as server:
        yield server


@pytest.fixture
def new_workspace(tmp_path: Path, cluster: ApiServer) -> Callable[[], Workspace]:
    """Make workspaces, each with a namespace that nobody else uses."""

    def make() -> Workspace:
        number = next(_NUMBERS)
        return Workspace(tmp_path / f"workspace-{number}", cluster, namespace=f"team-{number}")

    return make


@pytest.fixture
def workspace(new_workspace: Callable[[], Workspace]) -> Workspace:
    """A workspace with a namespace that nobody else uses."""
    return new_workspace()
