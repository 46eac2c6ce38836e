"""The function's own Kubernetes client creating the same objects with no function around it.

`python -m bench.bare` reads a job and prints what came of it.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from itertools import count
from typing import Any

from bench.inputs import NAMESPACE
from functions.adapters.kubernetes.api import KubernetesApi
from functions.adapters.kubernetes.kubeconfig.file import KubeconfigFile
from functions.common.ports import Deadline


def manifest(name: str) -> dict[str, Any]:
    """Return the PipelineRun that a delivery becomes."""
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "labels": {
                "triggers.tekton.dev/eventlistener": "listener",
                "triggers.tekton.dev/trigger": "trigger-0",
                "triggers.tekton.dev/triggers-eventid": "72d3162e-cc78-11e3-81ab-000000000000",
            },
            "annotations": {"pipehook.dev/delivery-key": "0" * 64},
        },
        "spec": {
            "status": "PipelineRunPending",
            "pipelineRef": {"name": "bench"},
            "params": [
                {"name": "revision", "value": "6dcb09b5b57875f334f61aebed695e2e4193db5e"},
                {"name": "url", "value": "https://github.com/octo/app"},
            ],
        },
    }


def create(*, kubeconfig: str, objects: int, concurrency: int, prefix: str) -> dict[str, Any]:
    """Create so many objects from so many threads."""
    api = KubernetesApi(KubeconfigFile(kubeconfig))
    numbers = count()
    taken = threading.Lock()

    def one(name: str) -> None:
        api.create(manifest(name), deadline=Deadline(time.monotonic() + 8, time.monotonic))

    def work() -> None:
        while True:
            with taken:
                number = next(numbers)
            if number >= objects:
                return
            one(f"{prefix}-{number}")

    one(f"{prefix}-first")  # imports, TLS and discovery are not what is compared
    threads = [threading.Thread(target=work) for _ in range(concurrency)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "rate": objects / seconds}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(create(**json.load(sys.stdin))) + "\n")
