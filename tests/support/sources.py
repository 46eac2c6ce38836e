"""The same manifests from files or from the cluster, so that one test proves both."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from tests.support.application import Application
from tests.support.workspace import Workspace

GROUP = "triggers.tekton.dev"


class Source:
    """Where a function under test finds its manifests and secrets: `files` or `cluster`."""

    def __init__(self, workspace: Workspace, kind: str) -> None:
        self.workspace = workspace
        self.kind = kind
        self.namespace = workspace.namespace
        self._written: list[Mapping[str, Any]] = []

    def put(self, *manifests: Mapping[str, Any]) -> None:
        """Add manifests, in the workspace's namespace unless they name another one."""
        self._written += manifests
        if self.kind == "files":
            self.workspace.write(self._written)
            return
        for manifest in manifests:
            place = {} if manifest["kind"].startswith("Cluster") else {"namespace": self.namespace}
            self.workspace.cluster.put_object({**manifest, "metadata": place | manifest["metadata"]})

    def secret(self, name: str, key: str, value: bytes, *, namespace: str = "") -> None:
        """Add one key of a secret; files hold one directory for each namespace and secret."""
        where = namespace or self.namespace
        if self.kind == "files":
            self.workspace.secret(f"{where}_{name}", key, value)
            return
        data = {key: base64.b64encode(value).decode()}
        metadata = {"name": name, "namespace": where}
        self.workspace.cluster.put_object({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})

    def application(self, **environment: str) -> Application:
        """Start the function on what was put."""
        if self.kind == "files":
            given = {"SECRET_ID_FORMAT": "{namespace}_{name}"}
        else:
            given = {"TRIGGERS_SOURCE": "cluster", "SECRETS_SOURCE": "cluster"}
        return Application(self.workspace.environment(**given | environment))

    def created(self, namespace: str = "", kind: str = "PipelineRun") -> list[dict[str, Any]]:
        """Return the objects that were created in a namespace."""
        return self.workspace.cluster.objects(kind, namespace or self.namespace)


def manifest(kind: str, name: str, spec: Mapping[str, Any], **metadata: Any) -> dict[str, Any]:
    """Return an object of Tekton Triggers."""
    version = "v1alpha1" if "Interceptor" in kind else "v1beta1"
    return {
        "apiVersion": f"{GROUP}/{version}",
        "kind": kind,
        "metadata": {"name": name, **metadata},
        "spec": dict(spec),
    }


def github(secret: str = "hook", **params: Any) -> dict[str, Any]:
    """Return a github interceptor with a secretRef."""
    found = {"secretRef": {"secretName": secret, "secretKey": "token"}} | params
    return {"ref": {"name": "github"}, "params": [{"name": name, "value": value} for name, value in found.items()]}


def cel(expression: str = "", **overlays: str) -> dict[str, Any]:
    """Return a cel interceptor with a filter and overlays."""
    params: list[dict[str, Any]] = [{"name": "filter", "value": expression}] if expression else []
    if overlays:
        added = [{"key": key, "expression": value} for key, value in overlays.items()]
        params.append({"name": "overlays", "value": added})
    return {"ref": {"name": "cel"}, "params": params}


def run(name: str = "run-", **params: str) -> dict[str, Any]:
    """Return a PipelineRun with a generateName (one that ends in `-`) or a name."""
    listed = [{"name": key, "value": value} for key, value in params.items()]
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {"generateName" if name.endswith("-") else "name": name},
        "spec": {"pipelineRef": {"name": "p"}, "params": listed},
    }


def template(name: str = "template", *resources: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    """Return a TriggerTemplate; without resources, of one PipelineRun."""
    return manifest("TriggerTemplate", name, {"resourcetemplates": list(resources) or [run()]}, **metadata)


def inline(name: str = "inline", *interceptors: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a trigger as it stands in a listener; without interceptors it verifies GitHub's signature."""
    chain = {"interceptors": list(interceptors) or [github()]}
    return {"name": name, **chain, "template": {"ref": "template"}} | more


def listener(*triggers: dict[str, Any], name: str = "listener", **spec: Any) -> dict[str, Any]:
    """Return an EventListener."""
    return manifest("EventListener", name, ({"triggers": list(triggers)} if triggers else {}) | spec)


def trigger(name: str, *interceptors: dict[str, Any], labels: Mapping[str, str], **more: Any) -> dict[str, Any]:
    """Return a Trigger object; `namespace` goes to its metadata, all else to its spec."""
    place = {key: more.pop(key) for key in ("namespace",) if key in more}
    spec = {"interceptors": list(interceptors) or [github()], "template": {"ref": "template"}} | more
    return manifest("Trigger", name, spec, labels=dict(labels), **place)
