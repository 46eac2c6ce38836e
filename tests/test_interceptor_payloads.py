"""What an interceptor outside gets as the event's body: content × annotation × position × kind, as Tekton's sink.go.

Of pkg/sink/validate_payload.go IsValidPayload (the door) and pkg/sink/sink.go ExecuteInterceptors (the chain).
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.adapters.outbound.support import Asked, Server, answer
from tests.support.application import Application
from tests.support.function import Answer, ServedFunction
from tests.support.workspace import Workspace

API = "triggers.tekton.dev"
FORM = "application/x-www-form-urlencoded"
PAYLOAD = b"payload=%7B%22type%22%3A%22block_actions%22%7D"
EXTENSIONS: Any = {"extensions": {"team": "blue"}}

CONTENTS: dict[str, tuple[str, bytes, bool, str, Any]] = {
    # the content's type and bytes; whether the door lets it in without the annotation; what interceptors get in place
    # of it ("" for itself, but never a webhook that comes first); what a webhook gets once there are extensions
    # (None: nothing, its trigger fails)
    "a JSON object": ("application/json", b'{ "a" : 1.50 }', True, "", {"a": 1.5, **EXTENSIONS}),
    "a JSON object of no type": ("", b'{"a":1}', True, "", {"a": 1, **EXTENSIONS}),
    "null": ("application/json", b"null", True, "", EXTENSIONS),
    "GitHub's form": (FORM, PAYLOAD, True, "", {"type": "block_actions", **EXTENSIONS}),
    "GitHub's form, with a charset": (
        f"{FORM}; charset=utf-8",
        PAYLOAD,
        True,
        "",
        {"type": "block_actions", **EXTENSIONS},
    ),
    "a form": (
        FORM,
        b"b=2&a=%3C1%3E&a=x+y&c",
        False,
        '{"a":["\\u003c1\\u003e","x y"],"b":["2"],"c":[""]}',
        {"a": ["<1>", "x y"], "b": ["2"], "c": [""], **EXTENSIONS},
    ),
    "a form of bytes": (
        FORM,
        b"a=%FF&b=1",
        False,
        '{"a":["\ufffd"],"b":["1"]}',
        {"a": ["\ufffd"], "b": ["1"], **EXTENSIONS},
    ),
    "a form with pairs that Go drops": (
        FORM,
        b"a=1&b=2&c=%zz&d=1;2",
        False,
        '{"a":["1"],"b":["2"]}',
        {"a": ["1"], "b": ["2"], **EXTENSIONS},
    ),
    "a form of one key": (FORM, b"text=a", False, "", EXTENSIONS),
    "a form of one key twice": (FORM, b"a=1&a=2", False, "", EXTENSIONS),
    "a form with a charset": (f"{FORM}; charset=utf-8", b"a=1&b=2", False, "", EXTENSIONS),
    "a form of another spelling": ("Application/X-WWW-Form-Urlencoded", b"a=1&b=2", False, "", EXTENSIONS),
    "JSON under a form's type": (FORM, b'{"a":1}', True, "", {"a": 1, **EXTENSIONS}),
    "JSON with & under a form's type": (
        FORM,
        b'{"u":"a&b"}',
        True,
        '{"b\\"}":[""],"{\\"u\\":\\"a":[""]}',
        {'{"u":"a': [""], 'b"}': [""], **EXTENSIONS},
    ),
    "XML": ("application/xml", b"<event id='1'/>", False, "", EXTENSIONS),
    "text": ("text/plain", b"deploy now", False, "", EXTENSIONS),
    "an array": ("application/json", b'[{"a":1}]', False, "", None),
    "a string": ("application/json", b'"a"', False, "", EXTENSIONS),
    "broken JSON": ("application/json", b'{"a":', False, "", None),
    "nothing": ("application/json", b"", False, "", EXTENSIONS),
    "bytes": ("application/octet-stream", b"\xff\xe2\x82", False, "", EXTENSIONS),
}
SENT_AS_TEXT = {"bytes": "\ufffd\ufffd\ufffd"}


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        running.say = say
        yield running


def say(connection: socket.socket, asked: Asked) -> bool:
    """Answer as the path says: a webhook's new event, or a custom interceptor's extension."""
    path = asked.line.split()[1]
    if path == "/replaces":
        connection.sendall(answer(b"<new/>"))
    elif path.startswith("/webhook"):
        connection.sendall(answer(b'{"ok":true}'))
    else:
        connection.sendall(answer(b'{"continue":true,"extensions":{"team":"blue"}}'))
    return True


def cluster_interceptor(server: Server, name: str) -> dict[str, Any]:
    config = {"url": server.url(f"/{name}")}
    return {
        "apiVersion": f"{API}/v1alpha1",
        "kind": "ClusterInterceptor",
        "metadata": {"name": name},
        "spec": {"clientConfig": config},
    }


def custom(name: str) -> dict[str, Any]:
    return {"ref": {"name": name, "kind": "ClusterInterceptor"}}


def trigger(*interceptors: dict[str, Any]) -> dict[str, Any]:
    run = {"apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "metadata": {"generateName": "run-"}, "spec": {}}
    return {
        "interceptors": list(interceptors),
        "bindings": [{"name": "v", "value": "$(body)"}],
        "template": {"spec": {"params": [{"name": "v"}], "resourcetemplates": [run]}},
    }


def deployed(workspace: Workspace, server: Server, annotation: str | None) -> Application:
    """A function with an interceptor of each kind in each position, each asked at a path of its own."""

    def webhook(path: str) -> dict[str, Any]:
        service = {"kind": "Service", "apiVersion": "v1", "name": "hook"}
        return {"webhook": {"objectRef": service, "url": server.url(f"/{path}")}}

    chains = {
        "first-webhook": (webhook("webhook-first"),),
        "first-custom": (custom("custom-first"),),
        "second-webhook": (custom("adds"), webhook("webhook-second")),
        "second-custom": (custom("adds"), custom("custom-second")),
        "after-webhook": (webhook("replaces"), webhook("webhook-after"), webhook("webhook-last")),
        "after-webhook-custom": (webhook("replaces"), custom("custom-after"), webhook("webhook-last")),
    }
    annotations = {} if annotation is None else {"tekton.dev/payload-validation": annotation}
    groups = [
        {
            "name": name,
            "interceptors": [first],
            "triggerSelector": {"labelSelector": {"matchLabels": {"in": name}}},
        }
        for name, first in (("adding", custom("adds")), ("asking", webhook("webhook-group")))
    ]
    members = [
        {
            "apiVersion": f"{API}/v1beta1",
            "kind": "Trigger",
            "metadata": {"name": name, "labels": {"in": group}},
            "spec": trigger(entry),
        }
        for group, name, entry in (
            ("adding", "group-webhook", webhook("webhook-adding")),
            ("adding", "group-custom", custom("custom-adding")),
            ("asking", "asked-custom", custom("custom-asking")),
        )
    ]
    listener = {
        "apiVersion": f"{API}/v1beta1",
        "kind": "EventListener",
        "metadata": {"name": "el", "annotations": annotations},
        "spec": {
            "triggers": [{"name": name, **trigger(*chain)} for name, chain in chains.items()],
            "triggerGroups": groups,
        },
    }
    names = ("custom-first", "adds", "custom-second", "custom-after", "custom-adding", "custom-asking")
    workspace.write([listener, *members, *(cluster_interceptor(server, name) for name in names)])
    return Application(workspace.environment(OUTBOUND_HOSTS=server.entry, UNVERIFIED_TRIGGERS="allow"))


def bodies(server: Server) -> dict[str, list[bytes]]:
    """What arrived, by path; of a custom interceptor's request its `body`."""
    found: dict[str, list[bytes]] = {}
    for asked in server.asked:
        path = asked.line.split()[1].removeprefix("/")
        outer = path == "replaces" or path.startswith("webhook")
        body = asked.body if outer else json.loads(asked.body).get("body", "").encode()
        found.setdefault(path, []).append(body)
    return found


