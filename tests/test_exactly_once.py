"""Exactly once, as far as it can be had: the delivery key's table through the function, copies, retries, reruns."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.standins.apiserver import ApiServer
from tests.standins.faults import Fault
from tests.support.application import Application
from tests.support.deliveries import PUSH, SECRET, encoded, headers
from tests.support.function import Answer, ServedFunction
from tests.support.production import (
    KEY,
    NAMESPACE,
    Production,
    config_map,
    manifests,
    open_production,
    push,
    pushed,
    widget,
)
from tests.support.sources import cel, github, inline, listener, run, template
from tests.support.workspace import Workspace

BODIES = {
    "push": PUSH,
    "pull_request": {"action": "opened", "number": 1, "pull_request": {"id": 1, "updated_at": "2026-11-22T10:11:12Z"}},
    "issue_comment": {"action": "created", "issue": {"id": 1}, "comment": {"id": 7, "body": "/test"}},
}
DISPATCH = encoded({"action": "deploy", "branch": "main", "client_payload": {}})
IDS = ("X-GitHub-Delivery", "X-Gitlab-Event-UUID", "X-Request-UUID")


@pytest.mark.parametrize("before_1_23", [False, True], ids=["409", "500, as before Kubernetes 1.23"])
def test_however_the_server_says_that_a_name_is_taken_it_is_a_duplicate(before_1_23: bool, tmp_path: Path) -> None:
    with ApiServer(namespaces=["lab"], before_1_23=before_1_23) as cluster:
        workspace = Workspace(tmp_path / "lab", cluster, namespace="lab")
        workspace.write([listener(inline("one", github("hook"))), template()])
        workspace.secret("hook", "token", SECRET)
        function, body = Application(workspace.environment()), encoded(PUSH)
        answers = [signed(function, "push", body) for _ in range(2)]
        asked = [seen.method for seen in cluster.requests if "pipelineruns" in seen.path]
    assert [answer.statuses for answer in answers] == [["created"], ["duplicate"]]
    assert asked == ["POST", "POST", "GET"]


@pytest.fixture
def production(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Production]:
    with open_production(tmp_path, monkeypatch) as found:
        yield found


def signed(function: Application, event: str, body: bytes, **more: Any) -> Answer:
    return function.post(body, headers(event, body, **more))


class TestDeliveryKey:
    """What counts as the same delivery, by event and sender."""

    @pytest.mark.parametrize("event", BODIES)
    def test_events_that_identify_themselves_are_known_by_their_bodies(
        self, production: Production, event: str
    ) -> None:
        function, body = production.application(), encoded(BODIES[event])
        first = signed(function, event, body, guid="11111111-cc78-11e3-81ab-4c9367dc0958")
        again = signed(function, event, body, guid="11111111-cc78-11e3-81ab-4c9367dc0958")
        captured = signed(function, event, body)
        assert [answer.statuses for answer in (first, again, captured)] == [["created"], ["duplicate"], ["duplicate"]]
        assert captured.json["triggers"][0]["resources"] == first.json["triggers"][0]["resources"]
        other = encoded(BODIES[event] | {"sender": {"login": "another"}})
        assert signed(function, event, other).statuses == ["created"]
        assert len(production.objects()) == 2

    @pytest.mark.parametrize("event", BODIES)
    @pytest.mark.parametrize("name", ["", "PUSH", "made-up", "repository_dispatch", "star"])
    def test_a_captured_body_is_no_new_delivery_under_another_name(
        self, production: Production, event: str, name: str
    ) -> None:
        function, body = production.application(), encoded(BODIES[event])
        assert signed(function, event, body).statuses == ["created"]
        for _ in range(2):
            assert signed(function, name, body).statuses in (["duplicate"], ["rejected"])
            sent = headers(name, body, X_Gitlab_Event=name or "issue_comment", X_Event_Key="release")
            del sent["X-GitHub-Event"]
            assert function.post(body, sent).statuses in (["duplicate"], ["rejected"])
        assert len(production.objects()) == 1

    def test_equal_bodies_of_other_events_are_told_apart_by_their_guids(self, production: Production) -> None:
        function = production.application()
        for guid in ("guid-1", "guid-2"):
            answers = [signed(function, "repository_dispatch", DISPATCH, guid=guid).statuses for _ in range(2)]
            assert answers == [["created"], ["duplicate"]]
        labels = [made["metadata"]["labels"]["triggers.tekton.dev/triggers-eventid"] for made in production.objects()]
        assert labels == ["guid-1", "guid-2"]

    def test_unverified_without_an_id_always_runs(self, production: Production) -> None:
        production.write(*unverified())
        function = production.application(UNVERIFIED_TRIGGERS="allow")
        assert [function.post(b"{}", {}).statuses for _ in range(3)] == [["created"]] * 3
        assert len(production.objects()) == 3

    @pytest.mark.parametrize("header", IDS)
    def test_unverified_with_an_id_runs_once_for_each(self, production: Production, header: str) -> None:
        production.write(*unverified())
        function = production.application(UNVERIFIED_TRIGGERS="allow")
        sent = [(b"{}", "a"), (b"{}", "a"), (b"{}", "b"), (b'{"x": 1}', "a")]
        assert [function.post(body, {header: number}).statuses[0] for body, number in sent] == [
            "created",
            "duplicate",
            "created",
            "created",
        ]

    def test_a_token_that_signs_nothing_leaves_the_senders_id(self, production: Production) -> None:
        gitlab = {"ref": {"name": "gitlab"}, "params": github(KEY)["params"]}
        production.write(*manifests(interceptors=[gitlab]))
        function, body = production.application(), pushed()
        sent = {"X-Gitlab-Event": "Push Hook", "X-Gitlab-Token": "aiueokakikukeko"}
        answers = [function.post(body, sent | {"X-Gitlab-Event-UUID": guid}).statuses[0] for guid in "aab"]
        assert answers == ["created", "duplicate", "created"]

    def test_every_trigger_and_every_listener_has_its_own(self, production: Production) -> None:
        one, written = manifests()
        first, second = one["spec"]["triggers"][0], one["spec"]["triggers"][0] | {"name": "second"}
        production.write(listener(first, second, name="one"), listener(first, name="two"), written)
        function, body = production.application(), encoded(PUSH)
        for wanted in ("created", "duplicate"):
            for path, count in ((f"/{NAMESPACE}/one", 2), (f"/{NAMESPACE}/two", 1)):
                answer = function.post(body, headers("push", body), path)
                assert answer.statuses == [wanted] * count
        assert len(production.objects()) == 3

    def test_the_uid_of_a_template_is_the_deliverys(self, production: Production) -> None:
        production.write(*manifests(config_map("c-$(uid)")))
        function, body = production.application(), pushed()
        assert [push(function, body).statuses[0] for _ in range(2)] == ["created", "duplicate"]
        assert len(production.objects("ConfigMap")) == 1


def unverified() -> list[dict[str, Any]]:
    """Return a listener whose trigger verifies nothing."""
    found, written = manifests()
    del found["spec"]["triggers"][0]["bindings"]
    return [found | {"spec": {"triggers": [found["spec"]["triggers"][0] | {"interceptors": []}]}}, written]


class TestCopies:
    """Copies and retries of one delivery, on any instance."""

    def test_another_instance_finds_what_the_first_one_made(self, production: Production) -> None:
        body = pushed()
        assert push(production.application(), body).statuses == ["created"]
        assert push(production.application(), body).statuses == ["duplicate"]

    @pytest.mark.parametrize("redelivery", ["deduplicate", "rerun"])
    def test_fifty_at_once_on_two_instances_are_one(self, production: Production, redelivery: str) -> None:
        production.write(*manifests(run(), config_map(), widget("fixed")))
        start = threading.Barrier(50)
        body = pushed()

        def deliver(number: int) -> tuple[int, str]:
            start.wait()
            answer = push(instances[number % 2], body)
            return answer.status, answer.statuses[0]

        with ExitStack() as stack:
            instances = [
                stack.enter_context(ServedFunction(production.environment(REDELIVERY=redelivery), threads=32))
                for _ in range(2)
            ]
            pool = stack.enter_context(ThreadPoolExecutor(50))
            answers = list(pool.map(deliver, range(50)))
            assert set(answers) <= {(202, "created"), (202, "duplicate")}
            kinds = ("PipelineRun", "ConfigMap", "Widget")
            assert [len(production.objects(kind)) for kind in kinds] == [1, 1, 1]
            if redelivery == "rerun":
                production.cluster.finish("PipelineRun", NAMESPACE, production.objects()[0]["metadata"]["name"])
                assert set(pool.map(deliver, range(50))) <= {(202, "created"), (202, "duplicate")}
                assert [len(production.objects(kind)) for kind in kinds] == [2, 2, 1]

    def test_a_retry_completes_what_is_missing(self, production: Production) -> None:
        production.write(*manifests(run(), config_map(), widget("fixed")))
        body = pushed()
        production.cluster.faults.add(Fault(status=500, method="POST", kind="ConfigMap"))
        assert push(production.application(), body).status == 503
        made = {(found["kind"], found["metadata"]["uid"]) for found in production.cluster.objects(namespace=NAMESPACE)}
        production.cluster.faults.clear()
        answer = push(production.application(), body)
        assert (answer.status, answer.statuses) == (202, ["created"])
        assert answer.reasons == ["2 of 3 resources existed from this delivery"]
        assert [found["kind"] for found in answer.json["triggers"][0]["resources"]] == [
            "PipelineRun",
            "ConfigMap",
            "Widget",
        ]
        now = {(found["kind"], found["metadata"]["uid"]) for found in production.cluster.objects(namespace=NAMESPACE)}
        assert made < now
        assert len(now) == 3

    def test_what_the_cluster_has_lost_is_created_again(self, production: Production) -> None:
        with open_production(production.workspace.directory / "new", production.monkeypatch) as emptied:
            function, body = production.application(), pushed("c1")
            push(function, body)
            production.pass_by(11)
            production.add_kubeconfig(emptied.cluster.kubeconfig(namespace=NAMESPACE))
            production.cluster.revoke_token()
            assert push(function, body).statuses == ["created"]
            assert emptied.revisions() == ["c1"]


class TestFixedNames:
    """A name can exist once: whose is it?"""

    def test_a_redelivery_finds_its_own_and_the_next_delivery_a_strangers(self, production: Production) -> None:
        production.write(*manifests(run("deploy")))
        function, body = production.application(), pushed("c1")
        assert [push(function, body).statuses[0] for _ in range(2)] == ["created", "duplicate"]
        for _ in range(2):
            answer = push(function, pushed("c2"))
            assert (answer.status, answer.statuses) == (422, ["failed"])
            assert (
                f"PipelineRun {NAMESPACE}/deploy: an object of this name exists, and another delivery has made it"
                in (answer.reasons[0])
            )
        assert production.revisions() == ["c1"]

    def test_a_strangers_object_is_named_never_touched_and_lasting(self, production: Production) -> None:
        theirs = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "settings", "namespace": NAMESPACE},
            "data": {"whose": "theirs"},
        }
        production.cluster.put_object(theirs)
        production.write(*manifests(run(), config_map("settings")))
        function, body = production.application(), pushed()
        for _ in range(2):
            answer = push(function, body)
            assert (answer.status, answer.statuses) == (422, ["failed"])
            assert f"ConfigMap {NAMESPACE}/settings" in answer.reasons[0]
            assert "carries no annotation pipehook.dev/delivery-key, so Pipehook has not made it" in answer.reasons[0]
            assert [made["kind"] for made in answer.json["triggers"][0]["resources"]] == ["PipelineRun"]
        assert [found["data"] for found in production.objects("ConfigMap")] == [{"whose": "theirs"}]
        assert len(production.objects()) == 1

    @pytest.mark.parametrize("name", ["", "alike"])
    def test_two_triggers_alike_never_take_each_others_objects_for_their_own(
        self, production: Production, name: str
    ) -> None:
        """In one request the second is refused; from request to request it finds a stranger's object."""
        triggers = [
            inline(name, github(KEY), cel(f"header.match('X-For', '{which}')"), template={"ref": "template"})
            for which in ("one", "two")
        ]
        production.write(listener(*triggers), template("template", config_map("settings")))
        function, body = production.application(), pushed()
        assert push(function, body, X_For="one").statuses == ["created", "filtered"]
        answer = push(function, body, X_For="two")
        assert (answer.status, answer.statuses) == (422, ["filtered", "failed"])
        assert "another trigger has made it from the same delivery" in answer.reasons[1]
        assert push(function, body, X_For="one").statuses == ["duplicate", "filtered"]


