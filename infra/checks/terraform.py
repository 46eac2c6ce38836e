"""Checks infra/ with Terraform itself and without its registry.

    python infra/checks/terraform.py

That is fmt, validate and test of every directory, and what each variable changes in a deployment that exists (see
switches.py). Needs grpcio and the terraform binary; where that is not installed, it says what was left out and ends
well. Everything runs on copies, so that no .terraform appears in the tree, and side by side. The providers are stood in
for by the published schemas in tests/infra/schemas (see provider_standin.py). Before that is trusted, it must refuse
mistakes made on purpose.
"""
# ruff: noqa: T201, S603, S607 -- a command prints, and starts terraform from the PATH

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from provider_standin import serving
from switches import SWITCHES, Switch, problems, written

REPOSITORY = Path(__file__).resolve().parents[2]
SCHEMAS = REPOSITORY / "tests" / "infra" / "schemas"
PACKED = ("functions", "main.py", "requirements.txt")
WHOLE = "smallest"
"""The example that packs the real source. Terraform takes seconds for that, so the other ones pack tests/source."""


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


LATE = '    QUEUE_TOPIC = var.queue_enabled ? google_pubsub_topic.queue[0].id : ""\n'
"""What webhook.tf must not say: an id that is known only after the apply."""

Said = tuple[bool, str]
"""Whether a check passed, and what there is to show of it."""


