"""What the tests of the cluster's side share: an API over a stand-in, works, and waits that take no time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from functions.adapters.kubernetes.api import KubernetesApi
from functions.adapters.kubernetes.calls import Backoff
from functions.adapters.kubernetes.kubeconfig.access import ClusterAccess
from functions.adapters.kubernetes.kubeconfig.reader import parse_kubeconfig
from functions.adapters.kubernetes.sink import ClusterSink
from functions.common.ports import Deadline, Work
from functions.common.values import Outcome
from functions.settings import Redelivery
from tests.standins.apiserver import ApiServer

NAMESPACE = "goldstine-lab"
KEY = "5f" * 32


@dataclass
class Clock:
    """Monotonic time that waits alone move on: however slow the machine, an attempt takes no time of a deadline."""

    slept: list[float] = field(default_factory=list)
    coming: list[tuple[float, Callable[[], object]]] = field(default_factory=list)
    """What happens after so many slept seconds."""

    def __call__(self) -> float:
        return 1_000_000.0 + sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        while self.coming and sum(self.slept) >= self.coming[0][0]:
            self.coming.pop(0)[1]()

    def then(self, seconds: float, event: Callable[[], object]) -> None:
        """Let something happen after so many more slept seconds; at once with 0."""
        if seconds:
            self.coming.append((sum(self.slept) + seconds, event))
        else:
            event()


class Source:
    """An AccessSource over a stand-in, which counts how often it was asked anew."""

    def __init__(self, server: ApiServer, **kubeconfig: Any) -> None:
        self._server = server
        self._url = server.url
        self._arguments = kubeconfig
        self.asked: list[bool] = []

    def __call__(self, *, refresh: bool, deadline: Deadline) -> ClusterAccess:
        self.asked.append(refresh)
        written = self._server.kubeconfig(**self._arguments)
        return parse_kubeconfig(written.replace(self._server.url, self._url), trusted_local=False)

    def through(self, relay: str) -> None:
        """Reach the server by a relay to it, `host:port`."""
        self._url = f"https://{relay}"


@dataclass
class Side:
    """Pipehook's side of a stand-in: the API, a sink, and the clock that both wait by."""

    server: ApiServer
    redelivery: Redelivery = Redelivery.DEDUPLICATE
    draw: float = 0.5
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.source = Source(self.server)
        backoff = Backoff(draw=lambda: self.draw, sleep=self.clock.sleep)
        self.api = KubernetesApi(self.source, backoff=backoff, clock=self.clock)
        self.sink = ClusterSink(self.api, redelivery=self.redelivery)

    def deadline(self, seconds: float = 8.0) -> Deadline:
        return Deadline(self.clock() + seconds, self.clock)

    def accept(self, *work: Work, seconds: float = 8.0) -> list[Outcome]:
        return self.sink.accept(work, self.deadline(seconds))

    def one(self, work: Work, seconds: float = 8.0) -> Outcome:
        (found,) = self.accept(work, seconds=seconds)
        return found


def work(*resources: Mapping[str, Any], key: str = KEY, trigger: str = "github-trigger", **more: Any) -> Work:
    """Return a trigger's rendered resources; without any, one PipelineRun with a generateName."""
    given: dict[str, Any] = {
        "trigger": trigger,
        "trigger_namespace": NAMESPACE,
        "identity": f"{NAMESPACE}/{trigger}",
        "listener": "listener",
        "listener_namespace": NAMESPACE,
        "event_id": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        "key": key,
        "uid": "0e0b7f5c-1f4b-8a9d-9c3e-2b1a0f9e8d7c",
        "service_account": "",
        "verified": True,
    }
    return Work(resources=tuple(resources or (pipeline_run(),)), **given | more)


def pipeline_run(**metadata: Any) -> dict[str, Any]:
    """Return a PipelineRun as a template renders it."""
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": metadata or {"generateName": "build-"},
        "spec": {
            "pipelineRef": {"name": "build-deploy-pipeline"},
            "params": [{"name": "revision", "value": "6dcb09b5"}],
        },
    }


def config_map(**metadata: Any) -> dict[str, Any]:
    """Return a ConfigMap as a template renders it."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata or {"generateName": "settings-"},
        "data": {"revision": "6dcb09b5"},
    }
