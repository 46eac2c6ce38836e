"""Custom interceptors over real connections: Tekton's request and response, and everything else that may come back."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from functions.adapters.outbound.calls import MAX_ANSWER, OutboundClient
from functions.common.errors import LastingError, PassingError
from functions.common.limits import Limits
from functions.common.ports import Deadline, Reply
from functions.common.values import Event, Headers, Json, Refusal
from functions.delivery import opened
from functions.interceptors.base import Assurance, Interceptor, Passed, Place
from functions.interceptors.building import build_interceptor
from functions.interceptors.custom import CustomInterceptor
from functions.interceptors.outgoing import CREATION_SECONDS
from functions.model.resources import ClientConfig, InterceptorSpec, Metadata, ObjectRef, Registry, Source
from functions.model.resources import Interceptor as InterceptorResource
from tests.adapters.outbound.support import Asked, Server, answer
from tests.interceptors.running import NAMESPACE, Bench, event_of, filtering, rejection
from tests.support.memory import Counted

LISTENER_NAMESPACE = "listeners"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(answer(b'{"continue":true}')) as running:
        yield running


def resource(name: str, config: ClientConfig, namespace: str = "") -> InterceptorResource:
    return InterceptorResource(Metadata(name, namespace), config, Source("test.yaml", 1))


def place(registry: Registry, *hosts: str) -> Place:
    return Place(NAMESPACE, LISTENER_NAMESPACE, registry, frozenset(hosts))


def compiled(config: ClientConfig, *hosts: str, params: Mapping[str, Json] | None = None) -> Interceptor:
    registry = Registry(cluster_interceptors={"policy": resource("policy", config)})
    spec = InterceptorSpec(ref_name="policy", params=tuple((params or {}).items()))
    return build_interceptor(spec, place(registry, *hosts))


def interceptor(server: Server, *, params: Mapping[str, Json] | None = None) -> Interceptor:
    return compiled(ClientConfig(url=server.url("/check?a=b")), server.entry, params=params)


def bench(server: Server, **changes: Any) -> Bench:
    return Bench(outbound=OutboundClient(frozenset({server.entry})), **changes)


def run(server: Server, said: bytes = b'{"continue":true}', body: Json = None) -> Passed | Refusal:
    server.say = answer(said)
    return bench(server).intercept(interceptor(server), {} if body is None else body)


# The request


def test_the_request_is_tektons(server: Server) -> None:
    raw = b'{ "b": 12345678901234567890,\n "a": "\\u00fc" }'
    setup = bench(
        server, body=raw, headers=[("x-github-event", "push"), ("X-Two", "a"), ("x-two", "b")], path="/hook?x=1"
    )
    event = replace(setup.call.delivery.event(forms=False), extensions={"before": {"n": 1}}, event_id="guid-1")
    interceptor(server, params={"allow": ["a", {"b": None}], "n": 3}).intercept(event, setup.call)
    [asked] = server.asked
    assert asked.line == "POST /check?a=b HTTP/1.1"
    assert asked.values("content-type") == ["application/json"]
    assert json.loads(asked.body) == {
        "body": raw.decode(),  # as it was sent, blanks and all
        "header": {"X-Github-Event": ["push"], "X-Two": ["a", "b"]},
        "extensions": {"before": {"n": 1}},
        "interceptor_params": {"allow": ["a", {"b": None}], "n": 3},
        "context": {
            "event_url": "/hook?x=1",
            "event_id": "guid-1",
            "trigger_id": f"namespaces/{NAMESPACE}/triggers/t",
        },
    }


def test_what_is_empty_is_left_out_as_go_does(server: Server) -> None:
    call = bench(server).call
    event = Event(body=None, headers={}, extensions={}, request_url="/", event_id="e", text=b"")
    interceptor(server).intercept(event, call)
    assert set(json.loads(server.asked[0].body)) == {"context"}


def test_a_form_reaches_it_as_the_json_that_tekton_makes_of_it(server: Server) -> None:
    setup = bench(server, body=b"a=1&b=2&b=3", headers=[("Content-Type", "application/x-www-form-urlencoded")])
    interceptor(server).intercept(opened(setup.call.delivery.event(forms=True)), setup.call)
    assert json.loads(json.loads(server.asked[0].body)["body"]) == {"a": ["1"], "b": ["2", "3"]}


def test_githubs_form_reaches_it_as_it_was_sent(server: Server) -> None:
    setup = bench(
        server,
        body=b"payload=%7B%20%22a%22%3A1%7D",
        headers=[("Content-Type", "application/x-www-form-urlencoded")],
    )
    interceptor(server).intercept(setup.call.delivery.event(forms=False), setup.call)
    assert json.loads(server.asked[0].body)["body"] == "payload=%7B%20%22a%22%3A1%7D"


# The response


def test_continue_lets_the_event_through_and_merges_extensions_shallowly(server: Server) -> None:
    server.say = answer(b'{"continue":true,"extensions":{"a":{"y":1},"c":null},"status":{}}')
    step = bench(server).intercept(interceptor(server), {"kept": True}, extensions={"a": {"x": 1, "y": 0}, "b": 2})
    event = event_of(step)
    assert event.body == {"kept": True}
    assert event.extensions == {"a": {"y": 1}, "b": 2, "c": None}
    assert isinstance(step, Passed)
    assert step.assurance is Assurance.AUTHENTICATED


def test_it_vouches_and_verifies_nothing_beforehand(server: Server) -> None:
    assert interceptor(server).vouches
    assert interceptor(server).verifier is None


@pytest.mark.parametrize("code", [0, 3, 5, 9, 13, '"FAILED_PRECONDITION"', "null"])
def test_a_no_filters_with_its_message(server: Server, code: int | str) -> None:
    step = run(server, b'{"continue":false,"status":{"code":%b,"message":"not today"}}' % str(code).encode())
    assert filtering(step) == "not today"


@pytest.mark.parametrize("code", [7, 16, '"PERMISSION_DENIED"', '"UNAUTHENTICATED"'])
def test_a_no_for_want_of_authentication_rejects(server: Server, code: int | str) -> None:
    step = run(server, b'{"continue":false,"status":{"code":%b,"message":"who are you?"}}' % str(code).encode())
    assert rejection(step) == "who are you?"


@pytest.mark.parametrize("said", [b"{}", b"null", b'{"continue":null,"status":null}', b'{"extensions":{"a":1}}'])
def test_without_continue_it_is_a_no(server: Server, said: bytes) -> None:
    assert filtering(run(server, said)) == "interceptor policy stopped the trigger without saying why"


def test_field_names_may_have_any_case_as_in_go(server: Server) -> None:
    said = b'{"Continue":false,"STATUS":{"Code":16,"Message":"no"},"unknown":1}'
    assert rejection(run(server, said)) == "no"


def test_messages_are_shown_printable_and_cut(server: Server) -> None:
    reason = filtering(
        run(server, json.dumps({"continue": False, "status": {"message": "a\n\x1b[31m" + "b" * 999}}).encode())
    )
    assert reason.startswith("a??[31mbbb")
    assert len(reason) == 201


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"", "its answer cannot be read: the body is not JSON"),
        (b"<html>", "its answer cannot be read: the body is not JSON"),
        (b'{"continue":true', "its answer cannot be read: the body is not JSON"),
        (b"\xff\xfe", "its answer cannot be read: the body is not JSON"),
        (b"[" * 100_000, "its answer cannot be read: the body nests deeper"),
        (b"[]", "its answer must be an object"),
        (b"true", "its answer must be an object"),
        (b'{"continue":"true"}', "continue in its answer must be true or false"),
        (b'{"continue":1}', "continue in its answer must be true or false"),
        (b'{"continue":true,"extensions":[]}', "extensions in its answer must be an object"),
        (b'{"continue":true,"status":"OK"}', "status in its answer must be an object"),
        (b'{"continue":false,"status":{"message":1}}', "status.message in its answer must be a string"),
        (b'{"continue":false,"status":{"code":17}}', "status.code in its answer must be a code of gRPC"),
        (b'{"continue":false,"status":{"code":-1}}', "status.code in its answer must be a code of gRPC"),
        (b'{"continue":false,"status":{"code":7.5}}', "status.code in its answer must be a code of gRPC"),
        (b'{"continue":false,"status":{"code":true}}', "status.code in its answer must be a code of gRPC"),
        (b'{"continue":false,"status":{"code":"NO"}}', "status.code in its answer must be a code of gRPC"),
    ],
)
def test_nonsense_is_a_lasting_fault(server: Server, said: bytes, reason: str) -> None:
    with pytest.raises(LastingError) as caught:
        run(server, said)
    assert caught.value.reason.startswith(f"interceptor policy: {reason}")


@pytest.mark.parametrize("status", ["400 Bad Request", "401 Unauthorized", "404 Not Found", "201 Created", "204 No"])
def test_another_status_is_a_lasting_fault_in_tektons_words(server: Server, status: str) -> None:
    server.say = answer(b"" if status.startswith("204") else b"no\nsuch thing", status=status)
    with pytest.raises(LastingError, match=r"^interceptor policy: interceptor response was not 200 \(status \d+\)$"):
        bench(server).intercept(interceptor(server), {})


@pytest.mark.parametrize("status", ["500 Oh", "502 Oh", "503 Oh", "429 Slow", "408 Late"])
def test_a_status_that_passes_is_a_passing_fault(server: Server, status: str) -> None:
    server.say = answer(b"x" * 9_999, status=status, head="Retry-After: 7\r\n")
    with pytest.raises(PassingError) as caught:
        bench(server).intercept(interceptor(server), {})
    assert caught.value.retry_after == 7
    assert len(caught.value.reason) < 300


def test_a_redirect_is_a_lasting_fault_and_not_followed(server: Server) -> None:
    server.say = answer(status="302 Found", head="Location: http://169.254.169.254/\r\n")
    with pytest.raises(LastingError, match=r"\(status 302\) \(redirects are not followed\)"):
        bench(server).intercept(interceptor(server), {})


def test_more_than_it_may_say_is_a_lasting_fault(server: Server) -> None:
    server.say = answer(b" " * (MAX_ANSWER + 1))
    with pytest.raises(LastingError, match=r"^interceptor policy: .* answered more than 1 MiB"):
        bench(server).intercept(interceptor(server), {})


PUSHED = Event(body={"ref": "x"}, headers={}, extensions={}, request_url="/", event_id="e")


def test_an_answer_takes_memory_of_the_delivery(server: Server) -> None:
    server.say = answer(b'{"continue":true,"extensions":{"a":[%s{}]}}' % (b"{}," * 10_000))
    memory = Counted(1 << 22)
    limits = Limits(Deadline(8.0, lambda: 0.0), memory)
    call = replace(bench(server).call, limits=limits)
    passed = interceptor(server).intercept(PUSHED, call)
    assert isinstance(passed, Passed)
    assert memory.taken > 600_000, "the extensions are still there"
    memory.size = memory.taken + 100_000
    with pytest.raises(LastingError, match="interceptor policy: more than there is"):
        interceptor(server).intercept(PUSHED, call)


def test_less_than_it_promised_is_a_passing_fault(server: Server) -> None:
    def lie(stream: socket.socket, _asked: Asked) -> bool:
        stream.sendall(answer(b'{"continue":true}', length=100))
        return False

    server.say = lie
    with pytest.raises(PassingError, match=r"^interceptor policy: .* ended its answer before it was complete"):
        bench(server).intercept(interceptor(server), {})


class Clocked:
    """An Outbound that notes how long it may take."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def post(self, url: str, *, body: bytes, headers: Headers, seconds: float, ca_pem: str = "") -> Reply:
        self.seconds.append(seconds)
        return Reply(200, {}, b'{"continue":true}')


