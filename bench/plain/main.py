"""The plain way: the same work as one would write it first, with the four packages imported at the top.

Three CEL filters on a signed push, the key and the kubeconfig from Secret Manager, a PipelineRun for each trigger.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from typing import Any

import celpy
import functions_framework
import yaml
from celpy import celtypes
from celpy.adapter import json_to_cel
from flask import Request
from google.cloud import secretmanager
from kubernetes import client, config

PROJECT = os.environ["BENCH_PROJECT"]
NAMESPACE = os.environ["BENCH_NAMESPACE"]
FILTERS = (
    "body.ref == 'refs/heads/main'",
    "header.match('X-Github-Event', 'push') && body.ref.startsWith('refs/heads/')",
    "body.commits.exists(c, c.modified.exists(f, f.endsWith('.py')))",
)


def _match(header: Any, name: Any, value: Any) -> celtypes.BoolType:
    return celtypes.BoolType(header.get(name) == value)


ENVIRONMENT = celpy.Environment()
PROGRAMS = [ENVIRONMENT.program(ENVIRONMENT.compile(text), functions={"match": _match}) for text in FILTERS]
SECRETS = secretmanager.SecretManagerServiceClient(client_options={"api_endpoint": os.environ["BENCH_SECRET_MANAGER"]})


def _secret(name: str) -> bytes:
    resource = f"projects/{PROJECT}/secrets/{name}/versions/latest"
    return SECRETS.access_secret_version(name=resource).payload.data


@functions_framework.http
def webhook(request: Request) -> tuple[str, int]:
    """Verify, filter and create."""
    body = request.get_data()
    wanted = "sha256=" + hmac.new(_secret("github-webhook"), body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(wanted, request.headers.get("X-Hub-Signature-256", "")):
        return "no", 401
    payload = json.loads(body)
    seen = {"body": json_to_cel(payload), "header": json_to_cel(dict(request.headers.items()))}
    api = client.CustomObjectsApi(config.new_client_from_config_dict(yaml.safe_load(_secret("cluster"))))
    for number, program in enumerate(PROGRAMS):
        if program.evaluate(seen):
            run = {
                "apiVersion": "tekton.dev/v1",
                "kind": "PipelineRun",
                "metadata": {"name": f"plain-{payload['number']}-{number}"},
                "spec": {
                    "pipelineRef": {"name": "bench"},
                    "params": [{"name": "revision", "value": payload["head_commit"]["id"]}],
                },
            }
            api.create_namespaced_custom_object("tekton.dev", "v1", NAMESPACE, "pipelineruns", run)
    return "created", 202
