"""Every limit of SECURITY.md's table: the refusal is a sentence, and what is just below it passes."""

from __future__ import annotations

import io
import json
import re
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from queue import Queue
from typing import Any, cast
from unittest import mock
from urllib.parse import urlencode

import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from functions.adapters.http import exchange
from functions.adapters.http import room as room_module
from functions.adapters.http.body import MAX_BODY, SMALL_BODY, Watch, received_body
from functions.adapters.http.room import (
    BODIES,
    LARGE_BODIES,
    SMALL_VALUES,
    UNVERIFIED_DELIVERY,
    VALUES,
    VERIFIED_VALUES,
    Room,
    Share,
    Threads,
    Turns,
)
from functions.adapters.kubernetes.dry_run import DryRunSink
from functions.cel.program import Program
from functions.common.call_bounds import MAX_CALLS, bounded
from functions.common.errors import BadRequestError, ExhaustedError, LastingError, LimitError, PassingError
from functions.common.limits import Unbounded
from functions.common.ports import Deadline, GitHubApi, Memory, Outbound, Reply, Secrets, Services
from functions.common.values import Headers, SecretRef, Status
from functions.delivery import FORM, MAX_FORM_FIELDS, Delivery, canonical_headers
from functions.go.decode import MAX_DEPTH, MAX_INTEGER_DIGITS, MAX_VALUES, parse_json
from functions.interceptors.base import Call
from functions.interceptors.signatures import any_value_matches
from functions.listening.listeners import MAX_TRIGGERS, prepare
from functions.model.load import load_documents
from functions.outcomes.report import Report
from functions.pipeline import process
from functions.rendering.jsonpath import Path
from functions.rendering.templates import MAX_RESOURCE_BYTES
from tests.adapters.kubernetes.support import Clock
from tests.interceptors.running import MemoryGitHub, MemorySecrets, NoOutbound
from tests.security.shapes import push_of_files
from tests.support.application import Application
from tests.support.clocks import set_clock
from tests.support.deliveries import PUSH, encoded, headers
from tests.support.function import Answer
from tests.support.sources import cel, github, inline, listener, run, template
from tests.support.workspace import Workspace

HOOK = b"hook-key"


def refused(body: bytes, sent: Mapping[str, str], workspace: Workspace, *, path: str = "/") -> tuple[int, str]:
    answer = Application(workspace.environment()).post(body, sent, path)
    return answer.status, answer.json["errorMessage"]


def signed(value: object) -> tuple[bytes, dict[str, str]]:
    body = value if isinstance(value, bytes) else encoded(value)
    return body, headers("push", body)


def test_form_fields(article: Workspace) -> None:
    body = urlencode([(f"f{number}", "1") for number in range(MAX_FORM_FIELDS + 1)]).encode()
    status, said = refused(body, headers("push", body) | {"Content-Type": FORM}, article)
    assert (status, said) == (400, "the body is no form of at most 1000 fields in UTF-8, as its Content-Type says")


def test_headers(article: Workspace) -> None:
    body, sent = signed(PUSH)
    many = sent | {f"X-{number}": "1" for number in range(exchange.MAX_HEADERS)}
    assert refused(body, many, article) == (431, "the request has more than 100 headers")
    large = sent | {"X-Large": "a" * exchange.MAX_HEADER_BYTES}
    assert refused(body, large, article) == (431, "the headers are larger than 64 KiB together")


def test_the_path(article: Workspace) -> None:
    body, sent = signed(PUSH)
    assert refused(body, sent, article, path="/" + "a" * exchange.MAX_PATH) == (
        414,
        "the path is longer than 8192 characters",
    )
    answer = Application(article.environment()).post(body, sent, "/" + "a" * (exchange.MAX_PATH - 1))
    assert answer.status == 202


