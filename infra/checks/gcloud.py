"""Asks gcloud and Terraform themselves what they would upload, and gcloud whether it takes the documented commands.

    python infra/checks/gcloud.py              what they would upload
    python infra/checks/gcloud.py --commands   and the commands, half a second each

Nothing is sent: there is no account, which gcloud says once it has understood a command. Where a binary is not
installed, it says what was left out and ends well.
"""
# ruff: noqa: T201, S603, S607 -- a command prints, and starts gcloud and terraform from the PATH

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from tests.infra.commands import PAGES, commands  # noqa: E402 -- found by the line above
from tests.infra.upload import AWKWARD, plant  # noqa: E402 -- found by the line above

UNDERSTOOD = "You do not currently have an active account selected"


def terraform_packs(root: Path, folder: Path) -> set[str]:
    """Give what source.tf's own expression packs of a tree; no provider is needed for that."""
    text = (REPOSITORY / "infra" / "source.tf").read_text()
    (packing,) = re.findall(r"^locals \{\n.*?^\}\n", text, re.MULTILINE | re.DOTALL)
    directories = f'locals {{\n  source_directory = "{root}"\n  triggers_directory = "{root}/infra/triggers"\n}}\n'
    given = {"name": "pipehook", "triggers_source": "infra/triggers"}
    variables = "".join(f'variable "{name}" {{\n  default = "{value}"\n}}\n' for name, value in given.items())
    (folder / "main.tf").write_text(packing + directories + variables)
    asked = "jsonencode(keys(local.source_files))"
    done = subprocess.run(["terraform", "console"], cwd=folder, input=asked, capture_output=True, text=True, check=True)
    return set(json.loads(json.loads(done.stdout)))


def gcloud_uploads(root: Path) -> set[str]:
    """Give what gcloud would upload of a tree."""
    shutil.copy(REPOSITORY / ".gcloudignore", root)
    command = ["gcloud", "meta", "list-files-for-upload", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines())


def refused(command: list[str], configuration: Path) -> str:
    """Say why gcloud does not understand a command; empty when it does."""
    environment = os.environ | {
        "CLOUDSDK_CONFIG": str(configuration),
        "CLOUDSDK_CORE_CHECK_GCE_METADATA": "False",
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
    }
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    return "" if UNDERSTOOD in done.stderr else done.stderr or done.stdout


def main() -> int:
    """Compare lists and try commands."""
    failed = []
    wanted = {file for file, uploaded in AWKWARD.items() if uploaded}
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        root, folder = plant(Path(first)), Path(second)
        for binary, uploads in (
            ("terraform", lambda: terraform_packs(root, folder)),
            ("gcloud", lambda: gcloud_uploads(root)),
        ):
            if not shutil.which(binary):
                print(f"infra: LEFT OUT, since {binary} is not installed: what it would upload")
            elif uploads() == wanted:
                print(f"  ok   {binary} uploads the {len(wanted)} files of {len(AWKWARD)} that run")
            else:
                failed.append(f"{binary} would upload {sorted(uploads() ^ wanted)} against what is wanted")
        if not shutil.which("gcloud") or "--commands" not in sys.argv[1:]:
            print("infra: LEFT OUT, without gcloud or --commands: whether gcloud takes the documented commands")
        else:
            found = [command for page in PAGES for command in commands(page) if command[0] == "gcloud"]
            # signing in starts before gcloud asks for an account
            tried = [command for command in found if command[1] != "auth"]
            with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
                said = list(pool.map(lambda command: refused(command, folder), tried))
            failed += [f"{' '.join(command)}\n{why}" for command, why in zip(tried, said, strict=True) if why]
            print(f"  ok   gcloud understands {said.count('')} of {len(tried)} documented commands")
    for problem in failed:
        print(f"  FAIL {problem}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
