"""The source archive: what is packed can be packed, and is what the functions need."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from tests.infra.hcl import INFRA, of_kind, unquoted
from tests.infra.upload import AWKWARD, REPOSITORY, left_in, packed, plant


def test_everything_packed_is_text() -> None:
    """Terraform's file() reads UTF-8 only; a binary file among these would stop every plan."""
    files = packed(REPOSITORY)

    assert len(files) > 20
    for file in files:
        (REPOSITORY / file).read_text(encoding="utf-8")


def test_gcloud_uploads_of_any_tree_what_terraform_packs(tmp_path: Path) -> None:
    wanted = {file for file, uploaded in AWKWARD.items() if uploaded}
    plant(tmp_path)

    assert packed(tmp_path) == wanted
    assert left_in(tmp_path) == wanted


def test_gcloud_uploads_of_this_tree_what_terraform_packs(tmp_path: Path) -> None:
    for name in ("functions", "infra", "docs"):
        shutil.copytree(REPOSITORY / name, tmp_path / name)
    for name in ("main.py", "requirements.txt", "pyproject.toml", ".gcloudignore"):
        shutil.copy(REPOSITORY / name, tmp_path / name)

    assert left_in(tmp_path) == packed(REPOSITORY)


def test_the_manifests_are_packed_where_the_function_looks() -> None:
    text = (INFRA / "source.tf").read_text()

    assert '"infra/triggers/${file}" =>' in text
    assert re.search(r'fileset\(local\.triggers_directory, "\*\*/\*\.\{yaml,yml,json\}"\)', text)
    manifests = {file.relative_to(REPOSITORY).as_posix() for file in (INFRA / "triggers").rglob("*") if file.is_file()}
    assert manifests <= packed(REPOSITORY)


def test_entry_points_are_functions_of_main() -> None:
    main = (REPOSITORY / "main.py").read_text()
    entry_points = {
        unquoted(module.body["entry_point"])
        for module in of_kind(INFRA, "module").values()
        if "entry_point" in module.body
    }

    assert entry_points == {"webhook", "dispatch", "redeliver", "report", "reconcile"}
    assert entry_points <= set(re.findall(r"^def (\w+)\(", main, re.MULTILINE))


def test_the_command_line_is_not_packed_and_nothing_that_runs_imports_it() -> None:
    text = (INFRA / "source.tf").read_text()
    ours = ("functions/cli/", "functions/lint/", "functions/__main__.py")
    assert all(f'"{part}"' in text for part in ours)
    for file in (REPOSITORY / "functions").rglob("*.py"):
        if not file.relative_to(REPOSITORY).as_posix().startswith(ours):
            assert not re.search(r"functions\.(cli|lint)\b", file.read_text()), file
