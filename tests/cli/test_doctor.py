"""`pipehook doctor`: what is wrong with a deployment is found, and the command that mends it is named."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import yaml

from functions.adapters.kubernetes.kubeconfig.access import ClusterAccess
from functions.cli.findings import OK, WARN, clock, server_date
from tests.cli.support import SECRET, Done, pipehook
from tests.standins.apiserver import ApiServer
from tests.standins.github_api import GitHubApi
from tests.standins.kubernetes.access import Rule, User
from tests.support.deliveries import PUSH
from tests.support.function import ROOT, free_port
from tests.support.sources import cel, github, inline, listener, run, template
from tests.support.workspace import Workspace

MAY = Rule(verbs=("create", "get"), groups=("tekton.dev",), resources=("pipelineruns",))


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer(tokens={"t": User(name="function", rules=(MAY,))}) as server:
        yield server


@pytest.fixture
def deployed(tmp_path: Path, server: ApiServer) -> Workspace:
    """A deployment without anything wrong."""
    workspace = Workspace(tmp_path / "w", server, namespace="lab")
    (workspace.directory / "kubeconfig").write_text(server.kubeconfig(token="t", namespace="lab"))
    push = github(eventTypes=["push"])
    workspace.write([listener(inline("build", push, cel("'a'.compareSecret('k', 'other')"))), template()])
    workspace.secret("hook", "token", SECRET.encode())
    workspace.secret("other", "k", b"v")
    return workspace


def looked(done: Done) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for check in done.json:
        found.setdefault(check["check"], []).append((check["result"], check["detail"]))
    return found


def test_a_deployment_without_anything_wrong(deployed: Workspace) -> None:
    done = pipehook("doctor", "-o", "json", environment=deployed.environment())
    assert done.code == 0, done.out
    found = looked(done)
    assert {(check["result"], check["remedy"]) for check in done.json} == {("ok", "")}
    assert set(found) == {
        "settings",
        "manifests",
        "secret lab/hook, key token",
        "secret lab/other, key k",
        "kubeconfig",
        "cluster",
        "Tekton",
        "clock",
        "PipelineRun in lab",
    }
    assert found["PipelineRun in lab"] == [
        ("ok", "the account may create pipelineruns"),
        ("ok", "the account may get pipelineruns"),
    ]
    assert SECRET not in done.out
    assert "All is well." in pipehook("doctor", environment=deployed.environment()).err


Break = Callable[[Workspace, ApiServer], dict[str, str]]


def no_secret(workspace: Workspace, _server: ApiServer) -> dict[str, str]:
    (workspace.directory / "secrets" / "hook" / "token").unlink()
    return {}


def line_break(workspace: Workspace, _server: ApiServer) -> dict[str, str]:
    workspace.secret("hook", "token", SECRET.encode() + b"\n")
    return {}


def quotes(workspace: Workspace, _server: ApiServer) -> dict[str, str]:
    workspace.secret("hook", "token", b'\xef\xbb\xbf"' + SECRET.encode() + b'"')
    return {}


def broken_manifest(workspace: Workspace, _server: ApiServer) -> dict[str, str]:
    workspace.write("kind: [", "broken.yaml")
    return {}


def refused(workspace: Workspace, server: ApiServer) -> dict[str, str]:
    server.revoke_token()
    return {}


def no_rights(workspace: Workspace, server: ApiServer) -> dict[str, str]:
    server.add_token("t", User(name="function", rules=()))
    return {}


def impersonated(workspace: Workspace, server: ApiServer) -> dict[str, str]:
    trigger = inline("build", github(eventTypes=["push"]), serviceAccountName="builder")
    workspace.write([listener(trigger), template()])
    return {}


@pytest.mark.parametrize(
    ("break_it", "check", "result", "said", "remedy"),
    [
        (lambda *_: {"NAMESPACE": "Lab"}, "settings", "failed", "NAMESPACE: must be", "docs/configuration.md"),
        (lambda *_: {"UNVERIFIED_TRIGGERS": "allow"}, "settings", "warning", "whoever finds the URL", "secretRef"),
        (lambda *_: {"QUEUE_TOPICS": "x"}, "settings", "warning", "QUEUE_TOPICS is no variable", "QUEUE_TOPIC meant?"),
        (lambda *_: {"TRIGGERS_SOURCE": "/nowhere"}, "manifests", "failed", "does not exist", "TRIGGERS_SOURCE"),
        (broken_manifest, "manifests", "failed", "not YAML", "pipehook validate"),
        (no_secret, "secret lab/hook, key token", "failed", "hook", "secrets/hook/token"),
        (line_break, "secret lab/hook, key token", "warning", "line break", "printf"),
        (
            quotes,
            "secret lab/hook, key token",
            "warning",
            "it begins with a byte-order mark; it stands in quotes",
            "printf",
        ),
        (lambda *_: {"KUBECONFIG": "/nowhere"}, "kubeconfig", "failed", "cannot be read", "pipehook kubeconfig"),
        (refused, "cluster", "failed", "401", "--rotate"),
        (
            no_rights,
            "PipelineRun in lab",
            "failed",
            "may not create pipelineruns",
            "kubectl create role pipehook -n lab",
        ),
        (impersonated, "PipelineRun in lab", "failed", "impersonate", "impersonate"),
    ],
)
def test_what_is_wrong_is_named_with_what_mends_it(
    deployed: Workspace, server: ApiServer, break_it: Break, check: str, result: str, said: str, remedy: str
) -> None:
    changed = break_it(deployed, server)
    done = pipehook("doctor", "-o", "json", environment=deployed.environment(**changed))
    assert done.code == (1 if result == "failed" else 0)
    entries: list[dict[str, Any]] = [
        entry for entry in done.json if entry["check"] == check and entry["result"] == result
    ]
    assert any(said in entry["detail"] and remedy in entry["remedy"] for entry in entries), done.out


def test_a_group_alone_needs_no_right_but_to_list(deployed: Workspace, server: ApiServer) -> None:
    alone = run()
    alone["metadata"]["annotations"] = {"pipehook.dev/concurrency-group": "g"}
    deployed.write([listener(inline("build", github(eventTypes=["push"]))), template("template", alone)])
    done = pipehook("doctor", "-o", "json", environment=deployed.environment())
    assert done.code == 1
    assert looked(done)["concurrency groups"] == [("failed", "the account may not list pipelineruns in lab")]
    (remedy,) = [entry["remedy"] for entry in done.json if entry["check"] == "concurrency groups"]
    assert "--verb=list --resource" in remedy
    server.add_token("t", User(name="function", rules=(MAY, Rule(verbs=("list",), resources=("pipelineruns",)))))
    again = pipehook("doctor", "-o", "json", environment=deployed.environment())
    assert looked(again)["concurrency groups"] == [("ok", "the account may list pipelineruns in lab")]


def test_the_rights_that_concurrency_groups_need(deployed: Workspace, server: ApiServer) -> None:
    grouped = {"pipehook.dev/concurrency-group": "g", "pipehook.dev/cancel-in-progress": "true"}
    grouping = run()
    grouping["metadata"]["annotations"] = grouped
    stop = {"apiVersion": "pipehook.dev/v1", "kind": "Cancellation", "spec": {"concurrencyGroup": "g"}}
    deployed.write([listener(inline("build", github(eventTypes=["push"]))), template("template", grouping, stop)])
    done = pipehook("doctor", "-o", "json", environment=deployed.environment())
    assert done.code == 1
    assert looked(done)["concurrency groups"] == [
        ("failed", "the account may not list pipelineruns in lab"),
        ("failed", "the account may not patch pipelineruns in lab"),
    ]
    assert not any("Cancellation" in check for check in looked(done)), "it is not created"
    server.add_token(
        "t", User(name="function", rules=(MAY, Rule(verbs=("list", "patch"), resources=("pipelineruns",))))
    )
    again = pipehook("doctor", "-o", "json", environment=deployed.environment())
    assert again.code == 0, again.out


def test_tekton_that_is_not_installed(deployed: Workspace, server: ApiServer) -> None:
    from tests.standins.faults import Fault

    server.faults.add(Fault(method="GET", path="/apis/tekton.dev/v1", status=404))
    done = pipehook("doctor", environment=deployed.environment())
    assert done.code == 1
    assert "the cluster serves no PipelineRun" in done.out
    assert "kubectl apply -f https://" in done.out


def test_the_triggers_of_a_cluster_and_the_rights_to_read_them(deployed: Workspace, server: ApiServer) -> None:
    environment = deployed.environment(TRIGGERS_SOURCE="cluster")
    done = pipehook("doctor", "-o", "json", environment=environment)
    assert done.code == 1
    assert "triggers cannot be read" in looked(done)["manifests"][0][1]
    reader = Rule(verbs=("list",), groups=("triggers.tekton.dev",))
    server.add_token("t", User(name="function", rules=(MAY, reader)))
    for document in [listener(inline("build", github(eventTypes=["push"]))), template()]:
        server.put_object({**document, "metadata": {**document["metadata"], "namespace": "lab"}})
    again = pipehook("doctor", "-o", "json", environment=environment)
    assert again.code == 0, again.out
    assert ("ok", "listeners: lab/listener") in looked(again)["manifests"]
    assert len(looked(again)["triggers in the cluster"]) == 4


def shipped(directory: str) -> list[dict[str, Any]]:
    """The objects of infra/cluster that a component or base holds."""
    files = (ROOT / "infra" / "cluster" / directory).glob("*.yaml")
    documents = [found for file in files for found in yaml.safe_load_all(file.read_text())]
    return [found for found in documents if found["kind"] not in ("Kustomization", "Component")]


def test_the_shipped_roles_are_all_that_a_cluster_source_needs(tmp_path: Path) -> None:
    namespace, user = "goldstine-lab", "system:serviceaccount:goldstine-lab:pipehook"
    with ApiServer(namespaces=[namespace], rbac=True, tokens={"t": User(name=user)}) as server:
        for directory in ("base", "components/read-triggers", "components/read-secrets"):
            for found in shipped(directory):
                server.put_object(found)
        manifests = (ROOT / "infra" / "triggers").glob("*.yaml")
        for found in (entry for file in manifests for entry in yaml.safe_load_all(file.read_text())):
            server.put_object(found)
        key = base64.b64encode(SECRET.encode()).decode()
        metadata = {"name": "github-webhook", "namespace": namespace}
        server.put_object({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"secretkey": key}})
        path = tmp_path / "kubeconfig"
        path.write_text(server.kubeconfig(token="t", namespace=namespace))
        environment = {"TRIGGERS_SOURCE": "cluster", "SECRETS_SOURCE": "cluster", "KUBECONFIG": str(path)}
        done = pipehook("doctor", "-o", "json", environment=environment)
        asked = {seen.path for seen in server.requests}
    assert [check for check in done.json if check["result"] != "ok"] == []
    assert done.code == 0
    assert not any("/namespaces/default/" in target for target in asked)


def closed_port(deployed: Workspace, server: ApiServer) -> str:
    return server.kubeconfig(token="t", namespace="lab").replace(server.url, f"https://127.0.0.1:{free_port()}")


def wrong_authority(deployed: Workspace, server: ApiServer) -> str:
    with ApiServer() as other:
        document = yaml.safe_load(server.kubeconfig(token="t", namespace="lab"))
        theirs = yaml.safe_load(other.kubeconfig())["clusters"][0]["cluster"]["certificate-authority-data"]
        document["clusters"][0]["cluster"]["certificate-authority-data"] = theirs
        return yaml.safe_dump(document)


@pytest.mark.parametrize("source", ["files", "cluster"])
@pytest.mark.parametrize(
    ("made", "said", "remedy"),
    [(closed_port, "connection refused", "address"), (wrong_authority, "certificate", "pipehook kubeconfig")],
)
def test_what_cannot_be_reached_is_asked_once(
    deployed: Workspace,
    server: ApiServer,
    made: Callable[[Workspace, ApiServer], str],
    said: str,
    remedy: str,
    source: str,
) -> None:
    (deployed.directory / "kubeconfig").write_text(made(deployed, server))
    sources = {"TRIGGERS_SOURCE": "cluster", "SECRETS_SOURCE": "cluster"} if source == "cluster" else {}
    done = pipehook("doctor", "-o", "json", environment=deployed.environment(**sources))
    assert done.code == 1
    (wrong,) = (check for check in done.json if check["result"] != "ok")
    assert (wrong["check"], said in wrong["detail"], remedy in wrong["remedy"]) == ("cluster", True, True), wrong
    assert "tried" not in wrong["detail"]


def test_githubs_last_deliveries(deployed: Workspace) -> None:
    with GitHubApi() as api:
        hook = api.add_hook("repos/acme/shop", "http://127.0.0.1:9/", secret=SECRET)
        name = f"repos/acme/shop/hooks/{hook.id}"
        environment = deployed.environment(GITHUB_API_URL=api.url, GITHUB_TOKEN=api.token, GITHUB_HOOKS=name)
        quiet = pipehook("doctor", "-o", "json", environment=environment)
        assert ("warning", "GitHub has delivered nothing in three days") in looked(quiet)[name]
        api.deliver(hook, "push", PUSH)
        failing = pipehook("doctor", "-o", "json", environment=environment)
        assert failing.code == 1
        assert looked(failing)[name][0][1].startswith("1 of the last 1 deliveries failed")
        without = pipehook("doctor", "-o", "json", environment={**environment, "GITHUB_TOKEN": ""})
        assert looked(without)["GitHub"][0][0] == "warning"


def test_the_environment_of_a_deployment_from_a_file(deployed: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "function.env"
    lines = [f"{name}={value}" for name, value in deployed.environment().items()]
    file.write_text("# a comment\n\n" + "\n".join(lines))
    assert pipehook("doctor", "--env-file", file).code == 0
    quoted = [f'export {name}="{value}"' for name, value in deployed.environment().items()]
    file.write_text("\n".join(quoted))
    assert pipehook("doctor", "--env-file", file).code == 0
    file.write_text("NAMESPACE")
    wrong = pipehook("doctor", "--env-file", file)
    assert wrong.code == 2
    assert "must be NAME=VALUE" in wrong.err


def test_the_environment_as_terraform_gives_it(deployed: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "environment.json"
    right, other = deployed.environment(), {"NAMESPACE": "Wrong"}
    several = {"webhook": right, "dispatch": other}
    for given in (right, several, {"environment": {"type": ["map", "string"], "value": several}}):
        file.write_text(json.dumps(given))
        done = pipehook("doctor", "--env-file", file)
        assert done.code == 0, done.out + done.err
    assert "NAMESPACE: must be" in pipehook("doctor", "--env-file", file, "--function", "dispatch").out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is no JSON"),
        ('{"NAMESPACE": 5}', "NAMESPACE: the values must be texts"),
        ('{"dispatch": {}}', "has no function webhook; --function names one of dispatch"),
    ],
)
def test_an_environment_that_is_none(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "environment.json"
    file.write_text(text)
    done = pipehook("doctor", "--env-file", file)
    assert done.code == 2
    assert said in done.err


def test_a_clock_that_is_wrong_is_doubtful() -> None:
    assert clock("the cluster", time.time() + 5).result == OK
    late = clock("the cluster", time.time() - 400)
    assert (late.result, late.remedy) == (WARN, "timedatectl set-ntp true")
    assert "differ by 400 s" in late.detail
    assert clock("the cluster", None).result == OK


def test_a_servers_time_is_that_of_its_answers() -> None:
    with HTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        found = server_date(ClusterAccess(server=f"http://127.0.0.1:{server.server_port}"))
        thread.join()
        assert found is not None
        assert abs(found - time.time()) < 30
    assert server_date(ClusterAccess(server="http://127.0.0.1:9")) is None


def test_each_cluster_is_looked_at_and_what_it_stores_is_said(deployed: Workspace) -> None:
    placed = template()
    placed["spec"]["resourcetemplates"][0]["metadata"]["annotations"] = {"pipehook.dev/cluster": "eu"}
    deployed.write([listener(inline("build", github(eventTypes=["push"]))), placed])
    with ApiServer(tokens={"e": User(name="function", rules=())}) as other:
        for name, text in (("eu", other.kubeconfig(token="e")), ("us", "{}")):
            (deployed.directory / name).write_text(text)
        names = f"eu={deployed.directory}/eu,us={deployed.directory}/us"
        done = pipehook("doctor", "-o", "json", environment=deployed.environment(CLUSTERS=names))
    found = looked(done)
    assert done.code == 1
    assert "it holds a token, whose end nobody can read" in found["kubeconfig"][0][1]
    assert found["cluster eu"] == [("ok", "the API answers, and accepts the credentials")]
    assert [result for result, _ in found["kubeconfig us"]] == ["failed"]
    assert found["PipelineRun in lab of cluster eu"][0] == ("failed", "the account may not create pipelineruns")
    remedy = next(check["remedy"] for check in done.json if check["check"] == "kubeconfig us")
    assert f"--cluster us --file {deployed.directory}/us" in remedy


def test_a_cluster_that_the_manifests_name_and_nobody_configured_is_a_mistake(deployed: Workspace) -> None:
    placed = template()
    placed["spec"]["resourcetemplates"][0]["metadata"]["annotations"] = {"pipehook.dev/cluster": "eu"}
    deployed.write([listener(inline("build", github(eventTypes=["push"]))), placed])
    done = pipehook("doctor", "-o", "json", environment=deployed.environment())
    assert done.code == 1
    assert "names eu, which CLUSTERS does not: it has none" in done.out
