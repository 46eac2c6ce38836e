"""What the cluster cannot take in time is queued: through the real function, with the real Pub/Sub client."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from grpc import StatusCode

from functions.adapters import google_calls
from functions.adapters.kubernetes.lanes import OPEN_SECONDS, OPENS_AFTER, PLACES
from functions.adapters.pubsub import client as queue_client
from functions.adapters.pubsub import queue
from functions.adapters.pubsub.queue import (
    FIRST_RESERVE,
    MAX_CALL,
    RESERVE,
    LazyPublisher,
    QueueingSink,
    open_publisher,
)
from functions.common.errors import LastingError, PassingError
from functions.common.ports import Deadline, Work
from functions.common.values import Outcome, ResourceRef, Status
from functions.entrypoints import webhook
from functions.queue.messages import MAX_MESSAGE, Message, decode
from functions.settings import QueueMode, Redelivery
from tests.adapters.kubernetes.support import NAMESPACE, Clock, Side, config_map, work
from tests.standins.apiserver import ApiServer
from tests.standins.faults import Fault
from tests.standins.pubsub import PubSub
from tests.support.application import Application
from tests.support.deliveries import PUSH, encoded, headers
from tests.support.function import ROOT, Answer, ServedFunction
from tests.support.hanging import cut_short
from tests.support.pubsub import TestedPubSub
from tests.support.sources import Source, inline, listener, run, template
from tests.support.workspace import Workspace

NOT_SOON = {"Retry-After": "600"}
"""Longer than any delivery may take, so that nobody waits for it."""
AWAY = Fault(method="POST", status=503, headers=NOT_SOON)
FAILS = (
    AWAY,
    Fault(method="POST", status=429, headers=NOT_SOON),
    Fault(method="POST", action="reset"),
)


@pytest.fixture
def source(tmp_path: Path) -> Any:
    """A function's files beside a cluster of its own, which may fail."""
    with ApiServer() as cluster:
        made = Source(Workspace(tmp_path / "workspace", cluster, namespace="team"), "files")
        made.secret("hook", "token", b"aiueokakikukeko")
        yield made


def _push(application: Application, guid: str = "72d3162e-cc78-11e3-81ab-4c9367dc0958", number: int = 0) -> Answer:
    body = encoded({**PUSH, "number": number})
    return application.post(body, headers("push", body, guid=guid))


@pytest.mark.parametrize("fault", FAILS, ids=lambda fault: f"{fault.action}-{fault.status}")
def test_what_the_cluster_cannot_take_now_is_queued_and_answered_202(
    source: Source, pubsub: TestedPubSub, fault: Fault
) -> None:
    source.put(template(), listener(inline("one"), inline("two")))
    topic = pubsub.topic()
    subscription = pubsub.subscription(topic)
    application = source.application(QUEUE_TOPIC=topic)
    source.workspace.cluster.faults.add(fault)

    answer = _push(application)

    assert (answer.status, answer.statuses) == (202, ["queued", "queued"])
    assert all("queued, since the cluster could not take it in time: " in reason for reason in answer.reasons)
    messages = pubsub.take(subscription, most=2)
    works = [decode(message.data) for message in messages]
    assert sorted(found.trigger for found in works) == ["one", "two"]
    assert all(found.resources[0]["kind"] == "PipelineRun" for found in works)
    assert source.created() == []


def _posts(source: Source) -> int:
    return sum(seen.method == "POST" for seen in source.workspace.cluster.requests)


def test_while_the_cluster_asks_for_time_deliveries_go_straight_to_the_queue(
    source: Source, faulty: PubSub, clock: Clock
) -> None:
    source.put(template(), listener(inline("one")))
    faulty.create_topic("projects/p/topics/queue")
    application = source.application(QUEUE_TOPIC="projects/p/topics/queue")
    source.workspace.cluster.faults.add(Fault(method="POST", status=429, headers={"Retry-After": "4"}, times=1))

    answers = [_push(application, number=number) for number in range(5)]

    assert [answer.statuses for answer in answers] == [["queued"]] * 5
    assert "the cluster has too many requests, and is asked again in 4 s" in answers[1].reasons[0]
    assert (_posts(source), clock.slept) == (1, [])
    clock.sleep(4)
    assert _push(application, number=5).statuses == ["created"]
    assert len(faulty.published("projects/p/topics/queue")) == 5


