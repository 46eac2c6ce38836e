"""The source archive: what is packed can be packed, and is what the functions need."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.infra.hcl import INFRA, of_kind, unquoted

REPOSITORY = INFRA.parent


def _tracked(*paths: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z", *paths], cwd=REPOSITORY, capture_output=True, check=True).stdout
    return [REPOSITORY / name for name in listed.decode().split("\0") if name]


def test_everything_packed_is_text() -> None:
    """Terraform's file() reads UTF-8 only; a binary file among these would stop every plan."""
    files = _tracked("main.py", "requirements.txt", "functions", "infra/triggers")

    assert len(files) > 20
    for file in files:
        file.read_text(encoding="utf-8")


def test_the_manifests_are_packed_where_the_function_looks() -> None:
    text = (INFRA / "source.tf").read_text()

    assert '"infra/triggers/${file}" =>' in text
    assert re.search(r'fileset\(local\.triggers_directory, "\*\*/\*\.\{yaml,yml\}"\)', text)
    assert all(file.suffix in (".yaml", ".yml") for file in _tracked("infra/triggers"))


def test_entry_points_are_functions_of_main() -> None:
    main = (REPOSITORY / "main.py").read_text()
    entry_points = {
        unquoted(module.body["entry_point"])
        for module in of_kind(INFRA, "module").values()
        if "entry_point" in module.body
    }

    assert entry_points == {"webhook", "dispatch", "redeliver"}
    assert entry_points <= set(re.findall(r"^def (\w+)\(", main, re.MULTILINE))
