"""Custom interceptors and webhooks through the function: from manifests to what is created, and to whom they answer."""

from __future__ import annotations

import base64
import json
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import pytest
import trustme

from functions.interceptors import outgoing
from tests.adapters.outbound.support import Asked, Server, answer
from tests.support.application import Application
from tests.support.deliveries import PUSH, SECRET, encoded, headers
from tests.support.function import Answer
from tests.support.workspace import Workspace

BODY = encoded(PUSH)
API = "triggers.tekton.dev"
YES = answer(b'{"continue":true,"extensions":{"team":"blue"}}')


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(YES) as running:
        yield running


def cluster_interceptor(name: str = "policy", **config: Any) -> dict[str, Any]:
    return {
        "apiVersion": f"{API}/v1alpha1",
        "kind": "ClusterInterceptor",
        "metadata": {"name": name},
        "spec": {"clientConfig": config},
    }


def github() -> dict[str, Any]:
    secret = {"secretName": "github", "secretKey": "key"}
    return {"ref": {"name": "github"}, "params": [{"name": "secretRef", "value": secret}]}


def webhook(server: Server) -> dict[str, Any]:
    return {"webhook": {"objectRef": {"kind": "Service", "apiVersion": "v1", "name": "hook"}, "url": server.url("/w")}}


def custom(name: str = "policy") -> dict[str, Any]:
    return {"ref": {"name": name, "kind": "ClusterInterceptor"}}


def spec(*interceptors: dict[str, Any], value: str = "$(extensions.team)") -> dict[str, Any]:
    created = {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {"generateName": "run-", "annotations": {"value": "$(tt.params.value)"}},
        "spec": {},
    }
    return {
        "interceptors": list(interceptors),
        "bindings": [{"name": "value", "value": value}],
        "template": {"spec": {"params": [{"name": "value"}], "resourcetemplates": [created]}},
    }


def listener(**fields: Any) -> dict[str, Any]:
    return {"apiVersion": f"{API}/v1beta1", "kind": "EventListener", "metadata": {"name": "el"}, "spec": fields}


def deploy(workspace: Workspace, *manifests: dict[str, Any]) -> None:
    workspace.secret("github", "key", SECRET)
    workspace.write(manifests)


def deliver(workspace: Workspace, server: Server, *, secret: bytes | None = SECRET) -> Answer:
    application = Application(workspace.environment(OUTBOUND_HOSTS=server.entry))
    return application.post(BODY, headers("push", BODY, secret=secret))


def values(workspace: Workspace) -> list[str]:
    runs = workspace.cluster.objects("PipelineRun", workspace.namespace)
    return [run["metadata"]["annotations"]["value"] for run in runs]


def test_a_custom_interceptor_vouches_and_its_extensions_are_bound(workspace: Workspace, server: Server) -> None:
    deploy(workspace, cluster_interceptor(url=server.url()), listener(triggers=[{"name": "t", **spec(custom())}]))
    assert deliver(workspace, server, secret=None).statuses == ["created"]
    assert values(workspace) == ["blue"]
    asked = json.loads(server.asked[0].body)
    assert asked["body"] == BODY.decode()
    assert asked["context"]["trigger_id"] == f"namespaces/{workspace.namespace}/triggers/t"


def test_a_ca_bundle_of_the_manifest_is_trusted(workspace: Workspace) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    bundle = base64.b64encode(authority.cert_pem.bytes()).decode()
    with Server(YES, tls=context) as server:
        config = cluster_interceptor(url=server.url(), caBundle=bundle)
        deploy(workspace, config, listener(triggers=[{"name": "t", **spec(custom())}]))
        assert deliver(workspace, server).statuses == ["created"]


def test_the_interceptor_of_a_group_is_asked_once_for_all_its_triggers(workspace: Workspace, server: Server) -> None:
    triggers = [
        {
            "apiVersion": f"{API}/v1beta1",
            "kind": "Trigger",
            "metadata": {"name": name, "labels": {"in": "group"}},
            "spec": spec(),
        }
        for name in ("one", "two")
    ]
    group = {
        "name": "g",
        "interceptors": [custom()],
        "triggerSelector": {"labelSelector": {"matchLabels": {"in": "group"}}},
    }
    deploy(workspace, cluster_interceptor(url=server.url()), listener(triggerGroups=[group]), *triggers)
    assert deliver(workspace, server, secret=None).statuses == ["created", "created"]
    [asked] = server.asked
    assert json.loads(asked.body)["context"]["trigger_id"] == f"namespaces/{workspace.namespace}/triggerGroups/g"


def test_a_no_filters_and_an_unverified_sender_is_not_told_its_words(workspace: Workspace, server: Server) -> None:
    server.say = answer(b'{"continue":false,"status":{"code":9,"message":"not on a Friday"}}')
    deploy(
        workspace,
        cluster_interceptor(url=server.url()),
        listener(triggers=[{"name": "t", **spec(github(), custom())}, {"name": "u", **spec(custom())}]),
    )
    signed = deliver(workspace, server)
    assert (signed.status, signed.statuses) == (202, ["filtered", "filtered"])
    assert signed.reasons == ["not on a Friday", "not on a Friday"]
    assert "Friday" not in deliver(workspace, server, secret=None).text
    assert not values(workspace)


