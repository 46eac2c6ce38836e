"""Whatever the order of hints, sweeps, ends and faults: at the end every commit shows the state of its newest run."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from functions.common.errors import LastingError, PassingError, PipehookError
from functions.common.ports import Deadline
from functions.common.values import ResourceRef
from functions.model.annotations import SHA, STATUS
from functions.status.marks import CONTEXT, EVENT_TIME, KEY_LABEL, REPOSITORY, order_of, place_of, target_of
from functions.status.notices import QUEUED, SUPERSEDED, Notice
from functions.status.reconcile import Reconcile
from functions.status.settle import Teller
from functions.status.values import Run, Said, Standing, State, Statuses, Target, can_wait
from functions.status.words import CREATED, said_of

NAMESPACE = "team"
NOW = 1_800_000_000.0
FOREVER = Deadline(1e9, lambda: 0.0)
ENDS = ("Succeeded", "Failed", "Cancelled", "PipelineRunTimeout", "CouldntGetPipeline")


@dataclass
class Hub(Statuses):
    """GitHub's statuses: each call may fail before or after it was done."""

    faults: list[str] = field(default_factory=list)
    posted: dict[Target, list[tuple[str, ...]]] = field(default_factory=dict)
    near: bool = False
    """Its limit: what can wait is left out."""

    def standing(self, target: Target, deadline: Deadline) -> Standing | None:
        self._meet("before")
        listed = self.posted.get(target)
        if not listed:
            return None
        shown = listed[-1]
        return Standing(shown=shown, ended=shown[0] not in ("queued", "pending"), link=shown[2])

    def shown(self, said: Said) -> tuple[str, ...]:
        return said.state.value, said.description, said.link

    def tell(self, target: Target, said: Said, standing: Standing | None, deadline: Deadline) -> bool:
        if self.near and can_wait(said, standing):
            return False
        self._meet("before")
        self.posted.setdefault(target, []).append(self.shown(said))
        self._meet("after")
        return True

    def _meet(self, when: str) -> None:
        if self.faults and self.faults[0].endswith(when):
            raise LastingError("403") if self.faults.pop(0).startswith("lasting") else PassingError("503")


@dataclass
class Cluster:
    """The runs by name, and whether it can be asked."""

    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    down: bool = False

    def get(self, namespace: str, name: str, deadline: Deadline) -> Run | None:
        self._meet()
        return self.runs.get(name)

    def of(self, key: str, namespace: str, deadline: Deadline) -> Sequence[Run]:
        self._meet()
        return [run for run in self.runs.values() if run["metadata"]["labels"][KEY_LABEL] == key]

    def all(self, deadline: Deadline) -> Sequence[Run]:
        self._meet()
        return list(self.runs.values())

    def tasks(self, run: Run, deadline: Deadline) -> Mapping[str, Run]:
        return {}

    def _meet(self) -> None:
        if self.down:
            raise PassingError("the cluster is away")


class World:
    """One history."""

    def __init__(self) -> None:
        self.hub = Hub()
        self.cluster = Cluster()
        self.teller = Teller({"github": self.hub}, self.cluster, target_url="https://x.example/{name}")
        self.seen: list[dict[str, Any]] = []
        self._numbers = itertools.count(1)
        self.reconcile = Reconcile(
            teller=self.teller,
            runs=self.cluster.all,
            now=lambda: NOW,
            sleep=lambda _: None,
            lookback_hours=10**6,
        )

    def create(self, sha: int, time: int) -> None:
        target = Target(provider="github", repository="acme/app", sha=f"{sha:040x}", context="ci")
        number = next(self._numbers)
        annotations = {CONTEXT: "ci", REPOSITORY: "acme/app", SHA: target.sha, EVENT_TIME: str(time)}
        metadata = {
            "name": f"run-{number}",
            "namespace": NAMESPACE,
            "resourceVersion": f"{number}-1",
            "creationTimestamp": f"2026-11-22T10:{number // 60:02}:{number % 60:02}Z",
            "labels": {STATUS: "true", KEY_LABEL: target.key},
            "annotations": annotations,
        }
        run = {"metadata": metadata, "spec": {}, "status": {}}
        self.cluster.runs[f"run-{number}"] = run
        self.seen.append(run)
        ref = ResourceRef("tekton.dev/v1", "PipelineRun", NAMESPACE, f"run-{number}")
        notice = Notice(target=target, state=State.PENDING, description=CREATED, run=ref, overrides=True)
        self._try(lambda: self.teller.notify(notice, FOREVER))

    def end(self, number: int, reason: str) -> None:
        if self.seen:
            run = self.seen[number % len(self.seen)]
            if not run["status"]:
                run["metadata"]["resourceVersion"] += "-ended"
                succeeded = str(reason == "Succeeded")
                run["status"] = {"conditions": [{"type": "Succeeded", "status": succeeded, "reason": reason}]}

    def delete(self, number: int) -> None:
        if self.seen:
            self.cluster.runs.pop(place_of(self.seen[number % len(self.seen)])[1], None)

    def hint(self, number: int, forged: str) -> None:
        if self.seen:
            run = self.seen[number % len(self.seen)]
            if forged:
                status = {"conditions": [{"type": "Succeeded", "status": "True", "reason": forged}]}
                run = {**run, "status": status}
            self._try(lambda: self.teller.hinted(run, FOREVER))

    def sweep(self) -> None:
        self.reconcile.sweep(FOREVER)

    def _try(self, call: Any) -> None:
        with contextlib.suppress(PipehookError):
            call()

    def check(self) -> None:
        newest: dict[Target, Run] = {}
        for run in sorted(self.cluster.runs.values(), key=order_of):
            target = target_of(run)
            assert target is not None
            newest[target] = run
        for target, counted in newest.items():
            said = said_of(counted, {}, f"https://x.example/{place_of(counted)[1]}")
            assert self.hub.posted[target][-1] == self.hub.shown(said)
        for listed in self.hub.posted.values():
            assert all(one != other for one, other in itertools.pairwise(listed)), "posted again"


