"""A cluster in memory that any number of deliveries use at once, in an order that the test chooses call by call."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from functions.common.errors import PassingError
from functions.common.event_facts import EventFacts
from functions.common.ports import Deadline, Work
from functions.common.values import Json, Outcome, ResourceRef, Status
from functions.concurrency.asked import concurrency
from functions.concurrency.marks import Group, Member, State, member
from functions.concurrency.sink import GroupingSink
from functions.model.annotations import CANCEL, GROUP, LIMIT
from functions.outcomes.plan import planned_at

NAMESPACE, LISTENER = "team", "team/listener"
DEADLINE = Deadline(1.0, lambda: 0.0)
Fault = str
"""What becomes of one call: empty, `lost` (it fails, and nothing is done) or `unheard` (it fails, and it is done)."""


class Stage:
    """Lets one thread run at a time, from one call to the cluster to the next."""

    def __init__(self, choose: Callable[[int], int]) -> None:
        self._choose = choose
        self._ready: dict[int, threading.Semaphore] = {}
        self._parked = threading.Semaphore(0)
        self._own = threading.local()

    def play(self, parts: Sequence[Callable[[], None]]) -> None:
        """Run all parts to their ends."""
        alive = set(range(len(parts)))
        self._ready = {number: threading.Semaphore(0) for number in alive}
        errors: list[BaseException] = []

        def run(number: int) -> None:
            self._own.number = number
            self.turn()
            try:
                parts[number]()
            except BaseException as error:  # noqa: BLE001 -- raised in the test's own thread
                errors.append(error)
            alive.discard(number)
            self._parked.release()

        threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in sorted(alive)]
        for thread in threads:
            thread.start()
            self._parked.acquire()
        while alive:
            waiting = sorted(alive)
            self._ready[waiting[self._choose(len(waiting))]].release()
            self._parked.acquire()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]

    def turn(self) -> None:
        """Wait for this thread's turn; outside of a play there is nobody to wait for."""
        number = getattr(self._own, "number", None)
        if number is not None:
            self._parked.release()
            self._ready[number].acquire()


class Cluster:
    """Holds runs, and is the sink that creates them and what a group's runs are read from and changed by."""

    def __init__(self, stage: Stage, fault: Callable[[], Fault] = str) -> None:
        self.runs: dict[str, dict[str, Any]] = {}
        self._stage = stage
        self._fault = fault
        self._version = 0
        self.most = 0
        """The most runs that were running at a time."""
        self.begun: list[str] = []

    def sink(self) -> GroupingSink:
        return GroupingSink(self, self, lambda work, position: planned_at(work, position).ref)

    def members(self) -> dict[str, Member]:
        return {name: member(run) for name, run in self.runs.items()}

    def running(self) -> list[str]:
        """Return the runs that go on: begun, not ended, and not told to end."""
        return [name for name, found in self.members().items() if found.state is State.RUNNING and not found.told]

    def end(self, name: str) -> None:
        self._put(name, {**self.runs[name], "status": {"completionTime": "2026-11-26T00:00:00Z"}})

    def accept(self, work: Sequence[Work], deadline: Deadline) -> list[Outcome]:
        return [self._create(item) for item in work]

    def _create(self, work: Work) -> Outcome:
        name = work.key
        ref = ResourceRef("tekton.dev/v1", "PipelineRun", NAMESPACE, name)
        made = Outcome(work.trigger, NAMESPACE, Status.CREATED, resources=(ref,))

        def act() -> Outcome:
            if name in self.runs:
                return Outcome(work.trigger, NAMESPACE, Status.DUPLICATE, resources=(ref,))
            run: dict[str, Any] = dict(planned_at(work, 0).manifest)
            run["metadata"] = {**run["metadata"], "name": name, "creationTimestamp": f"{len(self.runs):04}"}
            self._put(name, run)
            return made

        try:
            done: Outcome = self._called(act)
        except PassingError as error:
            return Outcome(work.trigger, NAMESPACE, Status.FAILED, error.reason, passing=True)
        return done

    def of(self, group: Group, deadline: Deadline) -> Sequence[Member]:
        found: list[Member] = self._called(
            lambda: [member(run) for run in self.runs.values() if run["metadata"]["labels"].get(GROUP) == group.key]
        )
        return found

    def change(self, group: Group, member: Member, change: Mapping[str, Json], deadline: Deadline) -> bool:
        def act() -> bool:
            run = self.runs[member.name]
            if run["metadata"]["resourceVersion"] != member.version:
                return False
            merged = dict(run)
            for part, fields in change.items():
                assert isinstance(fields, dict)
                kept = {**run[part], **fields}
                merged[part] = {key: value for key, value in kept.items() if value is not None}
                if part == "metadata":
                    merged[part]["annotations"] = {**run[part]["annotations"], **dict(fields["annotations"])}  # type: ignore[arg-type]
            if merged != run:
                self._put(member.name, merged)
            return True

        done: bool = self._called(act)
        return done

    def _put(self, name: str, run: dict[str, Any]) -> None:
        before = self.running()
        self._version += 1
        self.runs[name] = {**run, "metadata": {**run["metadata"], "resourceVersion": str(self._version)}}
        self.begun += [found for found in self.running() if found not in before]
        self.most = max(self.most, len(self.running()))

    def _called(self, act: Callable[[], Any]) -> Any:
        self._stage.turn()
        fault = self._fault()
        if fault == "lost":
            raise PassingError("the cluster cannot be reached")
        result = act()
        if fault:
            raise PassingError("no answer came")
        return result


def work(
    name: str, time: int, *, before: str = "", after: str = "", cancel: str = "", limit: str = "", group: str = "g"
) -> Work:
    """Return the work of one event, rendered and marked as the pipeline does it."""
    asked = {GROUP: group, **({CANCEL: cancel} if cancel else {}), **({LIMIT: limit} if limit else {})}
    resource: dict[str, Any] = {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {"name": name, "annotations": asked},
        "spec": {"pipelineRef": {"name": "p"}},
    }
    found = concurrency([resource], listener={}, provider="github")
    assert found is not None
    facts = EventFacts(provider="github", time=time, before=before, sha=after)
    found.mark([resource], facts, listener=LISTENER, namespace=NAMESPACE)
    return Work(
        trigger="t",
        trigger_namespace=NAMESPACE,
        identity="team/t",
        listener="listener",
        listener_namespace=NAMESPACE,
        event_id=name,
        key=name,
        uid="",
        service_account="",
        resources=(resource,),
        verified=True,
        grouped=True,
    )
