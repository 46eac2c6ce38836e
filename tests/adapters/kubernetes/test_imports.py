"""When the cluster's client is imported, and what it brings."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.standins.apiserver import ApiServer
from tests.support.function import ROOT

NEEDLESS = ("kubernetes.client.api.core_v1_api", "concurrent.futures.thread", "flask")

CREATE = """
import sys
import functions.adapters.kubernetes.sink as sink
from functions.adapters.kubernetes.kubeconfig.file import KubeconfigFile
from functions.adapters.kubernetes.api import KubernetesApi
before = set(sys.modules)
assert not any(name.split(".")[0] in ("kubernetes", "urllib3", "yaml") for name in before), "imported too early"
from functions.common.ports import Deadline, Work
from functions.settings import Redelivery
run = {"apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "metadata": {"generateName": "x-"}, "spec": {}}
work = Work("t", "default", "i", "l", "default", "e", "k", "uid", "", (run,), True)
api = KubernetesApi(KubeconfigFile(sys.argv[1]))
deadline = Deadline(60.0, lambda: 0.0)
(found,) = sink.ClusterSink(api, redelivery=Redelivery.DEDUPLICATE).accept([work], deadline)
assert found.status.value == "created", found
print("\\n".join(sys.modules))
"""


def python(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nothing_of_the_client_is_imported_before_the_first_create(cluster: ApiServer, tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(cluster.kubeconfig())
    imported = python(CREATE, str(path)).splitlines()
    assert "kubernetes.dynamic" in imported
    assert [name for name in imported if name in NEEDLESS] == []
