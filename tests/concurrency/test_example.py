"""The example of docs/concurrency.md does what the page says, and the lint finds nothing in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from functions.concurrency.asked import MAX_LIMIT
from functions.concurrency.marks import MODES
from tests.cli.support import pipehook
from tests.support.application import Application
from tests.support.deliveries import PUSH, encoded, headers
from tests.support.function import ROOT, Answer
from tests.support.production import Production, open_production
from tests.test_concurrency import named, pull_request, push, states

EXAMPLE = ROOT / "docs" / "concurrency.yaml"


@pytest.fixture
def production(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Production]:
    text = EXAMPLE.read_text().replace("secretName: github-webhook", "secretName: hook")
    with open_production(tmp_path, monkeypatch) as found:
        found.write(*yaml.safe_load_all(text))
        yield found


def comment(function: Application, text: str, *, second: int, association: str = "MEMBER") -> Answer:
    body = encoded(
        {
            "action": "created",
            "issue": {"number": 7, "pull_request": {"url": "https://api.github.com/"}},
            "comment": {
                "body": text,
                "author_association": association,
                "created_at": f"2026-11-26T00:00:{second:02}Z",
            },
            "repository": PUSH["repository"],
        }
    )
    return function.post(body, headers("issue_comment", body))


def accepted(answer: Answer) -> list[str]:
    return [status for status in answer.statuses if status != "filtered"]


def test_it_does_what_the_page_says(production: Production) -> None:
    function = production.application()
    assert accepted(pull_request(function, "opened", 7, 10)) == ["created"]
    assert accepted(pull_request(function, "synchronize", 7, 12)) == ["created"]
    assert accepted(pull_request(function, "synchronize", 7, 11)) == ["superseded"]
    assert states(production) == {10: "CancelledRunFinally", 12: ""}
    assert accepted(comment(function, "/cancel", second=20, association="NONE")) == []
    (done,) = [row for row in comment(function, "/cancel", second=20).json["triggers"] if row["name"] == "cancel"]
    assert [ref["name"] for ref in done["cancelled"]] == [named(production, 12)]
    assert accepted(pull_request(function, "closed", 7, 30)) == ["created"]


def test_deployments_come_one_after_another(production: Production) -> None:
    function = production.application()
    for number in range(3):
        assert accepted(push(function, number, deleted=False)) == ["created"]
    assert states(production) == {0: "", 1: "PipelineRunPending", 2: "PipelineRunPending"}


def test_the_lint_finds_nothing_in_it() -> None:
    done = pipehook("validate", str(EXAMPLE))
    assert done.code == 0, done.out


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (["pull_request", "--trigger", "build"], "pipehook.dev/concurrency-group: pull-request-"),
        (["push", "--trigger", "deploy", "-o", "yaml"], "status: PipelineRunPending"),
    ],
)
def test_its_commands_show_what_a_run_carries(command: list[str], shown: str) -> None:
    page = (ROOT / "docs" / "concurrency.md").read_text()
    assert f"$ pipehook render --triggers docs/concurrency.yaml --event {' '.join(command)}" in page
    done = pipehook("render", "--triggers", str(EXAMPLE), "--event", *command)
    assert done.code == 0
    assert shown in done.out


def test_a_cancellation_is_shown_and_left_out_of_what_a_cluster_takes(tmp_path: Path) -> None:
    payload = tmp_path / "closed.json"
    closed = {"action": "closed", "number": 7, "repository": {"id": 1}, "pull_request": {}}
    payload.write_text(json.dumps(closed))
    command = ["--triggers", str(EXAMPLE), "--event", "pull_request", "--trigger", "closed", "--payload", str(payload)]
    done = pipehook("render", *command)
    assert "kind: Cancellation" in done.out
    assert "concurrencyGroup: pull-request-1-7" in done.out
    assert "Cancellation" not in pipehook("render", *command, "-o", "yaml").out


def test_a_dry_run_says_what_would_be_cancelled(production: Production) -> None:
    answer = pull_request(production.application(DRY_RUN="true"), "closed", 7, 30)
    (reason,) = [row["reason"] for row in answer.json["triggers"] if row["name"] == "closed"]
    assert reason == "dry run: would cancel older runs of a concurrency group"


def test_every_value_of_an_annotation_stands_in_the_page() -> None:
    page = (ROOT / "docs" / "concurrency.md").read_text()
    assert all(f"`{mode}`" in page for mode in MODES)
    assert f'"{MAX_LIMIT}"' in page
