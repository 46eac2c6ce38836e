"""The `reconcile` entry point: what GitHub shows is compared with the cluster, oldest change first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest

from functions.adapters.kubernetes.api import KubernetesApi
from functions.adapters.kubernetes.lanes import Lanes
from functions.adapters.kubernetes.runs import ClusterRuns, ManyRuns
from functions.common.ports import Deadline
from functions.status.marks import place_of, target_of
from functions.status.reconcile import OUTAGE, Reconcile, recent
from functions.status.settle import Teller
from functions.status.values import Run, Said, Standing, Statuses, Target
from tests.adapters.kubernetes.test_runs import Clock, Hangs
from tests.adapters.secrets.support import LifeClock
from tests.standins.faults import Fault
from tests.status.support import CONTEXT, REPOSITORY, Scene, commit


def test_a_lost_end_is_told(scene: Scene) -> None:
    sha = commit()
    name = scene.push(sha)
    scene.end(name, "Failed", childReferences=[])

    assert scene.reconcile() | {"summary": []} == {
        "outcome": "done",
        "looked": 1,
        "told": 1,
        "failed": 0,
        "left": 0,
        "summary": [],
    }
    assert scene.shown(sha) == ("failure", "Failed after 3m 12s", scene.link(name))
    assert scene.reconcile()["told"] == 0
    assert scene.posted(sha) == ["pending", "failure"]


def test_a_pending_that_was_lost_is_told(scene: Scene) -> None:
    sha = commit()
    scene.hub.refuse()
    name = scene.push(sha)
    assert scene.posted(sha) == []
    scene.hub.accept()

    assert scene.reconcile()["told"] == 1
    assert scene.shown(sha) == ("pending", "Running", scene.link(name))


def test_only_what_changed_lately_is_compared_oldest_change_first() -> None:
    def run(name: str, created: str, changed: str = "", sha: str = "a") -> dict[str, Any]:
        annotations = {"pipehook.dev/status-context": "ci", "pipehook.dev/repository": "acme/app"}
        annotations["pipehook.dev/sha"] = sha * 40
        condition = {"type": "Succeeded", "status": "True", "lastTransitionTime": changed}
        metadata = {
            "name": name,
            "namespace": "team",
            "creationTimestamp": created,
            "labels": {"pipehook.dev/status": "true"},
            "annotations": annotations,
        }
        return {"metadata": metadata, "status": {"conditions": [condition]}}

    listed = [
        run("late", "2026-11-22T10:00:00Z", "2026-11-22T13:00:00Z", sha="b"),
        run("long", "2026-11-20T10:00:00Z", "2026-11-22T12:00:00Z", sha="c"),
        run("gone-by", "2026-11-20T10:00:00Z", "2026-11-20T11:00:00Z", sha="d"),
        run("first", "2026-11-20T10:00:00Z", "2026-11-20T11:00:00Z", sha="e"),
        run("second", "2026-11-22T11:00:00Z", sha="e"),
    ]
    since = datetime.fromisoformat("2026-11-22T00:00:00Z").timestamp()
    found = [[place_of(one)[1] for one in runs] for _, runs in recent(listed, since=since)]

    assert found == [["first", "second"], ["long"], ["late"]]


def test_a_rate_limit_ends_the_sweep_and_the_next_goes_on(scene: Scene, clock: LifeClock) -> None:
    shas = [commit() for _ in range(3)]
    for sha in shas:
        scene.end(scene.push(sha))
    scene.function("reconcile")
    scene.hub.secondary_limit(times=1)
    first = scene.reconcile()

    assert (first["outcome"], first["told"], first["left"]) == ("limited", 0, 3)
    assert "rate limit" in first["summary"][1]
    clock.pass_by(600)
    second = scene.reconcile()
    assert (second["outcome"], second["told"]) == ("done", 3)
    assert [scene.posted(sha) for sha in shas] == [["pending", "success"]] * 3


def test_one_that_can_never_be_told_stops_no_other(scene: Scene) -> None:
    bad, good = commit(), commit()
    for sha in (bad, good):
        scene.end(scene.push(sha))
    scene.hub.faults.add(Fault(path=f"/{bad}/statuses", status=404))
    summary = scene.reconcile()

    assert (summary["outcome"], summary["told"], summary["failed"]) == ("limited", 1, 1)
    assert "the token needs Commit statuses" in summary["summary"][1]
    assert scene.posted(good) == ["pending", "success"]


def test_one_that_always_fails_in_passing_stops_no_other_and_an_outage_is_soon_known(scene: Scene) -> None:
    shas = [commit() for _ in range(6)]
    for sha in shas:
        scene.end(scene.push(sha))
    first = min(shas, key=lambda sha: Target(provider="github", repository=REPOSITORY, sha=sha, context=CONTEXT).key)
    bad = scene.hub.faults.add(Fault(path=f"/{first}/statuses", status=500))
    summary = scene.reconcile()
    assert (summary["outcome"], summary["told"], summary["left"]) == ("limited", 5, 1)
    scene.hub.faults.remove(bad)
    scene.hub.faults.add(Fault(status=500))
    before = len(scene.hub.requests)
    assert scene.reconcile()["left"] == 6
    assert len(scene.hub.requests) == before + OUTAGE


class Recorded(Statuses):
    """A provider that shows nothing, and takes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def standing(self, target: Target, deadline: Deadline) -> None:
        deadline.require("ask")

    def shown(self, said: Said) -> tuple[str, ...]:
        return (said.description,)

    def tell(self, target: Target, said: Said, standing: Standing | None, deadline: Deadline) -> bool:
        self.told.append(target.sha)
        return True


