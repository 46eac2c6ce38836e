"""Statuses of what goes through the queue: queued, then pending, or the error of what can never be created."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from unittest import mock

import pytest

from tests.standins.faults import Fault
from tests.standins.pubsub import PubSub
from tests.status.support import Scene, body_of, commit
from tests.support.function import Answer

QUEUE, DEAD = "projects/p/topics/queue", "projects/p/topics/dead"
QUEUED = "Queued: it is created as soon as the cluster takes it"
ALWAYS = {"QUEUE_MODE": "always"}


@pytest.fixture
def pubsub() -> Iterator[PubSub]:
    with PubSub() as server:
        for topic in (QUEUE, DEAD):
            server.create_topic(topic)
        with mock.patch.dict(os.environ, {"PUBSUB_EMULATOR_HOST": server.host}):
            yield server


@pytest.fixture
def queued(scene: Scene, pubsub: PubSub) -> Scene:
    scene.more = {"QUEUE_TOPIC": QUEUE, "PUBSUB_EMULATOR_HOST": pubsub.host}
    return scene


def work(scene: Scene, pubsub: PubSub, *, after: int = 0) -> list[Answer]:
    """Give the worker every message that was published, but for the first ones."""
    function = scene.function("dispatch", DEAD_LETTER_TOPIC=DEAD, QUEUE_MODE="")
    answers = []
    for message in pubsub.published(QUEUE)[after:]:
        data = base64.b64encode(message.data).decode()
        pushed = {"message": {"data": data, "messageId": "1", "publishTime": "2026-11-22T10:11:12Z"}}
        answers.append(function.post(json.dumps(pushed).encode(), {"Content-Type": "application/json"}))
    return answers


def test_what_waits_is_queued_and_pending_once_it_is_created(queued: Scene, pubsub: PubSub) -> None:
    sha = commit()
    queued.function("webhook", **ALWAYS)
    assert queued.deliver(body=body_of(sha)).statuses == ["queued"]
    assert queued.shown(sha)[:2] == ("pending", QUEUED)
    assert [answer.json["outcome"] for answer in work(queued, pubsub)] == ["created"]

    name = queued.runs()[-1]["metadata"]["name"]
    assert queued.shown(sha) == ("pending", "Running", queued.link(name))
    assert queued.posted(sha) == ["pending", "pending"]


def test_a_redelivery_of_what_has_ended_hides_no_end(queued: Scene, pubsub: PubSub) -> None:
    sha = commit()
    body = body_of(sha)
    queued.function("webhook", **ALWAYS)
    queued.deliver(body=body)
    work(queued, pubsub)
    name = queued.runs()[-1]["metadata"]["name"]
    queued.end(name)
    queued.hint(name)
    assert queued.deliver(body=body).statuses == ["queued"]
    assert [answer.json["outcome"] for answer in work(queued, pubsub, after=1)] == ["duplicate"]

    assert queued.posted(sha) == ["pending", "pending", "success"]


def test_what_can_never_be_created_ends_as_an_error(queued: Scene, pubsub: PubSub) -> None:
    sha = commit()
    queued.function("webhook", **ALWAYS)
    queued.deliver(body=body_of(sha))
    forbidden = queued.workspace.cluster.faults.add(
        Fault(method="POST", kind="PipelineRun", status=422, body='{"kind":"Status","apiVersion":"v1","code":422}')
    )
    try:
        (answer,) = work(queued, pubsub)
    finally:
        queued.workspace.cluster.faults.remove(forbidden)

    assert answer.json["outcome"] == "dead-lettered"
    state, description, _ = queued.shown(sha)
    assert state == "error"
    assert description.startswith("resource 1")
    assert len(description) <= 140
