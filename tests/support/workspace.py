"""A directory with manifests, secrets and a kubeconfig, and the environment that points at them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.standins.apiserver import ApiServer


class Workspace:
    """What a function is configured with: `manifests/`, `secrets/` and `kubeconfig` below one directory."""

    def __init__(self, directory: Path, cluster: ApiServer, *, namespace: str) -> None:
        self.directory = directory
        self.cluster = cluster
        self.namespace = namespace
        (directory / "manifests").mkdir(parents=True, exist_ok=True)
        (directory / "secrets").mkdir(exist_ok=True)
        (directory / "kubeconfig").write_text(cluster.kubeconfig(namespace=namespace))

    def write(self, manifests: Iterable[Mapping[str, Any]] | str, name: str = "triggers.yaml") -> None:
        """Write manifests; Secrets among them become files of the secrets' directory, as a mount has them."""
        if isinstance(manifests, str):
            (self.directory / "manifests" / name).write_text(manifests)
            return
        documents = list(manifests)
        for document in documents:
            if document["kind"] == "Secret":
                for key, value in document.get("stringData", {}).items():
                    self.secret(document["metadata"]["name"], key, value.encode())
        (self.directory / "manifests" / name).write_text(yaml.safe_dump_all(documents, allow_unicode=True))

    def secret(self, name: str, key: str, value: bytes) -> None:
        """Write one key of a secret."""
        path = self.directory / "secrets" / name / key
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(value)

    def environment(self, **more: str) -> dict[str, str]:
        """Return the variables that point here; `more` adds to them or replaces them."""
        return {
            "TRIGGERS_SOURCE": str(self.directory / "manifests"),
            "SECRETS_SOURCE": f"file://{self.directory / 'secrets'}",
            "KUBECONFIG": str(self.directory / "kubeconfig"),
            "NAMESPACE": self.namespace,
        } | more
