"""One delivery end to end: the real function, the real Kubernetes client, the API-server stand-in."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml

from tests.support.application import Application
from tests.support.deliveries import PING, PUSH, SECRET, encoded, headers, signature
from tests.support.function import ROOT
from tests.support.workspace import Workspace

PUSH_BODY = encoded(PUSH)


@pytest.fixture
def article(workspace: Workspace) -> Workspace:
    """The manifests of infra/triggers, in a namespace of the test's own."""
    for path in sorted((ROOT / "infra" / "triggers").glob("*.yaml")):
        workspace.write(path.read_text().replace("goldstine-lab", workspace.namespace), path.name)
    workspace.secret("github-webhook", "secretkey", SECRET)
    return workspace


def runs(workspace: Workspace) -> list[dict[str, Any]]:
    return workspace.cluster.objects("PipelineRun", workspace.namespace)


def test_a_signed_push_starts_the_pipeline_and_the_reply_names_it(article: Workspace) -> None:
    guid = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
    answer = Application(article.environment()).post(PUSH_BODY, headers("push", PUSH_BODY, guid=guid))
    [run] = runs(article)
    assert answer.status == 202
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.text.endswith("\n")
    assert answer.json == {
        "eventListener": "build-deploy-pipeline-listener",
        "namespace": article.namespace,
        "eventListenerUID": "",
        "eventID": guid,
        "triggers": [
            {
                "name": "github-trigger",
                "namespace": article.namespace,
                "status": "created",
                "reason": "",
                "resources": [
                    {
                        "apiVersion": "tekton.dev/v1",
                        "kind": "PipelineRun",
                        "namespace": article.namespace,
                        "name": run["metadata"]["name"],
                    }
                ],
            }
        ],
    }
    assert run["spec"]["pipelineRef"] == {"name": "build-deploy-pipeline"}
    assert {param["name"]: param["value"] for param in run["spec"]["params"]} == {
        "gitrevision": PUSH["head_commit"]["id"],
        "gitrepositoryurl": PUSH["repository"]["url"],
    }
    assert run["metadata"]["labels"] == {
        "triggers.tekton.dev/eventlistener": "build-deploy-pipeline-listener",
        "triggers.tekton.dev/trigger": "github-trigger",
        "triggers.tekton.dev/triggers-eventid": guid,
    }


def test_the_articles_own_spelling_works_beside_kinds_that_are_not_ours(workspace: Workspace) -> None:
    workspace.write(
        """
apiVersion: v1
kind: Secret
metadata: {name: github-webhook}
type: Opaque
stringData: {secretkey: "1234567"}
---
apiVersion: triggers.tekton.dev/v1alpha1
kind: EventListener
metadata: {name: listener}
spec:
  serviceAccountName: pipeline
  triggers:
  - name: github-trigger
    interceptors:
    - github:
        secretRef: {secretName: github-webhook, secretKey: secretkey}
        eventTypes: [push]
    bindings: [{ref: binding}]
    template: {ref: template}
---
apiVersion: triggers.tekton.dev/v1alpha1
kind: TriggerBinding
metadata: {name: binding}
spec: {params: [{name: gitrevision, value: $(body.head_commit.id)}]}
---
apiVersion: triggers.tekton.dev/v1alpha1
kind: TriggerTemplate
metadata: {name: template}
spec:
  params: [{name: gitrevision}]
  resourcetemplates:
  - apiVersion: tekton.dev/v1beta1
    kind: PipelineRun
    metadata: {generateName: build-}
    spec: {pipelineRef: {name: build}, params: [{name: rev, value: $(tt.params.gitrevision)}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: listener}
spec: {rules: [{host: hooks.example.com}]}
"""
    )
    workspace.secret("github-webhook", "secretkey", SECRET)
    answer = Application(workspace.environment()).post(PUSH_BODY, headers("push", PUSH_BODY))
    assert (answer.status, answer.statuses) == (202, ["created"])
    assert runs(workspace)[0]["spec"]["params"] == [{"name": "rev", "value": PUSH["head_commit"]["id"]}]