class Holds(ClusterRuns):
    """A cluster that finds the runs that it has."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self._runs = runs

    def of(self, key: str, namespace: str, deadline: Deadline) -> Sequence[Run]:
        deadline.require("list")
        return [run for run in self._runs if (target := target_of(run)) and target.key == key]

    def get(self, namespace: str, name: str, deadline: Deadline) -> Run | None:
        return None


def test_a_cluster_that_hangs_once_it_was_listed_keeps_no_end_of_another_ones_from_being_told() -> None:
    def ended(number: int, hour: int) -> dict[str, Any]:
        annotations = {"pipehook.dev/status-context": "ci", "pipehook.dev/repository": REPOSITORY}
        metadata = {
            "name": f"run-{number}",
            "namespace": "team",
            "creationTimestamp": f"2026-11-22T{hour:02}:00:00Z",
            "labels": {"pipehook.dev/status": "true"},
            "annotations": annotations | {"pipehook.dev/sha": f"{number:040x}"},
        }
        return {"metadata": metadata, "status": {"conditions": [{"type": "Succeeded", "status": "True"}]}}

    here, there = [ended(number, 12) for number in range(100)], [ended(number, 10) for number in range(100, 110)]
    clock = Clock()
    api = KubernetesApi(lambda **_: pytest.fail("nothing is asked of it"))
    runs = ManyRuns({"": Holds(here), "eu": Hangs(clock)}, Lanes(api, {"eu": api}))
    provider = Recorded()
    sweep = Reconcile(
        teller=Teller({"github": provider}, runs),
        runs=lambda _: [*({**run, "cluster": "eu"} for run in there), *({**run, "cluster": ""} for run in here)],
        now=lambda: datetime.fromisoformat("2026-11-22T13:00:00Z").timestamp(),
        sleep=lambda seconds: setattr(clock, "now", clock.now + seconds),
        lookback_hours=24,
    )
    summary = sweep.sweep(Deadline(270.0, clock))
    assert (len(provider.told), summary.told, summary.left) == (len(here), len(here), len(there))


def test_a_cluster_that_is_away_is_503(scene: Scene) -> None:
    scene.function("reconcile")
    broken = scene.workspace.cluster.faults.add(Fault(kind="PipelineRun", status=403))
    try:
        answer = scene.function("reconcile").post(b"", {})
    finally:
        scene.workspace.cluster.faults.remove(broken)
    assert (answer.status, answer.json["outcome"]) == (503, "failed")


def test_only_a_post_sweeps(scene: Scene) -> None:
    function = scene.function("reconcile")
    assert function.request("GET").status == 200
    assert function.request("PUT").status == 405
    assert function.request("GET", "/other").status == 405
