"""CEL and bindings through the function: one listener with a trigger for each example, one delivery.

`cel.json` and `bindings.json` hold what a real Tekton answered; `own_cel.json` and `own_bindings.json` are further
cases in the same form, from the definitions of cel-go, Tekton and client-go.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.application import Application
from tests.support.sources import cel, inline, listener, run, template
from tests.support.workspace import Workspace

DIRECTORY = Path(__file__).parent / "conformance"


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DIRECTORY / name).read_text(encoding="utf-8"))
    return found


def delivered(workspace: Workspace, triggers: list[dict[str, Any]], found: dict[str, Any]) -> dict[str, Any]:
    """Send the file's event once; return each trigger's param `p` as it was created, or its reason."""
    workspace.secret("hook-secret", "token", b"secret-token")
    # as JSON: PyYAML would write the expression 1e100 as what Kubernetes reads as a number
    items = [listener(*triggers), template("template", run(p="$(tt.params.p)"))]
    workspace.write(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}), "triggers.json")
    application = Application(workspace.environment(UNVERIFIED_TRIGGERS="allow"))
    answer = application.post(json.dumps(found["body"]).encode(), found["headers"], found["url"])
    created = {
        one["metadata"]["labels"]["triggers.tekton.dev/trigger"]: one["spec"]["params"][0]["value"]
        for one in workspace.cluster.objects("PipelineRun", workspace.namespace)
    }
    told = {one["name"]: one for one in answer.json["triggers"]}
    assert {name for name, one in told.items() if one["status"] == "created"} == created.keys()
    assert all(one["reason"] for one in told.values() if one["status"] != "created")
    return {name: {"created": created[name]} if name in created else one for name, one in told.items()}


@pytest.mark.parametrize("name", ["cel.json", "own_cel.json"])
def test_overlays(name: str, workspace: Workspace) -> None:
    found = read(name)
    cases = {f"case-{number}": case for number, case in enumerate(found["cases"])}
    # the whole of the extensions, as JSON: a string slot gets it escaped, so that every value can be read back
    bindings = [{"name": "p", "value": "$(extensions)"}]
    triggers = [inline(key, cel("", out=case["expr"]), bindings=bindings) for key, case in cases.items()]
    answers = delivered(workspace, triggers, found)
    for key, case in cases.items():
        answer = answers[key]
        if "error" in case:
            assert answer.get("status") == "failed", case["expr"]
        else:
            assert "created" in answer, f"{case['expr']}: {answer}"
            assert json.loads(answer["created"].replace("$$(", "$(")) == {"out": case["value"]}, case["expr"]


def decoded(text: str) -> str:
    """Return what a param's text is once it stands in a JSON string, `$(` escaped as Tekton does since v0.34."""
    try:
        plain: str = json.loads(f'"{text}"', strict=False)
    except ValueError:  # a JSON value with quotes of its own, which we escape instead of breaking the slot
        plain = text
    return plain.replace("$(", "$$(")


@pytest.mark.parametrize("name", ["bindings.json", "own_bindings.json"])
def test_bindings(name: str, workspace: Workspace) -> None:
    found = read(name) | {"url": "/"}
    cases = {f"case-{number}": case for number, case in enumerate(found["cases"])}
    triggers = [
        inline(key, cel("true"), bindings=[{"name": "p", "value": case["value"]}]) for key, case in cases.items()
    ]
    answers = delivered(workspace, triggers, found)
    for key, case in cases.items():
        answer = answers[key]
        if "error" in case:
            assert answer.get("reason", "").endswith(case["error"]), case["value"]
        else:
            assert answer.get("created") == decoded(case["result"]), case["value"]