def test_where_the_queue_is_away_as_well_the_cluster_is_waited_for(
    source: Source, faulty: PubSub, clock: Clock
) -> None:
    source.put(template(), listener(inline("one")))
    faulty.create_topic("projects/p/topics/queue")
    faulty.fail("Publish", StatusCode.PERMISSION_DENIED)
    source.workspace.cluster.faults.add(Fault(method="POST", status=429, headers={"Retry-After": "4"}, times=1))

    answer = _push(source.application(QUEUE_TOPIC="projects/p/topics/queue"))

    assert (answer.status, answer.statuses, _posts(source)) == (202, ["created"], 2)
    assert 4 <= sum(clock.slept) < 5


def test_what_is_too_large_for_the_queue_is_waited_for(source: Source, pubsub: TestedPubSub) -> None:
    large = config_map(generateName="large-") | {"data": {"note": "x" * MAX_MESSAGE}}
    source.put(template("template", large), listener(inline("one")))
    source.workspace.cluster.faults.add(Fault(method="POST", status=429, headers={"Retry-After": "4"}, times=1))
    assert _push(source.application(QUEUE_TOPIC=pubsub.topic())).statuses == ["created"]


def test_a_cluster_that_does_not_answer_is_left_alone_for_a_while(source: Source, faulty: PubSub, clock: Clock) -> None:
    source.put(template(), listener(inline("one")))
    faulty.create_topic("projects/p/topics/queue")
    application = source.application(QUEUE_TOPIC="projects/p/topics/queue")
    source.workspace.cluster.faults.add(Fault(method="POST", action="reset"))
    assert [_push(application, number=number).statuses for number in range(OPENS_AFTER)] == [["queued"]] * OPENS_AFTER
    before = _posts(source)

    answer = _push(application, number=OPENS_AFTER)

    assert (answer.statuses, _posts(source)) == (["queued"], before)
    assert "the cluster has not answered 3 times, and is asked again in 10 s" in answer.reasons[0]
    source.workspace.cluster.faults.clear()
    clock.sleep(OPEN_SECONDS)
    assert _push(application, number=OPENS_AFTER + 1).statuses == ["created"]


def test_a_cluster_that_hangs_has_half_of_the_threads_and_the_others_queue(source: Source) -> None:
    source.put(template(), listener(inline("one")))
    cluster, topic = source.workspace.cluster, "projects/p/topics/queue"
    cluster.faults.add(Fault(method="POST", action="hang"))
    with PubSub() as queue_, contextlib.ExitStack() as stack:
        queue_.create_topic(topic)
        given = {"SECRET_ID_FORMAT": "{namespace}_{name}", "QUEUE_TOPIC": topic, "PUBSUB_EMULATOR_HOST": queue_.host}
        function = stack.enter_context(ServedFunction(source.workspace.environment(**given), threads=2 * PLACES))
        pool = stack.enter_context(ThreadPoolExecutor(PLACES))

        def push(number: int) -> Answer:
            body = encoded({**PUSH, "number": number})
            return function.post(body, headers("push", body))

        hanging = [pool.submit(push, number) for number in range(PLACES)]
        cluster.requests.wait(lambda seen: seen.method == "POST", count=PLACES)
        answer = push(PLACES)

        assert answer.statuses == ["queued"]
        assert f"{PLACES} deliveries wait for the cluster already" in answer.reasons[0]
        cluster.faults.clear()
        cluster.drop_connections()
        assert {tuple(one.result().statuses) for one in hanging} <= {("created",), ("queued",)}
    assert _posts(source) >= PLACES


def test_what_the_cluster_takes_is_not_queued(source: Source, pubsub: TestedPubSub) -> None:
    source.put(template(), listener(inline("one")))
    topic = pubsub.topic()
    subscription = pubsub.subscription(topic)

    assert _push(source.application(QUEUE_TOPIC=topic)).statuses == ["created"]
    assert pubsub.take(subscription) == []


def test_a_lasting_fault_is_not_queued(source: Source, pubsub: TestedPubSub) -> None:
    source.put(template("template", {**run(), "kind": "Unknown"}), listener(inline("one")))
    topic = pubsub.topic()

    assert _push(source.application(QUEUE_TOPIC=topic)).status == 422


