"""The clock of what is kept between requests: an instance may be frozen in between."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

Clock = Callable[[], float]


def _life_clock() -> Clock:
    # Linux's monotonic clock stands still while a machine is suspended; a secret's life must not
    try:
        clock = partial(time.clock_gettime, time.CLOCK_BOOTTIME)
        clock()
    except (AttributeError, OSError):  # macOS has no such clock, and a sandbox may not serve it
        return time.monotonic
    return clock


LIFE_CLOCK: Clock = _life_clock()
"""Seconds, never going back, that pass while the instance is frozen, too."""
