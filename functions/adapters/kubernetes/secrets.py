"""Reads a Kubernetes Secret: what the adapter of secrets asks of a cluster."""

from __future__ import annotations

from collections.abc import Mapping

from functions.adapters.kubernetes.api import KubernetesApi
from functions.common.ports import Deadline
from functions.common.values import Json


def read_secret(api: KubernetesApi, namespace: str, name: str, deadline: Deadline) -> Mapping[str, Json] | None:
    """Return a Secret, None when there is none. Raises LastingError and PassingError."""
    resource = api.resource("v1", "Secret", deadline=deadline)
    return api.get(resource, namespace=namespace, name=name, deadline=deadline)
