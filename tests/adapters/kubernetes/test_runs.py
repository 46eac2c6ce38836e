"""The runs of several clusters: one that hangs takes no time of the others'."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from functions.adapters.kubernetes.runs import ClusterRuns, ManyRuns
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
        raise PassingError("it does not answer")

    def whole(self, namespace: str, name: str, deadline: Deadline) -> Run | None:
        return self.get(namespace, name, deadline)

    def of(self, key: str, namespace: str, deadline: Deadline) -> Sequence[Run]:
        self.get("", "", deadline)
        return ()

    def all(self, deadline: Deadline) -> Sequence[Run]:  # type: ignore[override] # which is iterated all the same
        return self.of("", "", deadline)


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
    found = ask(ManyRuns({"": Hangs(clock), "eu": Answers()}), Deadline(270.0, clock))
    assert (found["metadata"], found["cluster"], clock.now) == (RUN["metadata"], "eu", waited)
