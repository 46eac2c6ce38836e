"""What is uploaded: Terraform's list (in Python's words) and .gcloudignore (as git reads it) must be one."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.infra.hcl import INFRA

REPOSITORY = INFRA.parent
AWKWARD = {
    "main.py": True,
    "requirements.txt": True,
    "requirements-dev.txt": False,
    "README.md": False,
    "pyproject.toml": False,
    ".env": False,
    "kubeconfig": False,
    "functions/__init__.py": True,
    "functions/__main__.py": False,
    "functions/settings.py": True,
    "functions/rules.txt": True,
    "functions/inner/py.typed": True,
    "functions/inner/main.py": True,
    "functions/inner/cli/kept.py": True,
    "functions/inner/lint/kept.py": True,
    "functions/inner/__main__.py": True,
    "functions/cli/app.py": False,
    "functions/cli/inner/page.html": False,
    "functions/lint/rules.py": False,
    "functions/.hidden.py": False,
    "functions/.cache/x.py": False,
    "functions/old.pyc": False,
    "functions/__pycache__/a.cpython-312.pyc": False,
    "functions/inner/__pycache__/kept.txt": False,
    "tests/functions/test.py": False,
    "tests/main.py": False,
    "infra/main.tf": False,
    "infra/terraform.tfstate": False,
    "infra/.terraform/functions/x.py": False,
    "infra/triggers/listener.yaml": True,
    "infra/triggers/team/deep/er/listener.yml": True,
    "infra/triggers/team/bindings.json": True,
    "infra/triggers/notes.md": False,
    "infra/triggers/team/key.pem": False,
    "infra/triggers/.swap.yaml": False,
    "infra/triggers/.git/config.yaml": False,
    "infra/tests/source/main.py": False,
    "infra/tests/source/manifests/listener.yaml": False,
    "infra/cluster/kustomization.yaml": False,
}
"""Files of a tree that somebody works in -> whether they are uploaded."""


def packed(root: Path) -> set[str]:
    """Give what infra/source.tf packs of a tree."""
    code = {file for file in _files(root, "functions/**/*") if not file.endswith(".pyc") and "__pycache__/" not in file}
    people = ("functions/cli/", "functions/lint/", "functions/__main__.py")
    manifests = {file for file in _files(root, "infra/triggers/**/*") if file.endswith((".yaml", ".yml", ".json"))}
    return {"main.py", "requirements.txt", *(file for file in code if not file.startswith(people)), *manifests}


def _files(root: Path, pattern: str) -> set[str]:
    found = (file.relative_to(root) for file in root.glob(pattern) if file.is_file())
    return {file.as_posix() for file in found if not any(part.startswith(".") for part in file.parts)}


def left_in(root: Path) -> set[str]:
    """Give what .gcloudignore leaves in of a tree, by git, whose rules gcloud's are."""
    ignore = f"--exclude-from={REPOSITORY / '.gcloudignore'}"
    git = ["git", "-C", str(root), "-c", "core.quotePath=false"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    done = subprocess.run([*git, "ls-files", "--others", ignore], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines())


def plant(root: Path) -> Path:
    """Make the awkward tree."""
    for name in AWKWARD:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
    return root
