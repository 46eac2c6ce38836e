"""What the first delivery of each kind imports beyond functions-framework, so that a heavy import cannot creep back.

The packages are listed in full for each kind: a new one shows here and has to be worth its milliseconds (`bench/`
measures them).
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.standins.apiserver import ApiServer
from tests.standins.secret_manager import SecretManager
from tests.support.deliveries import PING, PUSH, SECRET, encoded, headers
from tests.support.function import ROOT
from tests.support.sources import cel, github, inline, listener, manifest, run, template
from tests.support.workspace import Workspace

DELIVER = """
import gc, json, sys
import functions_framework
import functions_framework._http.gunicorn
job = json.load(sys.stdin)
app = functions_framework.create_app("webhook", job["trivial"], "http")
assert app.test_client().post("/", data=b"{}").text == "ok"
before = set(sys.modules)
app = functions_framework.create_app("webhook", "main.py", "http")
started = set(sys.modules) - before
collecting = gc.isenabled()
gc.disable()
answer = app.test_client().post("/", data=job["body"].encode(), headers=job["headers"])
gc.unfreeze()
left = [type(thing).__name__ for thing in gc.get_objects() if type(thing).__name__ in ("Delivery", "Delivered", "Work")]
print(json.dumps([answer.status_code, sorted(started), sorted(set(sys.modules) - before), collecting, left]))
"""

ALWAYS = frozenset({"msgspec", "typing_extensions", "yaml"})
CLUSTER = ALWAYS | {
    *("kubernetes", "urllib3"),
    *("annotated_types", "pydantic", "pydantic_core", "typing_inspection"),
    *("dateutil", "durationpy", "websocket"),
    *("certifi", "charset_normalizer", "cryptography", "google", "idna", "oauthlib", "requests", "requests_oauthlib"),
}
"""The cluster's client, which only those pay for whose delivery reaches the cluster, and what its package imports."""
CLUSTERS_HEAVY = {"cryptography", "google.auth", "kubernetes.client.models", "oauthlib", "pydantic", "requests"}
MANAGER = frozenset({"google", "grpc", "grpc_status", "opentelemetry", "proto"})
"""Secret Manager's client, which only those pay for who keep their secrets there."""
HEAVY = frozenset(
    {
        "celpy",
        "click.testing",
        "concurrent.futures.process",
        "cryptography",
        "google.api_core",
        "google.auth",
        "google.cloud.pubsub",
        "google.cloud.secretmanager_v1.services",
        "google.pubsub_v1",
        "kubernetes.client.api",
        "kubernetes.client.models",
        "lark",
        "oauthlib",
        "opentelemetry",
        "pydantic",
        "re2",
        "requests",
        "rsa",
    }
)
"""Never on the way of a delivery, or only of those that say so."""

OF_OTHERS = frozenset(
    {
        "functions.adapters.kubernetes.groups",
        "functions.adapters.kubernetes.source",
        "functions.concurrency",
        "functions.adapters.outbound.connections",
        "functions.adapters.pubsub.queue",
        "functions.adapters.pubsub.client",
        "functions.adapters.kubernetes.secrets",
        "functions.adapters.secrets.cluster",
        "functions.adapters.tracing",
        "functions.cli",
        "functions.outcomes.cloud_events",
        "functions.queue.dead_letters",
        "functions.entrypoints.dispatch",
        "functions.entrypoints.redeliver",
        "functions.common.commands",
        "functions.go.url",
        "functions.interceptors.bitbucket",
        "functions.interceptors.changed_files",
        "functions.interceptors.github.files",
        "functions.interceptors.github.owners",
        "functions.interceptors.github.pull_request",
        "functions.interceptors.github.tokens",
        "functions.interceptors.custom",
        "functions.interceptors.gitlab",
        "functions.interceptors.slack",
        "functions.interceptors.webhook",
        "functions.adapters.github.identity",
        "functions.adapters.kubernetes.runs",
        "functions.common.event_facts",
        "functions.entrypoints.reconcile",
        "functions.entrypoints.report",
        "functions.entrypoints.telling",
        "functions.lint",
        "functions.status",
    }
)
"""Our own modules that none of these deliveries has any use for."""


@dataclass(frozen=True)
class Imported:
    """What one process imported: up to the first request, and in all."""

    status: int
    started: frozenset[str]
    modules: frozenset[str]

    @property
    def packages(self) -> frozenset[str]:
        """The packages that are neither ours nor the standard library's."""
        tops = {name.partition(".")[0] for name in self.modules if not name.startswith("_")}
        # grpc looks for its compiler, which only development has; Cython's modules stand for no package
        return frozenset(tops - sys.stdlib_module_names - {"functions", "main", "grpc_tools", "cython_runtime"})

    def of(self, names: frozenset[str]) -> set[str]:
        """Those of `names` that are among the modules, as such or as a package of one."""
        return {name for name in names for found in self.modules if found == name or found.startswith(f"{name}.")}


