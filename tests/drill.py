"""`make drill`: 300 deliveries while the cluster fails in every way and the queue for a third of the time.

Then all comes back, the worker and the sweep run, and the cluster holds every wanted object exactly once. The webhook
and the worker are the real functions in processes of their own; GitHub, Pub/Sub and the cluster are the stand-ins, and
GitHub records what it was answered. Before that the API server is restarted under the load of 200 deliveries, without a
queue and with one: each of them is created. Behind it come the drills of
statuses (`tests.status.drill`) and of bursts in disorder (`tests.concurrency.drill`).
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from grpc import StatusCode

from functions.adapters.pubsub.client import PubSubPublisher, PubSubSubscriber
from functions.adapters.pubsub.dead_letter_box import DeadLetterBox
from functions.entrypoints.redeliver import HookSweep, open_sweep
from functions.settings import read_settings
from tests.concurrency import drill as bursts
from tests.standins.apiserver import ApiServer
from tests.standins.faults import Fault
from tests.standins.github.hooks import Hook
from tests.standins.github_api import GitHubApi
from tests.standins.pubsub import PubSub
from tests.status import drill as statuses
from tests.support.function import ServedFunction
from tests.support.sources import github, inline, listener, manifest, run
from tests.support.workspace import Workspace

DELIVERIES = 300
SENDERS = 100
HURRY = 50.0
"""How much faster than in earnest the sweep paces its calls; what it waits for has then happened, all the same."""
RESTART_DELIVERIES = 200
RESTART_SENDERS = 8
RESTART_PAUSE = 0.4
"""Seconds for each step of a restart: gone, without RBAC, without Roles, without the paths of custom kinds."""
QUEUE, DEAD = "projects/drill/topics/queue", "projects/drill/topics/dead-letters"
WORKER, LETTERS = "projects/drill/subscriptions/dispatch", "projects/drill/subscriptions/dead-letters"
NAMESPACE, DENIED = "drill", "denied"
_LATER = {"Retry-After": "600"}

FAULTS = {
    "says-503": Fault(status=503, headers=_LATER),
    "says-429": Fault(status=429, headers={"Retry-After": "1"}),
    "says-500": Fault(status=500),
    "resets": Fault(method="POST", action="reset"),
    "loses-answers": Fault(method="POST", action="lose"),
    "hangs": Fault(method="POST", action="hang"),
    "breaks-off": Fault(method="POST", action="half"),
    "garbage": Fault(method="POST", action="garbage", status=503, body="<html>away</html>"),
    "is-slow": Fault(method="POST", action="delay", seconds=12),
}
"""Each kind of failure by the namespace that meets it."""

Say = Callable[[str], None]


@dataclass
class Counted:
    """What the drill counted."""

    answered: Counter[int] = field(default_factory=Counter)
    """GitHub's records of the 300 first attempts, by status."""
    swept: int = 0
    sweeps: int = 0
    stopped: bool = False
    """Whether the sweep during the outage met its own failure and stopped."""
    dead_letters: int = 0
    replayed: int = 0
    created: Counter[str] = field(default_factory=Counter)
    """Objects in the cluster by `kind n`."""

    @property
    def missing(self) -> int:
        """How many wanted objects the cluster does not hold."""
        return sum(self.created[f"{kind} {number}"] == 0 for kind in KINDS for number in range(DELIVERIES))

    @property
    def doubled(self) -> int:
        """How many objects the cluster holds beyond those wanted."""
        return sum(self.created.values()) - (len(KINDS) * DELIVERIES - self.missing)


@dataclass(frozen=True)
class Restarted:
    """What a restart under load came to."""

    answered: Counter[int]
    created: Counter[str]
    """Runs by number."""
    dead_letters: int

    @property
    def once(self) -> int:
        """How many deliveries have made their run, and made it once."""
        return sum(self.created[str(number)] == 1 for number in range(RESTART_DELIVERIES))


KINDS = ("PipelineRun", "ConfigMap")


@dataclass
class Scene:
    """Everything that takes part."""

    cluster: ApiServer
    hub: GitHubApi
    pubsub: PubSub
    hook: Hook
    sweep: HookSweep
    letters: DeadLetterBox


def _manifests() -> list[dict[str, Any]]:
    place = {"namespace": "$(tt.params.ns)"}
    first = run(number="$(tt.params.n)")
    first["metadata"] |= place
    second = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "settings-", **place}}
    spec = {
        "params": [{"name": "n"}, {"name": "ns"}],
        "resourcetemplates": [first, {**second, "data": {"number": "$(tt.params.n)"}}],
    }
    bindings = [{"name": "n", "value": "$(body.number)"}, {"name": "ns", "value": "$(body.ns)"}]
    return [manifest("TriggerTemplate", "template", spec), listener(inline("run", github(), bindings=bindings))]