class Checks:
    """Runs checks side by side, prints one line each, and remembers whether any failed."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.failed = 0

    def run(self, checks: Iterable[tuple[str, Callable[[], Said]]]) -> None:
        """Run all of them; each line is printed in the order given, as soon as it may."""
        with ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 2)) as pool:
            for what, ok, text, seconds in pool.map(lambda check: self._timed(*check), checks):
                self.failed += not ok
                print(f"  {'ok  ' if ok else 'FAIL'} {what} ({seconds:.1f} s)", flush=True)
                if text:
                    print("       " + text)

    def _timed(self, what: str, check: Callable[[], Said]) -> tuple[str, bool, str, float]:
        started = time.monotonic()
        ok, text = check()
        return what, ok, text, time.monotonic() - started

    def command(self, cwd: Path, *command: str) -> Said:
        """Run a command that must succeed; show the last line of a test, and all of what fails."""
        done = self._call(cwd, command)
        if done.returncode:
            return False, done.stdout + done.stderr
        return True, done.stdout.strip().splitlines()[-1] if command[1] == "test" else ""

    def refuses(self, infra: Path, mistake: Mistake) -> Said:
        """Make a mistake in a copy of infra; `terraform validate` must fail and name what is wrong."""
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "infra"
            shutil.copytree(infra, copy)
            path = copy / mistake.file
            if mistake.said not in path.read_text():
                return False, f"{mistake.file} no longer says {mistake.said!r}: adapt MISTAKES"
            path.write_text(path.read_text().replace(mistake.said, mistake.instead))
            done = self._call(copy, ("terraform", "validate", "-no-color"))
        text = done.stdout + done.stderr
        ok = done.returncode != 0 and mistake.named in text
        return ok, "" if ok else text

    def switches(self, infra: Path, chosen: Iterable[Switch], *, everything: bool) -> Said:
        """Plan every switch on top of an applied state; nothing but what is expected may change."""
        chosen = [switch for switch in chosen if switch.everything == everything]
        name = f"switches-{'everything' if everything else 'smallest'}.tftest.hcl"
        (infra / "tests" / name).write_text(written(chosen, everything=everything))
        done = self._call(infra, ("terraform", "test", "-json", "-verbose", f"-filter=tests/{name}"))
        found = [*problems(done.stdout, chosen), *done.stderr.splitlines()]
        return not found, "\n       ".join(found) or f"{len(chosen)} switches changed what they should."

    def notices(self, infra: Path) -> Said:
        """Put an id that is known only after the apply into an environment; the switches must notice."""
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "infra"
            shutil.copytree(infra, copy)
            lines = (copy / "webhook.tf").read_text().splitlines(keepends=True)
            late = [LATE if line.strip().startswith("QUEUE_TOPIC ") else line for line in lines]
            (copy / "webhook.tf").write_text("".join(late))
            _, text = self.switches(
                copy, [switch for switch in SWITCHES if switch.name == "queue_on"], everything=False
            )
        ok = "service_config.environment_variables? changes" in text
        return ok, "" if ok else text

    def _call(self, cwd: Path, command: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=cwd, env=dict(self._environment), capture_output=True, text=True, timeout=300, check=False
        )


def directories(infra: Path) -> list[Path]:
    """Find every directory that is a module of its own: infra, its modules and its examples."""
    return [infra, *sorted({file.parent for part in ("modules", "examples") for file in infra.glob(f"{part}/*/*.tf")})]


def check(whole: Path, lean: Path, reattach: str) -> int:
    """Run everything on two copies of the repository, of which one packs little; give how much failed."""
    rc = whole / "terraformrc"
    rc.touch()
    checks = Checks(
        os.environ
        | {
            "TF_REATTACH_PROVIDERS": reattach,
            "TF_CLI_CONFIG_FILE": str(rc),
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "CHECKPOINT_DISABLE": "1",
            "GOGC": "800",  # a process that lives for seconds need not tidy up: a third less time
        }
    )
    infra = lean / "infra"
    places = [directory for directory in directories(infra) if directory.name != WHOLE]
    places.append(whole / "infra" / "examples" / WHOLE)
    names = {place: place.relative_to(whole if place.is_relative_to(whole) else lean).as_posix() for place in places}
    init = ("terraform", "init", "-backend=false", "-no-color")
    checks.run((f"{names[place]}: init", partial(checks.command, place, *init)) for place in places)
    tests = [
        (
            f"{names[place]}: {file.name}",
            partial(checks.command, place, "terraform", "test", "-no-color", f"-filter=tests/{file.name}"),
        )
        for place in places
        for file in sorted(place.glob("tests/*.tftest.hcl"))
    ]
    checks.run(
        [
            ("every switch on top of everything", partial(checks.switches, infra, SWITCHES, everything=True)),
            ("every switch on top of the smallest", partial(checks.switches, infra, SWITCHES, everything=False)),
            ("notices a value known only after the apply", partial(checks.notices, infra)),
            *tests,
            ("fmt", partial(checks.command, whole / "infra", "terraform", "fmt", "-check", "-diff", "-recursive")),
            *(
                (f"{names[place]}: validate", partial(checks.command, place, "terraform", "validate", "-no-color"))
                for place in places
            ),
            *((f"refuses {mistake.what}", partial(checks.refuses, infra, mistake)) for mistake in MISTAKES),
        ]
    )
    return checks.failed


def _copy(sources: Iterable[Path], into: Path) -> None:
    ignored = shutil.ignore_patterns(".terraform", "__pycache__", "*.pyc")
    for source in sources:
        if source.is_dir():
            shutil.copytree(source, into / source.name, ignore=ignored)
        else:
            shutil.copy(source, into / source.name)


def main() -> int:
    """Check, or say that nothing was checked."""
    if not shutil.which("terraform"):
        print("infra: LEFT OUT, since terraform is not installed: fmt, validate and test (the schema test still ran)")
        return 0
    said = subprocess.run(["terraform", "version"], capture_output=True, text=True, check=True).stdout
    print(f"infra: {said.splitlines()[0]}, against the published schemas")
    infra = REPOSITORY / "infra"
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        whole, lean = Path(first), Path(second)
        _copy((infra, *(REPOSITORY / name for name in PACKED)), whole)
        _copy((infra, *(infra / "tests" / "source" / name for name in PACKED)), lean)
        with serving(SCHEMAS, whole) as reattach:
            failed = check(whole, lean, reattach)
    print(f"infra: {failed or 'nothing'} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
