"""The README's tables agree with the code."""

from __future__ import annotations

import re

from functions.settings import VARIABLES
from functions.values import Status
from tests.support.function import ROOT

README = (ROOT / "README.md").read_text()


def first_column(heading: str) -> list[str]:
    """Return what stands in back quotes in the first column of the tables below a heading."""
    section = README.split(f"\n{heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^\| `([^`]+)`", section, flags=re.MULTILINE)


def test_every_variable_is_documented_and_nothing_else() -> None:
    assert first_column("## Configuration") == list(VARIABLES)


def test_every_trigger_status_is_documented() -> None:
    assert first_column("## The reply")[: len(Status)] == [status.value for status in Status]


def test_links_lead_somewhere() -> None:
    documents = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md"), *ROOT.glob("*/README.md")]
    for document in documents:
        for link in re.findall(r"\]\(([^)#:\s]+)\)", document.read_text()):
            assert (document.parent / link).exists(), f"{document.name}: {link}"
