"""What reaching for the cluster imports: the client's HTTP layer, and nothing that costs a cold start dear."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.standins.apiserver import ApiServer
from tests.support.function import ROOT

HEAVY = (
    "kubernetes.config",
    "kubernetes.dynamic",
    "kubernetes.watch",
    "kubernetes.stream",
    "kubernetes.informer",
    "kubernetes.leaderelection",
    "kubernetes.client.api_client",
    "kubernetes.client.api.core_v1_api",
    "kubernetes.utils.create_from_yaml",
    "concurrent.futures.thread",
    "google.auth",
    "requests",
    "requests_oauthlib",
    "oauthlib",
    "pydantic",
    "dateutil",
    "websocket",
    "flask",
)

CREATE = """
import sys, time
import functions.adapters.cluster_sink as sink
from functions.adapters.kubeconfig import KubeconfigFile
from functions.adapters.kubernetes_api import KubernetesApi
before = set(sys.modules)
assert not any(name.split(".")[0] in ("kubernetes", "urllib3", "yaml") for name in before), "imported too early"
from functions.ports import Deadline, Work
from functions.settings import Redelivery
run = {"apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "metadata": {"generateName": "x-"}, "spec": {}}
work = Work("t", "default", "i", "l", "default", "e", "k", "uid", "", (run,), True)
api = KubernetesApi(KubeconfigFile(sys.argv[1]))
deadline = Deadline(time.monotonic() + 8, time.monotonic)
(found,) = sink.ClusterSink(api, redelivery=Redelivery.DEDUPLICATE).accept([work], deadline)
assert found.status.value == "created", found
print("\\n".join(sys.modules))
"""

WHOLE = """
import sys
from functions.adapters.kubernetes_library import load
load()
import kubernetes
from kubernetes import config
assert kubernetes.__version__ and "kubernetes.dynamic" in sys.modules
assert config.load_kube_config is kubernetes.config.load_kube_config
assert kubernetes.utils.parse_quantity("1k") == 1000
assert kubernetes.client.ApiClient.__module__ == "kubernetes.client.api_client"
assert kubernetes.client.rest.RESTClientObject is load()[1]
for name in ("nothing", "__wrapped__"):
    assert not hasattr(kubernetes, name) and not hasattr(kubernetes.utils, name)
"""

IN_FULL = """
import kubernetes
from functions.adapters.kubernetes_library import load
assert load()[1] is kubernetes.client.rest.RESTClientObject
"""


def python(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_first_create_imports_no_heavy_module(cluster: ApiServer, tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(cluster.kubeconfig())
    imported = python(CREATE, str(path)).splitlines()
    assert "kubernetes.client.rest" in imported
    assert [name for name in imported if name in HEAVY] == []


@pytest.mark.parametrize("code", [WHOLE, IN_FULL], ids=["deferred", "imported before"])
def test_other_users_of_the_package_find_it_whole(code: str) -> None:
    python(code)
