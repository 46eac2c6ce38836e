"""The installed package, `pipehook`: the tree of a checkout in a folder of its own, which is looked in first."""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> None:
    """Run the command line, as `python -m functions` does in a checkout."""
    sys.path.insert(0, str(Path(__file__).with_name("tree")))
    from functions.cli import main as run  # noqa: PLC0415 -- found only from here on

    run()
