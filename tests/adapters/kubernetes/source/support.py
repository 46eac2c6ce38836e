"""What the tests of the cluster's triggers share: manifests, and a source over the API server stand-in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import urllib3

from functions.adapters.kubernetes.source.listeners import ClusterListeners, Freshness
from functions.common.ports import Deadline
from functions.listening.prepared import Listener
from tests.adapters.kubernetes.support import NAMESPACE, Side
from tests.adapters.secrets.support import LifeClock
from tests.standins.apiserver import ApiServer

GROUP = "triggers.tekton.dev"
RUN = {
    "apiVersion": "tekton.dev/v1",
    "kind": "PipelineRun",
    "metadata": {"generateName": "run-"},
    "spec": {"pipelineRef": {"name": "p"}},
}


def manifest(kind: str, name: str, spec: dict[str, Any], *, namespace: str = NAMESPACE, **metadata: Any) -> Any:
    version = "v1alpha1" if "Interceptor" in kind else "v1beta1"
    place = {} if kind.startswith("Cluster") else {"namespace": namespace}
    return {
        "apiVersion": f"{GROUP}/{version}",
        "kind": kind,
        "metadata": {"name": name, **place, **metadata},
        "spec": spec,
    }


def listener(name: str = "listener", *triggers: dict[str, Any], namespace: str = NAMESPACE, **spec: Any) -> Any:
    listed = {"triggers": list(triggers) or [inline()]} if triggers or not spec else {}
    return manifest("EventListener", name, {**listed, **spec}, namespace=namespace)


def inline(name: str = "inline", **spec: Any) -> dict[str, Any]:
    return {"name": name, "template": {"ref": "template"}, **spec}


def trigger(name: str = "trigger", *, namespace: str = NAMESPACE, labels: dict[str, str] | None = None) -> Any:
    return manifest("Trigger", name, {"template": {"ref": "template"}}, namespace=namespace, labels=labels or {})


def template(name: str = "template", *, namespace: str = NAMESPACE, run: dict[str, Any] | None = None) -> Any:
    return manifest("TriggerTemplate", name, {"resourcetemplates": [run or RUN]}, namespace=namespace)


def binding(name: str = "binding", *, kind: str = "TriggerBinding", namespace: str = NAMESPACE) -> Any:
    return manifest(kind, name, {"params": [{"name": "p", "value": "v"}]}, namespace=namespace)


@dataclass
class Cluster:
    """A stand-in, and the listeners that Pipehook reads from it by a clock that is moved by hand."""

    server: ApiServer
    home: Iterable[str] = (NAMESPACE,)
    event_listener: str = ""
    clock: LifeClock = field(default_factory=LifeClock)
    freshness: Freshness | None = None

    def __post_init__(self) -> None:
        self.side = Side(self.server)
        self.asked_home = 0
        self.source = ClusterListeners(
            self.side.api,
            home=self._home,
            event_listener=self.event_listener,
            freshness=self.freshness,
            clock=self.clock,
        )

    def _home(self, deadline: Deadline) -> Iterable[str]:
        self.asked_home += 1
        return self.home

    def put(self, *documents: Any) -> None:
        for document in documents:
            self.server.put_object(document)

    def delete(self, plural: str, name: str, namespace: str = NAMESPACE) -> None:
        path = f"{self.server.url}/apis/{GROUP}/v1beta1/namespaces/{namespace}/{plural}/{name}"
        with urllib3.PoolManager(ca_cert_data=self.server.ca_pem) as pool:
            answer = pool.request("DELETE", path, headers={"Authorization": f"Bearer {self.server.token}"})
        assert answer.status == 200

    def current(self, seconds: float = 8.0) -> dict[str, Listener]:
        return dict(self.source.current(self.side.deadline(seconds)))

    def later(self, seconds: float = 20.0) -> dict[str, Listener]:
        self.clock.pass_by(seconds)
        return self.current()

    @property
    def lists(self) -> int:
        """How often listeners were listed."""
        return sum(request.path.endswith("/eventlisteners") for request in self.server.requests)


def problems(found: Listener) -> dict[str, str]:
    """The triggers' problems, by name."""
    return {one.name: one.problem for one in found.triggers}