numbers = st.integers(0, 5)
STEPS = st.one_of(
    st.tuples(st.just("create"), st.integers(1, 2), st.integers(1, 4)),
    st.tuples(st.just("end"), numbers, st.sampled_from(ENDS)),
    st.tuples(st.just("hint"), numbers, st.sampled_from(["", "Succeeded", "Forged"])),
    st.tuples(st.just("delete"), numbers),
    st.tuples(st.just("sweep")),
    st.tuples(st.just("fault"), st.sampled_from(["before", "after", "lasting before"])),
    st.tuples(st.just("down"), st.booleans()),
    st.tuples(st.just("near"), st.booleans()),
)


@settings(max_examples=300)
@given(st.lists(STEPS, max_size=25))
def test_every_commit_shows_its_newest_run_in_the_end(steps: list[tuple[Any, ...]]) -> None:
    world = World()
    for name, *args in steps:
        if name == "fault":
            world.hub.faults.append(args[0])
        elif name == "down":
            world.cluster.down = args[0]
        elif name == "near":
            world.hub.near = args[0]
        else:
            getattr(world, name)(*args)
    world.cluster.down = False
    world.hub.faults.clear()
    world.hub.near = False
    world.sweep()
    world.check()


@settings(max_examples=100)
@given(st.lists(STEPS.filter(lambda step: step[0] not in ("delete", "fault", "down", "near")), max_size=25))
def test_without_faults_the_hints_alone_do_it(steps: list[tuple[Any, ...]]) -> None:
    world = World()
    for name, *args in steps:
        getattr(world, name)(*args)
    for number in range(len(world.seen)):
        world.hint(number, "Forged")
    world.check()


def test_a_sweep_that_is_limited_goes_on_with_the_next() -> None:
    world = World()
    world.cluster.down = False
    for sha in range(1, 6):
        world.create(sha, 1)
        world.end(sha - 1, "Succeeded")
    sweep = Reconcile(
        teller=world.teller,
        runs=world.cluster.all,
        now=lambda: NOW,
        sleep=lambda _: None,
        lookback_hours=10**6,
        limit=2,
    )
    counts = [(summary.outcome, summary.told, summary.left) for summary in (sweep.sweep(FOREVER) for _ in range(4))]

    assert counts == [("limited", 2, 3), ("limited", 2, 1), ("done", 1, 0), ("done", 0, 0)]
    world.check()


def test_what_waited_and_was_superseded_is_told_so_and_nothing_else() -> None:
    world = World()
    target = Target(provider="github", repository="acme/app", sha=f"{7:040x}", context="ci")
    queued = Notice(target=target, state=State.QUEUED, description=QUEUED)
    superseded = Notice(target=target, state=State.CANCELLED, description=SUPERSEDED, overrides=True, replaces=queued)

    assert not world.teller.notify(superseded, FOREVER), "nothing stands"
    assert world.teller.notify(queued, FOREVER)
    assert world.teller.notify(superseded, FOREVER)
    assert not world.teller.notify(queued, FOREVER)
    assert [shown[0] for shown in world.hub.posted[target]] == ["queued", "cancelled"]
