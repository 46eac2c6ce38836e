"""How long secrets are kept and how often they are read, in seconds that pass for frozen instances, too."""

from __future__ import annotations

from msgspec import Struct


class Limits(Struct, frozen=True, kw_only=True):
    """How long a cache's values live; all in seconds."""

    fresh: float = 60.0
    """A version that was disabled is accepted no longer than this."""
    ahead: float = 45.0
    last_good: float = 600.0
    """How old values may grow while the source cannot be asked."""
    renewal: float = 10.0
    """The least time between a read and the renewal that a wrong signature asks for."""
    retry: float = 10.0
    """How long after a failed read values that still serve are not read again."""
    cold_retry: float = 1.0
    """How long after a failed read without such values the fault is answered without asking."""
    lasting: float = 10.0
    """How long a lasting fault is answered without asking; so soon does a mended secret work."""
    cold_seconds: float = 5.0
    """What a read may take when there is no value to serve."""
    warm_seconds: float = 2.0
    """What a read may take when there is one."""
    size: int = 1024
    """How many secrets are kept; the least recently used one goes first."""


class Allowance:
    """A token bucket: `burst` at once, `rate` a second after that. Not thread-safe by itself."""

    def __init__(self, *, burst: int, rate: float) -> None:
        self._burst = float(burst)
        self._rate = rate
        self._left = float(burst)
        self._since = float("-inf")

    def has(self, now: float) -> bool:
        """Say whether there is one left."""
        self._left = min(self._burst, self._left + (now - self._since) * self._rate)
        self._since = now
        return self._left >= 1

    def take(self, now: float) -> bool:
        """Take one if there is one left."""
        if not self.has(now):
            return False
        self._left -= 1
        return True
