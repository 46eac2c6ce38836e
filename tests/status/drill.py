"""The outage drill of statuses: GitHub and the cluster fail by turns, hints are forged, doubled, disordered and lost.

The worker, the queue and the sweep do the rest: at the end every commit shows exactly the state of its newest run, and
nobody has posted a status that stood when they looked. `make drill` prints the counts. The worker has a token of its
own, by which the stand-in tells it from the others: what two instances find missing at once, both may post.
"""

from __future__ import annotations

import itertools
import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from unittest import mock

from functions.adapters.github.pace import Pace
from functions.common.ports import Deadline
from functions.entrypoints import reconcile, telling
from tests.standins.apiserver import ApiServer
from tests.standins.faults import Fault
from tests.standins.pubsub import PubSub
from tests.status.support import PROJECT, REPOSITORY, Scene, body_of, commit, open_scene
from tests.support.function import ServedFunction
from tests.support.workspace import Workspace

COMMITS = 40
SEED = 20261122
QUEUE, DEAD = "projects/drill/topics/statuses", "projects/drill/topics/dead-statuses"
WORKER = "projects/drill/subscriptions/statuses"
REASONS = ("Succeeded", "Completed", "Failed", "Cancelled", "PipelineRunTimeout", "CouldntGetPipeline")
WORDS = {
    "Succeeded": ("success", "Succeeded in 3m 12s: 5 tasks"),
    "Completed": ("success", "Succeeded in 3m 12s: 5 tasks"),
    "Failed": ("failure", "Failed after 3m 12s"),
    "Cancelled": ("error", "Cancelled"),
    "PipelineRunTimeout": ("failure", "Timed out after 3m 12s"),
    "CouldntGetPipeline": ("error", "Could not start: the Pipeline was not found, or could not be read"),
}
NOT_SOON = {"Retry-After": "600"}

Say = Callable[[str], None]


@dataclass
class Told:
    """What the drill counted."""

    runs: int = 0
    hints: int = 0
    forged: int = 0
    lost: int = 0
    retried: int = 0
    """Hints that were answered 503."""
    queued: int = 0
    swept: int = 0
    posted: int = 0
    wrong: int = 0
    """Commits that do not show the state of their newest run."""
    repeated: int = 0
    """Statuses that were posted although they stood when whoever posted them had last looked."""

    def lines(self) -> list[str]:
        """Return what was counted, in lines."""
        return [
            f"runs:            {self.runs} on {COMMITS} commits, {self.queued} of them through the queue",
            f"hints:           {self.hints}, {self.forged} forged, {self.lost} lost, {self.retried} answered 503",
            f"statuses:        {self.posted} posted, {self.swept} by sweeps",
            f"wrong:           {self.wrong}",
            f"repeated:        {self.repeated}",
        ]


