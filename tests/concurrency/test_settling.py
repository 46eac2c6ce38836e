"""`report` and `reconcile` settle groups where no delivery does."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from functions.adapters.kubernetes.groups import ClusterGroups
from functions.common.errors import PassingError
from functions.common.ports import Deadline
from functions.entrypoints.settling import Settler
from functions.status.notices import QUEUED, SUPERSEDED
from tests.standins.apiserver import ApiServer
from tests.standins.faults import Fault
from tests.standins.kubernetes.access import Rule, User
from tests.status.support import CONTEXT, Scene, body_of, commit, go_by_waits, open_scene
from tests.support.deliveries import encoded
from tests.support.pubsub import open_pubsub
from tests.support.workspace import Workspace
from tests.test_concurrency import grouped

NAMESPACE = "team"
REVISION = [{"name": "revision", "value": "$(body.after)"}]


@pytest.fixture
def cluster() -> Iterator[ApiServer]:
    with ApiServer() as server:
        yield server


@pytest.fixture
def scene(
    tmp_path_factory: pytest.TempPathFactory, cluster: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Scene]:
    go_by_waits(monkeypatch)
    place = Workspace(tmp_path_factory.mktemp("scene"), cluster, namespace=NAMESPACE)
    with open_scene(place) as opened:
        yield opened


def ask(scene: Scene, *, told: bool = False, **asked: str) -> None:
    resource = grouped(group="g", **asked)
    if told:
        resource["metadata"]["annotations"] |= {"pipehook.dev/status": CONTEXT}
    scene.write(resource, bindings=REVISION)


def push(scene: Scene, time: int) -> str:
    return scene.push(commit(), time=time)


def status(scene: Scene, name: str) -> str:
    return str(scene.run(name)["spec"].get("status", ""))


def test_when_one_ends_the_oldest_that_waits_begins(scene: Scene) -> None:
    ask(scene, limit="1")
    first, third, second = (push(scene, time) for time in (1, 3, 2))
    assert [status(scene, name) for name in (first, second, third)] == ["", "PipelineRunPending", "PipelineRunPending"]
    scene.end(first)
    assert scene.hint(first).status == 202
    assert [status(scene, name) for name in (second, third)] == ["", "PipelineRunPending"]
    assert scene.hint(first).status == 202, "the same event again"
    assert [status(scene, name) for name in (second, third)] == ["", "PipelineRunPending"]
    scene.end(second, "Failed")
    assert scene.hint(second, kind="failed").status == 202
    assert status(scene, third) == ""


def test_a_forged_end_begins_nothing(scene: Scene) -> None:
    ask(scene, limit="1")
    first, second = (push(scene, time) for time in (1, 2))
    forged = scene.run(first) | {"status": {"completionTime": "2026-11-26T00:00:00Z"}}
    assert scene.hint(first, run=forged).status == 202
    assert status(scene, second) == "PipelineRunPending"


def test_other_events_of_a_run_ask_the_cluster_nothing(scene: Scene) -> None:
    ask(scene, limit="1")
    first = push(scene, 1)
    scene.function("report")
    before = len(scene.workspace.cluster.requests)
    assert scene.hint(first, kind="running").status == 202
    assert len(scene.workspace.cluster.requests) == before


def test_while_the_cluster_is_away_the_event_is_to_come_again(scene: Scene) -> None:
    ask(scene, limit="1")
    first = push(scene, 1)
    scene.end(first)
    scene.workspace.cluster.faults.add(
        Fault(method="GET", kind="PipelineRun", status=503, headers={"Retry-After": "600"})
    )
    assert scene.hint(first).status == 503


def test_reconcile_releases_what_an_event_was_lost_for(scene: Scene) -> None:
    ask(scene, limit="1")
    first, second = (push(scene, time) for time in (1, 2))
    assert "groups" not in scene.reconcile()
    scene.end(first)
    assert scene.reconcile()["groups"] == {"cancelled": 0, "released": 1, "failed": 0}
    assert status(scene, second) == ""
    assert "groups" not in scene.reconcile()


def test_reconcile_finds_a_cancellation_that_failed(scene: Scene) -> None:
    ask(scene, cancel="true")
    first = push(scene, 1)
    scene.workspace.cluster.faults.add(Fault(method="PATCH", status=503, headers={"Retry-After": "600"}))
    second = push(scene, 2)
    assert scene.reconcile()["groups"] == {"cancelled": 0, "released": 0, "failed": 1}
    scene.workspace.cluster.faults.clear()
    assert scene.reconcile()["groups"] == {"cancelled": 1, "released": 0, "failed": 0}
    assert (status(scene, first), status(scene, second)) == ("CancelledRunFinally", "")


def test_reconcile_looks_into_its_own_namespaces_where_it_may_not_list_all(scene: Scene) -> None:
    ask(scene, limit="1")
    first, second = (push(scene, time) for time in (1, 2))
    scene.end(first)
    cluster = scene.workspace.cluster
    rule = Rule(groups=("tekton.dev",), namespaces=(NAMESPACE,))
    cluster.add_token("limited", User(name="function", rules=(rule,)))
    kubeconfig = scene.workspace.directory / "limited"
    kubeconfig.write_text(cluster.kubeconfig(namespace=NAMESPACE, token="limited"))
    scene.function("reconcile", KUBECONFIG=str(kubeconfig))
    assert scene.reconcile()["groups"]["released"] == 1
    assert status(scene, second) == ""


NO_TOKEN = {"GITHUB_TOKEN_SECRET": ""}


def test_groups_need_no_token_of_a_provider(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.more |= NO_TOKEN
    ask(scene, told=True, limit="1")
    first, second, third = (push(scene, time) for time in (1, 2, 3))
    scene.end(first)
    assert scene.hint(first).json == {"outcome": "unchanged"}
    assert status(scene, second) == ""
    scene.end(second)
    done = scene.reconcile()
    assert (done["outcome"], done["groups"]["released"]) == ("done", 1)
    assert status(scene, third) == ""
    said = capsys.readouterr().out
    assert said.count("no status is told, and concurrency groups alone are settled: GITHUB_TOKEN_SECRET") == 2
    assert "status was not told" not in said


def test_without_a_token_a_reconcile_that_sees_no_runs_fails(scene: Scene) -> None:
    scene.more |= NO_TOKEN
    ask(scene, limit="1")
    push(scene, 1)
    scene.workspace.cluster.faults.add(
        Fault(method="GET", kind="PipelineRun", status=503, headers={"Retry-After": "600"})
    )
    answer = scene.function("reconcile").post(b"{}", {"Content-Type": "application/json"})
    assert (answer.status, answer.json["groups"]["failed"]) == (503, 1)


@pytest.mark.parametrize("provider", [401, 503])
def test_the_next_run_does_not_wait_for_a_provider(scene: Scene, provider: int) -> None:
    ask(scene, told=True, limit="1")
    first, second = (push(scene, time) for time in (1, 2))
    scene.end(first)
    scene.hub.faults.add(Fault(status=provider))
    scene.hint(first)
    assert status(scene, second) == ""


def test_a_commit_does_not_wait_for_a_group(scene: Scene) -> None:
    ask(scene, told=True, limit="1")
    sha = commit()
    first = scene.push(sha, time=1)
    push(scene, 2)
    scene.end(first)
    scene.workspace.cluster.faults.add(Fault(method="PATCH", status=503, headers={"Retry-After": "600"}))
    assert scene.hint(first).status == 503, "it is to come again for the group"
    assert scene.shown(sha)[0] == "success"


def test_a_cluster_that_is_away_keeps_no_run_of_another_waiting(scene: Scene) -> None:
    with ApiServer() as other:
        kubeconfig = scene.workspace.directory / "other"
        kubeconfig.write_text(other.kubeconfig(namespace=NAMESPACE))
        scene.more |= {"CLUSTERS": f"eu={kubeconfig}"}
        resource = grouped(group="g", limit="1")
        resource["metadata"]["annotations"] |= {"pipehook.dev/cluster": "eu"}
        scene.write(resource, bindings=REVISION)
        first, second = (push(scene, time) for time in (1, 2))
        runs = {run["metadata"]["name"]: run for run in other.objects("PipelineRun", NAMESPACE)}
        assert runs[second]["spec"]["status"] == "PipelineRunPending"
        ended = other.finish("PipelineRun", NAMESPACE, first)
        with scene.workspace.cluster.refusing():
            assert scene.hint(first, run=ended).status == 503, "it is to come again for the other cluster"
        left = {run["metadata"]["name"]: run for run in other.objects("PipelineRun", NAMESPACE)}
        assert "status" not in left[second]["spec"]


def test_a_cluster_that_hangs_takes_no_time_of_anothers_in_a_sweep() -> None:
    now = [0.0]
    asked: dict[str, float] = {}

    class Groups(ClusterGroups):
        def groups(self, home: Any, deadline: Deadline, *, cluster: str = "") -> dict[Any, Any]:
            asked[cluster] = deadline.remaining()
            if not cluster:
                now[0] = deadline.expires
                raise PassingError("it does not answer")
            return {}

    homes = {name: lambda _: frozenset({NAMESPACE}) for name in ("", "eu", "us")}
    swept = Settler(Groups(None), homes).sweep(Deadline(90.0, lambda: now[0]))  # type: ignore[arg-type] # not asked
    assert (swept.failed, swept.unlisted) == (1, True)
    assert asked == {"": 30.0, "eu": 30.0, "us": 60.0}


def test_a_commit_whose_run_waited_in_the_queue_learns_that_it_is_superseded(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(scene, told=True, cancel="true")
    older, newer = commit(), commit()
    with open_pubsub() as pubsub:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub.host)
        topic = pubsub.topic()
        subscription = pubsub.subscription(topic)
        scene.function("webhook", QUEUE_TOPIC=topic)
        away = Fault(method="POST", kind="PipelineRun", status=503, headers={"Retry-After": "600"})
        scene.workspace.cluster.faults.add(away)
        assert scene.deliver(body=body_of(older, time=1)).statuses == ["queued"]
        scene.workspace.cluster.faults.clear()
        scene.push(newer, time=2)
        (message,) = pubsub.take(subscription, most=1)
    assert scene.shown(older)[:2] == ("pending", QUEUED)
    envelope = {"message": {"data": base64.b64encode(message.data).decode(), "messageId": "1"}, "subscription": "s"}
    answer = scene.function("dispatch").post(encoded(envelope), {"Content-Type": "application/json"})
    assert answer.json["outcome"] == "superseded"
    state, description, _ = scene.shown(older)
    assert (state != "pending", description) == (True, SUPERSEDED)
    assert scene.shown(newer)[0] == "pending"
    assert scene.deliver(body=body_of(older, time=1)).statuses == ["superseded"]
    assert len(scene.posted(older)) == 2, "it is told once"
