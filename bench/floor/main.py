"""The floor: the same secrets read and objects created by the same clients, and nothing else done to a delivery.

What any code pays that uses these packages by their front door. Nothing is verified, filtered or parsed.
"""

from __future__ import annotations

import os
import uuid

import functions_framework
import yaml
from flask import Request
from google.cloud import secretmanager
from kubernetes import client, config

PROJECT = os.environ["BENCH_PROJECT"]
NAMESPACE = os.environ["BENCH_NAMESPACE"]
SECRETS = secretmanager.SecretManagerServiceClient(client_options={"api_endpoint": os.environ["BENCH_SECRET_MANAGER"]})


def _secret(name: str) -> bytes:
    resource = f"projects/{PROJECT}/secrets/{name}/versions/latest"
    return SECRETS.access_secret_version(name=resource).payload.data


@functions_framework.http
def webhook(_request: Request) -> tuple[str, int]:
    """Create, whatever comes."""
    _secret("github-webhook")
    api = client.CustomObjectsApi(config.new_client_from_config_dict(yaml.safe_load(_secret("cluster"))))
    for _ in range(3):
        run = {
            "apiVersion": "tekton.dev/v1",
            "kind": "PipelineRun",
            "metadata": {"name": f"floor-{uuid.uuid4()}"},
            "spec": {"pipelineRef": {"name": "bench"}},
        }
        api.create_namespaced_custom_object("tekton.dev", "v1", NAMESPACE, "pipelineruns", run)
    return "created", 202
