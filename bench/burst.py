"""A burst of deliveries that the cluster cannot take: everything becomes one object, through the queue."""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.flood import flood
from bench.inputs import NAMESPACE, ROOT, github, listener, write_secret
from bench.processes import Served, served, stand_in
from bench.rows import Row, progress
from tests.standins.faults import Fault
from tests.standins.pubsub import PubSub
from tests.standins.remote import RemoteApiServer

INSTANCES, CONCURRENCY = 10, 16
"""The webhook's, and below the worker's, as Terraform has them unless told otherwise."""
WORKERS, WORKER_CONCURRENCY = 3, 8
DELIVERIES, SECONDS = 5_000, 10.0
SEATS, SEAT_SECONDS, QUEUE = 10, 0.05, 50
"""200 creates a second; what finds no seat waits with at most 49 others, a quarter of a second."""
SCALE = 0.2
"""What this machine's two processors carry of the deliveries and of the cluster; the instances are as many."""
EVENT_ID = "triggers.tekton.dev/triggers-eventid"
TOPIC, WORKER = "projects/bench/topics/queue", "projects/bench/subscriptions/dispatch"


@dataclass
class _Scene:
    cluster: RemoteApiServer
    pubsub: PubSub
    webhooks: list[Served]
    worker: Served

    def flood(self, first: int, deliveries: int, seconds: float) -> dict[str, Any]:
        return flood(self.webhooks, first, deliveries, seconds=seconds)


def measure(*, quick: bool, scale: float = 0.0) -> list[Row]:
    """Send them, wait until the worker has done the rest, and count on all sides."""
    scale = scale or (SCALE / 4 if quick else SCALE)
    deliveries = round(DELIVERIES * scale)
    with tempfile.TemporaryDirectory() as name, _scene(Path(name)) as scene:
        _warm(scene)
        scene.cluster.limit(seats=max(1, round(SEATS * scale)), seconds=SEAT_SECONDS, queue=round(QUEUE * scale))
        progress(f"burst: {deliveries:,} deliveries in {SECONDS:g} s to {INSTANCES} instances")
        functions, others = _processor(scene), time.process_time()
        began = time.monotonic()
        sent = scene.flood(1, deliveries, SECONDS)
        progress(f"burst: answered after {sent['seconds']:.1f} s: {sent['found']}; {scene.pubsub.left(WORKER)} queued")
        scene.pubsub.wait_empty(WORKER, 600)
        seconds = time.monotonic() - began
        busy = _processor(scene) - functions
        shared = time.process_time() - others + sent["processor"]
        rate = max(1, round(SEATS * scale)) / SEAT_SECONDS
        all_of_it = seconds * (os.cpu_count() or 1)
        return [
            *_rows(scene, deliveries, sent, seconds, rate),
            Row("9 burst", "processors: the functions", busy / all_of_it * 100, "%"),
            Row("9 burst", "processors: sender and queue", shared / all_of_it * 100, "%"),
        ]


def _rows(scene: _Scene, deliveries: int, sent: dict[str, Any], seconds: float, rate: float) -> list[Row]:
    seen = scene.cluster.requests()
    made = Counter(one["metadata"]["labels"][EVENT_ID][-12:] for one in scene.cluster.objects("PipelineRun"))
    once = sum(made[f"{number:012d}"] == 1 for number in range(1, deliveries + 1))
    if once != deliveries:
        raise RuntimeError(f"of {deliveries} deliveries {once} became one object")
    statuses = Counter(one["status"] for one in seen)
    progress(f"burst: the API server answered {dict(statuses)}")
    found = Counter(sent["found"])
    attempts = Counter(push.status for push in scene.pubsub.pushes)
    case = f"{deliveries:,} in {SECONDS:g} s, {rate:g} creates /s"
    rows = [
        Row("9 burst", f"{case}: till all exist", seconds, "s", deliveries / rate, "at that rate"),
        Row("9 burst", "requests for each object", len(seen) / deliveries, "", at_most=1.3),
        Row("9 burst", "share of 2xx that GitHub sees", found["202"] / deliveries, "", at_least=1),
        *(Row("9 burst", f"- {status}", found[status], "") for status in ("created", "queued", "503", "no answer")),
    ]
    replies = {"p50": "median", "p95": "p95", "most": "most"}
    rows += [Row("9 burst", f"reply, {said}", sent[name] * 1000, "ms") for said, name in replies.items()]
    rows.append(Row("9 burst", "refused by the API server", statuses[429], ""))
    rows.append(Row("9 burst", "pushes that came again", attempts.total() - attempts[200], ""))
    return rows


@contextmanager
def _scene(directory: Path) -> Iterator[_Scene]:
    with ExitStack() as stack:
        kubeconfig = directory / "kubeconfig"
        where = stack.enter_context(
            stand_in("tests.standins.apiserver", "--namespace", NAMESPACE, "--kubeconfig", str(kubeconfig))
        )
        cluster = RemoteApiServer(**where)
        stack.callback(cluster.close)
        pubsub = stack.enter_context(PubSub(backoff_scale=1.0))
        pubsub.create_topic(TOPIC)
        (directory / "triggers.yaml").write_text(listener([github("push")]))
        given = {"KUBECONFIG": str(kubeconfig), "PUBSUB_EMULATOR_HOST": pubsub.host}
        webhook = given | {
            "TRIGGERS_SOURCE": str(directory / "triggers.yaml"),
            "SECRETS_SOURCE": write_secret(directory),
            "QUEUE_TOPIC": TOPIC,
            "WORKERS": "1",
            "THREADS": str(CONCURRENCY),
        }
        progress(f"burst: starting {INSTANCES} instances and {WORKERS} of the worker")
        webhooks = [stack.enter_context(served(ROOT / "main.py", webhook)) for _ in range(INSTANCES)]
        more = {"WORKERS": str(WORKERS), "THREADS": str(WORKER_CONCURRENCY)}
        worker = stack.enter_context(served(ROOT / "main.py", given | more, target="dispatch"))
        pubsub.create_subscription(
            WORKER, TOPIC, push_endpoint=f"http://127.0.0.1:{worker.port}/", ack_deadline=60, backoff=(10, 600)
        )
        yield _Scene(cluster, pubsub, webhooks, worker)


def _warm(scene: _Scene) -> None:
    """Let each instance have queued and created something: a burst meets instances that run."""
    scene.pubsub.pause_pushing()
    scene.cluster.add_fault(Fault(method="POST", status=503, headers={"Retry-After": "600"}))
    amount = 4 * INSTANCES
    first = DELIVERIES + 1
    scene.flood(first, amount, 2)
    scene.cluster.clear_faults()
    scene.pubsub.resume_pushing()
    scene.flood(first + amount, amount, 2)
    scene.pubsub.wait_empty(WORKER, 60)
    scene.pubsub.pushes.clear()
    scene.cluster.clear_requests()


def _processor(scene: _Scene) -> float:
    return sum(one.cpu_seconds() for one in (*scene.webhooks, scene.worker))