def test_the_events_name(article: Workspace) -> None:
    body, sent = signed(PUSH)
    for name in ("X-GitHub-Event", "X-Gitlab-Event", "X-Event-Key"):
        unnamed = {key: value for key, value in sent.items() if key != "X-GitHub-Event"}
        long = unnamed | {name: "p" * (exchange.MAX_EVENT_NAME + 1)}
        assert refused(body, long, article) == (400, "the event's name is longer than 200 characters")
    longest = sent | {"X-GitHub-Event": "p" * exchange.MAX_EVENT_NAME}
    assert Application(article.environment()).post(body, longest).statuses == ["filtered"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"a":' * MAX_DEPTH + b"[]" + b"}" * MAX_DEPTH, f"the body nests deeper than {MAX_DEPTH} levels"),
        (b'{"a":1' + b"0" * MAX_INTEGER_DIGITS + b"}", f"the body has an integer of more than {MAX_INTEGER_DIGITS}"),
        (b'{"a":[' + b"0," * MAX_VALUES + b"0]}", f"the body holds more than {MAX_VALUES} values"),
        (b'{"a":[' + b"{}," * MAX_VALUES + b"0]}", f"the body holds more than {MAX_VALUES} values"),
    ],
)
def test_json(body: bytes, said: str, article: Workspace) -> None:
    status, found = refused(body, headers("push", body), article)
    assert status == 400
    assert found.startswith(said)


def test_json_just_below_the_limits() -> None:
    parse_json(b"[" * MAX_DEPTH + rb'"\ud83d\ude00 \ud800"' + b"]" * MAX_DEPTH)
    commas = "," * (MAX_VALUES + 1)
    assert parse_json(json.dumps([commas]).encode()) == [commas], "commas in a string are no values"
    assert parse_json(b"[" + b"0," * (MAX_VALUES - 2) + b"0]")


def configured(workspace: Workspace, *chain: dict[str, Any], bindings: Mapping[str, str] | None = None) -> Application:
    workspace.secret("hook", "token", HOOK)
    listed = [{"name": name, "value": value} for name, value in (bindings or {}).items()]
    trigger = inline("t", github(), *chain, bindings=listed)
    workspace.write([listener(trigger), template("template", run("run-", p="$(tt.params.p)$(tt.params.q)"))])
    return Application(workspace.environment())


def push(application: Application, **more: object) -> Answer:
    body = encoded(PUSH | more)
    return application.post(body, headers("push", body, secret=HOOK))


def test_cel_steps(workspace: Workspace) -> None:
    application = configured(workspace, cel("body.n.all(a, body.n.all(b, body.n.all(c, a + b + c >= 0)))"))
    answer = push(application, n=list(range(200)))
    assert re.search(r"takes more than 100\d{4} steps on this event", answer.reasons[0])
    assert (answer.status, answer.statuses) == (422, ["failed"])
    assert push(application, n=list(range(20))).statuses == ["created"]


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("body.n.all(a, body.n.all(b, body.n.all(c, a + b + c >= 0)))", "steps on this event"),
        ("body.n.all(a, body.n.all(b, body.n.all(c, a + b + c < 0 || true))) || true", "steps on this event"),
        ("body.text.replace('a', body.text).size() > 0 || true", "produces more than"),
        ("body.deep == body.deep2 || true", "nested too deeply to be compared"),
        ("('[' + body.commas + '1]').parseJSON().size() > 0 || true", "values"),
        ("body.yaml.parseYAML().size() > 0 || true", "nest deeper than 200 levels"),
        ("'x'.matches(body.text) || true", "more than 10000 characters"),
        ("'x'.matches(body.pattern) || true", "pattern too large"),
        ("body.n.map(n, body.text).marshalJSON().size() > 0", "longer than 1572864 characters"),
        ("json.encode(body.n.map(n, body.text)).size() > 0 || true", "longer than 1572864 characters"),
        ("body.deep.flatten(200).size() > 0 || true", "nest deeper"),
    ],
)
def test_a_filter_that_reaches_a_limit_has_failed(expression: str, said: str, workspace: Workspace) -> None:
    deep: list[Any] = []
    for _ in range(300):
        deep = [deep]
    answer = push(
        configured(workspace, cel(expression)),
        n=list(range(400)),
        text="a" * 20_000,
        deep=deep,
        deep2=deep,
        pattern="[a-z0-9]{1,999}" * 300,
        commas="1," * MAX_VALUES if "commas" in expression else "",
        yaml="[" * 300 + "]" * 300,
    )
    assert (answer.status, answer.statuses) == (422, ["failed"])
    assert said in answer.reasons[0]


