"""Fixtures that several tests share."""

from __future__ import annotations

import gc
import itertools
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.standins.apiserver import ApiServer
from tests.support import processes
from tests.support.emulator import which
from tests.support.threads import left
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


def pytest_xdist_auto_num_workers() -> int:
    """Run twice as many tests at a time as there are cores: half of their time they wait for servers and deadlines."""
    return 2 * (os.cpu_count() or 1)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Spread what is marked as long over the beginnings of the workers' shares, so that nobody waits for it at the end.

    xdist gives each worker a share of the list, in order; whoever has finished steals from the ends of the others'.
    """
    long = [item for item in items if item.get_closest_marker("long")]
    others = [item for item in items if not item.get_closest_marker("long")]
    workers = int(getattr(config, "workerinput", {"workercount": 1})["workercount"])
    size = len(items) // workers
    items.clear()
    for worker in range(workers):
        first = long[worker::workers]
        rest = len(others) if worker == workers - 1 else max(size - len(first), 0)
        items += first + others[:rest]
        del others[:rest]


def pytest_collection_finish() -> None:
    """Leave what was collected out of every later garbage collection, and collect seldom: a twelfth of the time."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    """Fail a test that leaves a thread at work."""
    before = set(threading.enumerate())
    yield
    if found := left(before):
        pytest.fail(f"the test leaves threads at work: {', '.join(found)}")


@pytest.fixture(scope="session")
def cluster() -> Iterator[ApiServer]:
    """One API-server stand-in for tests that keep to a namespace of their own."""
    with ApiServer() as server:
        yield server


@pytest.fixture
def new_workspace(tmp_path: Path, cluster: ApiServer) -> Iterator[Callable[[], Workspace]]:
    """Make workspaces, each with a namespace that nobody else uses. Faults of the shared cluster end with the test."""

    def make() -> Workspace:
        number = next(_NUMBERS)
        return Workspace(tmp_path / f"workspace-{number}", cluster, namespace=f"team-{number}")

    yield make
    cluster.faults.clear()


@pytest.fixture
def workspace(new_workspace: Callable[[], Workspace]) -> Workspace:
    """A workspace with a namespace that nobody else uses."""
    return new_workspace()
