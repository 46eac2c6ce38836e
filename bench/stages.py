"""One cold start taken apart in this very process: `python -m bench.stages` prints milliseconds by stage.

Run with the function's environment. The framework comes first, as it does in a deployment, and is timed as well.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator

STAGES = ("framework", "imports", "manifests and expressions", "clients", "first delivery")


def _measure() -> dict[str, float]:
    spent: dict[str, float] = {}

    @contextlib.contextmanager
    def stage(name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        spent[name] = (time.perf_counter() - started) * 1000

    with stage("framework"):
        from flask import Flask, request  # noqa: PLC0415 -- imports are what is measured
    from functions.adapters.libraries import importing  # noqa: PLC0415 -- as main.py and the adapters import

    with stage("imports"), importing():
        from functions.entrypoints import webhook  # noqa: PLC0415 -- imports are what is measured
    with stage("manifests and expressions"), importing():
        serve = webhook.start(os.environ)
    with stage("clients"), importing():
        import kubernetes.dynamic  # noqa: F401, PLC0415 -- imports are what is measured

        if os.environ["SECRETS_SOURCE"].startswith("secret-manager:"):
            from functions.adapters.secrets import manager_client  # noqa: PLC0415 -- as above

            manager_client.HOST = os.environ["BENCH_SECRET_MANAGER"]

    from bench.inputs import headers, push  # noqa: PLC0415 -- not before the function has been timed

    app = Flask(__name__)
    app.add_url_rule("/", view_func=lambda: serve(request), methods=["POST"], endpoint="webhook")
    body = push(2, number=os.getpid())
    client = app.test_client()
    with stage("first delivery"):
        answer = client.post("/", data=body, headers=headers(body))
    if answer.status_code != 202:
        raise RuntimeError(f"the delivery was answered with {answer.status_code}: {answer.text}")
    return spent


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_measure()) + "\n")