def test_a_no_for_want_of_authentication_is_401(workspace: Workspace, server: Server) -> None:
    server.say = answer(b'{"continue":false,"status":{"code":16,"message":"who are you?"}}')
    deploy(workspace, cluster_interceptor(url=server.url()), listener(triggers=[{"name": "t", **spec(custom())}]))
    reply = deliver(workspace, server, secret=None)
    said = "interceptor policy stopped the trigger (UNAUTHENTICATED)"  # its own words may quote the event
    assert (reply.status, reply.statuses, reply.reasons) == (401, ["rejected"], [said])


def test_one_that_hangs_fails_its_trigger_and_the_others_run(
    workspace: Workspace, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hang(_stream: socket.socket, _asked: Asked) -> bool:
        server.released.wait()
        return False

    monkeypatch.setattr(outgoing, "CALL_SECONDS", 0.3)
    server.say = hang
    deploy(
        workspace,
        cluster_interceptor(url=server.url()),
        listener(
            triggers=[
                {"name": "t", **spec(github(), custom())},
                {"name": "u", **spec(github(), value="$(body.after)")},
            ]
        ),
    )
    reply = deliver(workspace, server)
    assert reply.status == 503
    assert reply.headers["Retry-After"]
    assert reply.statuses == ["failed", "created"]
    assert reply.reasons[0] == f"interceptor policy: {server.entry} did not answer within 0.3 s"


@pytest.mark.parametrize(
    ("manifests", "chain", "reason"),
    [
        (
            [cluster_interceptor(service={"name": "policy", "namespace": "tools"})],
            [custom()],
            (
                "interceptor policy: policy.tools.svc is a Service inside a cluster, which this function cannot reach: "
                "give an https URL that can be reached from here (clientConfig.url), use a core interceptor, or, where "
                "a VPC leads there, add policy.tools.svc:80 to OUTBOUND_HOSTS"
            ),
        ),
        ([], [custom()], "ClusterInterceptor policy, which an interceptor's ref names, does not exist: add it to"),
        (
            [cluster_interceptor(url="http://169.254.169.254/")],
            [custom()],
            "interceptor policy: 169.254.169.254 is a link-local or metadata address, which is never called",
        ),
        (
            [],
            [{"webhook": {"objectRef": {"kind": "Service", "apiVersion": "v1", "name": "hook", "namespace": "tools"}}}],
            "webhook interceptor: hook.tools.svc is a Service inside a cluster, which this function cannot reach: ",
        ),
    ],
)
def test_what_can_never_be_called_is_said_at_start_and_fails_its_trigger_alone(
    workspace: Workspace,
    server: Server,
    capsys: pytest.CaptureFixture[str],
    manifests: list[dict[str, Any]],
    chain: list[dict[str, Any]],
    reason: str,
) -> None:
    deploy(
        workspace,
        *manifests,
        listener(
            triggers=[
                {"name": "t", **spec(github(), *chain)},
                {"name": "u", **spec(github(), value="$(body.after)")},
            ]
        ),
    )
    reply = deliver(workspace, server)
    assert (reply.status, reply.statuses) == (422, ["failed", "created"])
    assert reply.reasons[0].startswith(reason)
    entries = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "can never run" in line]
    assert [entry["severity"] for entry in entries] == ["ERROR"]
    assert reason in entries[0]["message"]


def test_a_webhooks_answer_is_bound_after_the_signature_was_checked(workspace: Workspace, server: Server) -> None:
    server.say = answer(b'{"after":"changed"}', head="X-From: hook\r\n")
    chain = spec(github(), webhook(server), value="$(body.after) $(header.X-From)")
    deploy(workspace, listener(triggers=[{"name": "t", **chain}]))
    assert deliver(workspace, server).statuses == ["created"]
    assert values(workspace) == ["changed hook"]
    assert server.asked[0].body == BODY


def test_a_signature_behind_a_webhook_is_still_that_of_the_delivery(workspace: Workspace, server: Server) -> None:
    server.say = answer(b'{"after":"changed"}', head="X-Github-Event: push\r\n")
    deploy(workspace, listener(triggers=[{"name": "t", **spec(webhook(server), github(), value="$(body.after)")}]))
    assert deliver(workspace, server, secret=b"wrong").status == 401
    assert not server.asked


def test_a_slack_form_reaches_a_webhook_that_comes_first_as_it_was_sent(workspace: Workspace, server: Server) -> None:
    server.say = answer(b'{"command":"/deploy"}')
    manifest = listener(triggers=[{"name": "t", **spec(webhook(server), value="$(body.command)")}])
    manifest["metadata"]["annotations"] = {"tekton.dev/payload-validation": "false"}
    deploy(workspace, manifest)
    form = b"command=%2Fdeploy&text=now"
    application = Application(workspace.environment(OUTBOUND_HOSTS=server.entry))
    reply = application.post(form, {"Content-Type": "application/x-www-form-urlencoded"})
    assert reply.statuses == ["created"]
    assert server.asked[0].body == form
    assert values(workspace) == ["/deploy"]
