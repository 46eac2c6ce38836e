"""comment.command: the first command outside quotes and code, and none of a comment that is not new."""

from __future__ import annotations

from typing import Any

import pytest

from functions.cel import Activation, compile_expression


def command(text: str, body: dict[str, Any] | None = None, **header: list[str]) -> object:
    activation = Activation(
        body={"text": text, **(body or {})},
        header={name.replace("_", "-"): values for name, values in header.items()},
        extensions={},
        request_url="/",
        compare_secret=lambda *_: False,
    )
    return compile_expression("comment.command(body.text)").evaluate(activation)


NONE = {"name": "", "args": []}


@pytest.mark.parametrize(
    ("text", "name", "args"),
    [
        ("/test", "test", []),
        ("/test build key=value", "test", ["build", "key=value"]),
        ("/ok-to-test  1f0c2b9\t", "ok-to-test", ["1f0c2b9"]),
        ("Thank you!\r\n\r\n/retest\r\n/cancel", "retest", []),
        ("> /cancel\n/test", "test", []),
        ("```\n/cancel\n```\n/test", "test", []),
        ("~~~~ yaml\n/cancel\n~~~\n/cancel\n~~~~~\n/test", "test", []),
        ("```a`b\n/test", "test", []),
        ("/usr/bin/python is gone\n/test", "test", []),
        ("//test\n/ test\n/1\n/é\n/test", "test", []),
        ("/Test", "Test", []),
        ("/" + "x" * 1_000 + "\n/test", "test", []),
    ],
)
def test_the_first_line_that_is_a_command(text: str, name: str, args: list[str]) -> None:
    assert command(text) == {"name": name, "args": args}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "test",
        "please /test",
        " /test",
        "    /test",
        "> /test",
        "```\n/test",
        "~~~\n/test\n```",
        "`/test`",
        "- /test",
    ],
)
def test_anything_else_is_none(text: str) -> None:
    assert command(text) == NONE


@pytest.mark.parametrize(
    ("body", "header"),
    [
        ({"action": "edited"}, {}),
        ({"action": "deleted"}, {}),
        ({"action": "dismissed"}, {}),
        ({"object_kind": "note", "object_attributes": {"action": "update"}}, {}),
        ({}, {"X_Event_Key": ["pullrequest:comment_updated"]}),
        ({}, {"X_Event_Key": ["pullrequest:comment_deleted"]}),
        ({}, {"X_Event_Key": ["pr:comment:edited"]}),
    ],
)
def test_a_comment_that_is_not_new_commands_nothing(body: dict[str, Any], header: dict[str, list[str]]) -> None:
    assert command("/test", body, **header) == NONE


@pytest.mark.parametrize(
    ("body", "header"),
    [
        ({"action": "created"}, {}),
        ({"action": "submitted"}, {}),
        ({"action": ["edited"]}, {}),
        ({"object_kind": "note", "object_attributes": {"action": "create"}}, {}),
        ({"object_kind": "note", "object_attributes": []}, {}),
        ({}, {"X_Event_Key": ["pullrequest:comment_created"]}),
    ],
)
def test_a_new_one_does(body: dict[str, Any], header: dict[str, list[str]]) -> None:
    assert command("/test", body, **header) == {"name": "test", "args": []}


def test_its_parts_are_of_one_line_filters() -> None:
    def holds(source: str) -> object:
        activation = Activation(
            body={"comment": {"body": "/test build key=value"}, "paths": [{"a": 1}]},
            header={},
            extensions={},
            request_url="/",
            compare_secret=lambda *_: False,
        )
        return compile_expression(source).evaluate(activation)

    assert holds("comment.command(body.comment.body).name in ['test', 'retest']") is True
    assert holds("'build' in comment.command(body.comment.body).args") is True
    assert holds("comment.command(body.comment.body).args.exists(arg, arg.startsWith('key='))") is True
    assert holds("comment.command('/cancel').name == 'test'") is False
