"""The API server stand-in: objects, lists, watches and refusals."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from kubernetes import client as kubernetes_library
from kubernetes import config as kubernetes_config

from tests.standins.apiserver import ApiServer
from tests.standins.kubernetes.kinds import Kind
from tests.standins_tests.conftest import MAPS, RUNS, Client, client_of, config_map, run

# Only a part of the package is annotated.
kubernetes_client: Any = kubernetes_library
config: Any = kubernetes_config


def test_the_kubernetes_client_creates_and_reads(server: ApiServer) -> None:
    settings = kubernetes_client.Configuration()
    loaded = yaml.safe_load(server.kubeconfig(namespace="lab"))
    config.load_kube_config_from_dict(loaded, client_configuration=settings)
    with kubernetes_client.ApiClient(settings) as api:
        custom = kubernetes_client.CustomObjectsApi(api)
        where = ("tekton.dev", "v1", "lab", "pipelineruns")
        made = custom.create_namespaced_custom_object(*where, run(None, generateName="build-"))
        name = made["metadata"]["name"]
        assert name.startswith("build-")
        assert len(name) == len("build-") + 5
        assert made["metadata"]["generateName"] == "build-"
        assert {"uid", "resourceVersion", "creationTimestamp"} <= made["metadata"].keys()
        assert custom.get_namespaced_custom_object(*where, name)["spec"] == made["spec"]
        with pytest.raises(kubernetes_client.ApiException) as caught:
            custom.get_namespaced_custom_object(*where, "other")
        assert caught.value.status == 404
    assert [entry["metadata"]["name"] for entry in server.objects("PipelineRun", "lab")] == [name]


def test_a_client_certificate_is_enough(server: ApiServer, tmp_path: Any) -> None:
    path = tmp_path / "config"
    path.write_text(server.kubeconfig(client_certificate=True, user="jane"))
    settings = kubernetes_client.Configuration()
    config.load_kube_config(str(path), client_configuration=settings)
    with kubernetes_client.ApiClient(settings) as api:
        kubernetes_client.CustomObjectsApi(api).list_namespaced_custom_object("tekton.dev", "v1", "lab", "pipelineruns")
    assert server.requests[-1].user == "jane"


def test_versions_share_storage(client: Client) -> None:
    client.ask("POST", RUNS, run())
    found = client.ask("GET", RUNS.replace("/v1/", "/v1beta1/") + "/r1").json()
    assert found["apiVersion"] == "tekton.dev/v1beta1"


def test_taken_names(client: Client) -> None:
    assert client.ask("POST", RUNS, run()).status == 201
    refused = client.refused("POST", RUNS, run())
    assert refused["code"] == 409
    assert refused["reason"] == "AlreadyExists"
    assert refused["message"] == 'pipelineruns.tekton.dev "r1" already exists'
    assert refused["details"] == {"name": "r1", "group": "tekton.dev", "kind": "pipelineruns"}


@pytest.mark.parametrize(
    ("metadata", "text"),
    [
        ({"name": "Upper"}, 'metadata.name: Invalid value: "Upper": a lowercase RFC 1123 subdomain'),
        ({"name": "x" * 254}, "must be no more than 253 bytes"),
        ({}, "metadata.name: Required value: name or generateName is required"),
        ({"generateName": "a_b-"}, 'metadata.generateName: Invalid value: "a_b-"'),
        ({"generateName": "-"}, 'metadata.generateName: Invalid value: "-"'),
        ({"name": "a", "labels": {"k": "a b"}}, "a valid label must be an empty string or"),
        ({"name": "a", "labels": {"k": "x" * 64}}, "must be no more than 63 bytes"),
        ({"name": "a", "labels": {"a/b/c": ""}}, "prefix part a lowercase RFC 1123 subdomain"),
        ({"name": "a", "labels": {"": ""}}, "name part must be non-empty"),
    ],
)
def test_invalid_metadata(client: Client, metadata: dict[str, Any], text: str) -> None:
    refused = client.refused("POST", RUNS, {**run(), "metadata": metadata})
    assert (refused["code"], refused["reason"]) == (422, "Invalid")
    assert text in refused["message"]
    assert refused["details"]["kind"] == "PipelineRun"


@pytest.mark.parametrize(
    ("path", "body", "code", "text"),
    [
        (RUNS, b"{", 400, "json parse error"),
        (RUNS, run(namespace="other"), 400, "the namespace of the provided object does not match"),
        (RUNS, {**run(), "apiVersion": "tekton.dev/v1beta1"}, 400, "does not match the expected API version"),
        (RUNS, {**run(), "kind": "TaskRun"}, 400, "cannot be handled as a PipelineRun"),
        (RUNS, run(labels={"a": 1}), 400, "cannot unmarshal number into Go struct field"),
        (MAPS, config_map("c", n=1), 400, "ConfigMap.data of type string"),
        (MAPS, config_map("c", n="x" * 1_600_000), 500, "etcdserver: request is too large"),
        (MAPS, config_map("c", n="x" * 3_200_000), 413, "limit is 3145728"),
        ("/api/v1/namespaces/lab/nothings", {}, 404, "the server could not find the requested resource"),
        ("/api/v1/configmaps", config_map("c"), 405, "the server does not allow this method"),
    ],
)
def test_refused_bodies_and_paths(client: Client, path: str, body: object, code: int, text: str) -> None:
    refused = client.refused("POST", path, body)
    assert refused["code"] == code
    assert text in refused["message"]


def test_unknown_groups_and_media_types(client: Client) -> None:
    answer = client.ask("POST", "/apis/nobody.example/v1/namespaces/lab/things", {})
    assert (answer.status, answer.data) == (404, b"404 page not found\n")
    assert client.refused("POST", RUNS, b"x", content_type="text/plain")["code"] == 415


def test_strict_namespaces() -> None:
    with ApiServer(strict_namespaces=True) as server:
        client = client_of(server)
        refused = client.refused("POST", RUNS, run())
        assert refused["message"] == 'namespaces "lab" not found'
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "lab"}}
        assert client.ask("POST", "/api/v1/namespaces", space).status == 201
        assert client.ask("POST", RUNS, run()).status == 201
        client.pool.clear()


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({}, "expected exactly one, got neither: spec.pipelineRef, spec.pipelineSpec"),
        ({"pipelineRef": {"name": "p"}, "pipelineSpec": {"tasks": []}}, "expected exactly one, got both"),
    ],
)
def test_tekton_webhooks(spec: dict[str, Any], text: str) -> None:
    with ApiServer(tekton_webhooks=True) as server:
        client = client_of(server)
        refused = client.refused("POST", RUNS, {**run(), "spec": spec})
        assert refused["code"] == 400
        prefix = 'admission webhook "validation.webhook.pipeline.tekton.dev" denied the request: '
        assert refused["message"].startswith(prefix)
        assert text in refused["message"]
        client.pool.clear()


def test_tekton_lets_nothing_of_a_run_change_but_its_status_and_of_one_that_is_done_nothing() -> None:
    with ApiServer(tekton_webhooks=True) as server:
        client = client_of(server)
        made = {**run(), "spec": {"pipelineRef": {"name": "p"}, "status": "PipelineRunPending"}}
        assert client.ask("POST", RUNS, made).status == 201
        where, merge = f"{RUNS}/{made['metadata']['name']}", "application/merge-patch+json"

        def patched(change: dict[str, Any]) -> int:
            return client.ask("PATCH", where, change, content_type=merge).status

        assert patched({"spec": {"pipelineRef": {"name": "other"}}}) == 400
        assert patched({"spec": {"status": "Paused"}}) == 400
        assert patched({"spec": {"status": None}}) == 200
        server.finish("PipelineRun", "lab", made["metadata"]["name"])
        assert patched({"spec": {"status": "Cancelled"}}) == 400
        assert patched({"metadata": {"annotations": {"a": "b"}}}) == 200
        assert patched({"metadata": {"resourceVersion": "1"}, "spec": {"status": "Cancelled"}}) == 409
        client.pool.clear()


def test_dry_run_stores_nothing(server: ApiServer, client: Client) -> None:
    assert client.ask("POST", f"{RUNS}?dryRun=All&fieldManager=x&fieldValidation=Strict", run()).status == 201
    assert server.objects() == []


def test_patches_updates_and_deletion(server: ApiServer, client: Client) -> None:
    client.ask("POST", RUNS, run(labels={"a": "1", "b": "2"}))
    merge = {"metadata": {"labels": {"a": None, "c": "3"}}}
    path = f"{RUNS}/r1"
    merged = client.ask("PATCH", path, merge, content_type="application/merge-patch+json").json()
    assert merged["metadata"]["labels"] == {"b": "2", "c": "3"}
    operations = [{"op": "replace", "path": "/spec/pipelineRef/name", "value": "other"}]
    changed = client.ask("PATCH", path, operations, content_type="application/json-patch+json").json()
    assert (changed["spec"]["pipelineRef"]["name"], changed["metadata"]["generation"]) == ("other", 2)
    assert client.refused("PUT", path, merged)["reason"] == "Conflict"
    assert client.ask("PUT", path, {**changed, "status": {"x": 1}}).json().get("status") is None
    with_status = {**changed, "status": {"x": 1}}
    assert client.ask("PUT", f"{path}/status", with_status).json()["status"] == {"x": 1}
    wrong = {"preconditions": {"uid": "else"}}
    assert client.refused("DELETE", path, wrong)["code"] == 409
    assert client.ask("DELETE", path).json()["status"] == "Success"
    assert client.refused("DELETE", path)["message"] == 'pipelineruns.tekton.dev "r1" not found'


def test_lists_select_and_page(client: Client) -> None:
    for number in range(5):
        client.ask(
            "POST", MAPS, {**config_map(f"c{number}"), "metadata": {"name": f"c{number}", "labels": {"n": str(number)}}}
        )
    chosen = client.ask("GET", f"{MAPS}?labelSelector=n+in+(1,2),n!%3D2").json()
    assert [item["metadata"]["name"] for item in chosen["items"]] == ["c1"]
    assert chosen["kind"] == "ConfigMapList"
    named = client.ask("GET", f"{MAPS}?fieldSelector=metadata.name%3Dc3").json()
    assert [item["metadata"]["name"] for item in named["items"]] == ["c3"]
    names, more = [], ""
    while True:
        page = client.ask("GET", f"{MAPS}?limit=2&continue={more}").json()
        names += [item["metadata"]["name"] for item in page["items"]]
        more = page["metadata"].get("continue", "")
        if not more:
            break
    assert names == ["c0", "c1", "c2", "c3", "c4"]
    client.ask("DELETE", f"{MAPS}?labelSelector=n+notin+(4)")
    assert len(client.ask("GET", MAPS).json()["items"]) == 1


def test_watches_tell_changes_and_resume(server: ApiServer, client: Client) -> None:
    client.ask("POST", RUNS, run("before"))
    version = client.ask("GET", RUNS).json()["metadata"]["resourceVersion"]
    stream = client.pool.request(
        "GET",
        f"{client.url}{RUNS}?watch=true&resourceVersion={version}",
        headers={"Authorization": f"Bearer {client.token}"},
        preload_content=False,
    )
    client.ask("POST", RUNS, run("after"))
    server.finish("PipelineRun", "lab", "after", succeeded=False)
    server.put_object({**run("else", namespace="elsewhere")})
    client.ask("DELETE", f"{RUNS}/after")
    events = []
    for chunk in stream.stream():
        events += [json.loads(line) for line in chunk.splitlines()]
        if events[-1]["type"] == "DELETED":
            break
    assert [event["type"] for event in events] == ["ADDED", "MODIFIED", "DELETED"]
    condition = events[1]["object"]["status"]["conditions"][0]
    assert (condition["type"], condition["status"]) == ("Succeeded", "False")
    stream.close()
    server.expire_history()
    late = client.ask("GET", f"{RUNS}?watch=true&resourceVersion={version}")
    gone = json.loads(late.data)
    assert (gone["type"], gone["object"]["code"], gone["object"]["reason"]) == ("ERROR", 410, "Expired")


def test_discovery_and_custom_kinds(server: ApiServer, client: Client) -> None:
    server.register(Kind(group="example.dev", kind="Widget", plural="widgets", namespaced=False))
    listed = client.ask("GET", "/apis/example.dev/v1").json()
    assert {"widgets", "widgets/status"} == {entry["name"] for entry in listed["resources"]}
    widget = {"apiVersion": "example.dev/v1", "kind": "Widget", "metadata": {"name": "w"}}
    assert client.ask("POST", "/apis/example.dev/v1/widgets", widget).status == 201
    groups = {group["name"] for group in client.ask("GET", "/apis").json()["groups"]}
    assert {"tekton.dev", "triggers.tekton.dev", "batch", "example.dev"} <= groups
    crds = client.ask("GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions").json()["items"]
    assert "eventlisteners.triggers.tekton.dev" in {crd["metadata"]["name"] for crd in crds}
    assert client.ask("GET", "/readyz").data == b"ok"
    assert client.ask("GET", "/version").json()["major"] == "1"


def test_custom_resource_definitions_make_kinds(client: Client) -> None:
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "gadgets.example.dev"},
        "spec": {
            "group": "example.dev",
            "names": {"kind": "Gadget", "plural": "gadgets"},
            "scope": "Namespaced",
            "versions": [{"name": "v2", "served": True, "storage": True}],
        },
    }
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    assert client.ask("POST", path, definition).status == 201
    gadget = {"apiVersion": "example.dev/v2", "kind": "Gadget", "metadata": {"generateName": "g-"}}
    assert client.ask("POST", "/apis/example.dev/v2/namespaces/lab/gadgets", gadget).status == 201
