"""Commands in comments: what the writer says, and what is quoted, fenced or hidden."""

from __future__ import annotations

import pytest

from functions.common.commands import Command, command_in


@pytest.mark.parametrize(
    "text",
    [
        "/test unit",
        "Thanks!\n/test unit",
        "> /retest\n\n/test unit",
        "> quoted\r\n/test unit",
        "```\n/retest\n```\n/test unit",
        "<!-- a note -->\n/test unit",
        "<!--\n/retest\n-->\n/test unit",
        "<pre>\n/retest\n</pre>\n/test unit",
        "<PRE>/retest</PRE>\n/test unit",
        "<preview>\n/test unit",
    ],
)
def test_what_is_said_is_a_command(text: str) -> None:
    assert command_in(text) == Command("test", ("unit",))


@pytest.mark.parametrize(
    "text",
    [
        "> /test",
        "   > /test",
        "```\n/test\n```",
        "~~~~\n/test\n~~~\n/test",
        "```\n/test",
        "<!--\n/test\n-->",
        "<!-- /test\n/test",
        "<pre>\n/test\n</pre>",
        "<script>\n\n/test\n</script>",
        "words /test",
        "",
    ],
)
def test_what_is_quoted_fenced_or_hidden_is_none(text: str) -> None:
    assert command_in(text) is None
