"""Inputs rebuilt from public bug reports, below `field/`: what ran otherwise than in Tekton Triggers."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from functions import lint
from functions.model.load import read_manifests
from tests.adapters.outbound.support import Server, answer
from tests.support.application import Application
from tests.support.deliveries import SECRET, headers, signature
from tests.support.function import ROOT, Answer
from tests.support.workspace import Workspace

FIELD = Path(__file__).parent / "field"


def recorded(name: str) -> tuple[bytes, dict[str, str]]:
    """The body and headers of a case's request."""
    request = json.loads((FIELD / name / "request.json").read_text())
    return base64.b64decode(request["bodyBase64"]), dict(request["headers"])


def manifests(name: str, namespace: str) -> list[dict[str, Any]]:
    text = (FIELD / name / "manifests.yaml").read_text().replace("namespace: ci", f"namespace: {namespace}")
    return list(yaml.safe_load_all(text))


def test_params_in_another_case_run_and_are_noted(workspace: Workspace) -> None:
    name = "01-param-field-case"
    workspace.write(manifests(name, workspace.namespace))
    workspace.secret("hook", "key", SECRET)
    body = b'{"ref":"refs/heads/main","after":"1","repository":{"full_name":"o/r","clone_url":"https://a.example"}}'
    reply = Application(workspace.environment()).post(body, headers("push", body))
    assert (reply.status, reply.statuses) == (202, ["filtered"]), "compiled: only the event is another"
    found, _ = lint.check(read_manifests(FIELD / name), namespace="default")
    assert "CheckType is taken for checkType" in next(one for one in found if one.rule.id == "PH003").message
    assert not [one for one in found if one.rule.severity == "error"]


def test_a_webhook_gets_githubs_form_as_it_was_sent(workspace: Workspace) -> None:
    name = "04-payload-form-to-interceptor"
    with Server(answer(b'{"ok":"yes"}')) as server:
        written = manifests(name, workspace.namespace)
        written[0]["spec"]["triggers"][0]["interceptors"][0]["webhook"]["url"] = server.url()
        workspace.write(written)
        environment = workspace.environment(OUTBOUND_HOSTS=server.entry, UNVERIFIED_TRIGGERS="allow")
        body, given = recorded(name)
        assert Application(environment).post(body, given).statuses == ["created"]
        [asked] = server.asked
    assert asked.body == body
    assert asked.values("content-type") == ["application/x-www-form-urlencoded"]


@pytest.mark.parametrize("event", ["push", "ping"])
def test_the_shipped_example_filters_the_deletion_of_a_branch(workspace: Workspace, event: str) -> None:
    for path in sorted((ROOT / "infra" / "triggers").glob("*.yaml")):
        workspace.write(path.read_text().replace("goldstine-lab", workspace.namespace), path.name)
    workspace.secret("github-webhook", "secretkey", SECRET)
    body, given = recorded("11-branch-deletion")
    signed = given | {"X-Hub-Signature-256": signature(body), "X-GitHub-Event": event}
    reply: Answer = Application(workspace.environment()).post(body, signed)
    assert (reply.status, reply.statuses) == (202, ["filtered"])
