"""A fault of our own is a 500 in the usual shape that says nothing, in the reply and in the log."""

from __future__ import annotations

import json

import pytest

from functions.common.errors import PassingError
from tests.support.application import Application
from tests.support.deliveries import PUSH, encoded, headers
from tests.support.workspace import Workspace

CANARY = "canary" + "7f3a"
BODY = encoded(PUSH)


class FaultError(Exception):
    """One of no known family."""


@pytest.mark.parametrize("path", ["/", "/robots.txt", "/favicon.ico"])
def test_no_exception_reaches_the_framework(
    path: str, article: Workspace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    application = Application(article.environment())

    def broken(*_: object, **__: object) -> object:
        raise FaultError(CANARY)

    monkeypatch.setattr("functions.entrypoints.webhook.process", broken)
    answer = application.post(BODY, headers("push", BODY), path)
    captured = capfd.readouterr()
    assert answer.status == 500
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json["errorMessage"] == "internal error: the function's log says where"
    assert "X-Google-Status" not in answer.headers
    entries = [json.loads(line) for line in captured.out.splitlines()]
    assert any(entry["severity"] == "CRITICAL" and "FaultError" in entry["message"] for entry in entries)
    assert any("in broken" in entry["message"] for entry in entries), "the log says where"
    assert CANARY not in captured.out + captured.err + answer.text
    monkeypatch.undo()
    assert application.post(BODY, headers("push", BODY), path).status == 202


def test_what_passes_is_a_503(article: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    application = Application(article.environment())

    def busy(*_: object, **__: object) -> object:
        raise PassingError("too many large bodies", retry_after=7)

    monkeypatch.setattr("functions.adapters.http.exchange.received_body", busy)
    answer = application.post(BODY, headers("push", BODY))
    assert (answer.status, answer.headers["Retry-After"]) == (503, "7")
    assert answer.json["errorMessage"] == "too many large bodies"
