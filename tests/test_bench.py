"""`python -m bench --only cluster` on a cluster that KUBECONFIG names: what it makes and removes, and what it lacks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.inputs import SECRET, github, listener
from tests.standins.apiserver import ACCOUNT, ApiServer
from tests.standins.kubernetes.access import User
from tests.support.function import ROOT, ServedFunction, free_port
from tests.support.processes import INHERITED
from tests.support.workspace import Workspace

THEIRS = "theirs"


@pytest.fixture
def cluster() -> Iterator[ApiServer]:
    with ApiServer(namespaces=[THEIRS], strict_namespaces=True) as running:
        yield running


def bench(kubeconfig: Path, **more: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "bench", "--only", "cluster", "--quick", "--output", "json"],
        cwd=ROOT,
        env={**inherited, "KUBECONFIG": str(kubeconfig), **more},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_it_measures_beside_the_bare_create_and_tektons_listener_and_leaves_nothing(
    cluster: ApiServer, tmp_path: Path
) -> None:
    workspace = Workspace(tmp_path, cluster, namespace=THEIRS)
    workspace.write(listener([github("push")], namespace=THEIRS))
    workspace.secret("github-webhook", "secretkey", b"their-key")
    mine = {"metadata": {"name": "mine", "namespace": THEIRS}, "spec": {}}
    cluster.put_object({"apiVersion": "tekton.dev/v1", "kind": "PipelineRun", **mine})
    with ServedFunction(workspace.environment()) as tekton:
        done = bench(tmp_path / "kubeconfig", TEKTON_URL=tekton.url, TEKTON_NAMESPACE=THEIRS, TEKTON_KEY="their-key")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["rows"]
    assert {row["beside_what"] for row in rows} == {"bare client", "bare HTTP", "Tekton", ""}
    assert all(row["value"] > 0 for row in rows)
    assert {row["case"] for row in rows if row["beside_what"] == "Tekton"} == {
        "event to visible, p50",
        "event to visible, p95",
        "1 worker(s), concurrency 1",
        "1 worker(s), concurrency 8",
    }
    assert [run["metadata"]["name"] for run in cluster.objects("PipelineRun", THEIRS)] == ["mine"]
    left = {found["metadata"]["name"] for found in cluster.objects("Namespace")}
    assert not {name for name in left if name.startswith("pipehook-bench")}
    posted = [seen for seen in cluster.requests if seen.method == "POST" and "/pipelineruns" in seen.path]
    assert len(posted) > 200


def test_without_a_kubeconfig_that_can_be_read_it_says_so(tmp_path: Path) -> None:
    done = bench(tmp_path / "nowhere")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "nowhere" in done.stderr
    assert "the rights to create and delete namespaces" in done.stderr


def test_without_rights_it_says_which_it_needs(tmp_path: Path) -> None:
    with ApiServer(tokens={"t": User(name=ACCOUNT, rules=())}) as cluster:
        (tmp_path / "kubeconfig").write_text(cluster.kubeconfig())
        done = bench(tmp_path / "kubeconfig")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "the cluster answers 403 Forbidden; it needs a cluster with Tekton's PipelineRun" in done.stderr


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://el.example", "TEKTON_URL is not http://HOST:PORT"),
        ("http://127.0.0.1:{free}", "cannot be reached: [Errno 111]"),
    ],
)
def test_an_address_of_tekton_that_cannot_be_sent_to_is_refused(
    url: str, said: str, cluster: ApiServer, tmp_path: Path
) -> None:
    (tmp_path / "kubeconfig").write_text(cluster.kubeconfig())
    done = bench(tmp_path / "kubeconfig", TEKTON_URL=url.format(free=free_port()))
    assert done.returncode == 1
    assert said in done.stderr
    assert SECRET.decode() not in done.stderr
