"""The tests of the inspector's page need a browser; without one they are left out, aloud."""

from __future__ import annotations

import pytest

from tests.cli.browser import BINARY

collect_ignore = [] if BINARY else ["test_inspector.py"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say that there was no browser."""
    if not BINARY:
        terminalreporter.write_line(
            "left out: tests/cli/test_inspector.py, which needs Chromium (apt install chromium)"
        )
