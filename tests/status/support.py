"""The scene of the statuses' tests: a cluster, a GitHub, a Secret Manager, and the functions over real sockets."""

from __future__ import annotations

import base64
import itertools
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from functions.adapters.github import transport
from functions.entrypoints import reconcile, report
from functions.status import herald
from functions.status import reconcile as sweeps
from tests.adapters.kubernetes.support import Clock
from tests.standins.github_api import GitHubApi
from tests.standins.secret_manager import SecretManager
from tests.support.application import Application
from tests.support.clocks import set_clock
from tests.support.deliveries import PUSH, SECRET, encoded, headers
from tests.support.function import Answer
from tests.support.sources import github, inline, listener, run, template
from tests.support.workspace import Workspace

PROJECT = "acme"
REPOSITORY = "acme/app"
KEY = b"report-key-1"
CONTEXT = "ci/build"
STATUS = "pipehook.dev/status"
LINK = "https://dashboard.example.com/{namespace}/{name}"
_COMMITS = itertools.count(1)


def commit() -> str:
    """Return a commit that no other test has."""
    return f"{next(_COMMITS):040x}"


def body_of(sha: str, *, time: int = 1_790_000_000, **more: Any) -> dict[str, Any]:
    """Return the body of a push."""
    repository = PUSH["repository"] | {"full_name": REPOSITORY, "pushed_at": time}
    return PUSH | {"after": sha, "repository": repository} | more


def told(resource: dict[str, Any], context: str = CONTEXT, **annotations: str) -> dict[str, Any]:
    """Return a resource that is told of."""
    marked = {STATUS: context} | {f"pipehook.dev/{name}": value for name, value in annotations.items()}
    return {**resource, "metadata": resource["metadata"] | {"annotations": marked}}


