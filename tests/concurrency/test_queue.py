"""What a delivery could not settle is queued, and the worker settles it; the worker starts nothing that is outdated."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.queue.messages import decode
from tests.standins.faults import Fault
from tests.support.application import Application
from tests.support.function import Answer
from tests.support.production import NAMESPACE, Production, open_production
from tests.support.pubsub import TestedPubSub, open_pubsub
from tests.test_concurrency import CANCELLING, named, push, pushed, states, written

AWAY = {"Retry-After": "600"}
"""Longer than any delivery may take, so that nobody waits for it."""


@pytest.fixture
def production(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Production]:
    with open_production(tmp_path, monkeypatch) as found:
        found.write(*written(CANCELLING))
        yield found


@pytest.fixture
def pubsub(monkeypatch: pytest.MonkeyPatch) -> Iterator[TestedPubSub]:
    with open_pubsub() as running:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", running.host)
        yield running


def worked(production: Production, data: bytes) -> Answer:
    """Hand a message to the worker."""
    kubeconfig = production.workspace.directory / "kubeconfig"
    kubeconfig.write_text(production.cluster.kubeconfig(namespace=NAMESPACE))
    worker = Application({"KUBECONFIG": str(kubeconfig)}, target="dispatch")
    message = {"data": base64.b64encode(data).decode(), "messageId": "1"}
    envelope = {"message": message, "subscription": "projects/p/subscriptions/dispatch"}
    return worker.post(json.dumps(envelope).encode(), {"Content-Type": "application/json"})


def test_a_cancellation_that_failed_is_a_message_of_its_own(production: Production, pubsub: TestedPubSub) -> None:
    topic = pubsub.topic()
    subscription = pubsub.subscription(topic)
    function = production.application(QUEUE_TOPIC=topic)
    push(function, 0)
    production.cluster.faults.add(Fault(method="PATCH", status=503, headers=AWAY))
    answer = push(function, 1)
    assert (answer.status, answer.statuses) == (202, ["created"])
    assert answer.reasons[0].endswith("; queued")
    (message,) = pubsub.take(subscription, most=1)
    assert message.attributes["pipehook-schema"] == "3"
    assert decode(message.data).settles

    assert worked(production, message.data).status == 503
    production.cluster.faults.clear()
    done = worked(production, message.data)
    assert (done.status, done.json["outcome"]) == (200, "duplicate")
    assert states(production) == {0: "CancelledRunFinally", 1: ""}
    assert worked(production, message.data).json["outcome"] == "duplicate", "a second copy"


def test_what_waits_in_the_queue_is_outdated_when_it_comes(production: Production, pubsub: TestedPubSub) -> None:
    topic = pubsub.topic()
    subscription = pubsub.subscription(topic)
    function = production.application(QUEUE_TOPIC=topic)
    production.cluster.faults.add(Fault(method="POST", kind="PipelineRun", status=503, headers=AWAY))
    assert push(function, 0).statuses == ["queued"]
    production.cluster.faults.clear()
    assert push(function, 1).statuses == ["created"]
    (message,) = pubsub.take(subscription, most=1)
    assert not decode(message.data).settles
    done = worked(production, message.data)
    assert (done.status, done.json["outcome"]) == (200, "superseded")
    assert named(production, 1) in done.json["reason"]
    assert states(production) == {1: ""}


def test_without_groups_a_message_is_as_it_was(production: Production, pubsub: TestedPubSub) -> None:
    topic = pubsub.topic()
    subscription = pubsub.subscription(topic)
    plain = {**CANCELLING, "metadata": {"generateName": "run-"}}
    production.write(*written(plain))
    assert len(pushed(0)) > 0
    push(production.application(QUEUE_TOPIC=topic, QUEUE_MODE="always"), 0)
    (message,) = pubsub.take(subscription, most=1)
    assert message.attributes["pipehook-schema"] == "1"
