"""The queue's worker: what it acknowledges, what it leaves to come again, and what it gives up with a reason."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from grpc import StatusCode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.adapters.http.room import VERIFIED_VALUES, share
from functions.adapters.kubernetes.pace import MAX_PAUSE
from functions.common.ports import Work
from functions.queue.messages import SCHEMA, decode, encode
from tests.adapters.kubernetes.support import NAMESPACE, Clock, config_map, pipeline_run, work
from tests.standins.apiserver import ACCOUNT, ApiServer
from tests.standins.faults import Fault
from tests.standins.kubernetes.access import User
from tests.standins.kubernetes.starting import Stage
from tests.standins.pubsub import PubSub
from tests.support.application import Application
from tests.support.function import Answer
from tests.support.pubsub import TestedPubSub
from tests.support.workspace import Workspace

DEAD = "projects/p/topics/dead"
NOT_SOON = {"Retry-After": "600"}
"""Longer than the worker may take, so that it does not wait for it."""
FAILS = (Fault(status=503, headers=NOT_SOON), Fault(status=429, headers=NOT_SOON))


@pytest.fixture
def cluster() -> Iterator[ApiServer]:
    with ApiServer() as running:
        yield running


@pytest.fixture
def place(tmp_path: Path, cluster: ApiServer) -> Workspace:
    return Workspace(tmp_path / "workspace", cluster, namespace=NAMESPACE)


def worker(place: Workspace, **environment: str) -> Application:
    return Application({"KUBECONFIG": str(place.directory / "kubeconfig"), **environment}, target="dispatch")


def envelope(data: bytes, *, attempt: int = 1, attributes: Mapping[str, str] | None = None) -> bytes:
    message = {
        "data": base64.b64encode(data).decode(),
        "attributes": dict(attributes or {}),
        "messageId": "4711",
        "publishTime": "2026-11-22T10:11:12Z",
    }
    return json.dumps(
        {"message": message, "subscription": "projects/p/subscriptions/dispatch", "deliveryAttempt": attempt}
    ).encode()


def push(application: Application, given_work: Work, **more: Any) -> Answer:
    return application.post(envelope(encode(given_work).data, **more), {"Content-Type": "application/json"})


def test_a_message_is_created_and_its_copies_are_duplicates(place: Workspace, cluster: ApiServer) -> None:
    application = worker(place)
    job = work(pipeline_run(), config_map())

    first, again = push(application, job), push(application, job, attempt=2)

    assert (first.status, first.json["outcome"]) == (200, "created")
    assert (again.status, again.json["outcome"]) == (200, "duplicate")
    assert len(cluster.objects("PipelineRun", NAMESPACE)) == len(cluster.objects("ConfigMap", NAMESPACE)) == 1


def test_a_message_takes_memory_like_a_delivery(place: Workspace, cluster: ApiServer) -> None:
    application = worker(place)
    large, sent = envelope(b"[%s{}]" % (b"{}," * 300_000)), {"Content-Type": "application/json"}
    with share(0) as others:
        others.take(VERIFIED_VALUES, verified=True)
        answer = application.post(large, sent)
        assert (answer.status, answer.json["outcome"]) == (503, "retry")
        assert "too many large bodies are being received" in answer.json["reason"]
        assert push(application, work(pipeline_run())).json["outcome"] == "created", "small ones have room of their own"
    assert application.post(large, sent).json["outcome"] == "failed", "it is no work"


def test_what_a_trigger_lacks_is_completed(place: Workspace, cluster: ApiServer) -> None:
    application = worker(place)
    job = work(pipeline_run(), config_map())
    armed = cluster.faults.add(Fault(method="POST", kind="ConfigMap", status=503, headers=NOT_SOON))
    assert push(application, job).status == 503
    cluster.faults.remove(armed)

    assert push(application, job).json["outcome"] == "created"
    assert len(cluster.objects("PipelineRun", NAMESPACE)) == len(cluster.objects("ConfigMap", NAMESPACE)) == 1


@pytest.mark.parametrize("fault", FAILS, ids=lambda fault: f"{fault.action}-{fault.status}")
def test_what_passes_is_not_acknowledged(place: Workspace, cluster: ApiServer, clock: Clock, fault: Fault) -> None:
    application = worker(place)
    armed = cluster.faults.add(fault)

    answer = push(application, work())

    assert (answer.status, answer.json["outcome"]) == (503, "retry")
    assert int(answer.headers["Retry-After"]) > 0
    cluster.faults.remove(armed)
    clock.sleep(MAX_PAUSE)
    assert push(application, work()).json["outcome"] == "created"


def _posts(cluster: ApiServer) -> int:
    return sum(seen.method == "POST" for seen in cluster.requests)


def test_a_crowded_cluster_is_waited_for_where_there_is_time(
    place: Workspace, cluster: ApiServer, clock: Clock
) -> None:
    """Each message that comes back to Pub/Sub has one attempt less, and comes later and later."""
    cluster.faults.add(Fault(method="POST", status=429, headers={"Retry-After": "4"}, times=1))
    assert push(worker(place), work()).json["outcome"] == "created"
    assert _posts(cluster) == 2
    assert 4 <= sum(clock.slept) < 5


def test_a_cluster_that_asks_for_more_is_left_alone_by_all_messages(place: Workspace, cluster: ApiServer) -> None:
    application = worker(place)
    cluster.faults.add(Fault(method="POST", status=429, headers={"Retry-After": "8"}, times=1))
    answers = [push(application, work(key=f"{number:064x}")) for number in range(4)]
    assert [(answer.status, answer.json["outcome"]) for answer in answers] == [(503, "retry")] * 4
    assert "the cluster has too many requests, and is asked again in 8 s" in answers[1].json["reason"]
    assert _posts(cluster) == 1


@pytest.mark.parametrize("stage", [Stage.NO_RBAC, Stage.NO_ROLES, Stage.NO_PATHS])
def test_a_server_that_starts_is_no_reason_for_a_dead_letter(
    place: Workspace, cluster: ApiServer, faulty: PubSub, stage: Stage
) -> None:
    faulty.create_topic(DEAD)
    application = worker(place, DEAD_LETTER_TOPIC=DEAD)
    cluster.stage = stage
    assert push(application, work()).json["outcome"] == "retry"
    cluster.stage = Stage.READY
    assert push(application, work()).json["outcome"] == "created"


def test_a_right_that_is_missing_is_one(place: Workspace, cluster: ApiServer, faulty: PubSub) -> None:
    faulty.create_topic(DEAD)
    cluster.add_token(cluster.token, User(name=ACCOUNT, rules=()))
    answer = push(worker(place, DEAD_LETTER_TOPIC=DEAD), work())
    assert (answer.status, answer.json["outcome"]) == (200, "dead-lettered")
    assert "add it to the Role" in answer.json["reason"]


@pytest.mark.parametrize("namespace", ["łab", "a b", "a\nb", "", "a" * 64, "a.b"])
def test_a_namespace_that_is_none_is_one(place: Workspace, cluster: ApiServer, faulty: PubSub, namespace: str) -> None:
    """Whoever may publish writes it, and it would stand in a header."""
    faulty.create_topic(DEAD)
    job = work(service_account="builder", trigger_namespace=namespace)
    answer = push(worker(place, DEAD_LETTER_TOPIC=DEAD), job)
    assert (answer.status, answer.json["outcome"]) == (200, "dead-lettered"), answer.text
    assert cluster.objects("PipelineRun") == []


def test_a_queue_retry_never_starts_a_run_again(place: Workspace, cluster: ApiServer) -> None:
    """Pub/Sub delivers at least once: a copy that comes after the run has ended is no wish for another run."""
    application = worker(place, REDELIVERY="rerun")
    push(application, work())
    (created,) = cluster.objects("PipelineRun", NAMESPACE)
    cluster.finish("PipelineRun", NAMESPACE, created["metadata"]["name"])

    assert push(application, work(), attempt=2).json["outcome"] == "duplicate"
    assert len(cluster.objects("PipelineRun", NAMESPACE)) == 1


def test_what_can_never_be_created_becomes_a_dead_letter_with_who_what_why_and_how_often(
    place: Workspace, pubsub: TestedPubSub
) -> None:
    topic = pubsub.topic("dead")
    subscription = pubsub.subscription(topic)
    application = worker(place, DEAD_LETTER_TOPIC=topic)
    unknown = work({**pipeline_run(), "kind": "Unknown"})

    answer = push(application, unknown, attempt=7, attributes={"pipehook-schema": "1"})

    assert (answer.status, answer.json["outcome"]) == (200, "dead-lettered")
    (letter,) = pubsub.take(subscription, most=1)
    assert decode(letter.data) == unknown
    assert letter.attributes == {
        "pipehook-schema": "1",
        "pipehook-trigger": "goldstine-lab/github-trigger",
        "pipehook-listener": "goldstine-lab/listener",
        "pipehook-event-id": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        "pipehook-resources": "Unknown goldstine-lab/build-…",
        "pipehook-reason": answer.json["reason"],
        "pipehook-attempts": "7",
        "pipehook-message-id": "4711",
        "pipehook-published": "2026-11-22T10:11:12Z",
    }
    assert "Unknown" in answer.json["reason"]


def test_a_message_that_nobody_can_read_becomes_a_dead_letter_as_it_is(place: Workspace, pubsub: TestedPubSub) -> None:
    topic = pubsub.topic("dead")
    subscription = pubsub.subscription(topic)
    application = worker(place, DEAD_LETTER_TOPIC=topic)

    answer = application.post(envelope(b"\x00\xff rubbish", attributes={"from": "somebody"}), {})

    assert (answer.status, answer.json["outcome"]) == (200, "dead-lettered")
    (letter,) = pubsub.take(subscription, most=1)
    assert letter.data == b"\x00\xff rubbish"
    assert letter.attributes["from"] == "somebody"
    assert "none of Pipehook's" in letter.attributes["pipehook-reason"]


def test_without_a_dead_letter_topic_nothing_is_acknowledged_that_was_not_done(place: Workspace) -> None:
    answer = push(worker(place), work({**pipeline_run(), "kind": "Unknown"}))

    assert (answer.status, answer.json["outcome"]) == (422, "failed")
    assert "not acknowledged, since DEAD_LETTER_TOPIC is not set" in answer.json["reason"]


def test_a_dead_letter_that_cannot_be_published_is_not_acknowledged(place: Workspace, faulty: PubSub) -> None:
    faulty.create_topic(DEAD)
    application = worker(place, DEAD_LETTER_TOPIC=DEAD)
    armed = faulty.fail("Publish", StatusCode.UNAVAILABLE)

    answer = push(application, work({**pipeline_run(), "kind": "Unknown"}))

    assert (answer.status, answer.json["outcome"]) == (503, "failed")
    assert armed.fired
    faulty.mend()
    assert push(application, work({**pipeline_run(), "kind": "Unknown"})).json["outcome"] == "dead-lettered"


def test_a_newer_message_waits_for_a_newer_worker(place: Workspace, pubsub: TestedPubSub) -> None:
    topic = pubsub.topic("dead")
    subscription = pubsub.subscription(topic)
    newer = json.dumps({"schema": SCHEMA + 1, "work": {}}).encode()

    answer = worker(place, DEAD_LETTER_TOPIC=topic).post(envelope(newer), {})

    assert (answer.status, answer.json["outcome"]) == (503, "retry")
    assert pubsub.take(subscription) == []


def test_a_dry_run_keeps_the_message(place: Workspace) -> None:
    answer = push(worker(place, DRY_RUN="true"), work())
    assert (answer.status, answer.json["outcome"]) == (503, "retry")
    assert "dry run" in answer.json["reason"]


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"message":{"data":"%"}}', b"\xff", b"{" * 5000])
def test_what_is_no_push_is_answered_400_and_not_acknowledged(place: Workspace, body: bytes) -> None:
    answer = worker(place).post(body, {"Content-Type": "application/json"})
    assert (answer.status, answer.json["outcome"]) == (400, "failed")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.booleans())
def test_no_bytes_crash_the_worker(place: Workspace, raw: bytes, wrapped: bool) -> None:
    answer = _CRASH.setdefault(place, worker(place)).post(envelope(raw) if wrapped else raw, {})
    assert answer.status == (422 if wrapped else 400)
    assert answer.json["outcome"] == "failed"


_CRASH: dict[Workspace, Application] = {}


def test_only_posts_are_pushes_and_a_get_is_a_probe(place: Workspace) -> None:
    application = worker(place)
    assert application.request("GET").status == 200
    assert application.request("PUT").status == 405


def test_each_message_has_one_line_in_the_log_without_what_it_holds(
    place: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    application = worker(place)
    capsys.readouterr()
    secret = pipeline_run() | {"spec": {"params": [{"name": "token", "value": "s3cr3t-value"}]}}
    push(application, work(secret))
    push(application, work({**secret, "kind": "Unknown"}))
    application.post(b"{}", {})

    printed = capsys.readouterr().out
    lines = [json.loads(line) for line in printed.splitlines()]
    assert [line["kind"] for line in lines] == ["dispatch"] * 3
    labels = [line["logging.googleapis.com/labels"] for line in lines]
    assert [one["outcome"] for one in labels] == ["created", "failed", "failed"]
    assert labels[0]["trigger"] == "goldstine-lab/github-trigger"
    assert labels[0]["delivery"] == "72d3162e-cc78-11e3-81ab-4c9367dc0958"
    assert [line["severity"] for line in lines] == ["INFO", "ERROR", "ERROR"]
    assert "s3cr3t-value" not in printed


def test_a_worker_that_is_not_configured_acknowledges_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    answer = push(Application({}, target="dispatch"), work())
    assert answer.status == 500
    assert "KUBECONFIG_SECRET: not set" in capsys.readouterr().out
