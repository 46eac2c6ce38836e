"""The commands of a Markdown page, as a shell gives them to the programs: the page's blocks are run with recorders."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]

PROGRAMS = ("curl", "gcloud", "gh", "jq", "kubectl", "openssl", "pipehook", "terraform", "git")
URL = "https://pipehook-webhook-abc123-uc.a.run.app"

PAGES = {
    "README.md": "## Deploy",
    "infra/README.md": "",
    "docs/gcloud.md": "",
    "docs/clusters.md": "",
    "docs/status.md": "",
}
"""The pages that say how to deploy, and the heading from which on each does."""

_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
_RECORDER = f"""#!/bin/sh
{{ printf '%s\\037' "${{0##*/}}" "$@"; printf '\\036'; }} >> "$RECORD"
case "$*" in *"output -raw webhook_url" | *"value(status.url)") printf {URL} ;; esac
"""


def blocks(page: Path, start: str = "") -> list[str]:
    """Give the shell blocks of a page, from a heading on."""
    return _BLOCK.findall(page.read_text().partition(start)[2] if start else page.read_text())


def commands(page: str) -> list[list[str]]:
    """Give program and arguments of every command on one of PAGES. Raises when the shell refuses a block."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for program in PROGRAMS:
            (place / program).write_text(_RECORDER)
            (place / program).chmod(0o755)
        record = place / "record"
        environment = {"PATH": f"{place}:{os.environ['PATH']}", "RECORD": str(record), "HOME": folder}
        for block in blocks(ROOT / page, PAGES[page]):
            subprocess.run(["bash", "-euc", block], cwd=place, env=environment, check=True, capture_output=True)
        said = record.read_text()
    return [command.split("\x1f")[:-1] for command in said.split("\x1e")[:-1]]