@pytest.mark.parametrize(("left", "expected"), [(8.0, 5.0), (7.0, 5.0), (4.0, 2.0), (CREATION_SECONDS + 0.5, 0.5)])
def test_it_may_take_five_seconds_and_never_the_time_to_create(server: Server, left: float, expected: float) -> None:
    clocked = Clocked()
    setup = Bench(outbound=clocked)
    call = replace(setup.call, deadline=Deadline(left, lambda: 0.0))
    interceptor(server).intercept(call.delivery.event(forms=False), call)
    assert clocked.seconds == [expected]


def test_without_time_it_is_not_asked(server: Server) -> None:
    call = replace(bench(server).call, deadline=Deadline(CREATION_SECONDS, lambda: 0.0))
    with pytest.raises(PassingError, match=r"^interceptor policy: no time was left to ask it"):
        interceptor(server).intercept(call.delivery.event(forms=False), call)
    assert not server.asked


# What a reference means


def test_a_namespaced_interceptor_is_looked_up_in_the_listeners_namespace(server: Server) -> None:
    mine, other = ClientConfig(url=server.url("/mine")), ClientConfig(url=server.url("/other"))
    registry = Registry(
        interceptors={
            (LISTENER_NAMESPACE, "policy"): resource("policy", mine, LISTENER_NAMESPACE),
            (NAMESPACE, "policy"): resource("policy", other, NAMESPACE),
        }
    )
    spec = InterceptorSpec(ref_name="policy", ref_kind="NamespacedInterceptor")
    bench(server).intercept(build_interceptor(spec, place(registry, server.entry)), {})
    assert [asked.line for asked in server.asked] == ["POST /mine HTTP/1.1"]


