"""The same objects with no function around them: by the function's own client, by `kubernetes`, by bare HTTP.

`python -m bench.bare` reads a job and prints what came of it.
"""

from __future__ import annotations

import json
import ssl
import sys
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPSConnection
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from kubernetes import client, config

from bench.inputs import NAMESPACE
from functions.adapters.kubernetes.api import KubernetesApi
from functions.adapters.kubernetes.kubeconfig.file import KubeconfigFile
from functions.common.ports import Deadline

PIPELINE_RUNS = "tekton.dev", "v1", "pipelineruns"


def manifest(name: str, namespace: str = NAMESPACE) -> dict[str, Any]:
    """Return the PipelineRun that a delivery becomes."""
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {
            "name": name,
            "namespace": namespace,
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


Create = Callable[[str, str], None]
"""Create the object of a name in a namespace."""


def own(kubeconfig: str) -> Create:
    """Return the function's own client, with its retries, bounds and deadline."""
    api = KubernetesApi(KubeconfigFile(kubeconfig))

    def one(name: str, namespace: str) -> None:
        api.create(manifest(name, namespace), deadline=Deadline(time.monotonic() + 8, time.monotonic))

    return one


def documented(kubeconfig: str) -> Create:
    """Return the client of the `kubernetes` package, used as its documentation does."""
    api = client.CustomObjectsApi(opened(kubeconfig))

    def one(name: str, namespace: str) -> None:
        api.create_namespaced_custom_object(*PIPELINE_RUNS[:2], namespace, PIPELINE_RUNS[2], manifest(name, namespace))

    return one


def http(kubeconfig: str) -> Create:
    """Return http.client with one connection for each thread: about the least that Python can do."""
    made = opened(kubeconfig).configuration
    context = ssl.create_default_context(cafile=made.ssl_ca_cert)
    if made.cert_file:
        context.load_cert_chain(made.cert_file, made.key_file)
    headers = {"Content-Type": "application/json"}
    headers |= {setting["key"]: setting["value"] for setting in made.auth_settings().values()}
    server = urlsplit(made.host)
    kept = threading.local()

    def one(name: str, namespace: str) -> None:
        if not hasattr(kept, "connection"):
            kept.connection = HTTPSConnection(server.hostname or "", server.port, context=context)
        path = f"{server.path}/apis/{'/'.join(PIPELINE_RUNS[:2])}/namespaces/{namespace}/{PIPELINE_RUNS[2]}"
        kept.connection.request("POST", path, json.dumps(manifest(name, namespace)), headers)
        answer = kept.connection.getresponse()
        answer.read()
        if answer.status != HTTPStatus.CREATED:
            raise RuntimeError(f"the cluster answers {answer.status}")

    return one


def opened(kubeconfig: str) -> client.ApiClient:
    """Return the `kubernetes` package's client of a kubeconfig's current context."""
    return config.new_client_from_config(kubeconfig)  # type: ignore[no-untyped-call]  # it has no types


CLIENTS = {"own": own, "kubernetes": documented, "http": http}


def create(
    *, kubeconfig: str, objects: int, concurrency: int, prefix: str, namespace: str = NAMESPACE, by: str = "own"
) -> dict[str, Any]:
    """Create so many objects from so many threads."""
    make = CLIENTS[by](kubeconfig)
    numbers = count()
    taken = threading.Lock()

    def one(name: str) -> None:
        make(name, namespace)

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