@dataclass
class Scene:
    """All that takes part; each function is started by its name."""

    workspace: Workspace
    hub: GitHubApi
    manager: SecretManager
    functions: dict[str, Application] = field(default_factory=dict)
    more: dict[str, str] = field(default_factory=dict)

    @property
    def namespace(self) -> str:
        """Where runs are made."""
        return self.workspace.namespace

    def write(self, *resources: dict[str, Any], interceptors: list[dict[str, Any]] | None = None, **spec: Any) -> None:
        """Write a listener with one trigger `build`, which makes the resources."""
        chain = interceptors or [github()]
        metadata = spec.pop("metadata", {})
        bindings = spec.pop("bindings", [])
        found = listener(inline("build", *chain, bindings=bindings, **spec))
        found["metadata"] |= metadata
        self.workspace.write([found, template("template", *(resources or (told(run()),)))])

    def environment(self, **more: str) -> dict[str, str]:
        """Return the variables; empty ones are left out."""
        given = {
            "SECRET_MANAGER_EMULATOR_HOST": self.manager.host,
            "GITHUB_API_URL": self.hub.url,
            "GITHUB_TOKEN_SECRET": f"projects/{PROJECT}/secrets/github",
            "REPORT_KEY_SECRET": f"projects/{PROJECT}/secrets/report",
            "STATUS_TARGET_URL": LINK,
            **self.more,
            **more,
        }
        return {name: value for name, value in self.workspace.environment(**given).items() if value}

    def function(self, target: str, **more: str) -> Application:
        """Return a function, started once."""
        if target not in self.functions or more:
            self.functions[target] = Application(self.environment(**more), target=target)
        return self.functions[target]

    def deliver(self, event: str = "push", body: Mapping[str, Any] | None = None, **more: Any) -> Answer:
        """Send a delivery to the webhook, signed."""
        sent = encoded(body if body is not None else body_of(commit()))
        return self.function("webhook").post(sent, headers(event, sent, **more))

    def push(self, sha: str, **more: Any) -> str:
        """Push a commit; return the name of its run."""
        answer = self.deliver(body=body_of(sha, **more))
        assert answer.status == 202, answer.text
        return str(answer.json["triggers"][0]["resources"][0]["name"])

    def hint(
        self, name: str, *, kind: str = "successful", key: bytes | None = KEY, run: Mapping[str, Any] | None = None
    ) -> Answer:
        """Send what Tekton sends of a run: as it is now, or as `run` says."""
        found = run if run is not None else self.run(name)
        return self.hinted(encoded({"pipelineRun": found}), kind=f"dev.tekton.event.pipelinerun.{kind}.v1", key=key)

    def hinted(self, sent: bytes, *, kind: str, key: bytes | None = KEY, path: str = "/") -> Answer:
        """Send a CloudEvent in binary mode."""
        given = {"Content-Type": "application/json", "Ce-Type": kind, "Ce-Id": "1", "Ce-Source": "/x"}
        if key is not None:
            given["Authorization"] = "Basic " + base64.b64encode(b"tekton:" + key).decode()
        return self.function("report").post(sent, given, path)

    def reconcile(self) -> dict[str, Any]:
        """Run the sweep and return its summary."""
        answer = self.function("reconcile").post(b"{}", {"Content-Type": "application/json"})
        assert answer.status in (200, 503), answer.text
        return dict(answer.json)

    def run(self, name: str) -> dict[str, Any]:
        """Return a run as the cluster has it."""
        return next(one for one in self.runs() if one["metadata"]["name"] == name)

    def runs(self) -> list[dict[str, Any]]:
        """Return all runs of the namespace, oldest first."""
        return self.workspace.cluster.objects("PipelineRun", self.namespace)

    def end(self, name: str, reason: str = "Succeeded", **status: Any) -> None:
        """End a run for a reason, from 10:00:00 to 10:03:12, with five tasks unless `status` says otherwise."""
        succeeded = reason in ("Succeeded", "Completed")
        children = [
            {"kind": "TaskRun", "name": f"{name}-{task}", "pipelineTaskName": task}
            for task in ("fetch", "lint", "build", "test", "push")
        ]
        ended = {
            "startTime": "2026-11-22T10:00:00Z",
            "completionTime": "2026-11-22T10:03:12Z",
            "childReferences": children,
            "conditions": [{"type": "Succeeded", "status": str(succeeded), "reason": reason, "message": "x"}],
        }
        self.workspace.cluster.put_object({**self.run(name), "status": ended | status})

    def delete(self, name: str) -> None:
        """Delete a run, as pruning does."""
        self.workspace.cluster.delete_object("PipelineRun", self.namespace, name)

    def task(self, run: str, task: str, status: Mapping[str, Any]) -> None:
        """Put a TaskRun of a run."""
        metadata = {
            "name": f"{run}-{task}",
            "namespace": self.namespace,
            "labels": {"tekton.dev/pipelineRun": run},
        }
        self.workspace.cluster.put_object(
            {"apiVersion": "tekton.dev/v1", "kind": "TaskRun", "metadata": metadata, "spec": {}, "status": dict(status)}
        )

    def shown(self, sha: str, context: str = CONTEXT) -> tuple[str, str, str]:
        """Return what GitHub shows: state, description and link; empty texts for nothing."""
        found = self.hub.shown(REPOSITORY, sha, context) or {"state": "", "description": "", "target_url": ""}
        return found["state"], found["description"], found["target_url"] or ""

    def posted(self, sha: str, context: str = CONTEXT) -> list[str]:
        """Return the states that were posted, in order."""
        return [state for state, _ in self.hub.posted(REPOSITORY, sha, context)]

    def link(self, name: str) -> str:
        """Return the link of a run."""
        return LINK.format(namespace=self.namespace, name=name)


def go_by_waits(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Let the functions go by a clock that their waits for the cluster alone move on; GitHub has all their time."""
    clock = Clock()
    set_clock(monkeypatch, clock)
    for module in (reconcile, report):
        monkeypatch.setattr(module, "time", SimpleNamespace(time=time.time, monotonic=clock))
    monkeypatch.setattr(herald, "SECONDS", 60.0)
    monkeypatch.setattr(transport, "CALL_SECONDS", 60.0)
    monkeypatch.setattr(sweeps, "PAUSE_SECONDS", 0.0)
    return clock


@contextmanager
def open_scene(workspace: Workspace) -> Iterator[Scene]:
    """Open GitHub and Secret Manager beside a workspace."""
    workspace.secret("hook", "token", SECRET)
    with SecretManager() as manager, GitHubApi() as hub:
        manager.add(PROJECT, "github", hub.token.encode())
        manager.add(PROJECT, "report", KEY)
        manager.add(PROJECT, "app", hub.app_key_pem.encode())
        hub.commits.repositories = {REPOSITORY}
        scene = Scene(workspace, hub, manager)
        scene.write()
        yield scene
        for run in scene.runs():  # the sweeps of other tests see every namespace
            scene.delete(run["metadata"]["name"])
