"""What is done once a delivery however many triggers there are: each signature, the parse, the hash of the body."""

from __future__ import annotations

import hmac
from unittest import mock

import pytest

from functions import delivery
from functions.pipeline import delivered
from tests.support.application import Application
from tests.support.deliveries import PUSH, SECRET, encoded, headers
from tests.support.sources import github, inline, listener, run, template
from tests.support.workspace import Workspace

BODY = encoded(PUSH)


def counting(monkeypatch: pytest.MonkeyPatch, module: object, name: str) -> mock.Mock:
    found = mock.Mock(wraps=getattr(module, name))
    monkeypatch.setattr(module, name, found)
    return found


def test_triggers_share_what_they_have_in_common(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace.secret("hook", "token", SECRET)
    workspace.secret("other-hook", "token", b"another key")
    other = github(secretRef={"secretName": "other-hook", "secretKey": "token"})
    triggers = [
        *[inline(f"ours-{number}", github()) for number in range(4)],
        *[inline(f"theirs-{number}", other) for number in range(3)],
    ]
    workspace.write([template("template", run()), listener(*triggers)])
    application = Application(workspace.environment())
    signatures = counting(monkeypatch, hmac, "digest")
    parses = counting(monkeypatch, delivery, "parse_json")
    hashes = counting(monkeypatch, delivered, "delivery_key")

    answer = application.post(BODY, headers("push", BODY))

    assert [trigger["status"] for trigger in answer.json["triggers"]] == ["created"] * 4 + ["rejected"] * 3
    # a second reading of the other secret, which may have been rotated, makes one more
    assert {call.args[0] for call in signatures.call_args_list} == {SECRET, b"another key"}
    assert signatures.call_count <= 3
    assert parses.call_count == 1
    assert hashes.call_count == 1
