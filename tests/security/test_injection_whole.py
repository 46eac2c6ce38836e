"""Injection through the whole pipeline: from the bytes of an event to what the cluster is asked to create.

The template of these tests fixes everything that decides what runs and as whom. Whatever the event says, all of that
comes out as it stands in the manifest, and each param's string is the one that an independent reading of the rules
gives.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, cast

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from functions.common.ports import Deadline, Services, Work
from functions.common.values import Json, Outcome, Status
from functions.delivery import Delivery, canonical_headers
from functions.listening.listeners import prepare
from functions.listening.prepared import Listener
from functions.model.annotations import KEY_ANNOTATION
from functions.model.load import load_documents
from functions.outcomes.naming import stamp
from functions.pipeline import process
from tests.interceptors.running import MemoryGitHub, MemorySecrets, NoOutbound
from tests.support.application import Application
from tests.support.deliveries import encoded, headers
from tests.support.function import Answer
from tests.support.sources import github, inline, listener, template
from tests.support.workspace import Workspace

SECRET = b"hook-key"
FIXED: dict[str, Any] = {
    "apiVersion": "tekton.dev/v1",
    "kind": "PipelineRun",
    "metadata": {
        "generateName": "run-",
        "namespace": "fixed-namespace",
        "labels": {"team": "fixed-label"},
        "annotations": {"note": "fixed-annotation"},
        "finalizers": ["fixed.example/finalizer"],
    },
    "spec": {
        "pipelineRef": {"name": "fixed-pipeline"},
        "taskRunTemplate": {"serviceAccountName": "fixed-account", "podTemplate": {"hostNetwork": False}},
        "timeouts": {"pipeline": "1h"},
        "params": [
            {"name": "whole", "value": "$(tt.params.a)"},
            {"name": "inside", "value": "before '$(tt.params.a)' \"$(tt.params.b)\" after"},
            {"name": "joined", "value": "$(tt.params.a)$(tt.params.b)"},
            {"name": "variable", "value": "$(tasks.build.results.x) $(context.run) $(tt.params.b)"},
            {"name": "list", "value": ["$(tt.params.b)", "fixed"]},
            {"name": "script", "value": "#!/bin/sh\nset -e\n$(tt.params.a)\n"},
        ],
    },
}

NASTY = st.one_of(
    st.text(max_size=40),
    st.lists(
        st.sampled_from(
            [
                *("$(", "$$(", "$", "(", ")", "$(uid)", "$(tt.params.a)", "$(tt.params.b)", "$(tasks.x.results.y)"),
                *(
                    '"',
                    "'",
                    "\\",
                    '\\"',
                    '",',
                    '"}',
                    "{",
                    "}",
                    "[",
                    "]",
                    ",",
                    ": ",
                    "\\u0022",
                    "\\n",
                    "${HOME}",
                    "`id`",
                ),
                *("\n", "\r", "\t", "\x00", "\x1b[31m", "\x7f", "\u202e", "\u2066", "\u2028", "\ufeff", "\U0001f389"),
                *("---\n", "&a ", "*a", "!!python/object:x ", "<<: *a", "kind: Secret\n", "# ", "- ", "? ", "| ", "@"),
                *('"},"kind":"ClusterRoleBinding","x":{"y":"', "fixed-account", "serviceAccountName: root"),
            ]
        ),
        max_size=10,
    ).map("".join),
)
LONG = "x'\"\\\n$(é" * 8192  # 64 KB and more


class Capture:
    """A sink that keeps what would be created."""

    def __init__(self) -> None:
        self.created: list[dict[str, Json]] = []

    def accept(self, work: Sequence[Work], deadline: Deadline) -> list[Outcome]:
        """Stamp everything as the cluster's sink does, and a second attempt beside it."""
        for one in work:
            for position in range(len(one.resources)):
                self.created.append(stamp(one, position))
        return [Outcome(one.trigger, one.trigger_namespace, Status.CREATED, verified=True) for one in work]


def compiled() -> Listener:
    bindings = [
        {"name": "a", "value": "$(body.a)"},
        {"name": "b", "value": "$(body.b)"},
    ]
    trigger = inline("t", github(), bindings=bindings)
    manifests = yaml.safe_dump_all([listener(trigger), template("template", FIXED)])
    registry = load_documents({"triggers.yaml": manifests}, namespace="team").registry
    [found] = registry.listeners.values()
    return prepare(found, registry)


LISTENER = compiled()
SERVICES = Services(MemorySecrets({("team", "hook", "token"): (SECRET,)}), NoOutbound(), MemoryGitHub())


def created(body: bytes) -> dict[str, Any]:
    delivery = Delivery(
        path="/",
        headers=canonical_headers(headers("push", body, secret=SECRET).items()),
        body=body,
        received_at=0.0,
        nonce="nonce",
    )
    sink = Capture()
    deadline = Deadline(1e12, lambda: 0.0)
    report = process(delivery, LISTENER, services=SERVICES, sink=sink, deadline=deadline, allow_unverified=False)
    assert [outcome.status for outcome in report.outcomes] == [Status.CREATED], report.outcomes
    [resource] = sink.created
    return cast("dict[str, Any]", resource)


def placed(source: str, values: dict[str, str]) -> str:
    """Read the rules independently: insert at the references, and let no `$(` come to be where two texts meet."""
    pieces = re.split(r"\$\(tt\.params\.(a|b)\)", source)
    out = ""
    for index, piece in enumerate(pieces):
        put = values[piece].replace("$(", "$$(") if index % 2 else piece
        out += "$" + put if out.endswith("$") and put.startswith("(") else put
    return out