@pytest.mark.parametrize("annotation", [None, "true", "false"])
@pytest.mark.parametrize("content", CONTENTS)
def test_an_interceptor_outside_gets_what_tekton_sends(
    workspace: Workspace, server: Server, content: str, annotation: str | None
) -> None:
    kind, raw, open_door, converted, extended = CONTENTS[content]
    reply = deployed(workspace, server, annotation).post(raw, {"Content-Type": kind} if kind else {})
    if annotation != "false" and not open_door:
        assert reply.status == 400
        assert not server.asked
        return
    shown = (converted or SENT_AS_TEXT.get(content, raw.decode("utf-8", "replace"))).encode()
    arrived = bodies(server)
    assert arrived["webhook-first"] == arrived["webhook-group"] == arrived["replaces"][:1] == [raw]
    for path in ("custom-first", "custom-second", "custom-adding"):
        assert arrived[path] == [shown], path
    assert arrived["custom-after"] == arrived["webhook-after"] == [b"<new/>"]
    for path in ("webhook-second", "webhook-adding"):
        assert [json.loads(body) for body in arrived.get(path, [])] == ([] if extended is None else [extended]), path
    statuses = {outcome["name"]: outcome["status"] for outcome in reply.json["triggers"]}
    refused = {"second-webhook", "group-webhook"} if extended is None else set()
    for name in statuses.keys() - {"first-custom", "second-custom", "group-custom", "asked-custom"}:
        assert statuses[name] == ("failed" if name in refused else "created"), name


