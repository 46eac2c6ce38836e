"""The API server stand-in: who may do what."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from tests.standins.apiserver import ApiServer
from tests.standins.kubernetes.access import Rule, User
from tests.standins_tests.conftest import RUNS, client_of, run

if TYPE_CHECKING:
    from tests.standins_tests.conftest import Client

CREATOR = User(
    name="system:serviceaccount:lab:creator",
    rules=(Rule(verbs=("create", "get"), groups=("tekton.dev",), resources=("pipelineruns",), namespaces=("lab",)),),
)
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def test_strangers(server: ApiServer, client: Client) -> None:
    refused = client.refused("GET", RUNS, token="nobody")
    assert (refused["code"], refused["reason"], refused["message"]) == (401, "Unauthorized", "Unauthorized")
    anonymous = client.pool.request("GET", f"{client.url}{RUNS}")
    assert anonymous.status == 403
    assert 'User "system:anonymous" cannot list resource' in anonymous.json()["message"]


def test_rules_of_a_token() -> None:
    with ApiServer(tokens={"t": CREATOR}) as server:
        client = client_of(server)
        assert client.ask("POST", RUNS, run()).status == 201
        assert client.ask("GET", f"{RUNS}/r1").status == 200
        refused = client.refused("DELETE", f"{RUNS}/r1")
        assert refused["message"] == (
            'pipelineruns.tekton.dev "r1" is forbidden: User "system:serviceaccount:lab:creator" cannot delete '
            'resource "pipelineruns" in API group "tekton.dev" in the namespace "lab"'
        )
        assert refused["details"] == {"name": "r1", "group": "tekton.dev", "kind": "pipelineruns"}
        other = client.refused("POST", RUNS.replace("/lab/", "/prod/"), run())
        assert 'in the namespace "prod"' in other["message"]
        for verb, allowed in (("create", True), ("delete", False)):
            about = {"verb": verb, "group": "tekton.dev", "resource": "pipelineruns", "namespace": "lab"}
            asked = {"spec": {"resourceAttributes": about}}
            assert client.ask("POST", REVIEWS, asked).json()["status"]["allowed"] is allowed
        client.pool.clear()


def test_impersonation_is_honoured_and_recorded(server: ApiServer, client: Client) -> None:
    sent = {"Impersonate-User": "system:serviceaccount:lab:builder"}
    assert client.ask("POST", RUNS, run(), headers=sent).status == 201
    seen = server.requests[-1]
    assert (seen.user, seen.impersonated) == (
        "system:serviceaccount:default:pipehook",
        "system:serviceaccount:lab:builder",
    )
    server.add_token("t", CREATOR)
    refused = client.refused("POST", RUNS, run(), token="t", headers=sent)
    assert refused["message"] == (
        'serviceaccounts "builder" is forbidden: User "system:serviceaccount:lab:creator" cannot impersonate '
        'resource "serviceaccounts" in API group "" in the namespace "lab"'
    )


def test_stored_roles_and_tokens_of_accounts() -> None:
    rbac = "rbac.authorization.k8s.io"
    admin = User(name="admin", rules=(Rule(),))
    with ApiServer(rbac=True, tokens={"admin": admin}, namespaces=["lab"]) as server:
        client = client_of(server)
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "pipehook"}}
        client.ask("POST", "/api/v1/namespaces/lab/serviceaccounts", account)
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        path = "/api/v1/namespaces/lab/serviceaccounts/pipehook/token"
        token = client.ask("POST", path, asked).json()["status"]["token"]
        assert client.refused("POST", RUNS, run(), token=token)["code"] == 403
        rules = [{"apiGroups": ["tekton.dev"], "resources": ["pipelineruns"], "verbs": ["create"]}]
        role = {"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": {"name": "r"}, "rules": rules}
        subject = {"kind": "ServiceAccount", "name": "pipehook", "namespace": "lab"}
        binding = {
            "apiVersion": f"{rbac}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "b"},
            "subjects": [subject],
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "r"},
        }
        client.ask("POST", f"/apis/{rbac}/v1/namespaces/lab/roles", role)
        client.ask("POST", f"/apis/{rbac}/v1/namespaces/lab/rolebindings", binding)
        assert client.ask("POST", RUNS, run(), token=token).status == 201
        assert client.refused("GET", f"{RUNS}/r1", token=token)["code"] == 403
        client.pool.clear()


def test_secrets_for_long_lived_tokens(client: Client) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/service-account-token",
        "metadata": {"name": "t", "annotations": {"kubernetes.io/service-account.name": "default"}},
    }
    data = client.ask("POST", "/api/v1/namespaces/lab/secrets", secret).json()["data"]
    token = base64.b64decode(data["token"]).decode()
    assert client.ask("GET", RUNS, token=token).status == 200


def test_secrets_are_encoded(client: Client) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"k": "value"}}
    made = client.ask("POST", "/api/v1/namespaces/lab/secrets", secret).json()
    assert made["data"] == {"k": "dmFsdWU="}
    assert made["type"] == "Opaque"
    assert "stringData" not in made