@contextmanager
def _scene(directory: Path, *, queue: str = QUEUE) -> Iterator[Scene]:
    with ExitStack() as stack:
        cluster = stack.enter_context(ApiServer())
        pubsub = stack.enter_context(PubSub(pull_wait=0.5))
        hub = stack.enter_context(GitHubApi())
        place = Workspace(directory, cluster, namespace=NAMESPACE)
        place.write(_manifests())
        place.secret("hook", "token", b"drill")
        for topic in (QUEUE, DEAD):
            pubsub.create_topic(topic)
        emulator = {"PUBSUB_EMULATOR_HOST": pubsub.host}
        stack.enter_context(mock.patch.dict(os.environ, emulator))
        webhook = stack.enter_context(ServedFunction(place.environment(QUEUE_TOPIC=QUEUE, **emulator), threads=SENDERS))
        worker = stack.enter_context(
            ServedFunction(place.environment(DEAD_LETTER_TOPIC=DEAD, **emulator), target="dispatch", threads=8)
        )
        pubsub.create_subscription(
            WORKER, QUEUE, push_endpoint=worker.url, push_account="push@drill", dead_letter_topic=DEAD, max_attempts=100
        )
        pubsub.create_subscription(LETTERS, DEAD)
        hook = hub.add_hook("repos/drill/app", webhook.url, secret="drill")
        settings = read_settings(
            {
                "GITHUB_HOOKS": f"repos/drill/app/hooks/{hook.id}",
                "GITHUB_TOKEN_SECRET": "projects/drill/secrets/token",
                "GITHUB_API_URL": hub.url,
            }
        )
        sweep = open_sweep(
            settings,
            fetch=lambda *_: hub.token.encode(),
            sleep=lambda seconds: _hurry(seconds, hub),
        )
        letters = DeadLetterBox(PubSubSubscriber(LETTERS, pull_seconds=0.5), PubSubPublisher(QUEUE))
        yield Scene(cluster, hub, pubsub, hook, sweep, letters)


def _hurry(seconds: float, hub: GitHubApi) -> None:
    time.sleep(seconds / HURRY)
    hub.wait_idle(15)


def _deliver(scene: Scene, numbers: range, *, denied: int = 0) -> None:
    """Let GitHub send deliveries, all at a time, over the namespaces; the first `denied` go to DENIED."""
    names = list(FAULTS)

    def send(number: int) -> None:
        position = number - numbers.start
        namespace = DENIED if position < denied else names[number % len(names)]
        scene.hub.deliver(scene.hook, "push", {"number": str(number), "ns": namespace})

    with ThreadPoolExecutor(SENDERS) as pool:
        list(pool.map(send, numbers))


def _fail(scene: Scene) -> None:
    for namespace, fault in (FAULTS | {DENIED: Fault(status=503, headers=_LATER)}).items():
        scene.cluster.faults.add(_in(namespace, fault))


def _in(namespace: str, fault: Fault) -> Fault:
    given = {name: getattr(fault, name) for name in Fault.__dataclass_fields__}
    return Fault(**{**given, "path": f"/namespaces/{namespace}/"})


def _outage(scene: Scene, counted: Counted, say: Say) -> None:
    third = DELIVERIES // 3
    _fail(scene)
    say(f"The cluster fails in {len(FAULTS)} ways: {', '.join(FAULTS)}. {third} deliveries; the queue takes them …")
    _deliver(scene, range(third), denied=10)
    say(f"The queue fails as well. {third} deliveries …")
    broken = scene.pubsub.fail("Publish", StatusCode.UNAVAILABLE)
    _deliver(scene, range(third, 2 * third))
    say("A sweep in the middle of it …")
    summary = scene.sweep.run(progress=lambda line: say(f"  {line}"))
    scene.hub.wait_idle(30)
    counted.stopped = summary.outcome == "stopped"
    counted.swept += summary.total("asked")
    counted.sweeps += 1
    scene.pubsub.mend()
    say(f"The queue is back ({broken.fired} calls had failed); the cluster takes no connections. {third} deliveries …")
    with scene.cluster.refusing():
        _deliver(scene, range(2 * third, DELIVERIES))
    first = [one for one in scene.hub.deliveries(scene.hook) if not one.redelivery]
    counted.answered = Counter(one.status_code for one in first)


def _recovery(scene: Scene, counted: Counted, say: Say) -> None:
    scene.cluster.faults.clear()
    forbidden = scene.cluster.faults.add(Fault(method="POST", path=f"/namespaces/{DENIED}/", status=403))
    say(f"The cluster is back, but the namespace {DENIED} forbids everything. The worker empties the queue …")
    scene.pubsub.wait_empty(WORKER, 60)
    counted.dead_letters = len(scene.letters.letters())
    say(f"{counted.dead_letters} dead letters; the cause is mended and they are put back …")
    scene.cluster.faults.remove(forbidden)
    counted.replayed = scene.letters.replay().replayed
    scene.pubsub.wait_empty(WORKER, 60)
    say("The sweep asks GitHub to send the failed ones again …")
    while True:
        summary = scene.sweep.run(progress=_rarely(say))
        scene.hub.wait_idle(30)
        counted.swept += summary.total("asked")
        counted.sweeps += 1
        if summary.outcome != "limited":
            break
    # an instance that has just seen the cluster fail still queues
    scene.pubsub.wait_empty(WORKER, 60)
    say(f"  {'; '.join(summary.sentences())}")