@pytest.mark.parametrize("ref", ["refs/heads/feature/x", "refs/tags/v1"])
def test_a_deleted_branch_or_tag_is_filtered_by_the_shipped_manifests(
    article: Workspace, capsys: pytest.CaptureFixture[str], ref: str
) -> None:
    """Every merge with "delete branch" sends one: a push whose head_commit is null."""
    body = encoded(PUSH | {"ref": ref, "after": "0" * 40, "deleted": True, "commits": [], "head_commit": None})
    answer = Application(article.environment()).post(body, headers("push", body))
    assert (answer.status, answer.statuses) == (202, ["filtered"])
    assert "ERROR" not in capsys.readouterr().out
    assert runs(article) == []


def test_relative_manifests_are_found_wherever_the_framework_was_started(
    article: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    environment = article.environment(TRIGGERS_SOURCE="infra/triggers")
    assert Application(environment).request("GET").status == 200
    (tmp_path / "infra" / "triggers").mkdir(parents=True)
    (tmp_path / "infra" / "triggers" / "own.yaml").write_text("apiVersion: v1\nkind: Secret\nmetadata: {name: x}\n")
    assert Application(environment).request("GET").status == 500, "those of the working directory go first"


def test_ping_is_filtered_in_tektons_words(article: Workspace) -> None:
    body = encoded(PING)
    answer = Application(article.environment()).post(body, headers("ping", body))
    assert (answer.status, answer.statuses) == (202, ["filtered"])
    assert answer.reasons == ["event type ping is not allowed"]
    assert runs(article) == []


def test_githubs_published_vector_passes(article: Workspace) -> None:
    # https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    article.secret("github-webhook", "secretkey", b"It's a Secret to Everybody")
    vector = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    sent = {"X-GitHub-Event": "push", "X-Hub-Signature-256": vector}
    answer = Application(article.environment()).post(b"Hello, World!", sent)
    assert answer.status == 400, "verified, and then no JSON"


WRONG = {
    "missing": ({}, "no X-Hub-Signature-256 header set"),
    "empty": ({"X-Hub-Signature-256": ""}, "no X-Hub-Signature-256 header set"),
    "no digest": ({"X-Hub-Signature-256": "sha256="}, "error parsing signature"),
    "short": ({"X-Hub-Signature-256": "sha256=zz"}, "error parsing signature"),
    "nonsense": ({"X-Hub-Signature-256": "nonsense"}, "error parsing signature"),
    "not ASCII": ({"X-Hub-Signature-256": "sha256=" + "é" * 64}, "error parsing signature"),
    "sha1= in the header of SHA-256": (
        {"X-Hub-Signature-256": "sha1=" + hmac.new(SECRET, PUSH_BODY, hashlib.sha1).hexdigest()},
        'unknown hash type prefix: "sha1"',
    ),
    "md5": ({"X-Hub-Signature-256": "md5=00"}, 'unknown hash type prefix: "md5"'),
    "SHA-1 alone": (
        {"X-Hub-Signature": "sha1=" + hmac.new(SECRET, PUSH_BODY, hashlib.sha1).hexdigest()},
        "no X-Hub-Signature-256 header set",
    ),
    "another key": ({"X-Hub-Signature-256": signature(PUSH_BODY, b"other")}, "payload signature check failed"),
    "another body": ({"X-Hub-Signature-256": signature(PUSH_BODY + b" ")}, "payload signature check failed"),
    "an empty key": ({"X-Hub-Signature-256": signature(PUSH_BODY, b"")}, "payload signature check failed"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_forgery_is_401_with_the_reason_and_nothing_more(case: str, article: Workspace) -> None:
    more, reason = WRONG[case]
    sent = headers("push", PUSH_BODY, secret=None) | more
    answer = Application(article.environment()).post(PUSH_BODY, sent)
    assert (answer.status, answer.statuses) == (401, ["rejected"])
    assert answer.reasons[0].startswith(reason)
    for told in ("github-webhook", "secretkey", "github-trigger", "build-deploy", article.namespace):
        assert told not in answer.text
    assert runs(article) == []


def test_upper_case_hexadecimal_is_right_too(article: Workspace) -> None:
    sent = headers("push", PUSH_BODY) | {"X-Hub-Signature-256": "sha256=" + signature(PUSH_BODY)[7:].upper()}
    assert Application(article.environment()).post(PUSH_BODY, sent).status == 202


def test_the_signature_comes_before_the_event_type_and_before_the_body_is_read(article: Workspace) -> None:
    application = Application(article.environment())
    for body in (b"not json", b"[" * 100_000, b"\xff"):
        answer = application.post(body, headers("ping", body, secret=b"wrong"))
        assert (answer.status, answer.reasons) == (401, ["payload signature check failed"])


@pytest.mark.parametrize("value", [b"", b"\n"])
def test_an_empty_secret_fails_the_trigger_and_never_passes(value: bytes, article: Workspace) -> None:
    article.secret("github-webhook", "secretkey", value)
    answer = Application(article.environment()).post(PUSH_BODY, headers("push", PUSH_BODY, secret=value))
    assert (answer.status, answer.statuses) == (422, ["failed"])
    assert "github-webhook" not in answer.text
    assert runs(article) == []


def test_a_missing_secret_fails_and_names_itself_in_the_log_alone(
    article: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    (article.directory / "secrets" / "github-webhook" / "secretkey").unlink()
    answer = Application(article.environment()).post(PUSH_BODY, headers("push", PUSH_BODY))
    assert (answer.status, answer.statuses) == (422, ["failed"])
    assert "github-webhook" not in answer.text
    assert "github-webhook" in capsys.readouterr().out


def test_a_trigger_that_verifies_nothing_runs_only_when_allowed(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace.write([listener([trigger("open", interceptors=[])]), template()])
    application = Application(workspace.environment())
    [entry] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert entry["severity"] == "ERROR", "at start, before any delivery"
    assert f"trigger {workspace.namespace}/open can never run: the trigger verifies nothing" in entry["message"]
    answer = application.post(PUSH_BODY, headers("push", PUSH_BODY))
    assert (answer.status, answer.statuses) == (422, ["failed"])
    assert "UNVERIFIED_TRIGGERS=allow" in answer.reasons[0]
    assert runs(workspace) == []
    capsys.readouterr()
    allowed = Application(workspace.environment(UNVERIFIED_TRIGGERS="allow"))
    assert capsys.readouterr().out == ""
    assert allowed.post(PUSH_BODY, headers("push", PUSH_BODY)).statuses == ["created"]


def github(**params: Any) -> dict[str, Any]:
    found = {"secretRef": {"secretName": "github-webhook", "secretKey": "secretkey"}} | params
    return {
        "ref": {"name": "github"},
        "params": [{"name": name, "value": value} for name, value in found.items() if value is not None],
    }


def trigger(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "interceptors": [github()], "bindings": [], "template": {"ref": "t"}} | more


def listener(triggers: list[dict[str, Any]], name: str = "listener", **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "triggers.tekton.dev/v1beta1",
        "kind": "EventListener",
        "metadata": {"name": name} | metadata,
        "spec": {"triggers": triggers},
    }


def template(name: str = "t", *resources: dict[str, Any]) -> dict[str, Any]:
    run = {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {"generateName": "run-"},
        "spec": {"pipelineRef": {"name": "p"}},
    }
    return {
        "apiVersion": "triggers.tekton.dev/v1beta1",
        "kind": "TriggerTemplate",
        "metadata": {"name": name},
        "spec": {"resourcetemplates": list(resources) or [run]},
    }


def test_a_mistake_inside_one_trigger_fails_that_trigger_alone(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace.secret("github-webhook", "secretkey", SECRET)
    workspace.write(
        [
            listener(
                [
                    trigger("no-binding", bindings=[{"ref": "nowhere"}]),
                    trigger("no-template", template={"ref": "nowhere"}),
                    trigger("no-interceptor", interceptors=[github(), {"ref": {"name": "nobody"}}]),
                    trigger("twice", bindings=[{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]),
                    trigger("mistyped-param", interceptors=[github(eventTypes="push")]),
                    trigger("good"),
                ]
            ),
            template(),
        ]
    )
    application = Application(workspace.environment())
    logged = capsys.readouterr().out
    answer = application.post(PUSH_BODY, headers("push", PUSH_BODY))
    assert answer.status == 422
    assert answer.statuses == ["failed", "failed", "failed", "failed", "failed", "created"]
    for reason, named in zip(answer.reasons, ("nowhere", "nowhere", "nobody", "duplicate param name: a"), strict=False):
        assert named in reason
    for name in ("no-binding", "no-template", "no-interceptor", "twice", "mistyped-param"):
        assert name in logged
    assert len(runs(workspace)) == 1


def test_what_a_binding_misses_fails_its_trigger_lastingly(workspace: Workspace) -> None:
    workspace.secret("github-webhook", "secretkey", SECRET)
    workspace.write([listener([trigger("t", bindings=[{"name": "p", "value": "$(body.x)"}])]), template()])
    answer = Application(workspace.environment()).post(PUSH_BODY, headers("push", PUSH_BODY))
    assert (answer.status, answer.statuses) == (422, ["failed"])
    assert answer.reasons == ["failed to replace JSONPath value for param p: $(body.x): x is not found"]


def test_of_several_secrets_the_right_ones_accept(workspace: Workspace) -> None:
    workspace.secret("github-webhook", "secretkey", SECRET)
    workspace.secret("other", "key", b"another")
    other = github(secretRef={"secretName": "other", "secretKey": "key"})
    workspace.write([listener([trigger("ours"), trigger("theirs", interceptors=[other])]), template()])
    answer = Application(workspace.environment()).post(PUSH_BODY, headers("push", PUSH_BODY))
    assert (answer.status, answer.statuses) == (202, ["created", "rejected"])


BAD_BODIES = {
    "not JSON": b"{",
    "empty": b"",
    "a list": b"[]",
    "a string": b'"x"',
    "deep": b"[" * 200_000,
    "deep and closed": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "digits": b'{"a":' + b"1" * 10_000 + b"}",
    "huge float": b'{"a":1e999}',
    "no text": b'\xff{"a":1}',
    "NaN": b'{"a":NaN}',
    "two texts": b"{}{}",
}


@pytest.mark.parametrize("case", BAD_BODIES)
def test_a_signed_body_that_is_no_event_is_400_with_a_sentence(case: str, article: Workspace) -> None:
    body = BAD_BODIES[case]
    answer = Application(article.environment()).post(body, headers("push", body))
    assert answer.status == 400
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json["errorMessage"].startswith("the body ")
    assert runs(article) == []


def test_a_body_over_25_mib_is_413_before_anything_else(article: Workspace) -> None:
    body = b" " * (25 * 1024 * 1024 + 1)
    answer = Application(article.environment()).post(body, headers("push", b""))
    assert (answer.status, answer.json["errorMessage"]) == (413, "the body is larger than 25 MiB")


def test_a_large_push_runs(article: Workspace) -> None:
    body = encoded(PUSH | {"padding": "x" * (20 * 1024 * 1024)})
    assert Application(article.environment()).post(body, headers("push", body)).statuses == ["created"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_405(method: str, article: Workspace) -> None:
    answer = Application(article.environment()).request(method, "/", body=PUSH_BODY)
    assert answer.status == 405
    assert "POST" in answer.headers["Allow"]
    assert answer.headers["Content-Type"] == "application/json"


def test_get_answers_probes_without_a_word_on_the_configuration(article: Workspace) -> None:
    application = Application(article.environment())
    assert (application.request("GET").status, application.request("GET").json) == (200, {"status": "ok"})
    assert application.request("HEAD").status == 200
    assert application.request("GET", "/elsewhere").status == 405


def test_githubs_form_encoding_works(article: Workspace) -> None:
    body = urlencode({"payload": PUSH_BODY.decode()}).encode()
    sent = headers("push", body) | {"Content-Type": "application/x-www-form-urlencoded"}
    assert Application(article.environment()).post(body, sent).statuses == ["created"]


def test_of_duplicate_keys_the_last_wins(article: Workspace) -> None:
    body = PUSH_BODY[:-1] + b',"head_commit":{"id":"last"}}'
    assert Application(article.environment()).post(body, headers("push", body)).statuses == ["created"]
    assert runs(article)[0]["spec"]["params"][0]["value"] == "last"


def test_the_path_chooses_between_several_listeners(workspace: Workspace) -> None:
    workspace.secret("github-webhook", "secretkey", SECRET)
    workspace.write([listener([trigger("a")], "one"), listener([trigger("b")], "two"), template()])
    application = Application(workspace.environment())
    chosen = application.post(PUSH_BODY, headers("push", PUSH_BODY), f"/{workspace.namespace}/two/more?x=1")
    assert (chosen.status, chosen.json["eventListener"]) == (202, "two")
    assert application.post(PUSH_BODY, headers("push", PUSH_BODY), "/").status == 404
    fixed = Application(workspace.environment(EVENT_LISTENER="one"))
    assert fixed.post(PUSH_BODY, headers("push", PUSH_BODY), "/anywhere").json["eventListener"] == "one"


BROKEN = {
    "a variable": ({"QUEUE_MODE": "sometimes"}, "QUEUE_MODE"),
    "no cluster": ({"KUBECONFIG": ""}, "KUBECONFIG_SECRET"),
    "no manifests": ({"TRIGGERS_SOURCE": "/nowhere/at/all"}, "/nowhere/at/all"),
    "no such listener": ({"EVENT_LISTENER": "nobody"}, "EVENT_LISTENER"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_function_that_is_not_configured_answers_500_and_logs_the_list(
    case: str, article: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    more, named = BROKEN[case]
    application = Application(article.environment(**more))
    answer = application.post(PUSH_BODY, headers("push", PUSH_BODY))
    assert answer.status == 500
    assert answer.headers["Content-Type"] == "application/json"
    assert named not in answer.text
    entries = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert any(named in entry["message"] for entry in entries)
    assert entries[0]["severity"] == "CRITICAL"


def test_every_mistake_of_the_manifests_is_logged_at_once(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = template() | {"specification": {}}
    workspace.write([broken, listener([trigger("t") | {"bindngs": []}])])
    answer = Application(workspace.environment()).post(PUSH_BODY, headers("push", PUSH_BODY))
    logged = capsys.readouterr().out
    assert answer.status == 500
    assert "specification" in logged
    assert "bindngs" in logged
    assert "triggers.yaml:" in logged


def test_64_threads_share_one_instance(workspace: Workspace) -> None:
    workspace.secret("github-webhook", "secretkey", SECRET)
    rev = [{"name": "rev", "value": "$(body.head_commit.id)"}]
    run = {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {"generateName": "run-"},
        "spec": {"pipelineRef": {"name": "p"}, "params": [{"name": "rev", "value": "$(tt.params.rev)"}]},
    }
    workspace.write(
        [listener([trigger("t", bindings=rev, interceptors=[github(eventTypes=["push"])])]), template("t", run)]
    )
    application = Application(workspace.environment())
    start = threading.Barrier(64)

    def deliver(number: int) -> tuple[int, int]:
        body = encoded(PUSH | {"head_commit": {"id": f"commit-{number}"}})
        kinds: list[tuple[dict[str, str], int]] = [
            (headers("push", body), 202),
            (headers("ping", body), 202),
            (headers("push", body, secret=b"forged"), 401),
            (headers("push", body, secret=None), 401),
        ]
        start.wait()
        sent, wanted = kinds[number % 4]
        return application.post(body, sent).status, wanted

    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(deliver, range(64)))
    assert all(status == wanted for status, wanted in answers)
    created = {made["spec"]["params"][0]["value"] for made in runs(workspace)}
    assert created == {f"commit-{number}" for number in range(0, 64, 4)}


def test_one_json_line_for_the_delivery_and_one_for_each_trigger(
    article: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    application = Application(article.environment(GOOGLE_CLOUD_PROJECT="my-project"))
    capsys.readouterr()
    trace = "105445aa7843bc8bf206b12000100000"
    guid = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
    application.post(PUSH_BODY, headers("push", PUSH_BODY, guid=guid, X_Cloud_Trace_Context=f"{trace}/1;o=1"))
    entries = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    outcome, delivered = entries
    assert (outcome["kind"], delivered["kind"], delivered["status"]) == ("trigger", "delivery", 202)
    for entry in entries:
        assert entry["severity"] == "INFO"
        assert entry["logging.googleapis.com/trace"] == f"projects/my-project/traces/{trace}"
        labels = entry["logging.googleapis.com/labels"]
        assert (labels["delivery"], labels["event"]) == (guid, "push")
        assert labels["repository"] == PUSH["repository"]["full_name"]
        assert labels["listener"] == f"{article.namespace}/build-deploy-pipeline-listener"
        assert float(labels["milliseconds"]) == entry["milliseconds"] >= 0
    assert outcome["logging.googleapis.com/labels"]["trigger"] == f"{article.namespace}/github-trigger"
    assert outcome["logging.googleapis.com/labels"]["outcome"] == "created"
    assert delivered["logging.googleapis.com/labels"]["outcome"] == "accepted"


def test_no_secret_token_header_body_or_param_ever_stands_in_a_log_or_a_reply(
    workspace: Workspace, capfd: pytest.CaptureFixture[str], new_workspace: Callable[[], Workspace]
) -> None:
    canary = "canary" + "7f3a"
    workspace.secret("github-webhook", "secretkey", f"{canary}-secret".encode())
    bindings = [{"name": "p", "value": "$(body.text)"}, {"name": "h", "value": "$(header.X-Custom)"}]
    bad = [*bindings, {"name": "q", "value": "$(body.list[7])"}]
    run = {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {"generateName": "run-"},
        "spec": {"pipelineRef": {"name": "p"}, "params": [{"name": "p", "value": "$(tt.params.p) $(tt.params.h)"}]},
    }
    workspace.write(
        [
            listener([trigger("good", bindings=bindings), trigger("bad", bindings=bad)]),
            template("t", run),
        ]
    )
    application = Application(workspace.environment())
    secret = f"{canary}-secret".encode()
    replies = []
    for body in (
        encoded(PUSH | {"text": f"{canary}-body", "list": [canary]}),
        f'{{"text": "{canary}'.encode(),
        f'["{canary}"]'.encode(),
        canary.encode() + b"\xff",
    ):
        for key in (secret, b"wrong", None):
            sent = headers("push", body, secret=key, X_Custom=f"{canary}-header", Authorization=f"Bearer {canary}")
            replies.append(application.post(body, sent).text)
            sent["X-Hub-Signature-256"] = f"sha256={canary}"
            replies.append(application.post(body, sent).text)
    captured = capfd.readouterr()
    assert "created" in replies[0]
    assert canary in json.dumps(runs(workspace))
    for text in (captured.out, captured.err, *replies):
        assert canary not in text
        assert workspace.cluster.token not in text


def test_the_dry_run_creates_nothing(article: Workspace) -> None:
    answer = Application(article.environment(DRY_RUN="true", KUBECONFIG="")).post(PUSH_BODY, headers("push", PUSH_BODY))
    assert answer.status == 202
    assert "dry run" in answer.reasons[0]
    assert runs(article) == []


def test_the_manifests_of_this_repository_are_the_articles() -> None:
    documents = [
        document
        for path in sorted((ROOT / "infra" / "triggers").glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
        if document
    ]
    kinds = {document["kind"]: document for document in documents}
    assert kinds["EventListener"]["metadata"] == {
        "name": "build-deploy-pipeline-listener",
        "namespace": "goldstine-lab",
    }
    assert kinds["TriggerBinding"]["metadata"]["name"] == "build-deploy-pipeline-binding"
    assert kinds["TriggerTemplate"]["metadata"]["name"] == "build-deploy-pipeline-template"
