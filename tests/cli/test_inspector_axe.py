"""The inspector's pages and those who see, hear or use them otherwise: axe-core finds nothing wrong at any width."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.axe import axe
from tests.cli.browser import Browser
from tests.cli.support import Running
from tests.cli.test_inspector import KEY, deliver, manifests


@pytest.mark.long
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_wrong(tmp_path: Path, dark: bool) -> None:
    triggers = manifests(tmp_path / "triggers")
    args = ["dev", "--port", "0", "--inspector-port", "0", "--triggers", str(triggers)]
    with Running(*args, environment=KEY) as dev:
        page = dev.url("Inspector")
        empty = [page + "/?pause"]
        full = [*empty, f"{page}/?pause&q=push", f"{page}/?pause&q=nothing-of-the-kind", f"{page}/deliveries/1"]
        for addresses in (empty, [*full, f"{page}/deliveries/99"]):
            for width in (360, 820, 1280):
                with Browser(scripts=True, dark=dark, width=width) as browser:
                    for address in addresses:
                        browser.open(address)
                        assert browser.violations(axe()) == [], (address, width)
            if addresses is empty:
                deliver(dev)
                deliver(dev, unsigned=True)
        (triggers / "triggers.yaml").write_text("kind: [")
        dev.wait_for("what was loaded before serves on")
        with Browser(scripts=True, dark=dark) as browser:
            browser.open(page + "/?pause")
            assert "triggers.yaml:1" in browser.text()
            assert browser.violations(axe()) == []
