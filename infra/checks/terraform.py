"""Checks infra/ with Terraform itself and without its registry: fmt, validate and test of every directory.

    python infra/checks/terraform.py

Needs grpcio and the terraform binary; where that is not installed, it says what was left out and ends well. Everything
runs on a copy, so that no .terraform and no lock file appear in the tree. The providers are stood in for by the
published schemas in tests/infra/schemas (see provider_standin.py). Before that is trusted, it must refuse mistakes made
on purpose.
"""
# ruff: noqa: T201, S603, S607 -- a command prints, and starts terraform from the PATH

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from provider_standin import serving

REPOSITORY = Path(__file__).resolve().parents[2]
SCHEMAS = REPOSITORY / "tests" / "infra" / "schemas"
COPIED = ("infra", "functions", "main.py", "requirements.txt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A mistake made on purpose: what `file` says is made to say something else, which Terraform must refuse."""

    what: str
    file: str
    said: str
    instead: str
    named: str
    """What the refusal must name."""


MISTAKES = (
    Mistake(
        what="a misspelt argument",
        file="modules/function/main.tf",
        said="available_memory  ",
        instead="avaliable_memory  ",
        named="avaliable_memory",
    ),
    Mistake(
        what="a misspelt block",
        file="source.tf",
        said="versioning {",
        instead="versionning {",
        named="versionning",
    ),
    Mistake(
        what="a required argument that is missing",
        file="queue.tf",
        said="  topic                      = google",
        instead="  # google",
        named='"topic" is required',
    ),
    Mistake(
        what="an argument of the wrong type",
        file="queue.tf",
        said="max_delivery_attempts = var.queue.max_attempts",
        instead="max_delivery_attempts = [5]",
        named="number required",
    ),
    Mistake(
        what="an attribute that does not exist",
        file="locals.tf",
        said="google_storage_bucket.source.name",
        instead="google_storage_bucket.source.nome",
        named="nome",
    ),
    Mistake(
        what="a reference to nothing",
        file="queue.tf",
        said="google_pubsub_topic.queue[0].id",
        instead="google_pubsub_topic.queues[0].id",
        named="queues",
    ),
    Mistake(
        what="a type that does not exist",
        file="source.tf",
        said='"google_storage_bucket_object" "source"',
        instead='"google_storage_bucket_objekt" "source"',
        named="objekt",
    ),
)


class Checks:
    """Runs commands on a copy, prints one line each, and remembers whether anything failed."""

    def __init__(self, copy: Path, environment: Mapping[str, str]) -> None:
        self._copy = copy
        self._environment = environment
        self.failed = 0

    def run(self, what: str, *command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run a command that must succeed."""
        started = time.monotonic()
        done = self._call(command, cwd)
        self._say(what, ok=done.returncode == 0, started=started)
        if done.returncode:
            print(done.stdout + done.stderr)
        return done

    def refuses(self, what: str, word: str, cwd: Path) -> None:
        """Run `terraform validate`, which must fail and name what is wrong."""
        started = time.monotonic()
        done = self._call(("terraform", "validate", "-no-color"), cwd)
        text = done.stdout + done.stderr
        ok = done.returncode != 0 and word in text
        self._say(f"refuses {what}", ok=ok, started=started)
        if not ok:
            print(text)

    def _call(self, command: tuple[str, ...], cwd: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=cwd, env=dict(self._environment), capture_output=True, text=True, timeout=300, check=False
        )

    def _say(self, what: str, *, ok: bool, started: float) -> None:
        self.failed += not ok
        print(f"  {'ok  ' if ok else 'FAIL'} {what} ({time.monotonic() - started:.1f} s)", flush=True)


def directories(infra: Path) -> list[Path]:
    """Find every directory that is a module of its own: infra, its modules and its examples."""
    return [infra, *sorted({file.parent for part in ("modules", "examples") for file in infra.glob(f"{part}/*/*.tf")})]


def check(copy: Path, reattach: str) -> int:
    """Run everything on a copy of the repository; give how much failed."""
    (copy / "terraformrc").touch()
    environment = os.environ | {
        "TF_REATTACH_PROVIDERS": reattach,
        "TF_CLI_CONFIG_FILE": str(copy / "terraformrc"),
        "TF_IN_AUTOMATION": "1",
        "TF_INPUT": "0",
        "CHECKPOINT_DISABLE": "1",
    }
    checks = Checks(copy, environment)
    infra = copy / "infra"
    checks.run("fmt", "terraform", "fmt", "-check", "-diff", "-recursive", cwd=infra)
    for directory in directories(infra):
        name = directory.relative_to(copy).as_posix()
        checks.run(f"{name}: init", "terraform", "init", "-backend=false", "-no-color", cwd=directory)
        checks.run(f"{name}: validate", "terraform", "validate", "-no-color", cwd=directory)
        if list(directory.glob("tests/*.tftest.hcl")):
            done = checks.run(f"{name}: test", "terraform", "test", "-no-color", cwd=directory)
            print("       " + done.stdout.strip().splitlines()[-1])
    for mistake in MISTAKES:
        path = infra / mistake.file
        right = path.read_text()
        if mistake.said not in right:
            print(f"  FAIL {mistake.file} no longer says {mistake.said!r}: adapt MISTAKES")
            checks.failed += 1
            continue
        path.write_text(right.replace(mistake.said, mistake.instead))
        checks.refuses(mistake.what, mistake.named, infra)
        path.write_text(right)
    return checks.failed


def main() -> int:
    """Check, or say that nothing was checked."""
    if not shutil.which("terraform"):
        print("infra: LEFT OUT, since terraform is not installed: fmt, validate and test (the schema test still ran)")
        return 0
    said = subprocess.run(["terraform", "version"], capture_output=True, text=True, check=True).stdout
    print(f"infra: {said.splitlines()[0]}, against the published schemas")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in COPIED:
            source = REPOSITORY / name
            if source.is_dir():
                ignored = shutil.ignore_patterns(".terraform", "__pycache__", "*.pyc")
                shutil.copytree(source, copy / name, ignore=ignored)
            else:
                shutil.copy(source, copy / name)
        with serving(SCHEMAS, copy) as reattach:
            failed = check(copy, reattach)
    print(f"infra: {failed or 'nothing'} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
