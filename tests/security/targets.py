"""What fuzzing feeds with bytes: one function for each parser that hostile or hand-written text reaches.

A target returns for whatever it was given; the error family is the only thing that may be raised inside. Where more is
promised than "it does not crash", the target asserts it. `make fuzz` runs them under atheris, and `test_corpus` runs
every seed and every case that was ever found through them as ordinary tests.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from functions.adapters.kubernetes.kubeconfig.reader import parse_kubeconfig
from functions.adapters.logs import trace_of, trace_parent
from functions.cel import Activation, compile_expression, to_json
from functions.common.errors import BadRequestError, PipehookError
from functions.common.ports import Deadline, Services, Work
from functions.common.values import Event, Json, SecretRef
from functions.delivery import Delivery, canonical_headers, repository_name
from functions.go.decode import parse_json
from functions.interceptors.base import Assurance, Call
from functions.interceptors.event_shapes import misfit
from functions.interceptors.gitlab import GitLabToken
from functions.interceptors.signatures import SHA256_OR_SHA1, HubSignature
from functions.interceptors.slack import SlackSignature
from functions.listening.listeners import prepare
from functions.model.load import load_documents
from functions.model.resources import Param, ParamSpec, TemplateSpec
from functions.outcomes.naming import delivery_key, stamp
from functions.queue.messages import decode, read_push
from functions.rendering.bindings import compile_bindings
from functions.rendering.templates import MAX_RESOURCE_BYTES, compile_template
from tests.interceptors.running import MemoryGitHub, MemorySecrets, NoOutbound
from tests.security.manifests import LISTENER

KEY = b"fuzz"
REF = SecretRef("team", "hook", "token")
SERVICES = Services(MemorySecrets({("team", "hook", "token"): (KEY,)}), NoOutbound(), MemoryGitHub())
NOW = 1_800_000_000.0

Target = Callable[[bytes], None]
TARGETS: dict[str, Target] = {}


def target(run: Target) -> Target:
    """Make a function a target, known by its name."""
    TARGETS[run.__name__] = run
    return run


def cut(data: bytes, parts: int) -> list[bytes]:
    """Cut bytes at the first NULs, so that the fuzzer moves the borders: always so many parts."""
    pieces = data.split(b"\0", parts - 1)
    return pieces + [b""] * (parts - len(pieces))


def text(data: bytes) -> str:
    """Return bytes as a header or a manifest could hold them."""
    return data.decode("utf-8", "replace")


def delivered(data: bytes) -> Delivery:
    """Return a delivery: headers a line each, then the body."""
    head, body = cut(data, 2)
    pairs = (line.partition(":") for line in text(head).splitlines())
    return Delivery(
        path="/",
        headers=canonical_headers((name, value.strip()) for name, _, value in pairs),
        body=body,
        received_at=NOW,
        nonce="nonce",
    )


@target
def signatures(data: bytes) -> None:
    """Headers of senders, with the body: only the right HMAC is SIGNED, only the right token AUTHENTICATED."""
    delivery = delivered(data)
    call = Call(delivery, SERVICES, Deadline(NOW, lambda: 0.0), "namespaces/team/triggers/t")
    digest = hmac.digest(KEY, delivery.body, "sha256").hex()
    verdict = HubSignature(REF).verify(call)
    right = delivery.header("X-Hub-Signature-256").partition("=")[2].lower() == digest
    assert (verdict is Assurance.SIGNED) <= right
    HubSignature(REF, header="X-Hub-Signature", algorithms=SHA256_OR_SHA1).verify(call)
    token = GitLabToken(REF).verify(call)
    assert (token is Assurance.AUTHENTICATED) == (delivery.header("X-Gitlab-Token") == KEY.decode())
    slack = SlackSignature(REF).verify(call)
    stamped = f"v0:{delivery.header('X-Slack-Request-Timestamp')}:".encode() + delivery.body
    expected = "v0=" + hmac.digest(KEY, stamped, "sha256").hex()
    assert (slack is Assurance.SIGNED) <= (delivery.header("X-Slack-Signature").lower() == expected)


@target
def deliveries(data: bytes) -> None:
    """A delivery's headers and body: an event, or a BadRequestError."""
    delivery = delivered(data)
    trace_of(delivery, project="p")
    trace_parent(delivery)
    delivery_key(delivery, signed=True)
    for forms in (False, True):
        try:
            event = delivery.event(forms=forms)
        except BadRequestError as error:
            assert error.reason
            assert 400 <= error.status < 500
            continue
        repository_name(event.body)
        misfit(delivery.event_name, event.body)
        json.dumps(event.body, allow_nan=False).encode()


@target
def json_texts(data: bytes) -> None:
    """JSON: whatever Python's parser takes strictly, and we take, means the same."""
    try:
        value = parse_json(data)
    except BadRequestError as error:
        assert error.reason
        return
    encoded = json.dumps(value, ensure_ascii=False, allow_nan=False).encode()  # no lone surrogate is left
    assert parse_json(encoded) == value


