"""`pipehook kubeconfig`: from the administrator's access to the function's own, into Secret Manager, and rotated."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from functions.adapters.kubernetes.api import KubernetesApi
from functions.adapters.kubernetes.kubeconfig.reader import parse_kubeconfig
from functions.cli.admin import Given
from functions.common.ports import Deadline
from tests.cli.support import pipehook
from tests.cli.test_doctor import looked
from tests.standins.apiserver import ApiServer
from tests.standins.kubernetes.access import Rule, User
from tests.standins.secret_manager import SecretManager
from tests.support.function import ROOT
from tests.support.sources import github, inline, listener, run, template

SECRET = "projects/acme/secrets/pipehook-kubeconfig"
TRIGGERS = "infra/triggers"
LAB = "goldstine-lab"


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer(namespaces=[LAB], rbac=True, tokens={"admin": User(name="admin", rules=(Rule(),))}) as server:
        yield server


@pytest.fixture
def admin(server: ApiServer, tmp_path: Path) -> dict[str, str]:
    """The environment of an administrator."""
    path = tmp_path / "admin-kubeconfig"
    path.write_text(server.kubeconfig(token="admin"))
    return {"KUBECONFIG": str(path)}


def accounts(server: ApiServer) -> list[dict[str, Any]]:
    """The accounts that Kubernetes does not make itself."""
    return [entry for entry in server.objects("ServiceAccount", LAB) if entry["metadata"]["name"] != "default"]


def may_create(text: str, namespace: str = LAB) -> bool:
    access = parse_kubeconfig(text, trusted_local=False)
    deadline = Deadline(60.0, lambda: 0.0)
    return (
        KubernetesApi(Given(access))
        .review_access("create", group="tekton.dev", resource="pipelineruns", namespace=namespace, deadline=deadline)
        .allowed
    )


def test_it_makes_what_is_missing_and_writes_a_kubeconfig_that_works(admin: dict[str, str], server: ApiServer) -> None:
    done = pipehook("kubeconfig", "--namespace", LAB, "--create", "--triggers", TRIGGERS, environment=admin)
    assert done.code == 0, done.err
    document = yaml.safe_load(done.out)
    assert set(document) == {"apiVersion", "kind", "clusters", "contexts", "current-context", "users"}
    assert list(document["users"][0]["user"]) == ["token"]
    assert document["contexts"][0]["context"]["namespace"] == LAB
    assert may_create(done.out)
    assert not may_create(done.out, "default")
    (role,) = server.objects("Role", LAB)
    assert role["rules"] == [{"apiGroups": ["tekton.dev"], "resources": ["pipelineruns"], "verbs": ["create", "get"]}]
    (account,) = accounts(server)
    assert account["automountServiceAccountToken"] is False
    assert "The token ends at" in done.err
    again = pipehook("kubeconfig", "--namespace", LAB, "--create", "--triggers", TRIGGERS, environment=admin)
    assert again.code == 0
    assert "created" not in again.err


def test_an_account_of_another_namespace_gets_rights_of_its_own(admin: dict[str, str], server: ApiServer) -> None:
    server.put_object({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}})
    args = ["--create", "--triggers", TRIGGERS]
    assert pipehook("kubeconfig", "--namespace", LAB, *args, environment=admin).code == 0
    before = server.objects("Role", LAB), server.objects("RoleBinding", LAB)
    done = pipehook("kubeconfig", "--namespace", "other", *args, environment=admin)
    assert done.code == 0, done.err
    assert may_create(done.out)
    assert "created Role goldstine-lab/pipehook-other" in done.err
    assert "warning" not in done.err
    for kind, kept in zip(("Role", "RoleBinding"), before, strict=True):
        assert [entry for entry in server.objects(kind, LAB) if entry["metadata"]["name"] == "pipehook"] == kept


@pytest.mark.parametrize("lacking", ["verbs", "subject"])
def test_what_is_there_is_extended_and_said(admin: dict[str, str], server: ApiServer, lacking: str) -> None:
    metadata = {"name": "pipehook", "namespace": LAB}
    held = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    stranger = {"kind": "ServiceAccount", "name": "stranger", "namespace": LAB}
    version = "rbac.authorization.k8s.io/v1"
    if lacking == "verbs":
        server.put_object({"apiVersion": version, "kind": "Role", "metadata": metadata, "rules": [held]})
    else:
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "pipehook"}
        binding = {"kind": "RoleBinding", "metadata": metadata, "roleRef": reference, "subjects": [stranger]}
        server.put_object({"apiVersion": version, **binding})
    done = pipehook("kubeconfig", "--namespace", LAB, "--create", "--triggers", TRIGGERS, environment=admin)
    assert done.code == 0, done.err
    assert may_create(done.out)
    kind, field, kept = ("Role", "rules", held) if lacking == "verbs" else ("RoleBinding", "subjects", stranger)
    assert f"extended {kind} goldstine-lab/pipehook" in done.err
    (found,) = server.objects(kind, LAB)
    assert found[field][0] == kept
    assert len(found[field]) == 2
    again = pipehook("kubeconfig", "--namespace", LAB, "--create", "--triggers", TRIGGERS, environment=admin)
    assert "extended" not in again.err


STATUS, GROUP, CANCEL = (f"pipehook.dev/{name}" for name in ("status", "concurrency-group", "cancel-in-progress"))
PULL_REQUESTS = github(eventTypes=["pull_request"])


def asking(path: Path, **annotations: str) -> None:
    """Write manifests whose runs ask for what annotations say."""
    asked: dict[str, Any] = run()
    asked["metadata"]["annotations"] = annotations
    for found in (listener(inline("build", PULL_REQUESTS)), template("template", asked)):
        found["metadata"]["namespace"] = LAB
        (path / f"{found['kind']}.yaml").write_text(yaml.safe_dump(found))


def shipped(component: str) -> tuple[str, Any]:
    """Return name and rules of the Role of a component of infra/cluster."""
    text = (ROOT / "infra" / "cluster" / "components" / component / f"{component}.yaml").read_text()
    role = next(found for found in yaml.safe_load_all(text) if found["kind"] == "Role")
    return role["metadata"]["name"], role["rules"]


LIST = [{"apiGroups": ["tekton.dev"], "resources": ["pipelineruns"], "verbs": ["list"]}]


@pytest.mark.parametrize(
    ("annotations", "roles"),
    [
        ({}, {}),
        ({GROUP: "g"}, {"pipehook-concurrency": LIST}),
        ({GROUP: "g", CANCEL: "true"}, dict([shipped("concurrency")])),
        ({STATUS: "ci"}, dict([shipped("tell-statuses")])),
        ({GROUP: "g", CANCEL: "true", STATUS: "ci"}, dict([shipped("concurrency"), shipped("tell-statuses")])),
    ],
)
def test_what_manifests_ask_for_is_allowed_as_the_components_do(
    admin: dict[str, str], server: ApiServer, tmp_path: Path, annotations: dict[str, str], roles: dict[str, Any]
) -> None:
    triggers = tmp_path / "triggers"
    triggers.mkdir()
    asking(triggers, **annotations)
    target = tmp_path / "kubeconfig"
    args = ("kubeconfig", "--namespace", LAB, "--create", "--triggers", triggers, "--file", target)
    done = pipehook(*args, environment=admin)
    assert done.code == 0, done.err
    found = {role["metadata"]["name"]: role["rules"] for role in server.objects("Role", LAB)}
    assert found.pop("pipehook")[0]["verbs"] == ["create", "get"]
    assert found == roles
    bound = {binding["metadata"]["name"]: binding["subjects"] for binding in server.objects("RoleBinding", LAB)}
    account = [{"kind": "ServiceAccount", "name": "pipehook", "namespace": LAB}]
    assert bound == dict.fromkeys(["pipehook", *roles], account)
    assert all(f"created Role {LAB}/{name}" in done.err for name in roles)
    assert "extended" not in pipehook(*args, environment=admin).err

    environment = {"KUBECONFIG": str(target), "TRIGGERS_SOURCE": str(triggers)}
    rights = {
        (check.partition(" in ")[0], result)
        for check, rows in looked(pipehook("doctor", "-o", "json", environment=environment)).items()
        for result, _ in rows
        if check.startswith(("PipelineRun", "concurrency groups", "statuses in"))
    }
    asked = {"PipelineRun"} | ({"concurrency groups"} if GROUP in annotations else set())
    assert rights == {(check, "ok") for check in asked | ({"statuses"} if STATUS in annotations else set())}


def test_a_binding_to_another_role_is_left_alone_and_said(admin: dict[str, str], server: ApiServer) -> None:
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
    binding = {"kind": "RoleBinding", "metadata": {"name": "pipehook", "namespace": LAB}, "roleRef": reference}
    server.put_object({"apiVersion": "rbac.authorization.k8s.io/v1", **binding, "subjects": []})
    done = pipehook("kubeconfig", "--namespace", LAB, "--create", "--triggers", TRIGGERS, environment=admin)
    assert (done.code, done.out) == (1, "")
    assert "RoleBinding goldstine-lab/pipehook binds another role already" in done.err


def test_without_an_account_it_says_how_to_make_one(admin: dict[str, str], server: ApiServer) -> None:
    done = pipehook("kubeconfig", "--namespace", LAB, environment=admin)
    assert (done.code, done.out) == (1, "")
    assert "there is no ServiceAccount goldstine-lab/pipehook: kubectl apply -k infra/cluster" in done.err
    assert accounts(server) == []


def test_an_account_without_rights_is_warned_of(admin: dict[str, str], server: ApiServer) -> None:
    server.put_object({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "bare", "namespace": LAB}})
    done = pipehook("kubeconfig", "--namespace", LAB, "--service-account", "bare", environment=admin)
    assert done.code == 0
    assert "the account may not create PipelineRuns" in done.err


def test_a_file_is_for_its_owner_alone(admin: dict[str, str], tmp_path: Path) -> None:
    target = tmp_path / "kubeconfig"
    target.write_text("old")
    target.chmod(0o644)
    done = pipehook(
        *("kubeconfig", "--namespace", LAB, "--create", "--triggers", TRIGGERS, "--file", target), environment=admin
    )
    assert (done.code, done.out) == (0, "")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert may_create(target.read_text())


def test_into_secret_manager_and_rotated(admin: dict[str, str], server: ApiServer) -> None:
    with SecretManager() as manager:
        environment = admin | {"SECRET_MANAGER_EMULATOR_HOST": manager.host}
        args = ["kubeconfig", "--namespace", LAB, "--create", "--triggers", TRIGGERS, "--secret", SECRET]
        args += ["--token-secret", "pipehook-token"]
        first = pipehook(*args, environment=environment)
        assert (first.code, first.out) == (0, ""), first.err
        assert f"{SECRET}/versions/1" in first.err
        # Terraform would find in its way what was made here
        assert (
            f"created {SECRET}; Terraform makes it too: name pipehook-kubeconfig in its variable existing_secrets"
            in first.err
        )
        assert [entry["metadata"]["name"] for entry in server.objects("Secret", LAB)] == ["pipehook-token"]

        second = pipehook(*args, "--rotate", environment=environment)
        assert second.code == 0, second.err
        (left,) = server.objects("Secret", LAB)
        assert left["metadata"]["name"].startswith("pipehook-token-")
        assert f"disabled {SECRET}/versions/1" in second.err
        assert "existing_secrets" not in second.err
        assert "deleted Secret goldstine-lab/pipehook-token" in second.err
        methods = [call.method for call in manager.calls if call.code == "OK"]
        assert methods.count("AddSecretVersion") == 2
        assert methods.count("DisableSecretVersion") == 1
        token = left["data"]["token"]
        assert token not in second.err + second.out


def test_a_token_that_was_requested_cannot_be_taken_back_which_is_said(admin: dict[str, str]) -> None:
    said = "Tokens given out before live to their end; deleting ServiceAccount goldstine-lab/pipehook ends them now."
    with SecretManager() as manager:
        environment = admin | {"SECRET_MANAGER_EMULATOR_HOST": manager.host}
        args = ["kubeconfig", "--namespace", LAB, "--create", "--triggers", TRIGGERS, "--secret", SECRET, "--rotate"]
        first = pipehook(*args, environment=environment)
        assert first.code == 0, first.err
        assert said not in first.err
        assert said in pipehook(*args, environment=environment).err.splitlines()


def test_rotation_needs_somewhere_to_put_the_new_one(admin: dict[str, str]) -> None:
    done = pipehook("kubeconfig", "--namespace", LAB, "--rotate", environment=admin)
    assert done.code == 2
    assert "--rotate needs --secret" in done.err


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (["--namespace", "Lab"], "'--namespace': must be a namespace's name"),
        (
            ["--namespace", LAB, "--service-account", "My Own"],
            "must be a name as Kubernetes takes it",
        ),
        (["--namespace", LAB, "--server", "http://10.0.0.1"], "'--server': must be a URL such as https://"),
        (["--namespace", LAB, "--file", "/nowhere/kubeconfig"], "there is no directory /nowhere"),
        (["--namespace", LAB, "--cluster", "eu"], "--cluster says for which cluster --create allows what: give both"),
        (
            ["--namespace", LAB, "--create", "--triggers", TRIGGERS, "--cluster", "eu"],
            "no resource of the manifests has the annotation pipehook.dev/cluster: eu",
        ),
        (["--namespace", LAB, "--duration", "soon"], "--duration"),
        (["--namespace", LAB, "--context", "other"], "no context other; it has"),
        (["--namespace", LAB, "--kubeconfig", "/nowhere"], "there is no kubeconfig /nowhere"),
        (
            ["--namespace", LAB, "--create", "--triggers", TRIGGERS, "--secret", "mine"],
            "projects/PROJECT/secrets/SECRET",
        ),
    ],
)
def test_a_wrong_command_line(admin: dict[str, str], args: list[str], why: str) -> None:
    done = pipehook("kubeconfig", *args, environment=admin)
    assert done.code == 2
    assert why in done.err


def test_a_cluster_that_is_away_ends_with_3(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    with ApiServer() as server:
        path.write_text(server.kubeconfig())
    done = pipehook("kubeconfig", "--namespace", LAB, environment={"KUBECONFIG": str(path)})
    assert done.code == 3


PLUGIN = """
import json, os, sys
asked = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
assert asked["kind"] == "ExecCredential" and os.environ["WHO"] == "me" and sys.argv[1:] == ["--now"]
json.dump({"kind": "ExecCredential", "status": {"token": "admin"}}, sys.stdout)
"""


def test_an_administrator_may_use_a_credential_plugin_and_several_files(
    server: ApiServer, tmp_path: Path, admin: dict[str, str]
) -> None:
    (tmp_path / "plugin.py").write_text(PLUGIN)
    document = yaml.safe_load(server.kubeconfig())
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": sys.executable,
        "args": [str(tmp_path / "plugin.py"), "--now"],
        "env": [{"name": "WHO", "value": "me"}],
    }
    document["users"] = [{"name": "plugged", "user": {"exec": plugin}}]
    document["contexts"] = [{"name": "work", "context": {**document["contexts"][0]["context"], "user": "plugged"}}]
    document["current-context"] = "work"
    (tmp_path / "second").write_text(json.dumps(document))
    environment = {"KUBECONFIG": f"{tmp_path / 'missing'}:{admin['KUBECONFIG']}:{tmp_path / 'second'}"}
    args = ["kubeconfig", "--namespace", LAB, "--create", "--triggers", TRIGGERS, "--context", "work"]
    done = pipehook(*args, environment=environment)
    assert done.code == 0, done.err
    assert may_create(done.out)


def test_a_plugin_that_fails_is_named(server: ApiServer, tmp_path: Path) -> None:
    document = yaml.safe_load(server.kubeconfig())
    document["users"][0]["user"] = {"exec": {"command": "no-such-plugin", "installHint": "Install it."}}
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(document))
    done = pipehook("kubeconfig", "--namespace", LAB, environment={"KUBECONFIG": str(path)})
    assert done.code == 1
    assert "no-such-plugin is not installed. Install it." in done.err


IDENTITY = "google:runtime@acme-prod.iam.gserviceaccount.com"


@pytest.mark.parametrize(("more", "command"), [([], "gke-gcloud-auth-plugin"), (["--audience", "lab"], "gcloud")])
def test_without_a_token_the_identity_is_bound_and_the_file_works(
    admin: dict[str, str], server: ApiServer, more: list[str], command: str
) -> None:
    args = ["--namespace", LAB, "--create", "--triggers", TRIGGERS, "--keyless", "--identity", IDENTITY, *more]
    done = pipehook("kubeconfig", *args, environment=admin)
    assert done.code == 0, done.err
    (user,) = yaml.safe_load(done.out)["users"]
    assert (list(user["user"]), user["user"]["exec"]["command"]) == (["exec"], command)
    access = parse_kubeconfig(done.out, trusted_local=False)
    assert (access.token, access.credential is not None, access.ca_pem) == ("", True, server.ca_pem)
    assert accounts(server) == [], "no account, and so no token, is made"
    (binding,) = server.objects("RoleBinding", LAB)
    group = "rbac.authorization.k8s.io"
    assert binding["subjects"] == [{"kind": "User", "name": IDENTITY, "apiGroup": group}]
    server.add_token("as-google-gave-it", User(name=IDENTITY))
    document = yaml.safe_load(done.out)
    document["users"][0]["user"] = {"token": "as-google-gave-it"}
    assert may_create(yaml.safe_dump(document))


def test_an_identity_that_may_nothing_is_warned_of(admin: dict[str, str], server: ApiServer) -> None:
    args = ["--namespace", LAB, "--keyless", "--identity", IDENTITY]
    done = pipehook("kubeconfig", *args, environment=admin)
    assert done.code == 0
    assert f"{IDENTITY} may not create PipelineRuns in {LAB}: --create allows it" in done.err


def test_a_google_front_end_gets_no_authority(admin: dict[str, str]) -> None:
    server = "https://gke-0a1b2c3d4e5f-123456789012.europe-west6.gke.goog"
    args = ["--namespace", LAB, "--keyless", "--identity", IDENTITY, "--server", server]
    done = pipehook("kubeconfig", *args, environment=admin)
    assert done.code == 0, done.err
    assert yaml.safe_load(done.out)["clusters"][0]["cluster"] == {"server": server}


@pytest.mark.parametrize(
    "args",
    [["--keyless"], ["--identity", "x"], ["--audience", "x"], ["--keyless", "--identity", "x", "--token-secret", "y"]],
)
def test_options_that_contradict_each_other_are_named(admin: dict[str, str], args: list[str]) -> None:
    done = pipehook("kubeconfig", "--namespace", LAB, *args, environment=admin)
    assert (done.code, "--keyless needs --identity" in done.err) == (2, True)


def test_gcloud_prints_the_token_itself(server: ApiServer, tmp_path: Path) -> None:
    token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJtZSJ9.c2ln"
    server.add_token(token, User(name="me", rules=(Rule(),)))
    document = yaml.safe_load(server.kubeconfig())
    program = tmp_path / "gcloud"
    program.write_text(f"#!/bin/sh\necho {token}\n")
    program.chmod(0o755)
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": str(program), "args": ["auth"]}
    document["users"][0]["user"] = {"exec": plugin}
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(document))
    args = ["--namespace", LAB, "--create", "--triggers", TRIGGERS]
    assert pipehook("kubeconfig", *args, environment={"KUBECONFIG": str(tmp_path / "kubeconfig")}).code == 0
