"""Some tests need a browser or kubectl; without them they are left out, aloud."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.cli.axe import axe
from tests.cli.browser import BINARY, close_program

_NEEDED = {
    # CI has all of it: there its lack is a failure
    "test_inspector_axe.py": ("Chromium, and axe-core by npm", bool((BINARY and axe()) or os.environ.get("CI"))),
    "test_inspector.py": ("Chromium (apt install chromium)", bool(BINARY)),
    "test_remedies.py": ("kubectl and openssl", bool(shutil.which("kubectl") and shutil.which("openssl"))),
}
collect_ignore = [file for file, (_, found) in _NEEDED.items() if not found]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was left out."""
    for file in collect_ignore:
        terminalreporter.write_line(f"left out: tests/cli/{file}, which needs {_NEEDED[file][0]}")


def pytest_unconfigure() -> None:
    """End the browser that the tests have shared."""
    close_program()
