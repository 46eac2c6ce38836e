"""The runs of several clusters: one that hangs takes no time of the others', and is soon not asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pytest

from functions.adapters.kubernetes.api import KubernetesApi
from functions.adapters.kubernetes.errors import ApiUnavailableError
from functions.adapters.kubernetes.lanes import OPEN_SECONDS, OPENS_AFTER, Lanes
from functions.adapters.kubernetes.runs import MOST_SECONDS, ClusterRuns, ManyRuns
from functions.common.errors import PassingError
from functions.common.ports import Deadline
from functions.status.values import Run

RUN: Run = {"metadata": {"name": "run-1", "namespace": "team"}}


@dataclass
class Clock:
    """Monotonic time, moved by whoever hangs."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


class Hangs(ClusterRuns):
    """A cluster that lets every question wait to its end."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def get(self, namespace: str, name: str, deadline: Deadline) -> Run | None:
        self._clock.now = deadline.expires
        raise ApiUnavailableError("it does not answer")

    def whole(self, namespace: str, name: str, deadline: Deadline) -> Run | None:
        return self.get(namespace, name, deadline)

    def of(self, key: str, namespace: str, deadline: Deadline) -> Sequence[Run]:
        self.get("", "", deadline)
        return ()

    def all(self, deadline: Deadline) -> Sequence[Run]:  # type: ignore[override] # which is iterated all the same
        return self.of("", "", deadline)

    def tasks(self, run: Run, deadline: Deadline) -> Mapping[str, Run]:
        self._clock.now = deadline.expires
        return {}


class Answers(ClusterRuns):
    """A cluster that has one run, and tells it to whoever has time."""

    def __init__(self) -> None:
        pass

    def get(self, namespace: str, name: str, deadline: Deadline) -> Run | None:
        deadline.require("answer")
        return RUN

    def whole(self, namespace: str, name: str, deadline: Deadline) -> Run | None:
        return self.get(namespace, name, deadline)

    def of(self, key: str, namespace: str, deadline: Deadline) -> Sequence[Run]:
        deadline.require("answer")
        return [RUN]

    def all(self, deadline: Deadline) -> Sequence[Run]:  # type: ignore[override] # as above
        return self.of("", "", deadline)


class Lacks(Answers):
    """A cluster that has no run."""

    def get(self, namespace: str, name: str, deadline: Deadline) -> Run | None:
        return None


def many(first: ClusterRuns, second: ClusterRuns) -> ManyRuns:
    """Return the runs of the default cluster and of `eu`."""
    api = KubernetesApi(lambda **_: pytest.fail("nothing is asked of it"))
    return ManyRuns({"": first, "eu": second}, Lanes(api, {"eu": api}))


@pytest.mark.parametrize(
    ("ask", "waited"),
    [
        (lambda runs, deadline: runs.get("team", "run-1", deadline), 3.0),
        (lambda runs, deadline: runs.whole("team", "run-1", deadline), 3.0),
        (lambda runs, deadline: runs.of("key", "team", deadline)[0], 3.0),
        (lambda runs, deadline: runs.all(deadline)[0], 135.0),
    ],
    ids=["get", "whole", "of", "all"],
)
def test_a_cluster_that_hangs_takes_no_time_of_anothers(
    ask: Callable[[ManyRuns, Deadline], Run], waited: float
) -> None:
    clock = Clock()
    found = ask(many(Hangs(clock), Answers()), Deadline(270.0, clock))
    assert (found["metadata"], found["cluster"], clock.now) == (RUN["metadata"], "eu", waited)


def test_one_that_is_silent_is_not_asked_for_each_commit() -> None:
    clock = Clock()
    runs = many(Hangs(clock), Answers())
    for _ in range(100):
        assert runs.of("key", "team", Deadline(270.0, clock))[0]["metadata"] == RUN["metadata"]
    assert clock.now == OPENS_AFTER * MOST_SECONDS
    clock.now += OPEN_SECONDS
    for _ in range(100):
        assert runs.of("key", "team", Deadline(270.0, clock))
    assert clock.now == OPENS_AFTER * MOST_SECONDS + OPEN_SECONDS + MOST_SECONDS, "one question tries it"


def test_what_only_a_silent_one_may_know_is_not_said_to_be_gone() -> None:
    clock = Clock()
    runs = many(Hangs(clock), Lacks())
    for _ in range(2 * OPENS_AFTER):
        with pytest.raises(PassingError):
            runs.get("team", "run-1", Deadline(270.0, clock))


def test_the_tasks_of_a_run_are_waited_for_no_longer() -> None:
    clock = Clock()
    many(Answers(), Hangs(clock)).tasks({**RUN, "cluster": "eu"}, Deadline(270.0, clock))
    assert clock.now == MOST_SECONDS
