"""The old webhook interceptor over real connections: the event goes out, and what comes back takes its place."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from functions.adapters.outbound.calls import OutboundClient
from functions.common.errors import LastingError, PassingError
from functions.common.ports import Reply
from functions.common.values import Event, Headers, Json
from functions.delivery import opened
from functions.interceptors.base import Assurance, Interceptor, Passed, Place
from functions.interceptors.building import build_interceptor
from functions.model.resources import InterceptorSpec, ObjectRef, Param, Registry, WebhookSpec
from functions.rendering.bindings import compile_bindings
from tests.adapters.outbound.support import Server, answer
from tests.interceptors.running import NAMESPACE, Bench, event_of, filtering, rejection

FORM = ("Content-Type", "application/x-www-form-urlencoded")


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


def compiled(
    *hosts: str,
    ref: ObjectRef | None = ObjectRef("hook", "tools"),  # noqa: B008 -- frozen
    url: str = "",
    header: tuple[tuple[str, tuple[str, ...]], ...] = (),
) -> Interceptor:
    spec = InterceptorSpec(webhook=WebhookSpec(ref, url, header))
    return build_interceptor(spec, Place(NAMESPACE, "listeners", Registry(), frozenset(hosts)))


def webhook(server: Server, *, header: tuple[tuple[str, tuple[str, ...]], ...] = ()) -> Interceptor:
    return compiled(server.entry, url=server.url("/hook"), header=header)


def bench(server: Server, **changes: Any) -> Bench:
    return Bench(outbound=OutboundClient(frozenset({server.entry})), **changes)


def sent(server: Server, setup: Bench, *, extensions: Mapping[str, Json] | None = None, forms: bool = False) -> Event:
    """Run it on the delivery itself."""
    delivered = setup.call.delivery.event(forms=forms)
    event = replace(opened(delivered) if extensions else delivered, extensions=extensions or {})
    return event_of(webhook(server).intercept(event, setup.call))


def test_the_body_goes_out_as_it_came_with_the_events_headers(server: Server) -> None:
    raw = b'{ "a" : 1.50 }'
    setup = bench(
        server, body=raw, headers=[("X-Hub-Signature-256", "sha256=ab"), ("X-Two", "a"), ("X-Two", "b")], path="/p?q=1"
    )
    sent(server, setup)
    [asked] = server.asked
    assert asked.line == "POST /hook HTTP/1.1"
    assert asked.body == raw
    assert asked.values("x-hub-signature-256") == ["sha256=ab"]
    assert asked.values("x-two") == ["a", "b"]
    assert asked.values("eventlistener-request-url") == ["/p?q=1"]


def test_its_own_headers_take_the_place_of_the_events(server: Server) -> None:
    setup = bench(server, headers=[("X-Two", "old"), ("X-Kept", "k")])
    step = webhook(server, header=(("X-Two", ("new", "newer")), ("X-One", ("1",))))
    step.intercept(setup.call.delivery.event(forms=False), setup.call)
    [asked] = server.asked
    assert (asked.values("x-two"), asked.values("x-one"), asked.values("x-kept")) == (["new", "newer"], ["1"], ["k"])


def test_body_and_headers_of_the_answer_replace_the_events(server: Server) -> None:
    server.say = answer(b'{"new":true}', head="X-New: 1\r\nX-New: 2\r\n")
    setup = bench(server, body=b'{"old":true}', headers=[("X-Old", "1")], path="/p")
    event = event_of(webhook(server).intercept(setup.call.delivery.event(forms=False), setup.call))
    assert event.body == {"new": True}
    assert event.text == b'{"new":true}'
    assert dict(event.headers) == {"Content-Length": ("12",), "X-New": ("1", "2")}
    assert event.request_url == "/p"


def test_it_vouches_for_what_it_let_through(server: Server) -> None:
    step = bench(server).intercept(webhook(server), {})
    assert isinstance(step, Passed)
    assert step.assurance is Assurance.AUTHENTICATED
    assert webhook(server).vouches
    assert webhook(server).verifier is None


def test_extensions_go_out_in_the_body_and_are_kept(server: Server) -> None:
    extensions: dict[str, Json] = {"added": {"x": 1}, "deep.er": "y", "kept": None}
    setup = bench(server, body=b'{"a":1,"extensions":{"mine":1,"added":{"old":1}}}')
    event = sent(server, setup, extensions=extensions)
    assert json.loads(server.asked[0].body) == {
        "a": 1,
        "extensions": {"mine": 1, "added": {"x": 1}, "deep": {"er": "y"}, "kept": None},
    }
    assert event.extensions == extensions


def test_extensions_do_not_change_the_body_that_other_triggers_have(server: Server) -> None:
    body: Json = {"extensions": {"mine": 1}}
    bench(server).intercept(webhook(server), body, extensions={"added": 1})
    assert body == {"extensions": {"mine": 1}}


def test_a_null_body_becomes_an_object_for_extensions(server: Server) -> None:
    bench(server).intercept(webhook(server), None, extensions={"a": 1})
    assert json.loads(server.asked[0].body) == {"extensions": {"a": 1}}


def test_a_body_that_is_no_object_takes_no_extensions(server: Server) -> None:
    with pytest.raises(LastingError, match=r"could not merge extensions with body"):
        bench(server).intercept(webhook(server), [1], extensions={"a": 1})


def test_a_form_comes_first_as_it_was_sent(server: Server) -> None:
    sent(server, bench(server, body=b"a=1&b=2", headers=[FORM]), forms=True)
    assert server.asked[0].body == b"a=1&b=2"


def test_a_form_with_extensions_is_the_json_that_tekton_makes_of_it(server: Server) -> None:
    sent(server, bench(server, body=b"a=1&b=2", headers=[FORM]), forms=True, extensions={"x": 1})
    assert json.loads(server.asked[0].body) == {"a": ["1"], "b": ["2"], "extensions": {"x": 1}}


def test_the_next_webhook_gets_what_the_first_answered(server: Server) -> None:
    server.say = answer(b'{"first": 1 }')
    setup = bench(server, body=b"a=1&b=2", headers=[FORM])
    event = sent(server, setup, forms=True)
    webhook(server).intercept(event, setup.call)
    assert server.asked[1].body == b'{"first": 1 }'


def test_an_empty_answer_is_an_empty_body(server: Server) -> None:
    server.say = answer(b"")
    setup = bench(server)
    event = sent(server, setup)
    assert event.body is None
    webhook(server).intercept(event, setup.call)
    assert server.asked[1].body == b""


def test_any_json_may_take_the_bodys_place(server: Server) -> None:
    server.say = answer(b"[1]")
    assert sent(server, bench(server)).body == [1]


def test_an_answer_that_is_no_json_is_the_next_webhooks_and_no_bindings(server: Server) -> None:
    server.say = answer(b"<html>")
    setup = bench(server)
    event = sent(server, setup)
    webhook(server).intercept(event, setup.call)
    assert server.asked[1].body == b"<html>"
    with pytest.raises(LastingError, match=r"webhook interceptor: its answer takes the event's place, and cannot be"):
        compile_bindings([Param("a", "$(body)")]).resolve(event, {})


# the words are Go's, whatever this Python's own table calls them
@pytest.mark.parametrize(
    "status",
    [
        "202 Accepted",
        "203 Non-Authoritative Information",
        "400 Bad Request",
        "404 Not Found",
        "413 Request Entity Too Large",
        "414 Request URI Too Long",
        "416 Requested Range Not Satisfiable",
        "418 I'm a teapot",
        "422 Unprocessable Entity",
    ],
)
def test_another_status_filters_in_tektons_words(server: Server, status: str) -> None:
    server.say = answer(b"not\nwanted", status=status)
    reason = filtering(bench(server).intercept(webhook(server), {}))
    assert reason == f"request rejected; status: {status}; message: not?wanted"


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
def test_a_no_for_want_of_authentication_rejects(server: Server, status: str) -> None:
    server.say = answer(b"x" * 999, status=status)
    reason = rejection(bench(server).intercept(webhook(server), {}))
    assert reason.startswith(f"request rejected; status: {status}; message: xxx")
    assert len(reason) < 300


def test_a_status_without_a_phrase_is_a_number(server: Server) -> None:
    server.say = answer(b"", status="499 Whatever")
    assert filtering(bench(server).intercept(webhook(server), {})) == "request rejected; status: 499; message: "


@pytest.mark.parametrize("status", ["500 Oh", "503 Oh", "429 Slow"])
def test_a_status_that_passes_is_a_passing_fault(server: Server, status: str) -> None:
    server.say = answer(b"", status=status, head="Retry-After: Mon, 23 Nov 2026 00:00:00 GMT\r\n")
    with pytest.raises(PassingError, match=rf"^webhook interceptor: request rejected; status: {status[:3]}") as caught:
        bench(server).intercept(webhook(server), {})
    assert caught.value.retry_after is None


def test_a_redirect_is_a_lasting_fault(server: Server) -> None:
    server.say = answer(b"", status="301 Moved", head="Location: http://169.254.169.254/\r\n")
    with pytest.raises(LastingError, match=r"status: 301 Moved Permanently; .* \(redirects are not followed\)"):
        bench(server).intercept(webhook(server), {})


# Where it is


class Addressed:
    """An Outbound that notes where it is sent."""

    def __init__(self) -> None:
        self.urls: list[str] = []

    def post(self, url: str, *, body: bytes, headers: Headers, seconds: float, ca_pem: str = "") -> Reply:
        self.urls.append(url)
        return Reply(200, {}, b"{}")


@pytest.mark.parametrize(
    ("ref", "url", "host", "expected"),
    [
        (ObjectRef("hook", "tools"), "", "hook.tools.svc", "http://hook.tools.svc:80/"),
        (ObjectRef("hook"), "", f"hook.{NAMESPACE}.svc:80", f"http://hook.{NAMESPACE}.svc:80/"),
        (ObjectRef("hook"), "https://ci.example/x", "", "https://ci.example/x"),
    ],
)
def test_services_that_are_listed_are_called_where_tekton_calls_them(
    ref: ObjectRef, url: str, host: str, expected: str
) -> None:
    outbound = Addressed()
    Bench(outbound=outbound).intercept(compiled(*([host] if host else []), ref=ref, url=url), {})
    assert outbound.urls == [expected]


def test_a_service_that_cannot_be_reached_is_said_at_load() -> None:
    expected = (
        r"^webhook interceptor: hook\.tools\.svc is a Service inside a cluster, .* add hook\.tools\.svc:80 to OUTBOUND"
    )
    with pytest.raises(LastingError, match=expected):
        compiled()


def test_a_url_alone_is_refused_as_tekton_refuses_it() -> None:
    with pytest.raises(LastingError, match=r"^webhook interceptor: objectRef is missing"):
        compiled(ref=None, url="https://ci.example/")
