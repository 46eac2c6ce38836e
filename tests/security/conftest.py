"""Fixtures of the security tests: the article's manifests, and one served function that they share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.standins.apiserver import ApiServer
from tests.support.deliveries import SECRET
from tests.support.function import ROOT, ServedFunction
from tests.support.workspace import Workspace

THREADS = 8
"""Of the shared function."""


def with_article(workspace: Workspace) -> Workspace:
    """Give a workspace the manifests of infra/triggers and the article's key."""
    for path in sorted((ROOT / "infra" / "triggers").glob("*.yaml")):
        workspace.write(path.read_text().replace("goldstine-lab", workspace.namespace), path.name)
    workspace.secret("github-webhook", "secretkey", SECRET)
    return workspace


@pytest.fixture
def article(new_workspace: Callable[[], Workspace]) -> Workspace:
    """The article's manifests in a namespace of the test's own."""
    return with_article(new_workspace())


@pytest.fixture(scope="package")
def served_workspace(tmp_path_factory: pytest.TempPathFactory, cluster: ApiServer) -> Workspace:
    """What the shared function is configured with."""
    return with_article(Workspace(tmp_path_factory.mktemp("served"), cluster, namespace="served-security"))


@pytest.fixture(scope="package")
def served(served_workspace: Workspace) -> Iterator[ServedFunction]:
    """The function as deployments run it: gunicorn through functions-framework, THREADS threads."""
    with ServedFunction(served_workspace.environment(), threads=THREADS) as function:
        yield function
