"""Kubeconfigs without a stored token: the served function, a metadata server, and a cluster that trusts Google."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from grpc import StatusCode

from tests.standins.apiserver import ApiServer
from tests.standins.google.metadata import ACCOUNT, Metadata
from tests.standins.kubernetes.access import User
from tests.support.deliveries import SECRET
from tests.support.function import ServedFunction
from tests.support.production import KUBECONFIG, Production, open_production, push, pushed

GKE = {
    "apiVersion": "client.authentication.k8s.io/v1beta1",
    "command": "gke-gcloud-auth-plugin",
    "installHint": "Install gke-gcloud-auth-plugin",
    "provideClusterInfo": True,
}
GCLOUD = {
    "apiVersion": "client.authentication.k8s.io/v1",
    "command": "gcloud",
    "args": ["auth", "print-identity-token", "--audiences=shop"],
}
LOGIN = {
    "apiVersion": "client.authentication.k8s.io/v1",
    "command": "kubectl",
    "args": [
        "oidc-login",
        "get-token",
        "--oidc-issuer-url=https://accounts.google.com",
        "--oidc-client-id=shop",
    ],
}


def kubeconfig(cluster: ApiServer, plugin: dict[str, Any]) -> str:
    document = yaml.safe_load(cluster.kubeconfig(namespace="goldstine-lab"))
    document["users"][0]["user"] = {"exec": plugin}
    return yaml.safe_dump(document)


@pytest.fixture
def production(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Production]:
    with open_production(tmp_path, monkeypatch) as found:
        yield found


@pytest.fixture
def metadata(production: Production) -> Iterator[Metadata]:
    with Metadata(lambda token: production.cluster.add_token(token, User(name=ACCOUNT))) as found:
        yield found


def keyless(production: Production, metadata: Metadata, plugin: dict[str, Any] = GKE) -> ServedFunction:
    production.add_kubeconfig(kubeconfig(production.cluster, plugin))
    production.cluster.revoke_token()
    return production.served(**metadata.environment)


def first(function: ServedFunction) -> list[str]:
    """Push as GitHub does that is asked to send again: a busy machine may need long for what the first one imports."""
    for _ in range(20):
        answer = push(function, pushed())
        if answer.status != 503:
            break
    return answer.statuses


@pytest.mark.parametrize(
    ("plugin", "asked"),
    [(GKE, "token"), (GCLOUD, "identity shop"), (LOGIN, "identity shop")],
    ids=["gke", "gcloud", "kubelogin"],
)
def test_a_push_is_created_with_a_token_that_is_made_once(
    production: Production, metadata: Metadata, plugin: dict[str, Any], asked: str
) -> None:
    with keyless(production, metadata, plugin) as function:
        assert first(function) == ["created"]
        made = len(metadata.asked)
        assert [push(function, pushed()).statuses for _ in range(3)] == [["created"]] * 3
    assert set(metadata.asked) == {asked}
    assert len(metadata.asked) == made
    assert {seen.user for seen in production.cluster.requests} == {ACCOUNT}
    if asked == "token":
        assert any(scope.endswith("/userinfo.email") for scope in metadata.scopes)


def test_a_local_file_of_that_kind_is_understood_as_well(production: Production, metadata: Metadata) -> None:
    path = production.workspace.directory / "kubeconfig"
    path.write_text(kubeconfig(production.cluster, GCLOUD))
    with production.served(**metadata.environment, KUBECONFIG_SECRET="", KUBECONFIG=str(path)) as function:
        assert first(function) == ["created"]
    assert set(metadata.asked) == {"identity shop"}


def test_many_threads_make_one_token(production: Production, metadata: Metadata) -> None:
    statuses: list[list[str]] = []
    with keyless(production, metadata) as function:
        threads = [threading.Thread(target=lambda: statuses.append(first(function))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert statuses == [["created"]] * 8
    assert len(metadata.asked) <= 3, "one, and what a busy machine lets time out"


def test_a_token_that_ends_soon_is_renewed_before_it_does(production: Production, metadata: Metadata) -> None:
    metadata.seconds = 200
    with keyless(production, metadata) as function:
        assert first(function) == ["created"]
        made = len(metadata.asked)
        metadata.seconds = 3600
        for _ in range(3):
            assert push(function, pushed()).statuses == ["created"]
    assert len(metadata.asked) == made + 1
    assert 401 not in [seen.status for seen in production.cluster.requests]


def test_a_new_token_needs_no_secret_manager(production: Production, metadata: Metadata) -> None:
    metadata.seconds = 200
    with keyless(production, metadata) as function:
        assert first(function) == ["created"]
        made = len(metadata.asked)
        production.manager.fail("", StatusCode.UNAVAILABLE, secret=KUBECONFIG)
        metadata.seconds = 3600
        assert push(function, pushed()).statuses == ["created"]
    assert len(metadata.asked) == made + 1


@pytest.mark.parametrize("status", [0, 404, 500], ids=["silence", "404", "500"])
def test_while_none_can_be_had_the_one_that_lasts_serves(
    production: Production, metadata: Metadata, status: int
) -> None:
    metadata.seconds = 200
    with keyless(production, metadata) as function:
        assert first(function) == ["created"]
        made = len(metadata.asked)
        metadata.status = status
        assert [push(function, pushed()).statuses for _ in range(2)] == [["created"]] * 2
    assert len(metadata.asked) - made <= 3, "the second delivery asks again, the third waits with it"


def test_a_token_that_the_cluster_refuses_is_renewed_once(production: Production, metadata: Metadata) -> None:
    with keyless(production, metadata) as function:
        assert first(function) == ["created"]
        made = len(metadata.asked)
        production.cluster.remove_token("ya29.1")
        metadata.forget()
        assert push(function, pushed()).statuses == ["created"]
        assert len(metadata.asked) == made + 1
        assert [seen.status for seen in production.cluster.requests if seen.status == 401] == [401]
        # the real server gives the same one as long as it lasts: then nothing but the cluster can mend it
        production.cluster.remove_token("ya29.2")
        refused = push(function, pushed())
        assert (refused.status, refused.statuses) == (503, ["failed"])
        assert len(metadata.asked) == made + 2


@pytest.mark.long
@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (0, 503, "Google's metadata server gives no token now"),
        (500, 503, "Google's metadata server gives no token now"),
        (404, 422, "there is no Google token for the cluster: give the function a service account"),
    ],
    ids=["silence", "500", "404"],
)
def test_without_a_token_the_delivery_fails_within_its_time_and_says_why(
    production: Production, metadata: Metadata, status: int, code: int, said: str
) -> None:
    metadata.status = status
    with keyless(production, metadata) as function:
        failed = push(function, pushed())
        assert (failed.status, failed.statuses) == (code, ["failed"])
        assert said in failed.reasons[0]
        assert len(production.cluster.requests) == 0
        metadata.status = 200
        assert first(function) == ["created"]
        log = "\n".join(function.lines)
    assert "canary" not in log + failed.text


def test_no_token_is_in_the_log_or_a_reply(production: Production, metadata: Metadata) -> None:
    with keyless(production, metadata) as function:
        replies = [push(function, pushed()).text]
        production.cluster.remove_token("ya29.1")
        replies.append(push(function, pushed()).text)
        log = "\n".join(function.lines)
    assert "ya29" not in log + "".join(replies)
    assert SECRET.decode() not in log


def test_a_google_front_end_needs_no_authority_and_every_other_server_does(
    production: Production, metadata: Metadata
) -> None:
    document = yaml.safe_load(kubeconfig(production.cluster, GKE))
    del document["clusters"][0]["cluster"]["certificate-authority-data"]
    production.manager.add("acme-prod", KUBECONFIG, yaml.safe_dump(document).encode())
    with production.served(**metadata.environment) as function:
        refused = push(function, pushed())
    assert refused.status == 422
    assert "certificate-authority-data is missing" in refused.reasons[0]
    assert list(metadata.asked) == [], "no token is made for a server that it would not be sent to"
