"""The drill of concurrency groups: bursts of pushes, each out of order and some twice, while cluster and queue fail.

The worker, what is sent again, and `reconcile` do the rest: at the end, of every branch exactly the newest push's run
goes on, and of deployments never more than may; in groups alone the newest has run, and none was ended. `make drill`
prints the counts.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import urllib3
from grpc import StatusCode

from tests.standins.apiserver import ApiServer
from tests.standins.faults import Fault
from tests.standins.pubsub import PubSub
from tests.status.support import Scene, open_scene
from tests.support.deliveries import headers
from tests.support.function import ServedFunction
from tests.support.sources import cel, github, inline, listener, template
from tests.support.workspace import Workspace
from tests.test_concurrency import grouped, pushed

BRANCHES, PUSHES, SENDERS, LIMIT = 12, 8, 16, 2
SEED = 20261126
DEPLOYS = "refs/heads/main"
QUEUE, DEAD = "projects/drill/topics/groups", "projects/drill/topics/dead-groups"
WORKER = "projects/drill/subscriptions/groups"
NOT_SOON = {"Retry-After": "600"}
ENDED = {"completionTime": "2026-11-26T00:00:00Z", "conditions": [{"type": "Succeeded", "status": "True"}]}

Say = Callable[[str], None]


@dataclass
class Settled:
    """What the drill counted."""

    sent: int = 0
    answered: Counter[str] = field(default_factory=Counter)
    again: int = 0
    cancelled: int = 0
    swept: int = 0
    """Runs that `reconcile` cancelled or let begin."""
    wrong: int = 0
    """Branches of which not exactly the newest push's run goes on."""
    beyond: int = 0
    """Deployments that went on at a time beyond those that may."""
    undone: int = 0
    """Deployments that never began."""
    ended: int = 0
    """Branches whose group alone lacks the newest push's run, or has one that was told to end."""

    def lines(self) -> list[str]:
        """Return what was counted, in lines."""
        answers = ", ".join(f"{count} {status}" for status, count in sorted(self.answered.items()))
        return [
            f"bursts:          {self.sent} pushes to {BRANCHES} branches and as many deployments: {answers}",
            f"settled:         {self.cancelled} cancelled; {self.again} sent again, {self.swept} by reconcile",
            f"outdated:        {self.wrong} branches with another run than the newest",
            f"groups alone:    {self.ended} without the newest, or with one that was ended",
            f"beyond a limit:  {self.beyond} of deployments, {self.undone} never began",
        ]


