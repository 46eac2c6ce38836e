"""The clusters that KUBECONFIG's contexts name, or stand-ins, and a namespace on each that goes away again."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config

from tests.standins.apiserver import ApiServer
from tests.support.deliveries import SECRET
from tests.support.function import ROOT, ServedFunction


@dataclass(frozen=True)
class Lab:
    """A namespace, and the directory that the function is configured from."""

    namespace: str
    directory: Path
    api: client.CustomObjectsApi

    def runs(self) -> list[dict[str, Any]]:
        """Return the namespace's PipelineRuns, as the API server has them."""
        found: Any = self.api.list_namespaced_custom_object("tekton.dev", "v1", self.namespace, "pipelineruns")
        items: list[dict[str, Any]] = found["items"]
        return items

    def environment(self, **more: str) -> dict[str, str]:
        """Return what points the function at this namespace."""
        return {
            "TRIGGERS_SOURCE": str(self.directory / "triggers"),
            "SECRETS_SOURCE": f"file://{self.directory / 'secrets'}",
            "KUBECONFIG": str(self.directory / "kubeconfig"),
            "NAMESPACE": self.namespace,
        } | more


@pytest.fixture(scope="session")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a kubeconfig file: the user's own, or the stand-in's."""
    named = os.environ.get("KUBECONFIG")
    if named:
        yield Path(named)
        return
    with ApiServer(strict_namespaces=True) as server, ApiServer(strict_namespaces=True) as other:
        path = tmp_path_factory.mktemp("cluster") / "kubeconfig"
        path.write_text(_with_two_contexts(server.kubeconfig(), other.kubeconfig()))
        yield path


def _with_two_contexts(first: str, second: str) -> str:
    """Return two kubeconfigs as one: the first one's context is current, the other one's is called `other`."""
    document, other = yaml.safe_load(first), yaml.safe_load(second)
    for kind in ("clusters", "users", "contexts"):
        document[kind] += [{**entry, "name": "other"} for entry in other[kind]]
    document["contexts"][-1]["context"] |= {"cluster": "other", "user": "other"}
    return yaml.safe_dump(document)


@dataclass(frozen=True)
class Other:
    """A namespace on the cluster of another context, and a kubeconfig file whose current context that is.

    Where KUBECONFIG has one context, it is that one: then the namespace alone is another.
    """

    namespace: str
    kubeconfig: Path
    api: client.CustomObjectsApi

    def runs(self) -> list[dict[str, Any]]:
        """Return the namespace's PipelineRuns, as that API server has them."""
        found: Any = self.api.list_namespaced_custom_object("tekton.dev", "v1", self.namespace, "pipelineruns")
        items: list[dict[str, Any]] = found["items"]
        return items


@pytest.fixture
def other(kubeconfig: Path, tmp_path: Path) -> Iterator[Other]:
    """Make a namespace on the cluster of the last context, and remove it afterwards."""
    document = yaml.safe_load(kubeconfig.read_text())
    document["current-context"] = document["contexts"][-1]["name"]
    path = tmp_path / "other-kubeconfig"
    path.write_text(yaml.safe_dump(document))
    api_client = config.new_client_from_config(str(path))  # type: ignore[no-untyped-call]  # it has no types
    core = client.CoreV1Api(api_client)
    namespace = f"pipehook-e2e-{uuid.uuid4().hex[:8]}"
    core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=namespace)))
    yield Other(namespace, path, client.CustomObjectsApi(api_client))
    core.delete_namespace(namespace)
    api_client.close()


@pytest.fixture
def lab(kubeconfig: Path, tmp_path: Path) -> Iterator[Lab]:
    """Make a namespace with the repository's own manifests in it, and remove it afterwards."""
    api_client = config.new_client_from_config(str(kubeconfig))  # type: ignore[no-untyped-call]  # it has no types
    core = client.CoreV1Api(api_client)
    namespace = f"pipehook-e2e-{uuid.uuid4().hex[:8]}"
    core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=namespace)))
    (tmp_path / "triggers").mkdir()
    for path in (ROOT / "infra" / "triggers").glob("*.yaml"):
        (tmp_path / "triggers" / path.name).write_text(path.read_text().replace("goldstine-lab", namespace))
    secret = tmp_path / "secrets" / "github-webhook" / "secretkey"
    secret.parent.mkdir(parents=True)
    secret.write_bytes(SECRET)
    (tmp_path / "kubeconfig").write_bytes(kubeconfig.read_bytes())
    yield Lab(namespace, tmp_path, client.CustomObjectsApi(api_client))
    core.delete_namespace(namespace)
    api_client.close()


@pytest.fixture
def serve(lab: Lab) -> Iterator[Callable[..., ServedFunction]]:
    """Serve the function for the lab; `more` adds variables."""
    served: list[ServedFunction] = []

    def start(**more: str) -> ServedFunction:
        function = ServedFunction(lab.environment(**more)).__enter__()
        served.append(function)
        return function

    yield start
    for function in served:
        function.__exit__(None, None, None)