def test_a_namespaced_interceptor_may_have_the_name_of_a_core_one(server: Server) -> None:
    config = ClientConfig(url=server.url())
    registry = Registry(interceptors={(LISTENER_NAMESPACE, "github"): resource("github", config, LISTENER_NAMESPACE)})
    spec = InterceptorSpec(ref_name="github", ref_kind="NamespacedInterceptor")
    bench(server).intercept(build_interceptor(spec, place(registry, server.entry)), {})
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("kind", "name"),
    [("ClusterInterceptor", "ClusterInterceptor gihub"), ("NamespacedInterceptor", "Interceptor listeners/gihub")],
)
def test_a_missing_interceptor_is_named_with_what_to_do(kind: Any, name: str) -> None:
    with pytest.raises(LastingError, match=rf"^{name}, which .* ref names, does not exist: .*github, gitlab, slack"):
        build_interceptor(InterceptorSpec(ref_name="gihub", ref_kind=kind), place(Registry()))


def test_an_interceptor_that_was_read_with_mistakes_says_which() -> None:
    registry = Registry(invalid={("ClusterInterceptor", "", "policy"): "spec.clientConfig.url must be a string"})
    with pytest.raises(
        LastingError, match=r"^ClusterInterceptor policy, .* is not valid: spec\.clientConfig\.url must"
    ):
        build_interceptor(InterceptorSpec(ref_name="policy"), place(registry))


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (ClientConfig(), "its spec.clientConfig has neither url nor service: give a url"),
        (ClientConfig(url="http://ci.example/"), "ci.example would be called over plain http: use https, or add"),
        (ClientConfig(url="https://10.0.0.1/"), "10.0.0.1 is a private address: add 10.0.0.1:443 to OUTBOUND_HOSTS"),
        (ClientConfig(url="https://169.254.169.254/"), "169.254.169.254 is a link-local or metadata address"),
        (ClientConfig(url="https://ci.example/", ca_bundle="no PEM"), "its caBundle holds no certificate"),
        (
            ClientConfig(service=ObjectRef("hook", "tools")),
            "hook.tools.svc is a Service inside a cluster, which this function cannot reach: give an https URL",
        ),
    ],
)
def test_what_can_never_be_called_is_said_at_load(config: ClientConfig, reason: str) -> None:
    with pytest.raises(LastingError) as caught:
        compiled(config)
    assert caught.value.reason.startswith(f"interceptor policy: {reason}")


