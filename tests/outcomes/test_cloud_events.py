"""CloudEvents: what cloudEventURI is told, that it never hurts a delivery, and requests and replies that are some."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from functions.adapters.outbound import cloud_events as sending
from functions.adapters.outbound.calls import OutboundClient
from functions.common.ports import Deadline, Reply
from functions.common.values import Headers, Outcome, Status
from functions.delivery import Delivery, canonical_headers
from functions.listening.prepared import Listener
from functions.outcomes import cloud_events
from functions.outcomes.report import Report
from tests.adapters.kubernetes.support import Clock
from tests.adapters.outbound.support import Asked, Server, answer
from tests.support.application import Application
from tests.support.clocks import set_clock
from tests.support.deliveries import PUSH, SECRET, encoded, headers
from tests.support.function import Answer
from tests.support.workspace import Workspace

BODY = encoded(PUSH)
GUID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
TYPES = "dev.tekton.event.triggers.{}.v1"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(sending, "SECONDS", 60.0)  # what is left of a delivery's time
    set_clock(monkeypatch, Clock())
    with Server(answer(b"", status="202 Accepted")) as running:
        yield running


def template(*resources: Any) -> dict[str, Any]:
    return {"spec": {"params": [{"name": "rev"}], "resourcetemplates": list(resources)}}


def run(name: str) -> dict[str, Any]:
    return {"apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "metadata": {"generateName": name}, "spec": {}}


def trigger(name: str, *resources: Any, **more: Any) -> dict[str, Any]:
    secret = {"secretName": "github", "secretKey": "key"}
    return {
        "name": name,
        "interceptors": [{"ref": {"name": "github"}, "params": [{"name": "secretRef", "value": secret}]}],
        "bindings": [{"name": "rev", "value": "$(body.after)"}],
        "template": template(*(resources or (run(f"{name}-"),))),
        **more,
    }


def deploy(workspace: Workspace, *triggers: dict[str, Any], uri: str = "") -> None:
    workspace.secret("github", "key", SECRET)
    spec: dict[str, Any] = {"triggers": list(triggers)}
    if uri:
        spec["cloudEventURI"] = uri
    listener = {
        "apiVersion": "triggers.tekton.dev/v1beta1",
        "kind": "EventListener",
        "metadata": {"name": "el"},
        "spec": spec,
    }
    workspace.write([listener])


def deliver(workspace: Workspace, server: Server, body: bytes = BODY, *, more: dict[str, str] | None = None) -> Answer:
    application = Application(workspace.environment(OUTBOUND_HOSTS=server.entry))
    return application.post(body, {**headers("push", body, guid=GUID), **(more or {})})


def told(server: Server) -> list[str]:
    prefix, suffix = TYPES.split("{}")
    return [asked.values("ce-type")[0].removeprefix(prefix).removesuffix(suffix) for asked in server.asked]


# Through the function


def test_a_delivery_is_told_of_as_tekton_tells(workspace: Workspace, server: Server) -> None:
    deploy(workspace, trigger("one"), trigger("two"), uri=server.url("/events"))
    assert deliver(workspace, server).status == 202
    assert told(server) == ["started", "successful", "successful", "done"]
    for asked in server.asked:
        assert asked.line == "POST /events HTTP/1.1"
        assert asked.values("ce-specversion") == ["1.0"]
        assert asked.values("ce-id") == [GUID]
        assert asked.values("ce-subject") == [f"el processing {GUID}"]
        source = f"/apis/triggers.tekton.dev/v1beta1/namespaces/{workspace.namespace}/EventListener/el"
        assert asked.values("ce-source") == [source]
        assert asked.values("content-type") == ["application/json"]
        assert asked.values("ce-time")[0].endswith("Z")
    data = [json.loads(asked.body) for asked in server.asked]
    assert data[-1] is None
    for shown in data[:-1]:
        assert shown["X-Github-Event"] == ["push"]
        assert shown["X-Github-Delivery"] == [GUID]


def test_tokens_and_signatures_are_not_told(workspace: Workspace, server: Server) -> None:
    deploy(workspace, trigger("one"), uri=server.url())
    secret = {
        "Authorization": "Bearer s3cret",
        "Cookie": "a=s3cret",
        "X-Gitlab-Token": "s3cret",
        "X-Slack-Signature": "v0=s3cret",
        "X-Hub-Signature": "sha1=s3cret",
        "X-Api-Key": "s3cret",
        "Proxy-Authorization": "s3cret",
        "X-Goog-Iap-Jwt-Assertion": "s3cret",
        "X-Forwarded-Client-Cert": "s3cret",
    }
    deliver(workspace, server, more={**secret, "X-Event-Key": "repo:push"})
    shown = json.loads(server.asked[0].body)
    assert shown["X-Event-Key"] == ["repo:push"]
    assert not {name.title() for name in secret}.intersection(shown)
    assert "X-Hub-Signature-256" not in shown
    assert not any(b"s3cret" in asked.body for asked in server.asked)


def test_a_trigger_that_fails_tells_nothing_of_its_own(workspace: Workspace, server: Server) -> None:
    failing = trigger("bad", bindings=[{"name": "rev", "value": "$(body.nothing)"}])
    deploy(workspace, trigger("good"), failing, uri=server.url())
    assert deliver(workspace, server).statuses == ["created", "failed"]
    assert told(server) == ["started", "successful", "done"]


def test_what_was_created_before_is_not_told_again(workspace: Workspace, server: Server) -> None:
    deploy(workspace, trigger("one"), uri=server.url())
    deliver(workspace, server)
    assert deliver(workspace, server).statuses == ["duplicate"]
    assert told(server) == ["started", "successful", "done", "started", "done"]


def test_nobody_unverified_makes_it_call(workspace: Workspace, server: Server) -> None:
    deploy(workspace, trigger("one"), uri=server.url())
    application = Application(workspace.environment(OUTBOUND_HOSTS=server.entry))
    assert application.post(BODY, headers("push", BODY, secret=b"wrong")).status == 401
    assert application.post(b"{", headers("push", b"{", secret=None)).status == 401
    assert not server.asked


def test_a_body_that_is_no_event_is_not_told(workspace: Workspace, server: Server) -> None:
    deploy(workspace, trigger("one"), uri=server.url())
    assert deliver(workspace, server, b"[]").status == 400
    assert not server.asked


@pytest.mark.parametrize(
    "said", [answer(status="500 Oh"), answer(status="307 Elsewhere", head="Location: /x\r\n"), b"no\r\n"]
)
def test_a_failure_to_tell_never_hurts_the_delivery(
    workspace: Workspace, server: Server, said: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    server.say = said
    deploy(workspace, trigger("one"), uri=server.url("/path?token=t0ken"))
    assert deliver(workspace, server).statuses == ["created"]
    assert len(server.asked) == 1
    [line] = [entry for entry in capsys.readouterr().out.splitlines() if "not sent" in entry]
    entry = json.loads(line)
    assert entry["severity"] == "WARNING"
    assert "cloudEventURI: 3 CloudEvent(s) not sent" in entry["message"]
    assert "t0ken" not in line


def test_a_uri_that_can_never_be_called_is_said_at_start_and_hurts_nothing(
    workspace: Workspace, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(workspace, trigger("one"), uri="http://broker.knative.svc/default")
    assert deliver(workspace, server).statuses == ["created"]
    out = capsys.readouterr().out
    assert "no CloudEvents are sent: cloudEventURI: broker.knative.svc is a Service inside a cluster" in out


# Sending


class Slow:
    """An Outbound whose calls take a second each of its clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.seconds: list[float] = []

    def post(self, url: str, *, body: bytes, headers: Headers, seconds: float, ca_pem: str = "") -> Reply:
        self.seconds.append(seconds)
        self.now += 0.75
        return Reply(200, {}, b"")


