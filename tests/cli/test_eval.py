"""`pipehook eval`: expressions and bindings on a delivery; one, a file of them, and the prompt."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests.cli.support import SECRET, clean, pipehook
from tests.support.function import ROOT


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("body.ref.startsWith('refs/heads/')", True),
        ("body.commits.size()", 1),
        ("{'a': [1, 2.5, null]}", {"a": [1, 2.5, None]}),
        ("header.canonical('X-GitHub-Event')", "push"),
        ("requestURL", "/hooks?x=1"),
        ("extensions.branch", "main"),
    ],
)
def test_a_cel_expression(expression: str, value: object) -> None:
    done = pipehook("eval", "cel", expression, "--path", "/hooks?x=1", "--extensions", '{"branch": "main"}')
    assert (done.code, done.json) == (0, value), done.err


def test_a_mistake_goes_to_standard_error_with_the_place() -> None:
    done = pipehook("eval", "cel", "body.ref ==")
    assert (done.code, done.out) == (1, "")
    assert "1:12" in done.err
    missing = pipehook("eval", "cel", "body.nothing")
    assert (missing.code, missing.err.strip()) == (1, "no such key: nothing")


def test_a_binding() -> None:
    done = pipehook("eval", "binding", "$(body.repository.full_name)@$(header.X-GitHub-Event)", "--event", "ping")
    assert (done.code, done.json) == (0, "kettle-works/storefront@ping")
    wrong = pipehook("eval", "binding", "$(body.nothing)")
    assert wrong.code == 1
    assert "nothing is not found" in wrong.err


def test_a_batch_from_a_file_and_from_standard_input(tmp_path: Path) -> None:
    text = "# filters\nbody.ref == 'refs/heads/main'\n\nbody.nothing\n"
    (tmp_path / "filters.txt").write_text(text)
    done = pipehook("eval", "cel", "--batch", tmp_path / "filters.txt", "-o", "json")
    assert done.code == 1
    assert done.json == [
        {"expression": "body.ref == 'refs/heads/main'", "value": True},
        {"expression": "body.nothing", "error": "no such key: nothing"},
    ]
    piped = pipehook(
        "eval",
        "cel",
        "--batch",
        "-",
        typed=text,
    )
    assert piped.out.splitlines() == [
        "body.ref == 'refs/heads/main'",
        "  true",
        "body.nothing",
        "  no such key: nothing",
    ]
    assert yaml.safe_load(pipehook("eval", "cel", "1 + 1", "-o", "yaml").out) == {"expression": "1 + 1", "value": 2}


def test_compare_secret_asks_only_online(tmp_path: Path) -> None:
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook" / "token").write_text(SECRET)
    expression = f"'{SECRET}'.compareSecret('token', 'hook')"
    environment = {"SECRETS_SOURCE": tmp_path.as_uri()}
    assert pipehook("eval", "cel", expression, "--online", environment=environment).out.strip() == "true"
    offline = pipehook("eval", "cel", expression, environment=environment)
    assert offline.code == 1
    assert "--online" in offline.err


@pytest.mark.parametrize("extensions", ["{", "[]"])
def test_extensions_must_be_an_object(extensions: str) -> None:
    assert pipehook("eval", "cel", "1", "--extensions", extensions).code == 2


def prompt(home: Path, typed: bytes) -> str:
    """Type into the prompt on a terminal and return what the terminal shows."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "functions", "eval", "cel", "--event", "push"],
        cwd=ROOT,
        env=clean({"HOME": str(home), "TERM": "xterm", "NO_COLOR": "1"}),
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    shown = b""
    try:
        for line in typed.splitlines(keepends=True):
            answered = shown.count(b"cel> ")
            end = time.monotonic() + 20
            while shown.count(b"cel> ") == answered and time.monotonic() < end:
                shown += os.read(leader, 4096)
            os.write(leader, line)
        while True:
            try:
                chunk = os.read(leader, 4096)
            except OSError:
                break
            if not chunk:
                break
            shown += chunk
        assert process.wait(20) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(leader)
    return shown.decode()


def test_the_prompt_evaluates_line_by_line_and_remembers(tmp_path: Path) -> None:
    shown = prompt(tmp_path, b"body.commits.size() + 41\nbody.nothing\n\x04")
    assert "42" in shown
    assert "no such key: nothing" in shown
    history = tmp_path / ".local" / "state" / "pipehook" / "eval_history"
    assert "body.commits.size() + 41" in history.read_text()
    assert history.stat().st_mode & 0o077 == 0
    again = prompt(tmp_path, b"\x1b[A\x1b[A\n\x04")  # the arrow upwards, twice
    assert "42" in again


@pytest.mark.parametrize(
    ("names", "typed", "files"),
    [
        (["src/a.py, docs/b.md"], "", ["src/a.py", "docs/b.md"]),
        (["a", "b,c"], "", ["a", "b", "c"]),
        (["-"], "with, comma\n\nb\n", ["with, comma", "b"]),
        ([""], "", []),
    ],
)
def test_the_changed_files_are_said(names: list[str], typed: str, files: list[str]) -> None:
    args = [part for name in names for part in ("--changed-files", name)]
    done = pipehook("eval", "cel", "extensions", *args, typed=typed)
    assert done.json == {
        "changed_files": ",".join(files),
        "changed_files_list": files,
        "changed_files_truncated": False,
    }
    bound = pipehook("eval", "binding", "$(extensions.changed_files)", *args, typed=typed)
    assert bound.json == ",".join(files)


def test_extensions_that_are_given_go_before_the_changed_files() -> None:
    said = ["--changed-files", "docs/a", "--extensions", '{"changed_files_truncated": true, "more": 1}']
    done = pipehook("eval", "cel", "'src/**'.pathChanged() && extensions.more == 1", *said)
    assert done.json is True