def _rarely(say: Say) -> Say:
    def tell(line: str) -> None:
        if "asked for" not in line:
            say(f"  {line}")

    return tell


def drill(directory: Path, say: Say) -> Counted:
    """Run it all and return what was counted."""
    counted = Counted()
    with _scene(directory) as scene:
        _outage(scene, counted, say)
        _recovery(scene, counted, say)
        for kind, number in _objects(scene.cluster):
            counted.created[f"{kind} {number}"] += 1
    return counted


def restart(directory: Path, say: Say, *, queue: str) -> Restarted:
    """Restart the API server under load, once; what passed is sent again by the sweep, or made by the worker."""
    with _scene(directory, queue=queue) as scene, ThreadPoolExecutor(RESTART_SENDERS) as pool:
        say(f"{RESTART_DELIVERIES} deliveries, {RESTART_SENDERS} at a time, {'with' if queue else 'without'} a queue …")

        def send(number: int) -> None:
            scene.hub.deliver(scene.hook, "push", {"number": str(number), "ns": NAMESPACE})

        sent = [pool.submit(send, number) for number in range(RESTART_DELIVERIES)]
        sent[RESTART_DELIVERIES // 10].result()
        scene.cluster.restart(pause=RESTART_PAUSE)
        for one in sent:
            one.result()
        scene.hub.wait_idle(30)
        answered = Counter(one.status_code for one in scene.hub.deliveries(scene.hook))
        scene.sweep.run(progress=_rarely(say))
        scene.hub.wait_idle(30)
        scene.pubsub.wait_empty(WORKER, 60)
        created = Counter(number for kind, number in _objects(scene.cluster) if kind == "PipelineRun")
        return Restarted(answered, created, len(scene.letters.letters()))


def _objects(cluster: ApiServer) -> Iterator[tuple[str, str]]:
    for one in cluster.objects("PipelineRun"):
        yield "PipelineRun", one["spec"]["params"][0]["value"]
    for one in cluster.objects("ConfigMap"):
        yield "ConfigMap", one["data"]["number"]


def _answers(answered: Counter[int]) -> str:
    return ", ".join(f"{count} times {status}" for status, count in sorted(answered.items()))


def report_restart(restarted: Restarted) -> str:
    """Return what a restart came to, in a line."""
    return (
        f"restart:         {restarted.once} of {RESTART_DELIVERIES} created once, answered "
        f"{_answers(restarted.answered)}, dead letters {restarted.dead_letters}"
    )


def report(counted: Counted) -> list[str]:
    """Return what was counted, in lines."""
    return [
        f"deliveries:      {DELIVERIES}, answered {_answers(counted.answered)}",
        f"sent again:      {counted.swept} in {counted.sweeps} sweeps",
        f"dead letters:    {counted.dead_letters}, put back {counted.replayed}",
        f"wanted objects:  {len(KINDS) * DELIVERIES}",
        f"missing:         {counted.missing}",
        f"doubled:         {counted.doubled}",
    ]


def main() -> None:
    """Run the drill and fail loudly."""

    def say(text: str) -> None:
        sys.stdout.write(f"{time.monotonic() - started:5.1f} s  {text}\n")
        sys.stdout.flush()

    started = time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        restarts = [restart(Path(directory) / name, say, queue=queue) for name, queue in (("a", ""), ("b", QUEUE))]
        for restarted in restarts:
            say(report_restart(restarted))
        counted = drill(Path(directory) / "c", say)
        told = statuses.drill(Path(directory) / "d", say)
        settled = bursts.drill(Path(directory) / "e", say)
    say("")
    for line in (*map(report_restart, restarts), *report(counted), *told.lines(), *settled.lines()):
        say(line)
    if any(restarted.once < RESTART_DELIVERIES for restarted in restarts):
        raise SystemExit("drill: a restart of the API server has cost a delivery")
    if counted.missing or counted.doubled:
        raise SystemExit("drill: the cluster does not hold every wanted object exactly once")
    if told.wrong or told.repeated:
        raise SystemExit("drill: a commit does not show the state of its newest run, or a status was posted again")
    if settled.wrong or settled.beyond or settled.undone:
        raise SystemExit("drill: of a concurrency group another run than the newest goes on, or more than may")
    say("Every wanted object exactly once, every commit shows its newest run, and of every group that alone goes on.")


if __name__ == "__main__":
    main()