class TestRerun:
    """REDELIVERY=rerun: GitHub's button starts a new run, once the earlier one has ended."""

    def test_only_when_the_earlier_run_has_ended(self, production: Production) -> None:
        function, body = production.application(REDELIVERY="rerun"), pushed("c1")
        assert push(function, body).statuses == ["created"]
        assert push(function, body).statuses == ["duplicate"]
        finish_all(production)
        again = push(function, body)
        assert (again.statuses, again.reasons) == (["created"], ["run 2 of this delivery: the earlier one has ended"])
        assert push(production.application(REDELIVERY="rerun"), body).statuses == ["duplicate"]
        assert production.revisions() == ["c1", "c1"]

    def test_deduplicate_never_does(self, production: Production) -> None:
        function, body = production.application(), pushed()
        push(function, body)
        finish_all(production)
        assert push(function, body).statuses == ["duplicate"]

    def test_an_incomplete_run_is_completed_first(self, production: Production) -> None:
        production.write(*manifests(run(), config_map()))
        function, body = production.application(REDELIVERY="rerun"), pushed("c1")
        fault = production.cluster.faults.add(Fault(status=422, method="POST", kind="ConfigMap"))
        assert push(function, body).status == 422
        finish_all(production)
        production.cluster.faults.remove(fault)
        assert push(function, body).reasons == ["1 of 2 resources existed from this delivery"]
        assert push(function, body).reasons == ["run 2 of this delivery: the earlier one has ended"]
        assert production.revisions() == production.revisions("ConfigMap") == ["c1", "c1"]

    @pytest.mark.parametrize("action", ["lose", "garbage"])
    def test_a_lost_answer_is_no_further_run(self, production: Production, action: Any) -> None:
        function, body = production.application(REDELIVERY="rerun"), pushed("c1")
        push(function, body)
        finish_all(production)
        production.cluster.faults.add(Fault(action=action, method="POST", times=1))
        assert push(function, body).statuses == ["created"]
        assert production.revisions() == ["c1", "c1"]


def finish_all(production: Production) -> None:
    """End every run."""
    for found in production.objects():
        production.cluster.finish("PipelineRun", NAMESPACE, found["metadata"]["name"])
