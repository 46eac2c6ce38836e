"""Secrets from the remote cluster: Kubernetes Secrets in the trigger's own namespace, as Tekton reads them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping

from functions.adapters.secrets.ids import check_reference
from functions.adapters.secrets.manager import NotFoundError
from functions.adapters.secrets.values import Secret, SecretValue
from functions.common.errors import LastingError
from functions.common.ports import Deadline
from functions.common.values import Json, SecretRef

Read = Callable[[str, str, Deadline], Mapping[str, Json] | None]
"""Reads a Secret of the cluster by namespace and name; None when there is none. Raises LastingError, PassingError."""


class ClusterSecrets:
    """Reads secrets for the cache. A location is `namespace/name`."""

    def __init__(self, read: Read) -> None:
        self._read = read

    def locate(self, ref: SecretRef) -> str:
        """Return the location of a reference. Raises LastingError when it breaks Kubernetes' rules."""
        check_reference(ref)
        return f"{ref.namespace}/{ref.name}"

    def load(self, location: str, known: Secret | None, deadline: Deadline) -> Secret:  # noqa: ARG002 -- the cache's form
        """Read a Secret. Raises LastingError and PassingError."""
        namespace, _, name = location.partition("/")
        found = self._read(namespace, name, deadline)
        if found is None:
            raise NotFoundError(f'secrets "{name}" not found')
        data = found.get("data") or {}
        if not isinstance(data, Mapping):
            raise LastingError("its data is not a mapping")
        return Secret((SecretValue(b"", {str(key): _decoded(value) for key, value in data.items()}),))


def _decoded(value: object) -> bytes | None:
    try:
        return base64.b64decode(value, validate=True) if isinstance(value, str) else None
    except ValueError:
        return None
