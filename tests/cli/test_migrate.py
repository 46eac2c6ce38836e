"""`pipehook migrate`: a cluster's objects, or files, become manifests that load, variables and a checklist."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hcl2
import pytest
import yaml

from functions.model.load import load_path
from tests.cli.support import pipehook
from tests.standins.apiserver import ApiServer
from tests.support.sources import cel, github, inline, listener, manifest, template, trigger

CORE = manifest("ClusterInterceptor", "github", {"clientConfig": {"service": {"name": "core", "namespace": "tekton"}}})
SERVICE = {"service": {"name": "checker", "namespace": "tools", "path": "/", "port": 8080}}


def objects() -> list[dict[str, Any]]:
    pod: dict[str, Any] = {
        "serviceAccountName": "tekton-triggers",
        "resources": {"kubernetesResource": {"replicas": 2}},
    }
    own = {"ref": {"name": "checker", "kind": "ClusterInterceptor"}}
    return [
        listener(inline("build", github("hook", eventTypes=["push"]), own), **pod),
        template(),
        manifest("ClusterInterceptor", "checker", {"clientConfig": SERVICE}),
        manifest("ClusterTriggerBinding", "common", {"params": [{"name": "a", "value": "$(body.after)"}]}),
    ]


def put(server: ApiServer, namespace: str, *documents: dict[str, Any]) -> None:
    for document in documents:
        place = {} if document["kind"].startswith("Cluster") else {"namespace": namespace}
        annotations = {"kubectl.kubernetes.io/last-applied-configuration": "{}", "kept": "yes"}
        metadata = {**document["metadata"], **place, "annotations": annotations}
        server.put_object({**document, "metadata": metadata, "status": {"conditions": []}})


def read(directory: Path) -> list[dict[str, Any]]:
    return [document for file in sorted(directory.glob("*.yaml")) for document in yaml.safe_load_all(file.read_text())]


@pytest.fixture
def migrated(tmp_path: Path) -> Path:
    spec = objects()
    with ApiServer(namespaces=["lab"]) as server:
        put(server, "lab", *spec, CORE)
        (tmp_path / "kubeconfig").write_text(server.kubeconfig(namespace="lab"))
        out = tmp_path / "out"
        args = ["migrate", "--kubeconfig", str(tmp_path / "kubeconfig"), "--out", str(out), "--project", "acme-builds"]
        done = pipehook(*args)
        assert done.code == 0, done.err
        assert "4 objects, 1 of them listeners" in done.err
        writes = [request for request in server.requests if request.method != "GET"]
        assert writes == []
    return out


def test_the_manifests_load_and_carry_nothing_of_the_server(migrated: Path) -> None:
    names = [file.name for file in sorted((migrated / "triggers").iterdir())]
    assert names == ["cluster-bindings.yaml", "cluster-interceptors.yaml", "listeners.yaml", "templates.yaml"]
    for document in read(migrated / "triggers"):
        assert set(document) == {"apiVersion", "kind", "metadata", "spec"}
        assert set(document["metadata"]) <= {"name", "namespace", "labels", "annotations"}
        assert document["metadata"]["annotations"] == {"kept": "yes"}
    registry = load_path(migrated / "triggers", namespace="default").registry
    assert list(registry.listeners) == [("lab", "listener")]
    assert "resources" not in read(migrated / "triggers")[2]["spec"]


def test_the_core_interceptors_of_tekton_are_left_out(migrated: Path) -> None:
    named = [d["metadata"]["name"] for d in read(migrated / "triggers") if d["kind"] == "ClusterInterceptor"]
    assert named == ["checker"]


def test_the_variables_are_those_of_the_infrastructure(migrated: Path) -> None:
    variables = hcl2.loads((migrated / "terraform.tfvars").read_text())
    known = {
        name.strip('"')
        for file in Path("infra").glob("variables*.tf")
        for entry in hcl2.loads(file.read_text())["variable"]
        for name in entry
    }
    given = {name: value for name, value in variables.items() if not name.startswith("__")}
    assert set(given) <= known
    assert [str(value).strip('"') for value in given["webhook_secrets"]] == ["hook"]
    assert [str(value).strip('"') for value in given["github_events"]] == ["push"]
    assert str(given["project"]).strip('"') == "acme-builds"
    assert (Path("infra") / str(given["triggers_directory"]).strip('"')).resolve() == (migrated / "triggers").resolve()
    assert str(given["event_listener"]).strip('"') == "lab/listener"


def test_the_checklist_names_what_somebody_has_to_do(migrated: Path) -> None:
    text = (migrated / "CHECK.md").read_text()
    for expected in (
        "`kubectl get secret hook -n lab -o jsonpath='{.data.token}' | base64 -d | gcloud secrets versions add hook",
        "ClusterInterceptor checker calls the Service tools/checker, which the function cannot reach by that name",
        "create and get PipelineRun (tekton.dev/v1) in lab",
        "ran as tekton-triggers; the function runs with the kubeconfig's account",
        "EventListener listener: resources left out",
        "pipehook hooks create OWNER/REPO URL --secret projects/",
        "PH404",
    ):
        assert expected in text, text


def test_from_files_by_namespace_and_never_over_what_is_there(tmp_path: Path) -> None:
    source = tmp_path / "in.yaml"
    documents = [listener(inline("a", github())), template()]
    documents += [
        {**document, "metadata": {**document["metadata"], "namespace": "other"}}
        for document in [listener(inline("b", github("hook"), cel("true"))), template()]
    ]
    source.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": documents}))
    out = tmp_path / "out"
    assert pipehook("migrate", source, "--out", out, "--namespace", "other").code == 0
    assert {document["metadata"]["namespace"] for document in read(out / "triggers")} == {"other"}
    again = pipehook("migrate", source, "--out", out)
    assert again.code == 2
    assert "--force" in again.err
    forced = pipehook("migrate", source, "--out", out, "--force")
    assert forced.code == 0
    assert "several listeners" in (out / "terraform.tfvars").read_text()


def test_secrets_of_one_name_in_two_namespaces_are_kept_apart(tmp_path: Path) -> None:
    documents = []
    for namespace in ("a", "b"):
        one = trigger("t", github(), labels={"x": "y"}, namespace=namespace)
        documents += [one, template(namespace=namespace)]
    selector: dict[str, Any] = {
        "namespaceSelector": {"matchNames": ["*"]},
        "labelSelector": {"matchLabels": {"x": "y"}},
    }
    documents.append(listener(**selector))
    (tmp_path / "in.yaml").write_text(yaml.safe_dump_all(documents))
    assert pipehook("migrate", tmp_path / "in.yaml", "--out", tmp_path / "out").code == 0
    text = (tmp_path / "out" / "terraform.tfvars").read_text()
    assert 'secret_id_format = "{namespace}_{name}"' in text
    assert '["a_hook", "b_hook"]' in text


def test_nothing_to_migrate(tmp_path: Path) -> None:
    (tmp_path / "in.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    done = pipehook("migrate", tmp_path / "in.yaml", "--out", tmp_path / "out")
    assert done.code == 1
    assert "no objects of Tekton Triggers" in done.err
    assert not (tmp_path / "out").exists()


def test_a_cluster_that_is_away_is_asked_once_and_ends_with_3(tmp_path: Path) -> None:
    with ApiServer() as server:
        (tmp_path / "kubeconfig").write_text(server.kubeconfig())
    done = pipehook("migrate", "--kubeconfig", tmp_path / "kubeconfig", "--out", tmp_path / "out")
    assert done.code == 3
    assert "the API: the cluster cannot be reached: connection refused" in done.err
    assert "tried" not in done.err