@pytest.fixture
def workspace(cluster: ApiServer, tmp_path: Path) -> Workspace:
    found = Workspace(tmp_path, cluster, namespace="lab")
    found.secret("hook", "token", SECRET)
    (tmp_path / "trivial.py").write_text("def webhook(request):\n    return 'ok'\n")
    return found


def put(workspace: Workspace, *interceptors: dict[str, Any]) -> None:
    params = manifest(
        "TriggerBinding", "binding", {"params": [{"name": "revision", "value": "$(body.head_commit.id)"}]}
    )
    trigger = inline("trigger", *(interceptors or (github(eventTypes=["push"]),)), bindings=[{"ref": "binding"}])
    workspace.write([params, template("template", run(revision="$(tt.params.revision)")), listener(trigger)])


def deliver(workspace: Workspace, body: bytes, sent: dict[str, str], **more: str) -> Imported:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", DELIVER],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", **workspace.environment(**more)},
        input=json.dumps(
            {"trivial": str(workspace.directory / "trivial.py"), "body": body.decode(), "headers": dict(sent)}
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    status, started, modules, collecting, left = json.loads(done.stdout.splitlines()[-1])
    assert collecting, "the collector waits for the imports alone"
    assert left == [], "what the collector passes over from the first delivery on holds nothing of it"
    return Imported(status, frozenset(started), frozenset(modules))


def push(workspace: Workspace, **more: str) -> Imported:
    body = encoded(PUSH)
    return deliver(workspace, body, headers("push", body), **more)


def test_a_push_as_in_the_article(workspace: Workspace) -> None:
    put(workspace)
    found = push(workspace)
    assert found.status == 202
    assert len(workspace.cluster.objects("PipelineRun", "lab")) == 1
    assert found.packages == CLUSTER
    assert found.of(HEAVY | OF_OTHERS | {"functions.cel", "functions.interceptors.cel"}) == CLUSTERS_HEAVY
    assert not found.started & {"urllib3", "kubernetes"}, "clients wait for the first delivery that needs them"


def test_a_push_through_cel(workspace: Workspace) -> None:
    put(workspace, github(), cel("body.ref.startsWith('refs/heads/')", short="body.after.truncate(7)"))
    found = push(workspace)
    assert found.status == 202
    assert found.of(frozenset({"functions.cel"})) == {"functions.cel"}
    assert found.packages == CLUSTER
    assert found.of(HEAVY | OF_OTHERS) == CLUSTERS_HEAVY


def test_a_push_with_secret_manager(workspace: Workspace, tmp_path: Path) -> None:
    put(workspace)
    with SecretManager() as manager:
        manager.add("p", "hook", SECRET)
        found = push(workspace, SECRETS_SOURCE="secret-manager://p", SECRET_MANAGER_EMULATOR_HOST=manager.host)
    assert found.status == 202
    assert found.packages == CLUSTER | MANAGER
    clients = {"google.api_core", "google.cloud.secretmanager_v1.services", "opentelemetry"}
    assert found.of(HEAVY | OF_OTHERS) == CLUSTERS_HEAVY | clients


def test_a_ping_that_filters_out_needs_no_client(workspace: Workspace) -> None:
    put(workspace)
    body = encoded(PING)
    found = deliver(workspace, body, headers("ping", body))
    assert found.status == 202
    assert found.packages == ALWAYS
    assert found.of(HEAVY | OF_OTHERS) == set()


def test_a_forged_push_needs_no_client(workspace: Workspace) -> None:
    put(workspace)
    body = encoded(PUSH)
    found = deliver(workspace, body, headers("push", body, secret=b"another"))
    assert found.status == 401
    assert found.packages == ALWAYS
    assert found.of(HEAVY | OF_OTHERS) == set()


def test_the_measurements_are_never_imported(workspace: Workspace) -> None:
    put(workspace)
    assert push(workspace).of(frozenset({"bench", "tests"})) == set()


def test_the_clusters_client_looks_for_no_plugins(workspace: Workspace, tmp_path: Path) -> None:
    put(workspace)
    installed = tmp_path / "installed" / "plugged-1.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: plugged\nVersion: 1\n")
    (installed / "entry_points.txt").write_text("[pydantic]\nplugged = plugged:plugin\n")
    (installed.parent / "plugged.py").write_text("plugin = None\n")
    found = push(workspace, PYTHONPATH=str(installed.parent))
    assert found.status == 202
    assert "plugged" not in found.modules
