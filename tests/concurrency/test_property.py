"""Any order of deliveries, any interleaving of their calls, and faults: what is left running is right."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from functions.common.errors import PassingError
from functions.common.ports import Deadline, Work
from functions.common.values import Json, Outcome, Status
from functions.concurrency.marks import Group, Member, State, group_of
from functions.concurrency.settle import settle
from tests.concurrency.support import DEADLINE, NAMESPACE, Cluster, Stage, work

FAULTS = st.sampled_from(["", "", "", "lost", "unheard"])
SECONDS = st.sampled_from([1, 1.5, 2, 2.5, 3])
"""Two pushes a second at most, so that `before` and `after` tell their order whichever have been seen."""
BOUNDED = settings(max_examples=150, deadline=None)


def pushes(seconds: Sequence[float]) -> list[dict[str, Any]]:
    """Return pushes one after another, each from the commit before; those of one second are told by that alone."""
    return [
        {"time": int(second), "before": f"c{number}", "after": f"c{number + 1}"}
        for number, second in enumerate(sorted(seconds))
    ]


def settled(cluster: Cluster, item: Work) -> None:
    """Do what the queue or `reconcile` does in the end."""
    group = group_of(item.resources[0], namespace=NAMESPACE)
    assert group is not None
    settle(cluster, group, DEADLINE)


def check_outdated(cluster: Cluster, works: Sequence[Work]) -> None:
    """Deliver works again that are outdated: those whose runs exist are duplicates."""
    for item in works:
        wanted = Status.DUPLICATE if item.key in cluster.runs else Status.SUPERSEDED
        assert cluster.sink().accept([item], DEADLINE)[0].status is wanted


@BOUNDED
@given(st.data())
def test_exactly_the_newest_run_is_left_running(data: st.DataObject) -> None:
    seconds = data.draw(st.lists(SECONDS, min_size=2, max_size=4, unique=True), label="seconds")
    works = [work(f"e{number}", **push, cancel="true") for number, push in enumerate(pushes(seconds))]
    held = data.draw(st.integers(-1, len(works) - 2), label="one that comes when all is over")
    sent = [number for number in range(len(works)) if number != held]
    order = [works[number] for number in data.draw(st.permutations(sent * 2), label="order")]
    together = data.draw(st.integers(1, 4), label="together")
    turns = iter(data.draw(st.lists(st.integers(0, 11), max_size=80), label="turns"))
    stage = Stage(lambda count: next(turns, 0) % count)
    faults = iter(data.draw(st.lists(FAULTS, max_size=30), label="faults"))
    cluster = Cluster(stage, lambda: next(faults, ""))
    sink = cluster.sink()
    again: list[Work] = []

    def deliver(item: Work) -> None:
        (outcome,) = sink.accept([item], DEADLINE)
        assert outcome.status is not Status.FAILED or outcome.passing
        assert not outcome.unsettled or outcome.resources, "what exists is never failed by its group"
        if outcome.passing:
            again.append(item)

    while order:
        stage.play([partial(deliver, item) for item in order[:together]])
        order = order[together:]
    for _ in faults:  # all is well from now on
        pass
    for item in again:
        deliver(item)
    settled(cluster, works[0])

    assert cluster.running() == [works[-1].key]
    there = set(cluster.runs)
    check_outdated(cluster, works[:-1])
    assert (set(cluster.runs), cluster.running()) == (there, [works[-1].key])


class Watched(Cluster):
    """Holds works e0, e1, … of groups alone, oldest first, to what a delivery of theirs has seen."""

    def __init__(self, stage: Stage, fault: Callable[[], str]) -> None:
        super().__init__(stage, fault)
        self._seen = threading.local()

    def of(self, group: Group, deadline: Deadline) -> Sequence[Member]:
        found = super().of(group, deadline)
        self._seen.names = [member.name for member in found]
        return found

    def accept(self, work: Sequence[Work], deadline: Deadline) -> list[Outcome]:
        assert not any(_newer(item, self._seen.names) for item in work), "it has seen that a newer one has started"
        return super().accept(work, deadline)

    def change(self, group: Group, member: Member, change: Mapping[str, Json], deadline: Deadline) -> bool:
        raise AssertionError("a group alone changes no run")

    def check(self, item: Work, outcome: Outcome, there: Iterable[str]) -> None:
        """Check an end of a delivery before which `there` were the runs."""
        if outcome.status is Status.SUPERSEDED:
            assert _newer(item, self.runs)
        else:
            assert item.key in self.runs
            assert not _newer(item, there) or (outcome.status is Status.DUPLICATE and item.key in there)


def _newer(item: Work, names: Iterable[str]) -> bool:
    return any(name > item.key for name in names)


def play(data: st.DataObject, works: Sequence[Work], make: Callable[[Stage, Callable[[], str]], Cluster]) -> Cluster:
    """Deliver all works twice, in any order, at any interleaving, with faults; then once more what has failed."""
    order = [works[number] for number in data.draw(st.permutations([*range(len(works))] * 2), label="order")]
    together = data.draw(st.integers(1, 4), label="together")
    turns = iter(data.draw(st.lists(st.integers(0, 11), max_size=80), label="turns"))
    stage = Stage(lambda count: next(turns, 0) % count)
    faults = iter(data.draw(st.lists(FAULTS, max_size=30), label="faults"))
    cluster = make(stage, lambda: next(faults, ""))
    again: list[Work] = []

    def deliver(item: Work) -> None:
        there = set(cluster.runs)
        (outcome,) = cluster.sink().accept([item], DEADLINE)
        assert outcome.status is not Status.FAILED or outcome.passing
        if outcome.passing:
            again.append(item)
        elif isinstance(cluster, Watched):
            cluster.check(item, outcome, there)

    while order:
        stage.play([partial(deliver, item) for item in order[:together]])
        order = order[together:]
    for _ in faults:  # all is well from now on
        pass
    while again:
        deliver(again.pop())
    return cluster


@BOUNDED
@given(st.data())
def test_a_group_alone_starts_nothing_older_and_changes_nothing(data: st.DataObject) -> None:
    seconds = data.draw(st.lists(SECONDS, min_size=2, max_size=4, unique=True), label="seconds")
    works = [work(f"e{number}", **push) for number, push in enumerate(pushes(seconds))]
    cluster = play(data, works, Watched)
    assert works[-1].key in cluster.runs
    assert cluster.running() == list(cluster.runs), "what was created goes on"
    there = set(cluster.runs)
    check_outdated(cluster, works[:-1])
    assert set(cluster.runs) == there


WISHES = st.sampled_from([{}, {"limit": "1"}, {"limit": "2"}, {"cancel": "true"}, {"cancel": "true", "limit": "1"}])


@BOUNDED
@given(st.data())
def test_whatever_the_runs_of_a_group_ask_for_none_is_lost_and_none_outlives_its_end(data: st.DataObject) -> None:
    seconds = data.draw(st.lists(SECONDS, min_size=2, max_size=4, unique=True), label="seconds")
    wishes = data.draw(st.lists(WISHES, min_size=len(seconds), max_size=len(seconds)), label="wishes")
    rows = zip(pushes(seconds), wishes, strict=True)
    works = [work(f"e{number}", **(push | wish)) for number, (push, wish) in enumerate(rows)]
    cluster = play(data, works, Cluster)
    settled(cluster, works[0])
    cancelling = [number for number, wish in enumerate(wishes) if "cancel" in wish and f"e{number}" in cluster.runs]
    ends = max(cancelling, default=0)
    assert works[-1].key in cluster.runs
    assert not {item.key for item in works[:ends]}.intersection(cluster.running())
    for number, wish in enumerate(wishes):
        assert number < ends or wish.keys() != {"limit"} or f"e{number}" in cluster.runs, "every one of them is wanted"
    for _ in works * 2:
        begun = [name for name, found in cluster.members().items() if found.state is State.RUNNING]
        for name in begun[:1]:
            cluster.end(name)
        settled(cluster, works[0])
    assert not [name for name, found in cluster.members().items() if found.state is State.PENDING and not found.told]


def test_of_two_in_flight_at_once_both_go_on_where_nothing_is_cancelled() -> None:
    turns = iter([0, 1, 0, 1, 1, 0])  # both look; the newer one creates, then the older one does
    stage = Stage(lambda _: next(turns))
    cluster = Cluster(stage)
    works = [work(f"e{number}", **push) for number, push in enumerate(pushes([1, 2]))]
    ends: list[Outcome] = []

    def deliver(item: Work) -> None:
        ends.extend(cluster.sink().accept([item], DEADLINE))

    stage.play([partial(deliver, item) for item in works])
    assert [end.status for end in ends] == [Status.CREATED, Status.CREATED]
    assert cluster.running() == ["e1", "e0"]


def test_what_comes_again_while_a_newer_one_starts_is_a_duplicate_all_the_same() -> None:
    turns = iter([0])  # the older one looks, and everything of the newer one comes before the rest of it
    stage = Stage(lambda count: next(turns, count - 1))
    cluster = Cluster(stage)
    older, newer = (work(f"e{number}", **push, cancel="true") for number, push in enumerate(pushes([1, 2])))
    cluster.sink().accept([older], DEADLINE)
    ends: list[Outcome] = []
    stage.play(
        [partial(lambda item: ends.extend(cluster.sink().accept([item], DEADLINE)), one) for one in (older, newer)]
    )
    assert [end.status for end in ends] == [Status.CREATED, Status.DUPLICATE]
    assert cluster.running() == ["e1"]


@BOUNDED
@given(st.data())
def test_never_more_than_the_limit_run_and_all_do(data: st.DataObject) -> None:
    limit = data.draw(st.integers(1, 2), label="limit")
    seconds = data.draw(st.lists(st.integers(1, 4), min_size=2, max_size=4), label="seconds")
    works = [work(f"e{number}", **push, limit=str(limit)) for number, push in enumerate(pushes(seconds))]
    turns = iter(data.draw(st.lists(st.integers(0, 11), max_size=80), label="turns"))
    stage = Stage(lambda count: next(turns, 0) % count)
    faults = iter(data.draw(st.lists(FAULTS, max_size=30), label="faults"))
    cluster = Cluster(stage, lambda: next(faults, ""))
    sink = cluster.sink()
    again: list[Work] = []

    def deliver(item: Work) -> None:
        if sink.accept([item], DEADLINE)[0].passing:
            again.append(item)

    def end_one() -> None:
        """One ends, and `report` or `reconcile` hears of it."""
        running = cluster.running()
        if running:
            cluster.end(running[0])
        with suppress(PassingError):
            settled(cluster, works[0])

    parts: list[Any] = [partial(deliver, works[number]) for number in data.draw(st.permutations(range(len(works))))]
    stage.play([*parts, end_one, end_one])
    for _ in faults:  # all is well from now on
        pass
    for item in again:
        deliver(item)
    for _ in works:
        settled(cluster, works[0])
        end_one()

    assert cluster.most <= limit
    assert {found.state for found in cluster.members().values()} == {State.ENDED}
    assert len(cluster.runs) == len(works)


@BOUNDED
@given(st.permutations(range(5)), st.integers(1, 3))
def test_the_oldest_event_that_waits_is_released_first(order: list[int], limit: int) -> None:
    stage = Stage(lambda _: 0)
    cluster = Cluster(stage)
    works = [work(f"e{number}", time=number, limit=str(limit)) for number in range(5)]
    for number in order:
        cluster.sink().accept([works[number]], DEADLINE)
    first = cluster.begun[:]
    assert first == [f"e{number}" for number in order[:limit]]
    while cluster.running():
        cluster.end(cluster.running()[0])
        settled(cluster, works[0])
    assert cluster.begun[limit:] == sorted(f"e{number}" for number in order[limit:])