def strings(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], object]]:
    """Yield every leaf and every empty container with its path."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from strings(item, (*path, key))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from strings(item, (*path, index))
    else:
        yield path, value


def assert_nothing_else_changed(resource: dict[str, Any], values: dict[str, str]) -> None:
    found = copy.deepcopy(resource)
    name = found["metadata"].pop("name")
    assert name.startswith("run-")
    assert found["metadata"]["generateName"] == "run-"
    labels = found["metadata"]["labels"]
    assert {key: labels.pop(key) for key in list(labels) if key.startswith("triggers.tekton.dev/")}.keys() == {
        "triggers.tekton.dev/eventlistener",
        "triggers.tekton.dev/trigger",
        "triggers.tekton.dev/triggers-eventid",
    }
    del found["metadata"]["annotations"][KEY_ANNOTATION]
    before, after = dict(strings(FIXED)), dict(strings(found))
    assert before.keys() == after.keys(), "the structure"
    for path, source in before.items():
        wanted = placed(source, values) if isinstance(source, str) else source
        assert after[path] == wanted, path


@settings(deadline=None, max_examples=400)
@given(a=NASTY, b=NASTY)
@example(a="", b="")
@example(a="$", b="(tt.params.a)")
@example(a="$(tt.params.b)", b="$(uid)")
@example(a=LONG, b=LONG)
@example(a='","kind":"Secret","x":"', b="\n---\nkind: Secret\n")
@example(a="\u202e\u0000\u001b[2J", b="*a &a !!str <<")
def test_a_string_of_the_event_changes_nothing_but_the_string_that_refers_to_it(a: str, b: str) -> None:
    assert_nothing_else_changed(created(encoded({"a": a, "b": b})), {"a": a, "b": b})


@settings(deadline=None, max_examples=150)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**40), 2**40) | NASTY,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NASTY, inner, max_size=3),
        max_leaves=8,
    )
)
def test_an_object_of_the_event_becomes_text_and_no_structure(value: Any) -> None:
    resource = created(encoded({"a": value, "b": "b"}))
    whole = resource["spec"]["params"][0]["value"]
    assert isinstance(whole, str)
    assert_nothing_else_changed(resource, {"a": _unescaped(whole), "b": "b"})
    if isinstance(value, dict | list):
        assert json.loads(_unescaped(whole)) == value


def _unescaped(text: str) -> str:
    return text.replace("$$(", "$(")


def push(workspace: Workspace, event: dict[str, Any], *resources: dict[str, Any]) -> Answer:
    names = sorted(event)
    bindings = [{"name": name, "value": f"$(body.{name})"} for name in names]
    workspace.secret("hook", "token", SECRET)
    workspace.write([listener(inline("t", github(), bindings=bindings)), template("template", *resources)])
    body = encoded(event)
    return Application(workspace.environment()).post(body, headers("push", body, secret=SECRET))


def config_map(**metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"fixed": "$(tt.params.a)"}}


REFUSED_NAMES = ["a b", "../../secrets/x", "..", "a/b", "a%2fb", "A", "a\nb", "é", "-a", "a" * 254, "$(uid)"]


@pytest.mark.parametrize("value", REFUSED_NAMES)
def test_a_name_from_the_event_that_is_none_is_a_clear_failure(value: str, workspace: Workspace) -> None:
    answer = push(workspace, {"a": value}, config_map(name="$(tt.params.a)"))
    assert (answer.status, answer.statuses) == (422, ["failed"])
    assert "name" in answer.reasons[0]
    assert workspace.cluster.objects("ConfigMap", workspace.namespace) == []


@pytest.mark.parametrize("value", ["a b", "é", "-a", "a" * 64, "x\nkind: Secret", "\u202e", "$(uid)", "{}"])
def test_a_label_from_the_event_that_kubernetes_refuses_is_a_clear_failure(value: str, workspace: Workspace) -> None:
    answer = push(workspace, {"a": value}, config_map(name="fixed", labels={"branch": "$(tt.params.a)"}))
    assert (answer.status, answer.statuses) == (422, ["failed"])
    assert "metadata.labels" in answer.reasons[0]
    assert workspace.cluster.objects("ConfigMap", workspace.namespace) == []


@pytest.mark.parametrize("value", ["a/../../kube-system", "..", "kube system", "%2e%2e", ""])
def test_a_namespace_from_the_event_leads_nowhere_else(value: str, workspace: Workspace) -> None:
    answer = push(workspace, {"a": value}, config_map(name="fixed", namespace="$(tt.params.a)"))
    if value:
        assert (answer.status, answer.statuses) == (422, ["failed"])
        assert "namespace" in answer.reasons[0]
    else:
        assert answer.json["triggers"][0]["resources"][0]["namespace"] == workspace.namespace


@pytest.mark.parametrize("value", ["../v1/secrets", "v1/../../x", "tekton.dev/v1?x=", "", "V1", "a/b/c"])
def test_an_api_version_from_the_event_leads_nowhere_else(value: str, workspace: Workspace) -> None:
    resource = config_map(name="fixed") | {"apiVersion": "$(tt.params.a)"}
    answer = push(workspace, {"a": value}, resource)
    assert (answer.status, answer.statuses) == (422, ["failed"])
    assert "apiVersion" in answer.reasons[0]


def test_the_eventid_label_is_legal_whatever_the_sender_calls_the_delivery(workspace: Workspace) -> None:
    workspace.secret("hook", "token", SECRET)
    workspace.write([listener(inline("t", github())), template("template", config_map(generateName="fixed-"))])
    application = Application(workspace.environment())
    for number, guid in enumerate(["a b", "../..", "é", "-", "x" * 64, '"}{', "$(uid)"]):
        body = encoded({"a": number})
        answer = application.post(body, headers("push", body, secret=SECRET, guid=guid))
        assert answer.statuses == ["created"]
        assert answer.json["eventID"] != guid