def delivery(**values: str) -> Delivery:
    named = canonical_headers((name.replace("_", "-"), value) for name, value in values.items())
    return Delivery(path="/", headers=named, body=b"{}", received_at=1_800_000_000.25, nonce="nonce-1")


def listener(uri: str = "https://broker.example/") -> Listener:
    return Listener("el", "ns", "uid", (), takes_forms=False, cloud_event_uri=uri)


def report(*outcomes: Outcome) -> Report:
    return Report("el", "ns", "uid", "nonce-1", "", outcomes)


CREATED = Outcome("t", "ns", Status.CREATED, verified=True)


@pytest.mark.parametrize(("left", "expected"), [(8.0, [1.0, 0.25]), (0.5, [0.5]), (0.0, [])])
def test_all_events_together_take_a_second_at_most_and_no_more_than_is_left(left: float, expected: list[float]) -> None:
    slow = Slow()
    deadline = Deadline(left, lambda: slow.now)
    sending.notify(slow, listener(), delivery(), report(CREATED, CREATED), deadline=deadline)
    assert slow.seconds == expected


def test_a_server_that_hangs_is_given_up(server: Server) -> None:
    def hang(_stream: socket.socket, _asked: Asked) -> bool:
        server.released.wait()
        return False

    server.say = hang
    client = OutboundClient(frozenset({server.entry}))
    deadline = Deadline(0.3, lambda: 0.0)
    sending.notify(client, listener(server.url()), delivery(), report(CREATED), deadline=deadline)
    assert len(server.asked.wait()) == 1


def test_without_a_uri_nothing_is_sent() -> None:
    slow = Slow()
    sending.notify(slow, listener(""), delivery(), report(CREATED), deadline=Deadline(8.0, lambda: 0.0))
    assert not slow.seconds


# Composing


def test_times_are_those_of_the_request_and_of_now() -> None:
    composed = cloud_events.events(listener(), delivery(), report(CREATED), now=1_800_000_001.5)
    assert [event.headers["Ce-Time"] for event in composed] == [
        ("2027-01-15T08:00:00.250Z",),
        ("2027-01-15T08:00:01.500Z",),
        ("2027-01-15T08:00:01.500Z",),
    ]


