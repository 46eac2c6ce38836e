"""A prompt with line editing, and a history that outlives it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

MAX_HISTORY = 1000


def lines_of_prompt(prompt: str, *, history: Path) -> Iterator[str]:
    """Yield the lines that are typed, until end of file (Ctrl-D). Ctrl-C drops the present line."""
    with _history(history):
        while True:
            try:
                line = input(prompt).strip()
            except EOFError:
                print()  # noqa: T201 -- the shell's own prompt shall stand on a line of its own
                return
            except KeyboardInterrupt:
                print()  # noqa: T201 -- as above
                continue
            if line:
                yield line


@contextlib.contextmanager
def _history(path: Path) -> Iterator[None]:
    try:
        import readline  # noqa: PLC0415 -- Python for some platforms comes without
    except ImportError:
        yield
        return
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        readline.read_history_file(path)
    readline.set_history_length(MAX_HISTORY)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.touch(mode=0o600)
            readline.write_history_file(path)
