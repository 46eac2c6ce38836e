"""What commands print and keep of strangers' text: no escapes for the terminal, no secrets in files."""

from __future__ import annotations

import io
import json
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from functions.cli import output
from functions.cli.app import LazyGroup
from functions.cli.local import LogLines
from functions.cli.masking import is_secret, masked
from functions.cli.output import coloured, document, progress, say, table
from functions.cli.recorded import Recorded
from functions.common.errors import LastingError, PassingError

HOSTILE = "\x1b]0;title\x07\x1b[31mred\x1b[2J\x9b31m\u202eabc\u2066\u200b\r\x08\x00\ud800"
HIDDEN = set(HOSTILE) - set("]0;title[31mred2Jabc")


TEXTS = st.text() | st.sampled_from([HOSTILE[:-1], "a\nb\u202e"])
VALUES = st.recursive(TEXTS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_terminal_gets_our_own_colours_and_nothing_else(stream: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written = Terminal()
    monkeypatch.setattr(f"sys.{stream}", written)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    write = say if stream == "stdout" else progress
    write(f"{coloured(f'ok {HOSTILE}', 'green', bold=True)} {HOSTILE} {coloured('twice', 'red')}")
    write(table([[HOSTILE, f"a\nfake row {HOSTILE}"]], ["one", "two"]))
    text = written.getvalue()
    assert text.count("\x1b[32m\x1b[1mok ") == 1
    assert "\x1b[31m\x1b[22mtwice\x1b[0m" in text
    ours = ("\x1b[32m", "\x1b[1m", "\x1b[31m\x1b[22mtwice", "\x1b[0m", "\x1b[37m")
    for style in ours:
        text = text.replace(style, "")
    assert not HIDDEN & set(text)
    assert len(text.splitlines()) == 3


@pytest.mark.parametrize("form", ["json", "yaml"])
@given(
    st.recursive(
        st.text() | st.sampled_from([HOSTILE[:-1], "a\nb\u202e"]),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_documents_say_what_they_hold_in_characters_that_can_be_seen(form: str, value: Any) -> None:
    text = document(value, form)
    assert output.visible(text) == text
    assert (json.loads(text) if form == "json" else yaml.safe_load(text)) == value


@pytest.mark.parametrize(
    "error", [LastingError(HOSTILE), PassingError(HOSTILE), click.UsageError(HOSTILE), click.ClickException(HOSTILE)]
)
def test_errors_are_shown_without_escapes(error: Exception) -> None:
    class Group(LazyGroup):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
            def fail() -> None:
                raise error

            return click.Command("fail", callback=fail)

    done = CliRunner().invoke(Group(lazy={}), ["fail"])
    assert "red" in done.output
    assert not HIDDEN & set(done.output)


def test_lines_of_the_log_are_shown_without_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    beyond = io.StringIO()
    LogLines(beyond).write(HOSTILE)
    LogLines(beyond).write(json.dumps({"severity": HOSTILE, "message": HOSTILE}))
    assert not HIDDEN & set(beyond.getvalue() + capsys.readouterr().err)


SECRETS = {
    "path": ("/team/el?token=s3cr3t-value&env=prod", {}),
    "path in capitals": ("/?a=1&Access_Token=s3cr3t-value", {}),
    "path with an escape": ("/?%74oken=s3cr3t-value", {}),
    "path with a key": ("/?key=s3cr3t-value;sig=s3cr3t-value", {}),
    "authorization": ("/", {"Authorization": "Bearer s3cr3t-value"}),
    "proxy": ("/", {"Proxy-Authorization": "Basic s3cr3t-value"}),
    "another name": ("/", {"X-Custom": "bearer s3cr3t-value"}),
    "auth": ("/", {"X-Auth": "s3cr3t-value"}),
    "api key": ("/", {"Apikey": "s3cr3t-value"}),
    "access key": ("/", {"X-Functions-Key": "s3cr3t-value"}),
    "cookie": ("/", {"Cookie": "a=s3cr3t-value"}),
    "iap": ("/", {"X-Goog-Iap-Jwt-Assertion": "s3cr3t-value"}),
    "referer": ("/", {"Referer": "https://ci.example.com/hook?secret=s3cr3t-value"}),
    "user": ("/", {"X-Original-Url": "https://me:s3cr3t-value@ci.example.com/"}),
    "a token of GitHub": ("/ghp_s3cr3tvalues3cr3tvalue", {"X-Note": "github_pat_s3cr3tvalues3cr3tvalue"}),
}


@pytest.mark.parametrize("name", SECRETS)
def test_what_is_kept_holds_no_secrets(name: str) -> None:
    path, headers = SECRETS[name]
    kept = Recorded(tuple(headers.items()), b"{}", path=path).without_secrets()
    assert "s3cr3t" not in kept.text()
    assert kept.stripped or "stripped" in kept.text()


def test_a_kept_delivery_is_shown_by_any_program_without_escapes() -> None:
    recorded = Recorded((("X-Note", HOSTILE[:-1]),), HOSTILE[:-1].encode(), path="/\x9b")
    text = recorded.text()
    assert not HIDDEN & set(text)
    assert json.loads(text)["body"] == HOSTILE[:-1]


def test_what_is_no_secret_is_kept() -> None:
    headers = {
        "X-Event-Key": "repo:push",
        "X-Github-Event": "push",
        "X-Author": "mona",
        "Idempotency-Key": "1",
        "Referer": "https://ci.example.com/?page=2",
        "Content-Type": "application/json",
    }
    recorded = Recorded(tuple(headers.items()), b"{}", path="/team/el?env=prod&page=1#x")
    assert recorded.without_secrets() == recorded
    assert not is_secret("X-Event-Key")
    assert masked("/?token=") == "/?token="