@pytest.mark.parametrize("status", [Status.FILTERED, Status.QUEUED, Status.DUPLICATE, Status.FAILED])
def test_only_what_was_created_is_successful(status: Status) -> None:
    composed = cloud_events.events(
        listener(), delivery(), report(Outcome("t", "ns", status, verified=True)), now=1_800_000_001.5
    )
    assert [event.headers["Ce-Type"] for event in composed] == [(TYPES.format("started"),), (TYPES.format("done"),)]


# Requests and replies


STRUCTURED = encoded({"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "data": {"after": "abc"}})


@pytest.mark.parametrize(
    "more",
    [
        {"Ce-Specversion": "1.0", "Ce-Id": "7", "Ce-Source": "/s", "Ce-Type": "t"},
        {"Ce-Specversion": "0.3"},
        {"Content-Type": "application/cloudevents+json"},
        {"Content-Type": "Application/CloudEvents+JSON; charset=utf-8"},
        {"Content-Type": "application/cloudevents-batch+json"},
    ],
)
def test_the_reply_to_a_cloud_event_is_one(workspace: Workspace, server: Server, more: dict[str, str]) -> None:
    deploy(workspace, trigger("one"))
    reply = deliver(workspace, server, more=more)
    assert reply.status == 202
    assert reply.statuses == ["created"]
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.headers["Ce-Specversion"] == "1.0"
    assert reply.headers["Ce-Type"] == TYPES.format("accepted")
    assert reply.headers["Ce-Source"] == "el"
    assert reply.headers["Ce-Subject"] == f"{workspace.namespace}.el accepted {reply.json['eventID']}"
    assert reply.headers["Ce-Id"]


def test_replies_have_ids_of_their_own(workspace: Workspace, server: Server) -> None:
    deploy(workspace, trigger("one"))
    ids = {deliver(workspace, server, more={"Ce-Specversion": "1.0"}).headers["Ce-Id"] for _ in range(2)}
    assert len(ids) == 2


def test_the_envelope_of_structured_mode_is_the_body_as_in_tekton(workspace: Workspace, server: Server) -> None:
    deploy(
        workspace, trigger("one", bindings=[{"name": "rev", "value": "$(body.data.after)"}], template=template(NOTED))
    )
    reply = deliver(workspace, server, STRUCTURED, more={"Content-Type": "application/cloudevents+json"})
    assert reply.statuses == ["created"]
    [created] = workspace.cluster.objects("PipelineRun", workspace.namespace)
    assert created["metadata"]["annotations"]["rev"] == "abc"


def test_in_binary_mode_the_attributes_are_headers(workspace: Workspace, server: Server) -> None:
    deploy(
        workspace, trigger("one", bindings=[{"name": "rev", "value": "$(header.Ce-Type)"}], template=template(NOTED))
    )
    assert deliver(workspace, server, more={"Ce-Specversion": "1.0", "Ce-Type": "a.b"}).statuses == ["created"]
    [created] = workspace.cluster.objects("PipelineRun", workspace.namespace)
    assert created["metadata"]["annotations"]["rev"] == "a.b"


NOTED = {**run("noted-"), "metadata": {"generateName": "noted-", "annotations": {"rev": "$(tt.params.rev)"}}}


@pytest.mark.parametrize("more", [{}, {"Ce-Specversion": "2.0"}, {"Ce-Type": "t"}])
def test_other_requests_get_plain_replies(workspace: Workspace, server: Server, more: dict[str, str]) -> None:
    deploy(workspace, trigger("one"))
    reply = deliver(workspace, server, more=more)
    assert reply.status == 202
    assert not any(name.startswith("Ce-") for name in reply.headers)


REFUSALS: list[Callable[[Application], Answer]] = [
    lambda app: app.post(BODY, {**headers("push", BODY, secret=b"wrong"), "Ce-Specversion": "1.0"}),
    lambda app: app.post(b"[]", {**headers("push", b"[]"), "Ce-Specversion": "1.0"}),
]


@pytest.mark.parametrize("ask", REFUSALS, ids=["unverified", "no event"])
def test_what_is_not_accepted_is_not_said_to_be(workspace: Workspace, ask: Callable[[Application], Answer]) -> None:
    deploy(workspace, trigger("one"))
    reply = ask(Application(workspace.environment()))
    assert reply.status in (400, 401)
    assert not any(name.startswith("Ce-") for name in reply.headers)


def test_the_listener_is_not_named_to_those_who_are_not_verified() -> None:
    unverified = report(Outcome("t", "ns", Status.FILTERED, "no", verified=False))
    assert unverified.status == 202
    assert not cloud_events.reply_headers(delivery(Ce_Specversion="1.0"), unverified)
    assert not cloud_events.events(listener(), delivery(), unverified, now=0.0)