class Drill:
    """One drill."""

    def __init__(self, scene: Scene, pubsub: PubSub, say: Say) -> None:
        self.scene = scene
        self.pubsub = pubsub
        self.say = say
        self.told = Told()
        self.random = random.Random(SEED)
        self.shas = [commit() for _ in range(COMMITS)]
        self.ends: dict[str, str] = {}
        self.times = itertools.count(1_790_000_000)

    def run(self) -> Told:
        """Run it all."""
        self.say("All is well: a run for every commit …")
        self._push(self.shas)
        self.say("GitHub's API takes no connections: runs end, new ones begin …")
        self.scene.hub.refuse()
        self._busy()
        self.scene.hub.accept()
        self.say("The cluster fails: the queue takes what is pushed …")
        faults = self.scene.workspace.cluster.faults
        down = faults.add(Fault(status=503, headers=NOT_SOON, kind="PipelineRun"))
        self._busy(end=False)
        faults.remove(down)
        self.say("GitHub loses answers, is slow to recover, and limits …")
        hub = self.scene.hub.faults
        armed = [
            hub.add(Fault(method="POST", path="/statuses/", action="lose", every=3)),
            hub.add(Fault(method="GET", status=502, every=4)),
            hub.add(Fault(method="POST", path="/statuses/", status=403, every=5, headers={"retry-after": "60"})),
        ]
        self._busy()
        for one in armed:
            hub.remove(one)
        self.say("All is back: the worker empties the queue, and the sweep compares …")
        self.pubsub.wait_empty(WORKER, 60)
        self._end_some()
        self._sweep()
        self._count()
        return self.told

    def _push(self, shas: list[str]) -> None:
        for sha in shas:
            answer = self.scene.deliver(body=self._body(sha))
            self.told.queued += answer.statuses == ["queued"]

    def _body(self, sha: str) -> dict[str, object]:
        return body_of(sha, time=next(self.times) + self.random.choice((0, 0, -50)))

    def _busy(self, *, end: bool = True) -> None:
        self._push(self.random.sample(self.shas, COMMITS // 4))
        if end:
            self._end_some()
        self._hints()
        self._sweep()

    def _end_some(self) -> None:
        running = [run["metadata"]["name"] for run in self.scene.runs() if run["metadata"]["name"] not in self.ends]
        for name in self.random.sample(running, len(running) // 2):
            self.ends[name] = self.random.choice(REASONS)
            self.scene.end(name, self.ends[name])

    def _hints(self) -> None:
        runs = self.scene.runs()
        for run in self.random.choices(runs, k=len(runs)):
            name, fate = run["metadata"]["name"], self.random.random()
            if fate < 0.3:
                self.told.lost += 1
                continue
            if fate < 0.5:
                self.told.forged += 1
                status = {"conditions": [{"type": "Succeeded", "status": "True", "reason": "Forged"}]}
                run = {**run, "status": status}  # noqa: PLW2901 -- what is sent of it
            kind = self.random.choice(("successful", "failed", "running", "started"))
            self.told.hints += 1
            self.told.retried += self.scene.hint(name, kind=kind, run=run).status == 503

    def _sweep(self) -> None:
        serving = reconcile.start(self.scene.environment(), sleep=lambda _: None)
        if not isinstance(serving, reconcile.Reconciling) or serving.sweep is None:
            raise TypeError("the sweep is not configured")
        for _ in range(10):
            summary = serving.sweep.sweep(Deadline(time.monotonic() + 60, time.monotonic))
            self.told.swept += summary.told
            if summary.outcome == "done" or summary.unlisted or not summary.told:
                break

    def _count(self) -> None:
        runs = self.scene.runs()
        self.told.runs = len(runs)
        for sha in self.shas:
            of_commit = [run for run in runs if run["metadata"]["annotations"]["pipehook.dev/sha"] == sha]
            newest = max(
                of_commit,
                key=lambda run: (
                    int(run["metadata"]["annotations"]["pipehook.dev/event-time"]),
                    run["metadata"]["creationTimestamp"],
                    run["metadata"]["name"],
                ),
            )["metadata"]["name"]
            wanted = (*WORDS.get(self.ends.get(newest, ""), ("pending", "Running")), self.scene.link(newest))
            self.told.wrong += self.scene.shown(sha) != wanted
            listed = self.scene.hub.commits.statuses[REPOSITORY, sha]
            shown = [(one["state"], one["description"], one["target_url"]) for one in listed]
            self.told.posted += len(shown)
            looked = self.scene.hub.commits.posted[REPOSITORY, sha][1:]
            pairs = zip(itertools.pairwise(shown), enumerate(looked, 1), strict=True)
            self.told.repeated += sum(one == other and stood >= before for (one, other), (before, stood) in pairs)


@contextmanager
def _opened(directory: Path) -> Iterator[tuple[Scene, PubSub]]:
    with ExitStack() as stack:
        cluster = stack.enter_context(ApiServer())
        pubsub = stack.enter_context(PubSub(pull_wait=0.5))
        for topic in (QUEUE, DEAD):
            pubsub.create_topic(topic)
        emulator = {"PUBSUB_EMULATOR_HOST": pubsub.host}
        stack.enter_context(mock.patch.dict(os.environ, emulator))
        scene = stack.enter_context(open_scene(Workspace(directory, cluster, namespace="drill")))
        # what is done in seconds here takes hours: GitHub's limits go by them
        hours = map(float, itertools.count(0, 60))
        stack.enter_context(mock.patch.object(telling, "Pace", partial(Pace, clock=hours.__next__)))
        scene.hub.secondary.clock = hours.__next__
        scene.more = {"QUEUE_TOPIC": QUEUE, **emulator}
        scene.manager.add(PROJECT, "worker", scene.hub.add_token().encode())
        environment = scene.environment(
            DEAD_LETTER_TOPIC=DEAD, GITHUB_TOKEN_SECRET=f"projects/{PROJECT}/secrets/worker"
        )
        worker = stack.enter_context(ServedFunction(environment, target="dispatch", threads=8))
        pubsub.create_subscription(
            WORKER, QUEUE, push_endpoint=worker.url, push_account="push@drill", dead_letter_topic=DEAD, max_attempts=100
        )
        yield scene, pubsub


def drill(directory: Path, say: Say) -> Told:
    """Run the drill and return what was counted."""
    with _opened(directory) as (scene, pubsub):
        return Drill(scene, pubsub, say).run()
