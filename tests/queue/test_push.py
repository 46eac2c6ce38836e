"""Webhook, topic, push subscription, worker and cluster, with the real functions and a real Pub/Sub in between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.standins.apiserver import ApiServer
from tests.standins.faults import Fault
from tests.standins.journal import SeenRequest
from tests.support.application import Application
from tests.support.deliveries import PUSH, SECRET, encoded, headers
from tests.support.function import ServedFunction
from tests.support.pubsub import TestedPubSub
from tests.support.sources import inline, listener, template
from tests.support.workspace import Workspace


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workspace]:
    with ApiServer() as cluster:
        made = Workspace(tmp_path / "workspace", cluster, namespace="team")
        made.write([template(), listener(inline("one"))])
        made.secret("hook", "token", SECRET)
        yield made


def _created(request: SeenRequest) -> bool:
    return request.method == "POST" and request.status == 201


def test_what_the_cluster_could_not_take_is_created_by_the_worker_that_pubsub_pushes_to(
    place: Workspace, pubsub: TestedPubSub
) -> None:
    topic = pubsub.topic()
    body = encoded(PUSH)
    with ServedFunction(place.environment(), target="dispatch") as worker:
        pubsub.subscription(topic, push_config={"push_endpoint": worker.url})
        away = place.cluster.faults.add(Fault(method="POST", status=503, headers={"Retry-After": "600"}))
        webhook = Application(place.environment(QUEUE_TOPIC=topic))

        answer = webhook.post(body, headers("push", body))

        assert answer.statuses == ["queued"]
        place.cluster.requests.wait(
            lambda seen: seen.status == 503, count=2, timeout=30
        )  # the webhook's and the worker's
        place.cluster.faults.remove(away)
        place.cluster.requests.wait(_created, timeout=30)

    (run,) = place.cluster.objects("PipelineRun", "team")
    assert run["metadata"]["labels"]["triggers.tekton.dev/trigger"] == "one"
    assert webhook.post(body, headers("push", body)).statuses == ["duplicate"]
