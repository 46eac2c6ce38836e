"""The function as deployed: keys and kubeconfig in Secret Manager, an HTTPS API server, and a clock that waits move."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import kubernetes.dynamic  # noqa: F401 -- so that no delivery of a test spends its deadline on importing it
import pytest

from functions.adapters import google_calls
from functions.adapters.secrets import sources
from functions.adapters.secrets.manager_client import ManagerClient
from functions.adapters.secrets.sources import open_secrets
from functions.entrypoints import parts
from tests.adapters.kubernetes.support import Clock
from tests.adapters.secrets.support import PATIENT_SECONDS, Unhurried
from tests.standins.apiserver import ApiServer
from tests.standins.kubernetes.kinds import Kind
from tests.standins.secret_manager import SecretManager
from tests.support.application import Application
from tests.support.clocks import set_clock
from tests.support.deliveries import PUSH, SECRET, encoded, headers
from tests.support.function import Answer, ServedFunction
from tests.support.sources import github, inline, listener, run, template
from tests.support.workspace import Workspace

PROJECT = "acme-prod"
NAMESPACE = "goldstine-lab"
KEY = "hook"
"""The Secret Manager id of the webhook's key; the triggers name it in a secretRef."""
KUBECONFIG = "pipehook-kubeconfig"
WIDGETS = Kind(group="example.com", kind="Widget", plural="widgets", versions=("v1",), namespaced=True)
"""A kind that is not known beforehand, so that creating one asks for discovery."""

_NUMBERS = itertools.count(1)


@dataclass
class Production:
    """A Secret Manager, a cluster, and functions that are configured with nothing but their names."""

    manager: SecretManager
    cluster: ApiServer
    workspace: Workspace
    monkeypatch: pytest.MonkeyPatch
    clock: Clock = field(default_factory=Clock)

    def environment(self, **more: str) -> dict[str, str]:
        """Return the variables of a deployment; empty ones are left out."""
        given = {
            "TRIGGERS_SOURCE": str(self.workspace.directory / "manifests"),
            "NAMESPACE": NAMESPACE,
            "SECRETS_SOURCE": f"secret-manager://{PROJECT}",
            "SECRET_MANAGER_EMULATOR_HOST": self.manager.host,
            "KUBECONFIG_SECRET": f"projects/{PROJECT}/secrets/{KUBECONFIG}",
            **more,
        }
        return {name: value for name, value in given.items() if value}

    def write(self, *manifests: Mapping[str, Any]) -> None:
        """Replace the manifests."""
        self.workspace.write(manifests)

    def application(self, **more: str) -> Application:
        """Start the function in this process, on the clock that its waits move on."""
        clock = self.clock
        set_clock(self.monkeypatch, clock)
        self.monkeypatch.setattr(parts, "open_secrets", partial(open_secrets, clock=clock))
        self.monkeypatch.setattr(
            sources, "_open_client", lambda host: Unhurried(ManagerClient(host, sleep=clock.sleep))
        )
        return Application(self.environment(**more))

    def served(self, **more: str) -> ServedFunction:
        """Return the function as a process of its own (gunicorn), to be used as a context."""
        return ServedFunction(self.environment(**more))

    def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.sleep(seconds)

    def add_key(self, value: bytes) -> int:
        """Add a version of the webhook's key."""
        return self.manager.add(PROJECT, KEY, value)

    def add_kubeconfig(self, text: str | None = None) -> int:
        """Add a version of the kubeconfig: with the cluster's present token, if none is given."""
        written = self.cluster.kubeconfig(namespace=NAMESPACE) if text is None else text
        return self.manager.add(PROJECT, KUBECONFIG, written.encode())

    def calls(self, secret: str = "", method: str = "") -> int:
        """Count the calls that Secret Manager has seen."""
        return sum(f"/{secret}" in call.resource and method in call.method for call in self.manager.calls)

    def calls_ended(self, secret: str, count: int) -> bool:
        """Say whether there were exactly so many calls, awaiting those that only the client has left yet."""
        self.manager.calls.wait(lambda call: f"/{secret}" in call.resource, count=count)
        return self.calls(secret) == count

    def posts(self, kind: str = "pipelineruns") -> list[int]:
        """Return the statuses of the requests to create objects of a kind, 0 for one without an answer."""
        return [
            seen.status for seen in self.cluster.requests if seen.method == "POST" and seen.path.endswith(f"/{kind}")
        ]

    def objects(self, kind: str = "PipelineRun") -> list[dict[str, Any]]:
        """Return what was created in the namespace."""
        return self.cluster.objects(kind, NAMESPACE)

    def revisions(self, kind: str = "PipelineRun") -> list[str]:
        """Return the commits that objects were created for, sorted; one entry an object."""
        return sorted(revision(found) for found in self.objects(kind))


def revision(found: Mapping[str, Any]) -> str:
    """Return the commit that an object was created for."""
    return str(found["metadata"]["annotations"]["revision"])


def pushed(commit: str = "") -> bytes:
    """Return the body of a push of a commit; without one, of a commit that no other push has."""
    return encoded(PUSH | {"head_commit": {"id": commit or f"commit-{next(_NUMBERS)}"}})


def push(function: Application | ServedFunction, body: bytes, *, key: bytes | None = SECRET, **more: Any) -> Answer:
    """Send a push as GitHub does, under a GUID of its own if none is given."""
    return function.post(body, headers("push", body, secret=key, **more))


def marked(resource: dict[str, Any]) -> dict[str, Any]:
    """Return a resource that carries the commit that it is created for."""
    metadata = resource["metadata"] | {"annotations": {"revision": "$(tt.params.revision)"}}
    return {**resource, "metadata": metadata}


def config_map(name: str = "settings-") -> dict[str, Any]:
    """Return a ConfigMap with a generateName (one that ends in `-`) or a name."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"generateName" if name.endswith("-") else "name": name},
    }


def widget(name: str = "widget-") -> dict[str, Any]:
    """Return a resource of a kind that is found by discovery alone."""
    return config_map(name) | {"apiVersion": "example.com/v1", "kind": "Widget"}


def manifests(*resources: dict[str, Any], interceptors: Iterable[dict[str, Any]] = ()) -> list[dict[str, Any]]:
    """Return a listener with one trigger that creates the resources, each marked with the pushed commit."""
    found = [marked(resource) for resource in resources or (run(),)]
    written = template("template", *found)
    written["spec"]["params"] = [{"name": "revision", "default": "none"}]
    bindings = [{"name": "revision", "value": "$(body.head_commit.id)"}]
    chain = list(interceptors) or [github(KEY)]
    return [listener(inline("trigger", *chain, bindings=bindings)), written]


@contextlib.contextmanager
def open_production(directory: Path, monkeypatch: pytest.MonkeyPatch, **cluster: Any) -> Iterator[Production]:
    """Start the servers: the key SECRET, a kubeconfig, and a listener that creates a PipelineRun for each push."""
    with SecretManager() as manager, ApiServer(namespaces=[NAMESPACE], kinds=[WIDGETS], **cluster) as server:
        workspace = Workspace(directory / "production", server, namespace=NAMESPACE)
        (workspace.directory / "kubeconfig").unlink()
        monkeypatch.setattr(google_calls, "ATTEMPT_SECONDS", PATIENT_SECONDS)
        production = Production(manager, server, workspace, monkeypatch)
        production.add_key(SECRET)
        production.add_kubeconfig()
        production.write(*manifests())
        yield production
