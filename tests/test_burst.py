"""A burst that the cluster cannot take: every delivery is accepted and becomes one object, at few requests for each."""

from __future__ import annotations

import contextlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.standins.apiserver import ApiServer
from tests.standins.kubernetes.fairness import Fairness
from tests.standins.pubsub import PubSub
from tests.support.deliveries import PUSH, SECRET, encoded, headers
from tests.support.function import ServedFunction
from tests.support.sources import inline, listener, template
from tests.support.workspace import Workspace

DELIVERIES, INSTANCES, SENDERS = 60, 2, 30
EVENT_ID = "triggers.tekton.dev/triggers-eventid"
QUEUE, DISPATCH = "projects/burst/topics/queue", "projects/burst/subscriptions/dispatch"


def test_every_delivery_of_a_burst_becomes_one_object(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        cluster = stack.enter_context(ApiServer())
        pubsub = stack.enter_context(PubSub())
        pubsub.create_topic(QUEUE)
        place = Workspace(tmp_path, cluster, namespace="team")
        place.write([template(), listener(inline("one"))])
        place.secret("hook", "token", SECRET)
        emulator = {"PUBSUB_EMULATOR_HOST": pubsub.host}
        webhooks = [
            stack.enter_context(ServedFunction(place.environment(QUEUE_TOPIC=QUEUE, **emulator), threads=16))
            for _ in range(INSTANCES)
        ]
        worker = stack.enter_context(ServedFunction(place.environment(**emulator), target="dispatch"))
        cluster.fairness = Fairness(seats=1, seconds=0.05, queue=4)
        pubsub.create_subscription(DISPATCH, QUEUE, push_endpoint=worker.url, ack_deadline=60)

        def deliver(number: int) -> list[str]:
            body = encoded({**PUSH, "number": number})
            answer = webhooks[number % INSTANCES].post(body, headers("push", body, guid=str(number)))
            return [str(answer.status), *answer.statuses]

        with ThreadPoolExecutor(SENDERS) as senders:
            answered = Counter(answer for found in senders.map(deliver, range(DELIVERIES)) for answer in found)
        pubsub.wait_empty(DISPATCH, 120)

        assert answered["202"] == DELIVERIES == answered["created"] + answered["queued"]
        assert answered["queued"] > 0
        made = Counter(one["metadata"]["labels"][EVENT_ID] for one in cluster.objects("PipelineRun"))
        assert made == {str(number): 1 for number in range(DELIVERIES)}
        assert len(cluster.requests) < 1.6 * DELIVERIES, Counter(seen.status for seen in cluster.requests)