def test_with_queue_mode_always_everything_is_queued(source: Source, pubsub: TestedPubSub) -> None:
    source.put(template(), listener(inline("one")))
    topic = pubsub.topic()
    subscription = pubsub.subscription(topic)

    assert _push(source.application(QUEUE_TOPIC=topic, QUEUE_MODE="always")).statuses == ["queued"]
    assert len(pubsub.take(subscription, most=1)) == 1
    assert source.created() == []


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (StatusCode.UNAVAILABLE, "Pub/Sub does not answer (UNAVAILABLE)"),
        (StatusCode.PERMISSION_DENIED, "pubsub.topics.publish (roles/pubsub.publisher) is denied"),
        (StatusCode.NOT_FOUND, "Pub/Sub has no projects/p/topics/queue"),
        (StatusCode.RESOURCE_EXHAUSTED, "quota"),
        (StatusCode.UNAUTHENTICATED, "does not accept the function's credentials"),
        (StatusCode.INVALID_ARGUMENT, "refuses the call for projects/p/topics/queue (INVALID_ARGUMENT)"),
    ],
)
def test_only_if_publishing_fails_too_github_is_told_to_try_again(
    source: Source, faulty: PubSub, code: StatusCode, reason: str
) -> None:
    source.put(template(), listener(inline("one")))
    faulty.create_topic("projects/p/topics/queue")
    application = source.application(QUEUE_TOPIC="projects/p/topics/queue")
    source.workspace.cluster.faults.add(AWAY)
    faulty.fail("Publish", code)

    answer = _push(application)

    assert (answer.status, answer.statuses) == (503, ["failed"])
    assert "Retry-After" in answer.headers
    assert reason in answer.reasons[0]

    faulty.mend()
    assert _push(application).statuses == ["queued"]


def test_a_queue_that_failed_for_a_moment_takes_the_next_attempt(source: Source, faulty: PubSub) -> None:
    source.put(template(), listener(inline("one")))
    faulty.create_topic("projects/p/topics/queue")
    source.workspace.cluster.faults.add(AWAY)
    faulty.fail("Publish", StatusCode.UNAVAILABLE, times=2)

    assert _push(source.application(QUEUE_TOPIC="projects/p/topics/queue")).statuses == ["queued"]
    assert len(faulty.published("projects/p/topics/queue")) == 1


def test_a_queue_that_hangs_leaves_time_to_answer(
    source: Source, faulty: PubSub, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.put(template(), listener(inline("one")))
    faulty.create_topic("projects/p/topics/queue")
    source.workspace.cluster.faults.add(AWAY)
    faulty.hang("Publish")
    monkeypatch.setattr(google_calls, "ATTEMPT_SECONDS", 0.2)

    answer = _push(source.application(QUEUE_TOPIC="projects/p/topics/queue"))

    assert (answer.status, answer.statuses) == (503, ["failed"])
    assert "Pub/Sub does not answer (DEADLINE_EXCEEDED)" in answer.reasons[0]


def test_a_cluster_that_hangs_leaves_time_to_publish(
    source: Source, pubsub: TestedPubSub, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "DELIVERY_SECONDS", 120.0)
    monkeypatch.setattr(queue, "FIRST_RESERVE", 60.0)
    source.put(template(), listener(inline("one")))
    topic = pubsub.topic()
    subscription = pubsub.subscription(topic)
    application = source.application(QUEUE_TOPIC=topic)
    source.workspace.cluster.faults.add(Fault(method="POST", action="hang"))

    with cut_short(clock, method="POST"):
        assert _push(application).statuses == ["queued"]
    assert sum(clock.slept) == 60
    assert len(pubsub.take(subscription, most=1)) == 1


def test_a_trigger_of_which_a_part_exists_is_queued_whole_and_names_that_part(
    source: Source, pubsub: TestedPubSub
) -> None:
    source.put(template("template", run("run-"), config_map(generateName="settings-")), listener(inline("one")))
    topic = pubsub.topic()
    subscription = pubsub.subscription(topic)
    application = source.application(QUEUE_TOPIC=topic)
    source.workspace.cluster.faults.add(Fault(method="POST", kind="ConfigMap", status=503, headers=NOT_SOON))

    (trigger,) = _push(application).json["triggers"]

    assert trigger["status"] == "queued"
    assert [resource["kind"] for resource in trigger["resources"]] == ["PipelineRun"]
    (message,) = pubsub.take(subscription, most=1)
    assert len(decode(message.data).resources) == 2


def test_a_trigger_too_large_to_be_queued_fails_clearly(source: Source, pubsub: TestedPubSub) -> None:
    large = config_map(generateName="large-") | {"data": {"note": "x" * MAX_MESSAGE}}
    source.put(template("template", large), listener(inline("one")))
    application = source.application(QUEUE_TOPIC=pubsub.topic())
    armed = source.workspace.cluster.faults.add(AWAY)

    answer = _push(application)

    assert answer.status == 503
    assert "not queued either: the rendered resources are too large to be queued" in answer.reasons[0]
    source.workspace.cluster.faults.remove(armed)
    assert _push(application).statuses == ["created"]


def test_nothing_of_the_event_is_logged_when_it_is_queued(
    source: Source, pubsub: TestedPubSub, capsys: pytest.CaptureFixture[str]
) -> None:
    source.put(template("template", run(secret="s3cr3t-value")), listener(inline("one")))
    source.workspace.cluster.faults.add(AWAY)
    _push(source.application(QUEUE_TOPIC=pubsub.topic()))

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["logging.googleapis.com/labels"]["outcome"] for line in lines] == ["queued", "accepted"]
    assert "s3cr3t-value" not in json.dumps(lines)


