"""Secrets from the remote cluster: Kubernetes Secrets in the trigger's own namespace, as Tekton reads them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Protocol

from functions.adapters.kubernetes.errors import ApiRefusedError
from functions.adapters.kubernetes.kinds import Resource
from functions.adapters.secrets.ids import check_reference
from functions.adapters.secrets.values import Secret, SecretValue
from functions.common.errors import LastingError
from functions.common.ports import Deadline
from functions.common.values import Json, SecretRef


class Objects(Protocol):
    """The part of `api.KubernetesApi` that secrets need."""

    def resource(self, api_version: str, kind: str, *, deadline: Deadline) -> Resource:
        """Return how objects of a kind are addressed."""

    def get(self, resource: Resource, *, namespace: str, name: str, deadline: Deadline) -> Mapping[str, Json]:
        """Return an object. Raises ApiRefusedError, other LastingErrors and PassingError."""


class ClusterSecrets:
    """Reads secrets for the cache. A location is `namespace/name`."""

    def __init__(self, objects: Callable[[], Objects]) -> None:
        self._objects = objects

    def locate(self, ref: SecretRef) -> str:
        """Return the location of a reference. Raises LastingError when it breaks Kubernetes' rules."""
        check_reference(ref)
        return f"{ref.namespace}/{ref.name}"

    def load(self, location: str, known: Secret | None, deadline: Deadline) -> Secret:  # noqa: ARG002 -- the cache's form
        """Read a Secret. Raises LastingError and PassingError."""
        namespace, _, name = location.partition("/")
        api = self._objects()
        try:
            resource = api.resource("v1", "Secret", deadline=deadline)
            found = api.get(resource, namespace=namespace, name=name, deadline=deadline)
        except ApiRefusedError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                raise LastingError(f'secrets "{name}" not found') from error
            raise
        data = found.get("data") or {}
        if not isinstance(data, Mapping):
            raise LastingError("its data is not a mapping")
        return Secret((SecretValue(b"", {str(key): _decoded(value) for key, value in data.items()}),))


def _decoded(value: object) -> bytes | None:
    try:
        return base64.b64decode(value, validate=True) if isinstance(value, str) else None
    except ValueError:
        return None