def test_of_params_that_stand_twice_the_last_is_sent() -> None:
    config = ClientConfig(url="https://ci.example/")
    registry = Registry(cluster_interceptors={"policy": resource("policy", config)})
    spec = InterceptorSpec(ref_name="policy", params=(("a", 1), ("a", 2)))
    made = build_interceptor(spec, place(registry))
    assert isinstance(made, CustomInterceptor)
    assert made.params == {"a": 2}


class Addressed:
    """An Outbound that notes where it is sent, and with which trust."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []

    def post(self, url: str, *, body: bytes, headers: Headers, seconds: float, ca_pem: str = "") -> Reply:
        self.calls.append((url, ca_pem))
        return Reply(200, {}, b'{"continue":true}')


CA = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    ("config", "entry", "expected"),
    [
        (ClientConfig(service=ObjectRef("hook", "tools")), "hook.tools.svc:80", ("http://hook.tools.svc:80/", "")),
        (
            ClientConfig(service=ObjectRef("hook", "tools", path="a/b", port=8080)),
            "hook.tools.svc",
            ("http://hook.tools.svc:8080/a/b", ""),
        ),
        (
            ClientConfig(service=ObjectRef("hook", "tools", path="/a"), ca_bundle=CA),
            "hook.tools.svc:8443",
            ("https://hook.tools.svc:8443/a", CA),
        ),
        (ClientConfig(url="https://ci.example/x", ca_bundle=CA), "", ("https://ci.example/x", CA)),
    ],
)
def test_services_that_are_listed_are_called_where_tekton_calls_them(
    config: ClientConfig, entry: str, expected: tuple[str, str]
) -> None:
    outbound = Addressed()
    Bench(outbound=outbound).intercept(compiled(config, *([entry] if entry else [])), {})
    assert outbound.calls == [expected]