class _Clock:
    """Time that passes by a second with each look at it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


@pytest.mark.parametrize(
    "chain",
    [
        [cel("body.n.all(a, body.n.all(b, a + b >= 0) || true) || true")],
        [cel("true", x="body.n.map(a, body.n.map(b, a + b))")],
    ],
    ids=["filter", "overlay"],
)
def test_a_filter_without_time_has_failed_and_may_be_sent_again(chain: list[dict[str, Any]]) -> None:
    trigger = inline("t", github(), *chain)
    resources = [listener(trigger), template("template", run("run-"))]
    report = processed(resources, PUSH | {"n": list(range(700))}, Deadline(12.0, _Clock()))
    assert [outcome.status for outcome in report.outcomes] == [Status.FAILED]
    assert report.status == 503
    assert "no time was left to evaluate the expression" in report.outcomes[0].reason


def test_making_an_overlay_looks_at_the_time_and_counts_its_memory() -> None:
    resources = [listener(inline("t", github(), cel(x="body.n"))), template("template", run("run-"))]
    event = PUSH | {"n": [[{}]] * 40_000}
    report = processed(resources, event, Deadline(12.0, _Clock()))
    assert report.status == 503
    assert "no time was left to convert the result" in report.outcomes[0].reason
    half = Share(Room(VERIFIED_VALUES), Turns(), size=0)
    half.take(VERIFIED_VALUES - (20 << 20), verified=True)  # the body fits, and what is made of it does not
    [outcome] = processed(resources, event, Deadline(12.0, lambda: 0.0), half).outcomes
    assert outcome.status is Status.FAILED
    assert "more than the 224 MiB of memory that a delivery may take" in outcome.reason


def test_a_binding_looks_at_the_time() -> None:
    trigger = inline("t", github(), bindings=[{"name": "p", "value": "$(body.n..x)"}])
    resources = [listener(trigger), template("template", run("run-"))]
    report = processed(resources, PUSH | {"n": [[0]] * 150_000}, Deadline(8.0, _Clock()))
    assert report.status == 503
    assert "no time was left to look for the values of params" in report.outcomes[0].reason


def processed(
    resources: list[dict[str, Any]], payload: Mapping[str, Any], deadline: Deadline, memory: Memory | None = None
) -> Report:
    manifests = "\n---\n".join(json.dumps(resource) for resource in resources)
    registry = load_documents({"triggers.yaml": manifests}, namespace="team").registry
    [found] = registry.listeners.values()
    body = encoded(payload)
    sent = canonical_headers(headers("push", body, secret=HOOK).items())
    delivery = Delivery(path="/", headers=sent, body=body, received_at=0.0, nonce="n")
    services = Services(MemorySecrets({("team", "hook", "token"): (HOOK,)}), NoOutbound(), MemoryGitHub())
    return process(
        delivery,
        prepare(found, registry),
        services=services,
        sink=DryRunSink(),
        deadline=deadline,
        memory=memory or Unbounded(),
        allow_unverified=False,
    )


FILES = 170_000


def test_forty_filters_over_the_names_of_a_large_push(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The result is right, whatever the number of files."""
    set_clock(monkeypatch, Clock())
    workspace.secret("hook", "token", HOOK)
    names = "body.commits.exists(c, {}.exists(f, f.{}))"
    triggers = [
        inline(f"t{number}", github(), cel(names.format("c.modified", f"startsWith('services/{number}/')")))
        for number in range(38)
    ]
    triggers.append(inline("last", github(), cel(names.format("c.modified", "endsWith('very-last.txt')"))))
    triggers.append(inline("slow", github(), cel("body.commits.exists(c, c.modified.exists(f, f.size() == 17))")))
    workspace.write([listener(*triggers), template()])
    body = push_of_files(FILES)
    answer = Application(workspace.environment()).post(body, headers("push", body, secret=HOOK))
    assert answer.statuses == ["filtered"] * 38 + ["created"] * 2


