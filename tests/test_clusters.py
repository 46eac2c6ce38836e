"""Several clusters behind one URL: where resources go, and that a cluster's faults cost its own triggers alone."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import urllib3
from hypothesis import given
from hypothesis import strategies as st

from functions.adapters.kubernetes import lanes
from functions.adapters.kubernetes.errors import ApiUnavailableError
from functions.adapters.kubernetes.lanes import OPEN_SECONDS, OPENS_AFTER, PLACES, Lane
from functions.common.errors import ConfigurationError, LastingError, PassingError
from functions.common.ports import Deadline
from functions.queue.messages import decode, encode
from functions.settings import read_settings
from tests.adapters.kubernetes.support import NAMESPACE, work
from tests.queue.test_dispatch import envelope
from tests.standins.apiserver import ApiServer
from tests.standins.faults import Fault
from tests.standins.pubsub import PubSub
from tests.support.application import Application
from tests.support.deliveries import PUSH, SECRET, encoded, headers
from tests.support.function import Answer, ServedFunction
from tests.support.sources import GROUP, github, inline, listener, run, template
from tests.support.workspace import Workspace

CLUSTER = "pipehook.dev/cluster"


def placed(cluster: str, name: str = "run-", **more: str) -> dict[str, Any]:
    """Return a PipelineRun that names its cluster."""
    resource = run(name)
    return {**resource, "metadata": resource["metadata"] | {"annotations": {CLUSTER: cluster, **more}}}


def to(cluster: str) -> dict[str, Any]:
    """Return a trigger whose template names its cluster; empty: none."""
    name = cluster or "default"
    spec = {"resourcetemplates": [placed(cluster) if cluster else run()]}
    return inline(name, template={"spec": spec})


@dataclass
class Fleet:
    """The default cluster and two others, under the names `eu` and `us`."""

    default: ApiServer
    eu: ApiServer
    us: ApiServer
    workspace: Workspace

    def environment(self, **more: str) -> dict[str, str]:
        files = {}
        for name, server in (("eu", self.eu), ("us", self.us)):
            files[name] = self.workspace.directory / f"kubeconfig-{name}"
            files[name].write_text(server.kubeconfig(namespace=NAMESPACE))
        clusters = ",".join(f"{name}={path}" for name, path in files.items())
        return self.workspace.environment(CLUSTERS=clusters, **more)

    def application(self, **more: str) -> Application:
        return Application(self.environment(**more))

    def served(self, **more: str) -> ServedFunction:
        return ServedFunction(self.environment(**more), threads=16)

    def created(self) -> list[int]:
        return [len(server.objects("PipelineRun")) for server in (self.default, self.eu, self.us)]


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with ApiServer() as default, ApiServer() as eu, ApiServer() as us:
        workspace = Workspace(tmp_path / "fleet", default, namespace=NAMESPACE)
        workspace.secret("hook", "token", SECRET)
        workspace.write([listener(to(""), to("eu"), to("us"))])
        yield Fleet(default, eu, us, workspace)


def push(function: Application | ServedFunction, number: int = 0, path: str = "/") -> Answer:
    body = encoded(PUSH | {"number": number})
    # over connections of their own, as GitHub's: a server may end one that is kept just as the next request comes
    return function.post(body, headers("push", body, secret=SECRET) | {"Connection": "close"}, path=path)


def where(answer: Answer) -> list[str]:
    return [resource.get("cluster", "") for row in answer.json["triggers"] for resource in row["resources"]]


class TestPlaces:
    """Which cluster a resource goes to."""

    def test_each_resource_goes_where_it_says_and_the_reply_names_the_cluster(self, fleet: Fleet) -> None:
        answer = push(fleet.application())
        assert (answer.status, answer.statuses) == (202, ["created"] * 3)
        assert where(answer) == ["", "eu", "us"]
        assert "cluster" not in answer.json["triggers"][0]["resources"][0]
        assert fleet.created() == [1, 1, 1]

    def test_a_second_copy_is_a_duplicate_in_each(self, fleet: Fleet) -> None:
        function = fleet.application()
        push(function)
        assert push(function).statuses == ["duplicate"] * 3
        assert fleet.created() == [1, 1, 1]

    def test_one_template_may_name_several(self, fleet: Fleet) -> None:
        # one name, two clusters: two objects
        fleet.workspace.write(
            [listener(inline()), template("template", run("x"), placed("eu", "x"), placed("us", "x"))]
        )
        answer = push(fleet.application())
        assert answer.statuses == ["created"]
        assert where(answer) == ["", "eu", "us"]
        assert fleet.created() == [1, 1, 1]

    def test_the_listeners_holds_for_resources_that_name_none(self, fleet: Fleet) -> None:
        found = listener(to(""), to("us"))
        found["metadata"]["annotations"] = {CLUSTER: "eu"}
        fleet.workspace.write([found])
        assert where(push(fleet.application())) == ["eu", "us"]
        assert fleet.created() == [0, 1, 1]

    def test_triggers_from_the_default_cluster_are_created_where_they_say(self, fleet: Fleet) -> None:
        for found in (listener(to(""), to("eu")), template()):
            fleet.default.put_object({**found, "metadata": found["metadata"] | {"namespace": NAMESPACE}})
        fleet.workspace.secret(f"{NAMESPACE}_hook", "token", SECRET)
        answer = push(fleet.application(TRIGGERS_SOURCE="cluster", SECRET_ID_FORMAT="{namespace}_{name}"))
        assert (answer.statuses, where(answer)) == (["created"] * 2, ["", "eu"])
        assert [seen.method for seen in fleet.eu.requests] == ["POST"], "the other is created in, and not read from"

    def test_nothing_that_is_created_carries_the_annotation(self, fleet: Fleet) -> None:
        push(fleet.application())
        (made,) = fleet.eu.objects("PipelineRun")
        assert CLUSTER not in made["metadata"]["annotations"]

    def test_rerun_looks_and_starts_in_each(self, fleet: Fleet) -> None:
        function = fleet.application(REDELIVERY="rerun")
        assert push(function).statuses == ["created"] * 3
        (first,) = fleet.eu.objects("PipelineRun")
        fleet.eu.finish("PipelineRun", first["metadata"]["namespace"], first["metadata"]["name"])
        assert push(function).statuses == ["duplicate", "created", "duplicate"]
        assert fleet.created() == [1, 2, 1]

    def test_a_dry_run_says_where(self, fleet: Fleet) -> None:
        reasons = push(fleet.application(DRY_RUN="true")).reasons
        assert [reason.rpartition(" in cluster ")[2] for reason in reasons][1:] == ["eu", "us"]
        assert fleet.created() == [0, 0, 0]


def test_a_clusters_file_that_cannot_be_used_is_said_at_start(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    environment = fleet.environment()
    (fleet.workspace.directory / "kubeconfig-us").write_text("{}")
    function = Application(environment)
    assert "CLUSTERS: us: kubeconfig: contexts: missing, or not a list" in capsys.readouterr().out
    assert push(function).statuses == ["created", "created", "failed"]


PARAMS = [{"name": "where", "value": "$(body.ref)"}]


class TestAnEventChoosesNothing:
    """The name is a literal; what is none is a mistake inside its trigger."""

    @pytest.mark.parametrize(
        ("annotations", "said"),
        [
            ({CLUSTER: "$(tt.params.where)"}, "must be a name of CLUSTERS as it stands"),
            ({CLUSTER: "e$(tt.params.where)"}, "must be a name of CLUSTERS as it stands"),
            ({CLUSTER: "$(uid)"}, "must be a name of CLUSTERS as it stands"),
            ({CLUSTER: ""}, "must be a name of CLUSTERS as it stands"),
            ({CLUSTER: 7}, "must be a name of CLUSTERS as it stands"),
            ({"pipehook.dev/$(tt.params.where)": "eu"}, "must stand as it is, without a param"),
            ({CLUSTER: "asia"}, "names asia, which CLUSTERS does not: it has eu, us"),
        ],
    )
    def test_a_mistake_fails_its_own_trigger_at_load_and_no_other(
        self, fleet: Fleet, capsys: pytest.CaptureFixture[str], annotations: dict[str, Any], said: str
    ) -> None:
        resource = run()
        wrong = {**resource, "metadata": resource["metadata"] | {"annotations": annotations}}
        spec = {"resourcetemplates": [wrong]}
        fleet.workspace.write([listener(inline("wrong", template={"spec": spec}, bindings=PARAMS), to("eu"))])
        function = fleet.application()
        assert said in capsys.readouterr().out, "it is said at load"
        answer = push(function)
        assert answer.statuses == ["failed", "created"]
        assert said in answer.reasons[0]
        assert fleet.created() == [0, 1, 0]

    def test_a_listeners_unknown_name_fails_all_that_go_by_it(self, fleet: Fleet) -> None:
        found = listener(to(""), to("eu"))
        found["metadata"]["annotations"] = {CLUSTER: "asia"}
        fleet.workspace.write([found])
        assert push(fleet.application()).statuses == ["failed", "created"]

    def test_a_trigger_object_has_no_cluster(self, fleet: Fleet) -> None:
        found = {
            "apiVersion": f"{GROUP}/v1beta1",
            "kind": "Trigger",
            "metadata": {"name": "one", "annotations": {CLUSTER: "eu"}},
            "spec": {"interceptors": [github()], "template": {"ref": "template"}},
        }
        fleet.workspace.write([listener({"triggerRef": "one"}), found, template()])
        assert f"the annotation {CLUSTER} means nothing on a Trigger" in push(fleet.application()).reasons[0]

    @pytest.mark.parametrize("key", ["$(tt.params.key)", "pipehook$(tt.params.rest)"])
    def test_an_annotation_whose_name_an_event_makes_is_none(self, fleet: Fleet, key: str) -> None:
        resource = run()
        forged = {**resource, "metadata": resource["metadata"] | {"annotations": {key: "eu", "kept": "yes"}}}
        bindings = [{"name": "key", "value": CLUSTER}, {"name": "rest", "value": CLUSTER.removeprefix("pipehook")}]
        one = inline("one", template={"spec": {"resourcetemplates": [forged]}}, bindings=bindings)
        fleet.workspace.write([listener(one)])
        assert push(fleet.application()).statuses == ["created"]
        assert fleet.created() == [1, 0, 0]
        (made,) = fleet.default.objects("PipelineRun")
        assert (made["metadata"]["annotations"]["kept"], CLUSTER in made["metadata"]["annotations"]) == ("yes", False)


def warm(function: ServedFunction) -> None:
    """Push until all is created: a busy machine may need long for what the first delivery imports."""
    for number in range(100, 120):
        if push(function, number).status == 202:
            return


@pytest.mark.long
class TestFaults:
    """One cluster hangs, one refuses, one works."""

    def test_each_has_its_own_end(self, fleet: Fleet) -> None:
        with fleet.served() as function:
            warm(function)
            before = fleet.created()
            fleet.eu.faults.add(Fault(action="hang"))
            fleet.us.refuse()
            answer = push(function)
        assert (answer.status, answer.statuses) == (503, ["created", "failed", "failed"]), function.lines
        assert [reason.partition(":")[0] for reason in answer.reasons] == ["", "cluster eu", "cluster us"]
        assert fleet.created() == [before[0] + 1, *before[1:]]
        fleet.eu.faults.clear()
        fleet.us.accept()

    def test_within_one_template_too(self, fleet: Fleet) -> None:
        fleet.workspace.write([listener(inline()), template("template", placed("eu"), run())])
        with fleet.served() as function:
            warm(function)
            before = fleet.created()
            fleet.eu.faults.add(Fault(action="hang"))
            answer = push(function)
        assert answer.statuses == ["failed"]
        assert fleet.created() == [before[0] + 1, *before[1:]]
        assert len(answer.json["triggers"][0]["resources"]) == 1

    def test_a_flood_for_the_one_that_hangs_leaves_the_others_served(self, fleet: Fleet) -> None:
        """More deliveries for it than the instance has threads, and every one for the others is created meanwhile."""
        fleet.workspace.write(
            [listener(to("eu"), name="slow"), listener(to("us"), name="quick")],
        )
        fleet.eu.faults.add(Fault(action="hang"))
        slow: list[int] = []
        with fleet.served() as function:
            assert push(function, -1, f"/{NAMESPACE}/quick").statuses == ["created"]

            def send(number: int) -> None:
                try:
                    slow.append(push(function, number, f"/{NAMESPACE}/slow").status)
                except urllib3.exceptions.ProtocolError:
                    slow.append(503)  # a connection that was closed after a refusal, as we used it again

            flood = [threading.Thread(target=send, args=(number,)) for number in range(40)]
            for thread in flood:
                thread.start()
            quick = [push(function, n, f"/{NAMESPACE}/quick").statuses for n in range(10)]
            answered = len(slow)
            for thread in flood:
                thread.join()
            refused = push(function, 99, f"/{NAMESPACE}/slow")
        assert quick == [["created"]] * 10
        assert set(slow) == {503}
        assert refused.reasons[0].startswith("cluster eu: PipelineRun ")
        assert "times, and is asked again in" in refused.reasons[0]
        assert answered < len(slow), "they were served while others waited"
        asked = sum(seen.method == "POST" for seen in fleet.eu.requests)
        assert asked <= 2 * (PLACES + OPENS_AFTER), "what does not answer is soon not asked any more"

    def test_what_cannot_be_created_is_queued_with_its_cluster_and_comes_there(self, fleet: Fleet) -> None:
        topic = "projects/p/topics/work"
        with PubSub() as pubsub:
            pubsub.create_topic(topic)
            emulator = {"PUBSUB_EMULATOR_HOST": pubsub.host}
            fleet.us.refuse()
            with fleet.served(QUEUE_TOPIC=topic, **emulator) as function:
                answer = push(function)
            fleet.us.accept()
            assert (answer.status, answer.statuses) == (202, ["created", "created", "queued"])
            assert "cluster us" in answer.reasons[2]
            (message,) = pubsub.published(topic)
        assert decode(message.data).clusters == ("us",)
        worker = Application(
            {k: v for k, v in fleet.environment().items() if k in ("KUBECONFIG", "CLUSTERS")}, target="dispatch"
        )
        reply = worker.post(envelope(message.data), {"Content-Type": "application/json"})
        assert (reply.status, reply.json["outcome"]) == (200, "created")
        assert fleet.created() == [1, 1, 1]


class TestCircuit:
    """A cluster that does not answer is left alone for a while, then tried by one delivery."""

    SILENT = ApiUnavailableError("the cluster cannot be reached")

    def lane(self, *, alone: bool = False) -> tuple[Lane, list[float]]:
        now = [0.0]
        return Lane("eu", None, alone=alone), now  # type: ignore[arg-type] # nothing is asked of it

    def ask(self, lane: Lane, now: list[float], error: Exception | None) -> bool:
        """Say whether the cluster was asked."""
        try:
            with lane.admitted(Deadline(now[0] + 8, lambda: now[0])):
                lane.heard(error, now[0])  # type: ignore[arg-type] # one of the family
        except PassingError as refused:
            assert refused.reason.startswith("cluster eu: ")
            return False
        return True

    def test_it_opens_after_silence_and_one_delivery_tries_it(self) -> None:
        lane, now = self.lane()
        assert [self.ask(lane, now, self.SILENT) for _ in range(OPENS_AFTER + 2)] == [True] * OPENS_AFTER + [False] * 2
        now[0] += OPEN_SECONDS
        with lane.admitted(Deadline(now[0] + 8, lambda: now[0])):
            assert not self.ask(lane, now, None), "one is trying already"
            lane.heard(self.SILENT, now[0])
        assert not self.ask(lane, now, None)
        now[0] += OPEN_SECONDS
        assert [self.ask(lane, now, None) for _ in range(4)] == [True] * 4

    @pytest.mark.parametrize(
        "error", [None, LastingError("no"), ApiUnavailableError("busy", status=503)], ids=["answer", "refusal", "503"]
    )
    def test_whatever_it_answers_it_answers(self, error: Exception | None) -> None:
        lane, now = self.lane()
        for found in (self.SILENT, self.SILENT, error, self.SILENT, self.SILENT):
            assert self.ask(lane, now, found)
        assert self.ask(lane, now, None)

    def test_a_token_that_cannot_be_had_says_nothing_of_the_cluster(self) -> None:
        lane, now = self.lane()
        assert all(self.ask(lane, now, PassingError("no token")) for _ in range(2 * OPENS_AFTER))

    def test_the_only_cluster_is_always_asked(self) -> None:
        lane, now = self.lane(alone=True)
        assert all(self.ask(lane, now, self.SILENT) for _ in range(2 * OPENS_AFTER))

    def test_places_are_few(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(lanes, "PLACE_SECONDS", 0.0)
        lane, now = self.lane()
        with contextlib.ExitStack() as held:
            for _ in range(PLACES):
                held.enter_context(lane.admitted(Deadline(8.0, lambda: now[0])))
            assert not self.ask(lane, now, None)
        assert self.ask(lane, now, None)


class TestMessages:
    """What the queue carries."""

    @given(st.lists(st.sampled_from(["", "eu", "us"]), min_size=1, max_size=3))
    def test_clusters_come_out_as_they_went_in(self, names: list[str]) -> None:
        given_work = work(*[run() for _ in names], clusters=tuple(names))
        message = encode(given_work)
        assert [decode(message.data).cluster(at) for at in range(len(names))] == names
        # a worker of the older version creates in the default cluster, so it must leave what goes elsewhere
        assert json.loads(message.data)["schema"] == (2 if any(names) else 1)
        assert message.attributes["pipehook-schema"] == ("2" if any(names) else "1")

    @pytest.mark.parametrize("clusters", [None, "eu", [1], [], ["eu", "us"]])
    def test_a_message_that_names_too_few_or_none_is_none(self, clusters: Any) -> None:
        document = json.loads(encode(work(clusters=("eu",))).data)
        document["work"]["clusters"] = clusters
        with pytest.raises(LastingError, match="the message is incomplete: clusters"):
            decode(json.dumps(document).encode())

    def test_a_cluster_that_the_worker_does_not_know_is_named(self, fleet: Fleet) -> None:
        worker = Application({"KUBECONFIG": fleet.environment()["KUBECONFIG"]}, target="dispatch")
        reply = worker.post(envelope(encode(work(clusters=("eu",))).data), {"Content-Type": "application/json"})
        assert reply.status == 422
        assert "cluster eu is not configured here: CLUSTERS has none" in reply.json["reason"]
        assert fleet.created() == [0, 0, 0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("eu", "must be NAME=projects/PROJECT/secrets/SECRET"),
        ("=projects/p/secrets/s", "must be NAME="),
        ("EU=projects/p/secrets/s", "must be NAME="),
        ("eu=kubeconfig", "must be NAME="),
        ("eu=projects/p/secrets/s,", "must be NAME="),
        ("eu=/a,eu=/b", "eu stands there twice"),
    ],
)
def test_a_wrong_list_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_settings({"CLUSTERS": text})
    assert said in caught.value.mistakes[0]


def test_the_kubeconfigs_of_clusters_are_no_triggers_secret(fleet: Fleet) -> None:
    environment = fleet.environment()
    secret = fleet.workspace.directory / "secrets" / "stolen" / "token"
    secret.parent.mkdir()
    secret.symlink_to(fleet.workspace.directory / "kubeconfig-eu")
    fleet.workspace.write([listener(inline("one", github("stolen")))])
    answer = push(Application(environment))
    assert answer.status == 422
    body = encoded(PUSH)
    forged = headers("push", body, secret=(fleet.workspace.directory / "kubeconfig-eu").read_bytes())
    assert Application(environment).post(body, forged).status == 422
