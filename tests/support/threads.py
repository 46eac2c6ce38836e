"""Whether a test leaves a thread at work, which would go on beside the tests that follow and spoil what they see."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Collection

LIMIT = 15.0
"""Seconds for what is about to end."""
STANDING = ("bodies", "rests", "-standin")
"""Part of the names of threads that may go on, beside the idle workers of pools: a process has one thread for bodies,
one for rests of bodies, and stand-ins that several tests share end their own."""


def left(before: Collection[threading.Thread], limit: float = LIMIT) -> list[str]:
    """Return the names of the threads that were not there before and are at work, after a while for them to end."""
    end = time.monotonic() + limit
    while found := [thread.name for thread in threading.enumerate() if thread not in before and _works(thread)]:
        if time.monotonic() > end:
            break
        time.sleep(0.01)
    return found


def _works(thread: threading.Thread) -> bool:
    frame = sys._current_frames().get(thread.ident or 0)
    # of a pool, whoever waits for work stands in the pool's own loop
    idle = frame is not None and frame.f_code.co_name == "_worker" and "concurrent" in frame.f_code.co_filename
    return thread.is_alive() and not idle and not any(part in thread.name for part in STANDING)
