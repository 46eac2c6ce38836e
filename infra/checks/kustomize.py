"""Builds what infra/cluster says with kubectl, and checks that nothing in it is without its namespace.

    python infra/checks/kustomize.py

Needs PyYAML and kubectl (no cluster); where kubectl is not installed, it says what was left out and ends well.
"""
# ruff: noqa: T201, S603, S607 -- a command prints, and starts kubectl from the PATH

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

CLUSTER = Path(__file__).resolve().parents[1] / "cluster"
EVERYWHERE = ("ClusterRole", "ClusterRoleBinding")


def build(directory: Path) -> list[dict[str, Any]]:
    """Give what `kubectl kustomize` makes of a directory; raises CalledProcessError when it refuses."""
    done = subprocess.run(["kubectl", "kustomize", str(directory)], capture_output=True, text=True, check=True)
    return list(yaml.safe_load_all(done.stdout))


def problems(objects: list[dict[str, Any]], namespace: str) -> Iterator[str]:
    """Say which objects, or subjects of bindings, are not in the namespace."""
    for found in objects:
        name = f"{found['kind']} {found['metadata']['name']}"
        if found["kind"] not in EVERYWHERE and found["metadata"].get("namespace") != namespace:
            yield f"{name} is not in {namespace}"
        for subject in found.get("subjects", []):
            if subject.get("namespace") != namespace:
                yield f"{name} binds {subject['name']} of another namespace"


def main() -> int:
    """Build every kustomization as it is, and everything in another namespace with the token."""
    if not shutil.which("kubectl"):
        print("infra/cluster: LEFT OUT, since kubectl is not installed: kustomize (the rights were still compared)")
        return 0
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "cluster"
        shutil.copytree(CLUSTER, copy)
        own = copy / "own-namespace"
        own.mkdir()
        components = [f"../components/{part.name}" for part in sorted((copy / "components").iterdir())]
        kustomization = {"namespace": "another", "resources": ["../base"], "components": components}
        (own / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
        for directory in sorted(
            file.parent for pattern in ("", "*/") for file in copy.glob(f"{pattern}kustomization.yaml")
        ):
            namespace = yaml.safe_load((directory / "kustomization.yaml").read_text())["namespace"]
            try:
                objects = build(directory)
                found = list(problems(objects, namespace))
            except subprocess.CalledProcessError as error:
                objects, found = [], [error.stderr]
            failed += len(found)
            where = directory.relative_to(Path(folder)).as_posix()
            print(f"  {'FAIL' if found else 'ok  '} infra/{where}: {len(objects)} objects")
            for problem in found:
                print(f"       {problem}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
