"""Installs into the environment whose Python runs this, saying how far it is; what pip said is shown when it fails."""

from __future__ import annotations

import re
import subprocess
import sys
import time

_STEPS = re.compile(r"(?:Collecting|Requirement already satisfied:) ([A-Za-z0-9._-]+)|(Installing) collected packages")
_TAIL = 15


def main(arguments: list[str]) -> int:
    """Run `pip install` with the arguments and return its exit code."""
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-color", *arguments]
    began = shown = time.monotonic()
    seen: set[str] = set()
    lines: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout or ():
            lines.append(line.rstrip())
            if not (step := _STEPS.match(line)):
                continue
            if step[1]:
                seen.add(step[1].lower())
            now = time.monotonic()
            if step[2] or len(seen) == 1 or now - shown > 5:  # noqa: PLR2004 -- seconds between two signs of life
                shown = now
                doing = "installing" if step[2] else f"package {len(seen)}, {step[1]}"
                print(f"  {now - began:4.0f} s  {doing}", flush=True)
    if process.returncode:
        # every error, wherever it stands, and how it ended
        errors = [line for line in lines[:-_TAIL] if line.lower().startswith(("error", "warning: retrying"))]
        print("\n".join(["", *errors, *lines[-_TAIL:], ""]), file=sys.stderr)
        print("pip failed, as it says above; run the same command again once that is mended.", file=sys.stderr)
    return process.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