def test_the_library_is_imported_by_the_first_message_that_is_queued() -> None:
    """The inline path's cold start does not pay for it, whether a queue is configured or not."""
    script = (
        "import os, sys\n"
        "os.environ.update(QUEUE_TOPIC='projects/p/topics/queue', KUBECONFIG='none', FUNCTION_TARGET='webhook')\n"
        "import main\n"
        "found = [name for name in sys.modules if name.startswith(('google.pubsub', 'google.auth', 'grpc'))]\n"
        "assert 'functions.adapters.pubsub.queue' in sys.modules and not found, found\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, timeout=60)


class Inner:
    """A sink that fails or creates, and remembers how much time it was given."""

    def __init__(self, clock: Callable[[], float], *, passing: bool) -> None:
        self._clock = clock
        self._passing = passing
        self.given: list[float] = []
        self.works: list[Work] = []

    def accept(self, works: Sequence[Work], deadline: Deadline) -> list[Outcome]:
        self.given.append(deadline.expires - self._clock())
        self.works += works
        status = Status.FAILED if self._passing else Status.CREATED
        ref = ResourceRef("v1", "ConfigMap", "ns", "made")
        return [Outcome(one.trigger, "ns", status, "away", (ref,), passing=self._passing) for one in works]


class Topic:
    """A publisher that keeps its calls, and fails at will."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.calls: list[list[Message]] = []

    def publish(self, messages: Sequence[Message], *, deadline: Deadline) -> None:
        self.calls.append(list(messages))
        if self.error:
            raise self.error


def _sink(inner: Inner, topic: Topic, mode: QueueMode = QueueMode.OVERFLOW) -> QueueingSink:
    return QueueingSink(inner, LazyPublisher(lambda: topic), mode=mode)


def test_the_inner_sink_gets_the_time_less_what_publishing_may_take() -> None:
    inner = Inner(lambda: 100.0, passing=True)
    sink = _sink(inner, Topic())

    sink.accept([work()], Deadline(108.0, lambda: 100.0))
    sink.accept([work()], Deadline(108.0, lambda: 100.0))

    assert inner.given == [8.0 - FIRST_RESERVE, 8.0 - RESERVE]


def test_triggers_are_published_in_one_call_as_far_as_it_may_carry_them() -> None:
    topic = Topic()
    note = "x" * (MAX_MESSAGE - 4096)
    works = [work(config_map(generateName="c-", annotations={"note": note}), trigger=f"t{n}") for n in range(20)]

    outcomes = _sink(Inner(lambda: 0.0, passing=True), topic).accept(works, Deadline(8.0, lambda: 0.0))

    assert {outcome.status for outcome in outcomes} == {Status.QUEUED}
    sizes = [sum(len(message.data) for message in call) for call in topic.calls]
    assert len(sizes) == 2
    assert all(size <= MAX_CALL for size in sizes)
    assert [decode(one.data).trigger for call in topic.calls for one in call] == [f"t{n}" for n in range(20)]


@pytest.mark.parametrize("error", [PassingError("away"), LastingError("denied")])
def test_with_queue_mode_always_a_queue_that_is_away_is_made_up_for_by_the_cluster(error: Exception) -> None:
    inner = Inner(lambda: 0.0, passing=False)

    (outcome,) = _sink(inner, Topic(error), QueueMode.ALWAYS).accept([work()], Deadline(8.0, lambda: 0.0))

    assert outcome.status is Status.CREATED
    assert len(inner.works) == 1


def test_a_dry_run_queues_nothing(source: Source, pubsub: TestedPubSub) -> None:
    source.put(template(), listener(inline("one")))
    topic = pubsub.topic()
    subscription = pubsub.subscription(topic)

    answer = _push(source.application(QUEUE_TOPIC=topic, QUEUE_MODE="always", DRY_RUN="true"))

    assert answer.statuses == ["filtered"]
    assert pubsub.take(subscription) == []


def test_who_reruns_and_queues_is_told_what_that_does_not_do(
    source: Source, capsys: pytest.CaptureFixture[str]
) -> None:
    source.put(template(), listener(inline("one")))
    source.application(QUEUE_TOPIC="projects/p/topics/queue", REDELIVERY="rerun")
    assert "what is queued never starts a run again" in capsys.readouterr().out


def test_who_reruns_waits_for_the_cluster_since_the_worker_would_start_nothing(
    source: Source, faulty: PubSub, clock: Clock
) -> None:
    source.put(template(), listener(inline("one")))
    faulty.create_topic("projects/p/topics/queue")
    application = source.application(QUEUE_TOPIC="projects/p/topics/queue", REDELIVERY="rerun")
    assert _push(application).statuses == ["created"]
    cluster = source.workspace.cluster
    (first,) = cluster.objects("PipelineRun")
    cluster.finish("PipelineRun", "team", first["metadata"]["name"])
    cluster.faults.add(Fault(method="POST", status=429, headers={"Retry-After": "4"}, times=1))

    assert _push(application).statuses == ["created"]
    assert len(cluster.objects("PipelineRun")) == 2
    assert 4 <= sum(clock.slept) < 5


def test_who_reruns_starts_no_second_run_of_a_delivery_where_the_queue_is_away() -> None:
    class Away:
        """A topic that fails, by which time what was created has ended."""

        def publish(self, messages: Sequence[Message], *, deadline: Deadline) -> None:
            for found in server.objects("PipelineRun"):
                server.finish("PipelineRun", NAMESPACE, found["metadata"]["name"], succeeded=False)
            raise PassingError("away")

    with ApiServer() as server:
        side = Side(server, Redelivery.RERUN)
        sink = QueueingSink(side.sink, LazyPublisher(Away), mode=QueueMode.OVERFLOW, reruns=True)
        server.faults.add(Fault(method="POST", action="lose", times=1))
        server.faults.add(Fault(method="POST", status=503, headers=NOT_SOON, times=1))
        (outcome,) = sink.accept([work()], side.deadline())
        assert (outcome.status, outcome.passing) == (Status.FAILED, True)
        assert len(server.objects("PipelineRun")) == 1


def test_a_connection_that_lay_idle_is_not_trusted(pubsub: TestedPubSub, monkeypatch: pytest.MonkeyPatch) -> None:
    topic = pubsub.topic()
    subscription = pubsub.subscription(topic)
    publisher = queue_client.PubSubPublisher(topic)
    publisher.publish([Message(b"one")], deadline=_soon())
    before = publisher._connection._client
    monkeypatch.setattr(google_calls, "IDLE_SECONDS", 0.0)

    publisher.publish([Message(b"two")], deadline=_soon())

    assert publisher._connection._client is not before
    assert [one.data for one in pubsub.take(subscription, most=2)] == [b"one", b"two"]


def test_missing_google_credentials_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PUBSUB_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere.json")
    with pytest.raises(LastingError, match="no Google credentials for Pub/Sub"):
        queue_client.PubSubPublisher("projects/p/topics/queue").publish([Message(b"x")], deadline=_soon())


def _soon() -> Deadline:
    return Deadline(60.0, lambda: 0.0)


def test_a_topic_without_time_left_is_not_asked(pubsub: TestedPubSub) -> None:
    publisher = open_publisher(pubsub.topic())
    with pytest.raises(PassingError, match="no time was left"):
        publisher.publish([Message(b"x")], deadline=Deadline(0.0, lambda: 0.0))
