"""Random parts of waits, so that instances that failed together do not come back together.

Drawn from the system: Python's own generator belongs to the process, whose other users may seed it or watch it.
"""

from __future__ import annotations

from random import SystemRandom

_SYSTEM = SystemRandom()
draw = _SYSTEM.random
"""Return a number from 0 up to 1."""


def pause(attempt: int) -> float:
    """Return the seconds to wait before attempt number `attempt` (from 1) at a Google service: 0.1 to 0.3, doubling."""
    return _SYSTEM.uniform(0.05, 0.15) * 2.0**attempt