@target
def jsonpaths(data: bytes) -> None:
    """A binding's value, with the event that it looks at."""
    source, body = cut(data, 2)
    try:
        event = _event(parse_json(body))
        found = compile_bindings([Param("p", text(source))]).resolve(event, {})
    except PipehookError as error:
        assert error.reason
        return
    assert found.keys() == {"p"}


def _event(body: Json) -> Event:
    return Event(body=body, headers={"X-A": ("1", "2")}, extensions={"x": 1}, request_url="/p?q", event_id="id")


@target
def expressions(data: bytes) -> None:
    """A CEL expression, with the event that it looks at."""
    source, body = cut(data, 2)
    try:
        value = parse_json(body)
    except BadRequestError:
        value = {"a": [1, "b", None, {"c": 2.5}], "ref": "refs/heads/main"}
    activation = Activation(
        body=value if isinstance(value, dict) else {},
        header={"X-A": ("1",)},
        extensions={"x": 1},
        request_url="/p?q",
        compare_secret=lambda *_: False,
    )
    try:
        json.dumps(to_json(compile_expression(text(source)).evaluate(activation)), allow_nan=False)
    except PipehookError as error:
        assert error.reason


@target
def templates(data: bytes) -> None:
    """A resource template as JSON, then the params' values: rendered and stamped, or refused."""
    source, *values = cut(data, 4)
    try:
        resource = parse_json(source)
        if not isinstance(resource, dict):
            return
        names = ("a", "b", "c")
        spec = TemplateSpec((ParamSpec("a", "default"),), (resource,))
        params = dict(zip(names, map(text, values), strict=True))
        [rendered] = compile_template(spec).render(params, uid="u")
        assert rendered.keys() == resource.keys() or "$(" in "".join(resource)
        assert len(json.dumps(rendered, ensure_ascii=False, separators=(",", ":")).encode()) <= MAX_RESOURCE_BYTES
        stamp(_work(rendered), 0)
        stamp(_work(rendered), 0, attempt=1)
    except PipehookError as error:
        assert error.reason


def _work(resource: Mapping[str, Json]) -> Work:
    return Work(
        trigger="t",
        trigger_namespace="team",
        identity="team/t",
        listener="listener",
        listener_namespace="team",
        event_id="id",
        key="0" * 64,
        uid="u",
        service_account="",
        resources=(resource,),
        verified=True,
    )


@target
def manifests(data: bytes) -> None:
    """A manifest file: every listener in it compiles, or the mistakes are listed."""
    for name in ("a.yaml", "a.json"):
        try:
            registry = load_documents({name: data}, namespace="team").registry
        except PipehookError as error:
            assert error.reason
            continue
        for listener in registry.listeners.values():
            prepare(listener, registry)


@target
def kubeconfigs(data: bytes) -> None:
    """A kubeconfig from Secret Manager, where nothing local may be asked of it, and one from a file."""
    for local in (False, True):
        try:
            access = parse_kubeconfig(data, trusted_local=local, directory=Path("/nowhere"))
        except PipehookError as error:
            assert error.reason
            continue
        assert access.token not in repr(access) or len(access.token) < 8
        assert local or (access.server.startswith("https://") and access.ca_pem and not access.insecure)


@target
def messages(data: bytes) -> None:
    """A queue's message, and a push of Pub/Sub's that holds one."""
    for read in (read_push, decode):
        try:
            read(data)
        except PipehookError as error:
            assert error.reason


@target
def answers(data: bytes) -> None:
    """What cluster, GitHub, interceptors, Secret Manager or the queue answer: its name, status, headers and body."""
    from tests.security.answers import drive

    drive(_adapters(), *cut(data, 4))


@target
def whole(data: bytes) -> None:
    """A signed delivery through the whole function, with what a listener can have in it: never a 500."""
    delivery = delivered(data)
    sent = {name: ",".join(values) for name, values in delivery.headers.items() if _sendable(name, values)}
    sent |= {"X-Hub-Signature-256": "sha256=" + hmac.digest(KEY, delivery.body, "sha256").hex()}
    answer = _function().post(delivery.body, sent)
    assert answer.status in (202, 400, 401, 413, 422, 431), answer.text
    assert answer.headers["Content-Type"] == "application/json"
    assert "internal error" not in answer.text


def _sendable(name: str, values: tuple[str, ...]) -> bool:
    return (
        name.isascii()
        and name.replace("-", "").isalnum()
        and name != "Content-Length"
        and ",".join(values).isprintable()
    )


@cache
def _adapters() -> Any:
    from tests.security.answers import Adapters

    return Adapters()


@cache
def _function() -> Any:
    import tempfile

    from tests.support.application import Application

    directory = Path(tempfile.mkdtemp(prefix="fuzz-"))
    (directory / "hook").mkdir()
    (directory / "hook" / "token").write_bytes(KEY)
    (directory / "listener.yaml").write_text(LISTENER)
    return Application(
        {
            "TRIGGERS_SOURCE": str(directory / "listener.yaml"),
            "SECRETS_SOURCE": f"file://{directory}",
            "DRY_RUN": "true",
        }
    )