def test_equal_questions_are_answered_once(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace.secret("hook", "token", HOOK)
    overlays = cel("", files="body.commits.map(c, c.modified.filter(f, f.size() > 3)).flatten()")
    behind = cel("extensions.files.exists(f, f.size() == 17) && body.commits.size() > 1")
    bindings = [{"name": "branch", "value": "$(body.commits[*].id)"}]
    triggers = [inline(f"t{number}", github(), overlays, behind, bindings=bindings) for number in range(40)]
    workspace.write([listener(*triggers), template("template", run("run-", p="$(tt.params.branch)"))])
    evaluated = mock.create_autospec(Program.evaluate, side_effect=Program.evaluate)
    found = mock.create_autospec(Path.find, side_effect=Path.find)
    monkeypatch.setattr(Program, "evaluate", evaluated)
    monkeypatch.setattr(Path, "find", found)
    body = push_of_files(20_000)
    answer = Application(workspace.environment()).post(body, headers("push", body, secret=HOOK))
    assert answer.statuses == ["created"] * 40
    assert (evaluated.call_count, found.call_count) == (2, 1)


def test_regular_expressions_are_linear(workspace: Workspace) -> None:
    application = configured(workspace, cel("body.s.matches('^(a|a)*(a+)+$') || body.s.matches('(.*)(.*)(.*)(.*)x')"))
    # of a kind whose time doubles with every letter where expressions backtrack: this would never end
    answer = push(application, s="a" * 50_000 + "!")
    assert answer.statuses == ["filtered"]
    refused_at_load = configured(workspace, cel(r"body.s.matches('(a)\\1')"))
    assert push(refused_at_load, s="aa").statuses == ["failed"]


def test_values_that_a_jsonpath_visits(workspace: Workspace) -> None:
    application = configured(workspace, bindings={"p": "$(body..x)", "q": ""})
    answer = push(application, n=[[0]] * 150_000)
    assert answer.status == 422
    assert "values of the event: narrow it" in answer.reasons[0]


def test_the_size_of_a_rendered_resource(workspace: Workspace) -> None:
    application = configured(workspace, bindings={"p": "$(body.n)", "q": "$(body.n)"})
    answer = push(application, n="x" * (MAX_RESOURCE_BYTES // 2))
    assert answer.status == 422
    assert "1572864 bytes (1.5 MiB) that etcd takes" in answer.reasons[0]
    assert push(application, n="x" * 100_000).statuses == ["created"]


def test_triggers_of_a_listener(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_TRIGGERS == 5_000
    monkeypatch.setattr("functions.listening.listeners.MAX_TRIGGERS", 3)
    workspace.secret("hook", "token", HOOK)
    workspace.write([listener(*(inline(f"t{number}") for number in range(9))), template()])
    answer = push(Application(workspace.environment()))
    assert answer.status == 422
    assert answer.statuses == ["created", "created", "created", "failed"]
    assert answer.reasons[3] == "the listener has more than 3 triggers, and the others do not run: split it"


class _Answering:
    """An Outbound and a GitHubApi that say yes."""

    def post(self, url: str, *, body: bytes, headers: Headers, seconds: float, ca_pem: str = "") -> Reply:
        return Reply(200, {}, b"{}")

    def file(self, *asked: object, **more: object) -> str:
        return "found"

    pull_request_files = is_member = is_collaborator = head = file


def test_time_for_comparing_keys() -> None:
    call = a_call(deadline=Deadline(10.0, lambda: 10.0))
    with pytest.raises(PassingError, match="no time was left to verify the delivery"):
        any_value_matches(call, SecretRef("team", "hook", "token"), lambda _: pytest.fail("no key is tried"))


def a_call(*, deadline: Deadline) -> Call:
    delivery = Delivery(path="/", headers={}, body=b"", received_at=0.0, nonce="n")
    services = Services(MemorySecrets({("team", "hook", "token"): (HOOK,)}), NoOutbound(), MemoryGitHub())
    return Call(delivery, services, deadline, "namespaces/team/triggers/t")


def test_outgoing_calls_of_a_delivery() -> None:
    answering = _Answering()
    services = Services(cast("Secrets", None), cast("Outbound", answering), cast("GitHubApi", answering))
    mine, other = bounded(services), bounded(services)
    for _ in range(MAX_CALLS // 5):
        mine.outbound.post("https://a.example", body=b"", headers={}, seconds=1)
        mine.github.file("o/r", "f", token="", deadline=cast("Any", None))
        mine.github.pull_request_files("o/r", 1, token="", deadline=cast("Any", None))
        mine.github.is_member("o", "u", token="", deadline=cast("Any", None))
        mine.github.is_collaborator("o/r", "u", token="", deadline=cast("Any", None))
    calls: list[Callable[[], object]] = [
        lambda: mine.outbound.post("https://a.example", body=b"", headers={}, seconds=1),
        lambda: mine.github.file("o/r", "f", token="", deadline=cast("Any", None)),
        lambda: mine.github.head("o/r", 1, token="", deadline=cast("Any", None)),
    ]
    for call in calls:
        with pytest.raises(LastingError, match="may call out 500 times together"):
            call()
    assert other.outbound.post("https://a.example", body=b"", headers={}, seconds=1).status == 200


def arriving(body: bytes, *, length: bool = True) -> Request:
    environ = EnvironBuilder(method="POST", input_stream=io.BytesIO(body)).get_environ()
    environ["wsgi.input_terminated"] = True
    if not length:
        del environ["CONTENT_LENGTH"]
    return Request(environ)


@pytest.mark.parametrize("length", [True, False])
def test_room_for_large_bodies(length: bool) -> None:
    room = Room(BODIES, seconds=0)
    large, small = b"x" * (SMALL_BODY + 1), b"x" * SMALL_BODY
    needed = len(large) if length else MAX_BODY
    with received_body(arriving(large, length=length), room=room) as first:
        assert first == large
        room.take(LARGE_BODIES - needed)
        with (
            pytest.raises(PassingError, match="too many large bodies are being received") as caught,
            received_body(arriving(large, length=length), room=room),
        ):
            pytest.fail("there is no room")
        assert caught.value.retry_after == 30
        with received_body(arriving(small, length=length), room=room) as body:
            assert body == small, "small bodies have room of their own"
        room.give_back(MAX_BODY)
        with received_body(arriving(large, length=length), room=room) as body:
            assert body == large


def test_room_is_given_back_whatever_happens() -> None:
    room = Room(LARGE_BODIES, seconds=0)
    for _ in range(2 * LARGE_BODIES // MAX_BODY):
        with pytest.raises(BadRequestError), received_body(arriving(b"x" * (MAX_BODY + 1), length=False), room=room):
            pytest.fail("it is too large")
    room.take(LARGE_BODIES)


def test_what_one_delivery_may_take() -> None:
    room, turns = Room(VALUES, seconds=0), Turns()
    forged, signed, other, small = (Share(room, turns, size=0) for _ in range(4))
    with pytest.raises(
        LimitError, match=r"more than the 64 MiB of memory that a delivery that nothing has verified yet"
    ):
        forged.take(UNVERIFIED_DELIVERY + 1, verified=False)
    with pytest.raises(LimitError, match="more than the 224 MiB of memory that a delivery may take"):
        signed.take(VERIFIED_VALUES + 1, verified=True)
    forged.take(UNVERIFIED_DELIVERY, verified=False)
    with pytest.raises(ExhaustedError):
        other.take(UNVERIFIED_DELIVERY, verified=False)
    signed.take(VERIFIED_VALUES - UNVERIFIED_DELIVERY, verified=True)
    with pytest.raises(ExhaustedError):
        other.take(SMALL_VALUES + 1, verified=True)
    small.take(SMALL_VALUES, verified=False)  # whatever the others have
    for share in (forged, signed, other, small):
        share.close()
    with signed.making(VERIFIED_VALUES, verified=True):
        pass


def test_small_deliveries_go_first_and_large_ones_by_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_module, "PATIENCE_SECONDS", 60.0)
    room, turns = Room(VALUES), Turns()
    small, large = Share(room, turns, size=10), Share(room, turns, size=SMALL_BODY + 1)
    begun, ended = threading.Event(), threading.Event()

    def parse() -> None:
        with large.making(SMALL_VALUES + 1, verified=True):
            begun.set()
            ended.wait(60)

    thread = threading.Thread(target=parse)
    with small.making(SMALL_VALUES, verified=False):
        thread.start()
        assert not begun.wait(0.1)
    small.close()
    assert begun.wait(60)
    with Share(room, turns, size=10).making(SMALL_VALUES, verified=False):
        ended.set()  # what is small needs no turn
    thread.join(10)
    assert not thread.is_alive()


def test_few_wait_for_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_module, "TURN_SECONDS", 60.0)
    room, turns = Room(VALUES), Turns(Threads(1))  # so that one may wait
    begun, ended = threading.Event(), threading.Event()

    def parse() -> None:
        with Share(room, turns, size=SMALL_BODY + 1).making(SMALL_VALUES + 1, verified=True):
            begun.set()
            ended.wait(60)

    with Share(room, turns, size=SMALL_BODY + 1).making(SMALL_VALUES + 1, verified=True):
        waits = threading.Thread(target=parse)
        waits.start()
        refusals = 0
        while not refusals:  # until the other one waits, this one may
            with suppress(ExhaustedError), turns.threads.waiting():
                continue
            refusals += 1
        with (
            pytest.raises(ExhaustedError, match="too many large bodies are being received"),
            Share(room, turns, size=SMALL_BODY + 1).making(SMALL_VALUES + 1, verified=True),
        ):
            pytest.fail("two wait")
        assert not begun.is_set()
    assert begun.wait(60)
    ended.set()
    waits.join(10)


def never_arriving(stack: ExitStack) -> Request:
    ours, _theirs = (stack.enter_context(end) for end in socket.socketpair())
    environ = EnvironBuilder(method="POST").get_environ()
    environ |= {"CONTENT_LENGTH": "10", "wsgi.input": stack.enter_context(ours.makefile("rb")), "gunicorn.socket": ours}
    return Request(environ)


def test_bodies_that_do_not_arrive_leave_a_quarter_of_the_threads_to_others() -> None:
    watch, room = Watch(Threads(4)), Room(BODIES)
    ends: Queue[Exception] = Queue()

    def wait(request: Request) -> None:
        try:
            with received_body(request, room=room, seconds=60, watch=watch):
                pytest.fail("it never arrives")
        except (BadRequestError, PassingError) as error:
            ends.put(error)

    with ExitStack() as stack:
        requests = [never_arriving(stack) for _ in range(4)]
        threads = [threading.Thread(target=wait, args=(request,)) for request in requests]
        for thread in threads:
            thread.start()
        error = ends.get(timeout=30)
        assert isinstance(error, ExhaustedError)
        assert error.retry_after == 30
        with received_body(arriving(b"small"), room=room, seconds=60, watch=watch) as body:
            assert body == b"small"
        assert ends.empty(), "the others still wait"
        assert sum(thread.is_alive() for thread in threads) == 3
        for request in requests:
            request.environ["gunicorn.socket"].shutdown(socket.SHUT_RD)
        for thread in threads:
            thread.join(10)


@pytest.mark.parametrize(("number", "most"), [(1, 1), (3, 3), (4, 3), (16, 12)])
def test_an_instance_of_few_threads_gives_its_slow_bodies_their_time(number: int, most: int) -> None:
    threads = Threads(number)
    for slow, surplus in ((most, 0), (most + 1, 1)):
        threads.slow = slow
        assert threads.surplus == surplus


def test_few_wait_for_room() -> None:
    room = Room(10, seconds=60, waiting=0)
    room.take(10)
    with pytest.raises(PassingError):
        room.take(1)


@pytest.mark.parametrize("length", [True, False])
@pytest.mark.parametrize("size", [0, 1, SMALL_BODY - 1, SMALL_BODY, SMALL_BODY + 1, 3 * SMALL_BODY, MAX_BODY])
def test_bodies_arrive_as_they_were_sent(size: int, length: bool) -> None:
    sent = bytes(range(256)) * (size // 256) + bytes(range(size % 256))
    with received_body(arriving(sent, length=length)) as body:
        assert body == sent
        assert type(body) is bytes
