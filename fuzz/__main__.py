"""`python -m fuzz [--seconds N] [TARGET …]`: run the targets one after the other, each in a process of its own.

Seeds are the cases in tests/security/corpus; what is new to coverage is kept in .cache/fuzz for the next run. A case
that breaks a target is written to tests/security/corpus, where it fails as an ordinary test until it is mended.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SEEDS = ROOT / "tests" / "security" / "corpus"
KEPT = ROOT / ".cache" / "fuzz"
PACKAGES = ("functions",)
CASE_SECONDS = 10
MEMORY_MIB = 2048


def fuzz(name: str, seconds: int) -> None:
    """Fuzz one target in this process, for so long or until it breaks."""
    import atheris  # here alone, since it is heavy

    with atheris.instrument_imports(include=list(PACKAGES)):
        from tests.security.targets import TARGETS

        for seed in (SEEDS / name).iterdir():  # what is imported when it is needed counts, too
            if not seed.name.startswith("found-"):
                TARGETS[name](seed.read_bytes())
    (KEPT / name).mkdir(parents=True, exist_ok=True)
    arguments = [
        f"-max_total_time={seconds}",
        f"-timeout={CASE_SECONDS}",
        f"-rss_limit_mb={MEMORY_MIB}",
        "-max_len=8192",
        f"-artifact_prefix={KEPT / f'{name}-'}",
        "-print_final_stats=1",
        "-verbosity=0",
        f"-dict={Path(__file__).with_name('words.dict')}",
    ]
    atheris.Setup([sys.argv[0], *arguments, str(KEPT / name), str(SEEDS / name)], TARGETS[name])
    atheris.Fuzz()


def found(name: str) -> list[Path]:
    """Move the cases that broke a target among the seeds and return them."""
    moved = []
    for case in sorted(KEPT.glob(f"{name}-*")):
        if case.is_file():
            data = case.read_bytes()
            path = SEEDS / name / f"found-{hashlib.sha256(data).hexdigest()[:12]}"
            path.write_bytes(data)
            case.unlink()
            moved.append(path)
    return moved


def main() -> int:
    """Run the targets that were asked for, or all."""
    names = sorted(path.name for path in SEEDS.iterdir() if path.is_dir())
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for all targets together (default 60)")
    parser.add_argument("--in-process", action="store_true", help="fuzz one target in this process")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(names)}; all without")
    asked = parser.parse_args()
    chosen = asked.targets or names
    if unknown := set(chosen) - set(names):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    if asked.in_process:
        fuzz(chosen[0], asked.seconds)
        return 0
    broken = 0
    for name in chosen:
        seconds = max(1, asked.seconds // len(chosen))
        command = [sys.executable, "-m", "fuzz", "--in-process", "--seconds", str(seconds), name]
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        cases = found(name)
        runs = next((line.split()[-1] for line in run.stderr.splitlines() if "number_of_executed_units" in line), "?")
        print(f"{name:12} {runs:>9} cases in {seconds} s{'' if run.returncode == 0 else ': BROKEN'}")
        if run.returncode:
            broken += 1
            print("\n".join([*run.stdout.splitlines()[-40:], *run.stderr.splitlines()[-10:]]))
            for case in cases:
                print(f"kept as {case.relative_to(ROOT)}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
