"""docs/cli.md is what the commands print, and shows all of them."""

from __future__ import annotations

import difflib

import pytest

from functions.lint.rules import RULES
from tests.cli.transcripts import PAGE, all_commands, commands_shown, page
from tests.support.function import ROOT


@pytest.mark.long
def test_the_page_is_what_the_commands_print() -> None:
    written = PAGE.read_text(encoding="utf-8")
    difference = list(
        difflib.unified_diff(written.split("\n"), page().split("\n"), "docs/cli.md", "now", lineterm="", n=1)
    )
    assert difference == [], "run python -m tests.cli.transcripts\n" + "\n".join(difference)


def test_every_command_and_rule_is_on_it() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert all_commands() - commands_shown(text) <= {"record"}  # it is dev without the page
    assert all(rule in text for rule in RULES)


def test_the_readme_leads_to_it() -> None:
    assert "docs/cli.md" in (ROOT / "README.md").read_text(encoding="utf-8")