class Drill:
    """One drill."""

    def __init__(self, scene: Scene, webhook: ServedFunction, pubsub: PubSub, say: Say) -> None:
        self.scene = scene
        self.webhook = webhook
        self.pubsub = pubsub
        self.say = say
        self.random = random.Random(SEED)
        self.settled = Settled()
        self.failed: list[bytes] = []

    def run(self) -> Settled:
        """Run it all."""
        faults, cluster = self.scene.workspace.cluster.faults, self.scene.workspace.cluster
        bodies = [
            pushed(number, ref=f"refs/heads/topic-{branch}") for branch in range(BRANCHES) for number in range(PUSHES)
        ]
        bodies += [pushed(number, ref=DEPLOYS) for number in range(len(bodies) // 4)]
        bodies += self.random.sample(bodies, len(bodies) // 4)
        self.random.shuffle(bodies)
        part = len(bodies) // 4
        self.settled.sent = len(bodies)
        self.say("All is well: a burst in disorder …")
        self._send(bodies[:part])
        self.say("Looking, creating and cancelling fail by turns …")
        armed = [
            faults.add(Fault(method="PATCH", status=503, headers=NOT_SOON, every=2)),
            faults.add(Fault(method="PATCH", action="lose", every=3)),
            faults.add(Fault(method="POST", kind="PipelineRun", action="lose", every=4)),
            faults.add(Fault(method="GET", kind="PipelineRun", status=503, headers=NOT_SOON, every=5)),
        ]
        self._send(bodies[part : 2 * part])
        self.say("The queue fails as well …")
        self.pubsub.fail("Publish", StatusCode.UNAVAILABLE)
        self._send(bodies[2 * part : 3 * part])
        self.pubsub.mend()
        for one in armed:
            faults.remove(one)
        self.say("The cluster takes no connections; the queue takes what comes …")
        with cluster.refusing():
            self._send(bodies[3 * part :])
        self.say("All comes back: the worker, what failed is sent again, and reconcile …")
        self.pubsub.wait_empty(WORKER, 60)
        while self.failed:
            again, self.failed = self.failed, []
            self.settled.again += len(again)
            self._send(again)
        self.pubsub.wait_empty(WORKER, 60)
        self._reconcile()
        self._count()
        return self.settled

    def _send(self, bodies: list[bytes]) -> None:
        def send(body: bytes) -> None:
            try:
                answer = self.webhook.post(body, headers("push", body))
            except urllib3.exceptions.HTTPError:  # a kept connection that the server had closed: GitHub has no answer
                self.failed.append(body)
                return
            self.settled.answered.update(status for status in answer.statuses if status != "filtered")
            if answer.status != 202:
                self.failed.append(body)

        with ThreadPoolExecutor(SENDERS) as pool:
            list(pool.map(send, bodies))

    def _reconcile(self) -> None:
        groups = self.scene.reconcile().get("groups", {})
        self.settled.swept += groups.get("cancelled", 0) + groups.get("released", 0)

    def _count(self) -> None:
        newest = f"{PUSHES:040x}"
        for branch in range(BRANCHES):
            runs = self._of(f"refs/heads/topic-{branch}")
            going = [_commit(run) for run in runs if not run["spec"].get("status")]
            self.settled.wrong += going != [newest]
            self.settled.cancelled += sum(bool(run["spec"].get("status")) for run in runs)
            alone = self._of(f"refs/heads/topic-{branch}", "alone")
            lacks = newest not in map(_commit, alone) or any(run["spec"].get("status") for run in alone)
            self.settled.ended += lacks
        while going_on := [run for run in self._of(DEPLOYS) if _goes_on(run)]:
            self.settled.beyond += max(0, len(going_on) - LIMIT)
            for run in going_on:
                self.scene.workspace.cluster.put_object({**run, "status": ENDED})
            self._reconcile()
        self.settled.undone = sum(run["spec"].get("status") == "PipelineRunPending" for run in self._of(DEPLOYS))

    def _of(self, ref: str, group: str = "g") -> list[dict[str, Any]]:
        return [
            run
            for run in self.scene.runs()
            if run["metadata"]["annotations"]["pipehook.dev/concurrency-group"] == f"{group}-{ref}"
        ]


def _commit(run: dict[str, Any]) -> str:
    return str(run["spec"]["params"][0]["value"])


def _goes_on(run: dict[str, Any]) -> bool:
    return not run["spec"].get("status") and "completionTime" not in run.get("status", {})


def _manifests() -> list[dict[str, Any]]:
    bindings = [{"name": "ref", "value": "$(body.ref)"}, {"name": "revision", "value": "$(body.after)"}]
    triggers, found = [], []
    kinds: list[tuple[str, str, str, dict[str, str]]] = [
        ("build", "!=", "g", {"cancel": "true"}),
        ("report", "!=", "alone", {}),
        ("deploy", "==", "g", {"limit": str(LIMIT)}),
    ]
    for name, sign, group, asked in kinds:
        chain = [github(), cel(f"body.ref {sign} '{DEPLOYS}'")]
        triggers.append(inline(name, *chain, bindings=bindings, template={"ref": name}))
        made = template(name, grouped(group=f"{group}-$(tt.params.ref)", name=f"{name}-", **asked))
        made["spec"]["params"] = [{"name": "ref"}, {"name": "revision"}]
        found.append(made)
    return [listener(*triggers), *found]


@contextmanager
def _opened(directory: Path) -> Iterator[tuple[Scene, ServedFunction, PubSub]]:
    with ExitStack() as stack:
        cluster = stack.enter_context(ApiServer())
        pubsub = stack.enter_context(PubSub(pull_wait=0.5))
        for topic in (QUEUE, DEAD):
            pubsub.create_topic(topic)
        emulator = {"PUBSUB_EMULATOR_HOST": pubsub.host}
        stack.enter_context(mock.patch.dict(os.environ, emulator))
        scene = stack.enter_context(open_scene(Workspace(directory, cluster, namespace="drill")))
        scene.workspace.write(_manifests())
        webhook = ServedFunction(scene.environment(QUEUE_TOPIC=QUEUE, **emulator), threads=SENDERS)
        stack.enter_context(webhook)
        environment = scene.environment(DEAD_LETTER_TOPIC=DEAD, **emulator)
        worker = stack.enter_context(ServedFunction(environment, target="dispatch", threads=8))
        pubsub.create_subscription(
            WORKER, QUEUE, push_endpoint=worker.url, push_account="push@drill", dead_letter_topic=DEAD, max_attempts=100
        )
        yield scene, webhook, pubsub


def drill(directory: Path, say: Say) -> Settled:
    """Run the drill and return what was counted."""
    with _opened(directory) as (scene, webhook, pubsub):
        return Drill(scene, webhook, pubsub, say).run()
