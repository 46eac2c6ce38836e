"""Nothing of an event, and no server's own words, in the log or in a reply to a sender who has not verified.

Random values stand in every field of the event and in every message of a server; no eight characters of them may be
found again. Names and kinds of objects are shown wherever they come from: bounded, and printable.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.adapters import logs
from functions.queue.messages import encode
from tests.adapters.kubernetes.support import work
from tests.adapters.outbound.support import Server
from tests.adapters.outbound.support import answer as raw_answer
from tests.standins.apiserver import ApiServer
from tests.standins.faults import Fault
from tests.support.application import Application
from tests.support.deliveries import PUSH, SECRET, encoded, headers
from tests.support.sources import inline, listener
from tests.support.workspace import Workspace

API = "triggers.tekton.dev"
MOST = 256 * 1024
"""Bytes of a line that Cloud Logging takes."""
NAMES = ("note", "text", "list", "word", "x-list")
VALUES = st.text("QXZJVqxzjv5 §Жж€😀\"\\':,;/()[]{}\n\t\x1b\x9b\u202e", min_size=8, max_size=60).filter(str.strip)


CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap"}
CODES = (422, 403, 400, 404, 409, 500)


def fault(code: int, status: dict[str, Any]) -> Fault:
    return Fault(method="POST", status=code, body=json.dumps(status), headers={"Retry-After": "60"})


@dataclass
class Place:
    """The function, what it asks, and what it has printed."""

    application: Application
    worker: Application
    cluster: ApiServer
    interceptor: Server
    printed: Callable[[], str]


def interceptor(name: str, **params: Any) -> dict[str, Any]:
    return {"ref": {"name": name}, "params": [{"name": key, "value": value} for key, value in params.items()]}


def manifests() -> list[dict[str, Any]]:
    github = interceptor("github", secretRef={"secretName": "github", "secretKey": "key"})
    compared = interceptor("cel", filter="body.token.compareSecret('key', 'github') && body.note != ''")
    failing = interceptor("cel", filter="body.text.parseJSON().x == 1 || [1][int(body.number)] == 1")
    overlay = interceptor("cel", overlays=[{"key": "a", "expression": "timestamp(body.text)"}])
    custom = {"ref": {"name": "policy", "kind": "ClusterInterceptor"}}
    bindings = [{"name": name, "value": f"$(body.{name})"} for name in ("note", "text", "list", "word")]
    bindings.append({"name": "head", "value": "$(header.X-Note)"})
    run = {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {"generateName": "run-", "annotations": {"note-$(tt.params.word)": "$(tt.params.note)"}},
        "spec": {"params": [{"name": "p", "value": "$(tt.params.text) $(tt.params.list) $(tt.params.head)"}]},
    }
    template = {"spec": {"params": [{"name": entry["name"]} for entry in bindings], "resourcetemplates": [run]}}
    chains = {
        "signed": [github],
        "compared": [compared],
        "failing": [github, failing],
        "overlaid": [github, overlay],
        "custom": [custom],
        "unbound": [github],
    }
    triggers = [
        {
            "name": name,
            "interceptors": chain,
            "bindings": [*bindings, {"name": "gone", "value": "$(body.list[9])"}] if name == "unbound" else bindings,
            "template": template,
        }
        for name, chain in chains.items()
    ]
    return [
        {
            "apiVersion": f"{API}/v1beta1",
            "kind": "EventListener",
            "metadata": {"name": "el"},
            "spec": {"triggers": triggers},
        }
    ]


@pytest.fixture
def place(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[Place]:
    with ApiServer() as cluster, Server(raw_answer(b"{}")) as asked:
        workspace = Workspace(tmp_path, cluster, namespace="team")
        workspace.secret("github", "key", SECRET)
        policy = {"apiVersion": f"{API}/v1alpha1", "kind": "ClusterInterceptor", "metadata": {"name": "policy"}}
        workspace.write([*manifests(), policy | {"spec": {"clientConfig": {"url": asked.url()}}}])
        environment = workspace.environment(OUTBOUND_HOSTS=asked.entry)

        def printed() -> str:
            captured = capfd.readouterr()
            return captured.out + captured.err

        worker = Application(environment, target="dispatch")
        yield Place(Application(environment), worker, cluster, asked, printed)


def pieces(*values: str) -> set[str]:
    """Return all that may not be found: eight characters and more, as they are and as JSON escapes them."""
    found: set[str] = set()
    for value in values:
        for form in (value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], value.upper()):
            found |= {form[at : at + 8] for at in range(len(form) - 7) if form[at : at + 8].strip()}
    return found


def statuses(value: str) -> Iterator[dict[str, Any]]:
    """Yield Status objects that quote a value in the ways of servers, webhooks and policies, and in none."""
    quoted = json.dumps(value)
    messages = (
        value,
        f"invalid value: {value}, see notes: spec.description",
        f'PipelineRun.tekton.dev "run" is invalid: spec.params[{value}].value: Invalid value: {quoted}: must be unique',
        f'admission webhook "policy.example.com" denied the request: {value} is not allowed, nor {value[2:]}',
        f'admission webhook "policy.example.com" denied the request: validation failed: invalid value: {value.upper()}',
        f'pipelineruns.tekton.dev "{value}" is forbidden: exceeded quota: runs, requested: {value}=1',
        f"pipelineruns.tekton.dev {quoted} is forbidden: User {quoted} cannot create resource {quoted}",
        f'strict decoding error: unknown field "spec.{value}", unknown field "metadata.annotations[{value}]"',
        f'Internal error occurred: failed calling webhook "hook.example.com": Post {quoted}: {value}',
        f'{value}: not found "{value}" already exists {value[:20]}',
    )
    cause = {"reason": value, "message": value, "field": f"spec.{value}[{value}].{value}"}
    details = {"name": value, "kind": value, "group": value, "uid": value, "causes": [cause, {"field": value}, value]}
    for message in messages:
        yield {"kind": "Status", "reason": "Invalid", "message": message}
    yield {"kind": "Status", "reason": value, "message": value, "details": details, "metadata": {"a": value}}
    yield {"kind": value, "reason": value, "message": value}


def push_of(text: bytes, *, message_id: str = "4711") -> bytes:
    data = base64.b64encode(text).decode()
    return encoded({"message": {"data": data, "messageId": message_id}, "subscription": "projects/p/subscriptions/s"})


def check(place: Place, found: set[str], *replies: str) -> str:
    printed = place.printed()
    lines = printed.splitlines()
    messages = [json.loads(line)["message"] for line in lines]
    for text in (printed, *messages, *replies):
        assert not [piece for piece in found if piece in text], text
    assert all(len(line.encode()) < MOST / 4 for line in lines)
    return printed


@pytest.mark.long
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(event=st.fixed_dictionaries(dict.fromkeys(NAMES, VALUES)), word=VALUES, number=st.integers(10**8, 10**15))
def test_no_eight_characters_of_event_or_server_are_found_again(
    place: Place, event: dict[str, str], word: str, number: int
) -> None:
    content = {**event, "list": [event["list"]], event["word"]: event["note"], "number": number, "token": word}
    body = encoded(PUSH | content)
    found = pieces(*event.values(), word, str(number), "rotate-the-key-Q7")
    place.printed()
    for at, status in enumerate(statuses(word)):
        place.cluster.faults.add(fault(CODES[at % len(CODES)], status))
        said = json.dumps({"continue": False, "status": {"code": (3, 7, 16)[at % 3], "message": word + event["note"]}})
        place.interceptor.say = raw_answer(
            said.encode() if at % 4 else word.encode(), status=("200 OK", "403 No", "500 Oh")[at % 3]
        )
        sent = headers("push", body, X_Note="rotate-the-key-Q7")
        place.application.post(body, sent)
        unsigned = {name: value for name, value in sent.items() if name != "X-Hub-Signature-256"}
        strangers = [place.application.post(body, unsigned).text]
        strangers.append(place.application.post(body, unsigned | {"X-Hub-Signature-256": f"sha256={'0' * 64}"}).text)
        rendered = {"metadata": {"generateName": "a-"}, "spec": event, "apiVersion": "tekton.dev/v1", "kind": "TaskRun"}
        queued = place.worker.post(push_of(encode(work(rendered)).data), {}).text
        printed = check(place, found, *strangers, queued)
        assert "trigger team/signed failed: PipelineRun team/run-" in printed
        assert "the cluster answers" in printed
        place.cluster.faults.clear()


ENDLESS = "\x1b[2J\u202e\u2028\x9b" + "Q" * 2_000 + "😀" * 100_000


@pytest.mark.parametrize("part", ["kind", "apiVersion", "name", "namespace", "generateName"])
def test_names_from_an_event_are_bounded_and_printable_everywhere(place: Place, tmp_path: Path, part: str) -> None:
    given_names = {"kind": "PipelineRun", "apiVersion": "tekton.dev/v1", "namespace": "team"}
    given_names |= {part: "$(tt.params.long)"} | ({} if "ame" in part and part != "namespace" else {"name": "run"})
    metadata = {name: given_names.pop(name) for name in ("name", "generateName", "namespace") if name in given_names}
    runs = [{**given_names, "metadata": {**metadata, "labels": {"n": str(n)}}} for n in range(40)]
    workspace = Workspace(tmp_path / "names", place.cluster, namespace="team")
    workspace.secret("hook", "token", SECRET)
    bound: dict[str, Any] = {"bindings": [{"name": "long", "value": "$(body.long)"}]}
    template = {"spec": {"params": [{"name": "long"}], "resourcetemplates": runs}}
    workspace.write([listener(inline(**bound, template=template))])
    function = Application(workspace.environment())
    body = encoded(PUSH | {"long": ENDLESS})
    place.printed()
    reply = function.post(body, headers("push", body))
    assert reply.statuses == ["failed"]
    check(place, {"😀" * 100, "\\ud83d\\ude00" * 300}, reply.text)
    assert all(text.isprintable() for row in reply.json["triggers"] for text in (row["reason"], str(row["resources"])))


def test_names_that_are_created_are_shown_whole(place: Place, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "names", place.cluster, namespace="team")
    workspace.secret("hook", "token", SECRET)
    made = {**CONFIG_MAP, "metadata": {"name": "$(tt.params.long)"}}
    template = {"spec": {"params": [{"name": "long"}], "resourcetemplates": [made]}}
    bound: dict[str, Any] = {"bindings": [{"name": "long", "value": "$(body.long)"}]}
    workspace.write([listener(inline(**bound, template=template))])
    body = encoded(PUSH | {"long": "x" * 253})
    place.printed()
    reply = Application(workspace.environment()).post(body, headers("push", body))
    assert reply.json["triggers"][0]["resources"][0]["name"] == "x" * 253
    assert f"created: ConfigMap team/{'x' * 253}" in place.printed()


def test_what_a_queue_says_of_a_message_is_bounded(place: Place) -> None:
    job = work()
    named = encoded(
        {"schema": 1, "work": json.loads(encode(job).data)["work"] | {"trigger": ENDLESS, "listener": ENDLESS}}
    )
    place.printed()
    replies = [
        place.worker.post(push_of(encode(job).data, message_id=ENDLESS), {}).text,
        place.worker.post(push_of(named), {}).text,
        place.worker.post(push_of(b"{}", message_id=ENDLESS), {}).text,
    ]
    check(place, {"😀" * 300}, *replies)


def test_any_line_of_the_log_is_bounded_and_printable(capsys: pytest.CaptureFixture[str]) -> None:
    logs.write("ERROR", ENDLESS, labels=dict.fromkeys("abcdefghij", ENDLESS))
    logs.write("ERROR", "frames:\n  one\n  two")
    first, second = capsys.readouterr().out.splitlines()
    entry = json.loads(first)
    assert len(first) < MOST / 2
    assert all(text.isprintable() for text in (entry["message"], *entry["logging.googleapis.com/labels"].values()))
    assert json.loads(second)["message"] == "frames:\n  one\n  two"