def test_the_headers_of_a_groups_webhook_say_whether_its_triggers_get_a_form_as_json(
    workspace: Workspace, server: Server
) -> None:
    """Its answer has no form's type, so the trigger's interceptor gets the form as it came."""
    deployed(workspace, server, "false").post(b"a=1&b=2", {"Content-Type": FORM})
    assert bodies(server)["custom-asking"] == [b"a=1&b=2"]


def post_to_cel(workspace: Workspace, raw: bytes, kind: str) -> Answer:
    """Post to a trigger that needs the body as JSON."""
    expression = {"ref": {"name": "cel"}, "params": [{"name": "filter", "value": "true"}]}
    listener = {
        "apiVersion": f"{API}/v1beta1",
        "kind": "EventListener",
        "metadata": {"name": "el", "annotations": {"tekton.dev/payload-validation": "false"}},
        "spec": {"triggers": [{"name": "t", **trigger(expression)}, {"name": "u", **trigger()}]},
    }
    workspace.write([listener])
    return Application(workspace.environment(UNVERIFIED_TRIGGERS="allow")).post(raw, {"Content-Type": kind})


@pytest.mark.parametrize("raw", [b"<xml/>", b"text"])
def test_a_body_that_no_trigger_can_read_is_still_a_bad_request(workspace: Workspace, raw: bytes) -> None:
    reply = post_to_cel(workspace, raw, "text/plain")
    assert reply.status == 400
    assert not workspace.cluster.objects("PipelineRun", workspace.namespace)


def test_a_form_is_converted_for_a_chain_alone(workspace: Workspace) -> None:
    reply = post_to_cel(workspace, urlencode({"a": 1, "b": 2}).encode(), FORM)
    assert [outcome["status"] for outcome in reply.json["triggers"]] == ["created", "failed"]


def test_one_trigger_that_cannot_read_the_body_spoils_no_other(workspace: Workspace, server: Server) -> None:
    reply = deployed(workspace, server, "false").post(b"<xml/>", {"Content-Type": "application/xml"})
    assert reply.status == 422
    statuses = {outcome["name"]: outcome["status"] for outcome in reply.json["triggers"]}
    assert statuses["first-webhook"] == "created"
    assert statuses["first-custom"] == "failed"
    reason = {outcome["name"]: outcome["reason"] for outcome in reply.json["triggers"]}["first-custom"]
    assert reason.startswith("failed to unmarshal request body: the body is not JSON")


def test_headers_are_what_gunicorn_gives_of_them(workspace: Workspace, server: Server) -> None:
    """Of a name that comes twice one value with a comma, in their order; names with an underscore are dropped."""
    listener = {
        "apiVersion": f"{API}/v1beta1",
        "kind": "EventListener",
        "metadata": {"name": "el"},
        "spec": {"triggers": [{"name": "t", **trigger(custom("custom-first"))}]},
    }
    workspace.write([listener, cluster_interceptor(server, "custom-first")])
    with ServedFunction(workspace.environment(OUTBOUND_HOSTS=server.entry)) as function:
        connection = HTTPConnection("127.0.0.1", function.port, timeout=30)
        connection.putrequest("POST", "/")
        for name, value in (("X-Two", "b"), ("x-two", "a"), ("X_Under", "c"), ("Content-Length", "2")):
            connection.putheader(name, value)
        connection.endheaders(b"{}")
        assert connection.getresponse().status == 202
        connection.close()
    headers = json.loads(server.asked[0].body)["header"]
    assert headers["X-Two"] == ["b,a"]
    assert not [name for name in headers if "under" in name.lower()]
