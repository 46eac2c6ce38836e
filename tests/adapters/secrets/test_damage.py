"""Damage of stored secrets: named in the log after it has verified nothing, and never with the value."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.adapters.secrets.damage import damage
from tests.support.application import Application
from tests.support.deliveries import PUSH, encoded, headers
from tests.support.sources import inline, listener, template
from tests.support.workspace import Workspace

KEY = "Kq7-rather+long/value.of_48~characters"
DAMAGED = {
    "two line breaks": (f"{KEY}\n\n".encode(), "it ends in 2 line breaks"),
    "three of Windows": (f"{KEY}\r\n\r\n\r\n".encode(), "it ends in 3 line breaks"),
    "blank after": (f"{KEY} ".encode(), "it ends with a blank"),
    "blank before": (f" {KEY}\n".encode(), "it begins with a blank or line break"),
    "line break before": (f"\n{KEY}".encode(), "it begins with a blank or line break"),
    "no-break space": (f"{KEY}\xa0".encode(), "it ends with a blank"),
    "zero width": (f"\u200b{KEY}".encode(), "it begins or ends with a character that cannot be seen"),
    "byte-order mark": (f"\ufeff{KEY}".encode(), "it begins with a byte-order mark"),
    "UTF-16": (KEY.encode("utf-16"), "it is UTF-16"),
    "UTF-16 without a mark": (KEY.encode("utf-16-le"), "it holds NUL bytes: it is UTF-16, or no text"),
    "double quotes": (f'"{KEY}"'.encode(), "it stands in quotes"),
    "quotes and a line break": (f"'{KEY}'\n".encode(), "it stands in quotes"),
    "typographic quotes": (f"“{KEY}”".encode(), "it stands in quotes"),
    "a placeholder's brackets": (f"<{KEY}>".encode(), "it stands in quotes"),
    "trailing comma": (
        f'{{"token": "{KEY}",}}'.encode(),
        "it begins like a JSON object and is none: a comma stands before a closing bracket",
    ),
    "half an object": (f'{{"token": "{KEY}"'.encode(), "it begins like a JSON object and is none"),
    "Python's object": (f"{{'token': '{KEY}'}}".encode(), "it begins like a JSON object and is none"),
    "array": (f'["{KEY}"]'.encode(), "it looks like a JSON array, of which no key can be taken"),
    "two lines": (f"{KEY}\n{KEY}".encode(), "it holds line breaks or control characters"),
    "assignment": (f"WEBHOOK_SECRET={KEY}".encode(), "it looks like NAME=VALUE, of which the value alone is wanted"),
    "base64": (base64.b64encode(f"{KEY}\n".encode()), "it looks encoded in base64, which nobody decodes"),
    "bytes": (b"\xc3\x28\xfe\x01random", "it is not UTF-8"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_is_named_in_the_log_once_and_without_the_value(
    workspace: Workspace, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    stored, said = DAMAGED[name]
    workspace.secret("hook", "token", stored)
    workspace.write([listener(inline("build")), template()])
    function = Application(workspace.environment())
    body = encoded(PUSH)
    replies = [function.post(body, headers("push", body, secret=KEY.encode())) for _ in range(2)]
    printed = capfd.readouterr().out
    assert [reply.status for reply in replies] == [401, 401]
    assert printed.count(f"secret {workspace.namespace}/hook, key token: it verified nothing") == 1
    assert said in printed
    for text in (printed, *(reply.text for reply in replies)):
        assert KEY[:8] not in text
    assert "damaged" not in replies[0].text


@pytest.mark.parametrize(
    "value",
    [
        KEY,
        f"{KEY}\n",
        f"{KEY}\r\n",
        "0123456789abcdef" * 4,
        '{"token": "x"}',
        "with inner blanks",
        "it's",
        base64.b64encode(bytes(range(100, 148))).decode(),
        "-----END",
    ],
)
def test_what_can_be_a_key_is_not_called_damaged(value: str) -> None:
    assert damage(value.encode()) == []


def test_a_wrong_signature_over_a_sound_secret_says_nothing_of_it(
    workspace: Workspace, capfd: pytest.CaptureFixture[str]
) -> None:
    workspace.secret("hook", "token", KEY.encode())
    workspace.write([listener(inline("build")), template()])
    body = encoded(PUSH)
    assert Application(workspace.environment()).post(body, headers("push", body, secret=b"other")).status == 401
    assert "damaged" not in capfd.readouterr().out


@given(st.text(min_size=8, max_size=60), st.sampled_from(["{}", '"{}"', " {}\n\n", "{{{},}}", "NAME={}"]))
def test_no_eight_characters_of_a_value_are_told(value: str, form: str) -> None:
    told = " ".join(damage(form.format(value).encode("utf-8", "replace")))
    assert not [value[at : at + 8] for at in range(len(value) - 7) if value[at : at + 8] in told]
