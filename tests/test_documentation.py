"""The tables of docs/ agree with the code; links and the pages that the README leads to exist."""

from __future__ import annotations

import re
from pathlib import Path

from functions.common.values import Status
from functions.settings.variables import VARIABLES
from tests.support.function import ROOT


def first_column(page: str) -> list[str]:
    """Return what stands in back quotes in the first column of a page's tables, before its first section."""
    section = (ROOT / "docs" / page).read_text().split("\n## ", 1)[0]
    return re.findall(r"^\| `([^`]+)`", section, flags=re.MULTILINE)


def test_every_variable_is_documented_and_nothing_else() -> None:
    assert first_column("configuration.md") == list(VARIABLES)


def test_every_trigger_status_is_documented() -> None:
    assert first_column("reply.md")[: len(Status)] == [status.value for status in Status]


def test_the_readme_leads_to_every_page() -> None:
    text = (ROOT / "README.md").read_text()
    assert [page.name for page in sorted((ROOT / "docs").glob("*.md")) if f"](docs/{page.name})" not in text] == []


def anchors(document: Path) -> set[str]:
    """Return the names that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_lead_somewhere() -> None:
    documents = [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("*/README.md"),
        ROOT / "tests/standins/README.md",
    ]
    for document in documents:
        for link, anchor in re.findall(r"\]\(([^)#:\s]*)(?:#([^)\s]+))?\)", document.read_text()):
            target = document.parent / link if link else document
            assert target.exists(), f"{document.name}: {link}"
            assert not anchor or target.suffix != ".md" or anchor in anchors(target), (
                f"{document.name}: {link}#{anchor}"
            )
