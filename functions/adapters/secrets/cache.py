"""Keeps secrets for a bounded time, so that neither deliveries nor forgeries drive calls to where they are stored.

Everything happens in request threads (an instance is frozen between requests, and so would be a thread of its own):

- A secret younger than `fresh` is used as it is; from `ahead` on, one request reads it anew while others go on.
- An older one is read before it is used; requests that want the same secret wait for that one read.
- When the source cannot be asked, values read less than `last_good` ago serve on, said once in the log. Without such
  values the request fails with PassingError. A lasting fault (the secret is gone, forbidden) ends them at once.
- `renew`, asked for when no value matched a signature, reads at most once per `renewal` and secret, and all secrets
  together 20 times at once and once a second after that, whatever is sent.
- A failed read is remembered, so that a flood meets it without a call. Of secrets that are not there, 500 are asked for
  at once and ten a second after that.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from functions.adapters.clocks import LIFE_CLOCK, Clock
from functions.adapters.secrets.limits import Allowance, Limits
from functions.adapters.secrets.values import Secret
from functions.common.errors import LastingError, PassingError, PipehookError
from functions.common.ports import Deadline

_LOG = logging.getLogger(__name__)

Load = Callable[[str, "Secret | None", Deadline], Secret]
"""Reads the secret at a location; given is what was known of it. Raises LastingError or PassingError."""


class _Failure(Struct, frozen=True):
    """Why the last read failed. No exception is kept: its traceback would keep what the frames held."""

    reason: str
    passing: bool
    retry_after: float | None = None

    @classmethod
    def of(cls, error: PipehookError) -> _Failure:
        return cls(error.reason, error.passing, error.retry_after if isinstance(error, PassingError) else None)

    def error(self) -> PipehookError:
        if self.passing:
            return PassingError(self.reason, retry_after=self.retry_after)
        return LastingError(self.reason)


class _Entry(Struct):
    """What is known of one secret; guarded by the cache's lock."""

    secret: Secret | None = None
    read_at: float = float("-inf")
    failure: _Failure | None = None
    """Of the last read, None when that succeeded."""
    retry_at: float = float("-inf")
    reading: threading.Event | None = None
    """Set when the read under way ends."""
    warned: bool = False

    def forget_after(self, age: float, now: float) -> None:
        if self.secret is not None and now - self.read_at >= age:
            self.secret = None


class SecretCache:
    """The secrets of one source, by location. Shared by all threads."""

    def __init__(self, load: Load, limits: Limits, *, clock: Clock = LIFE_CLOCK) -> None:
        self._load = load
        self._limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._renewals = Allowance(burst=20, rate=1.0)
        # a CEL expression may take a secret's name from the body: then an unverified sender chooses what is read
        self._misses = Allowance(burst=500, rate=10.0)

    def get(self, location: str, deadline: Deadline) -> Secret:
        """Return a secret, read now if need be.

        Raises LastingError when there is none to be had and PassingError when it cannot be read now.
        """
        while True:
            with self._lock:
                entry = self._entry(location)
                settled = self._settled(entry)
                reading = entry.reading
                if settled is None and reading is None:
                    self._begin(entry)
            if settled is not None:
                return settled
            if reading is None:
                return self._read(entry, location, deadline, doubted=False)
            if not reading.wait(deadline.remaining()):
                return self._unfinished(entry)

    def renew(self, location: str, deadline: Deadline) -> Secret:
        """Return a secret that no value of `get` matched, read anew unless it was read only just now.

        Raises PassingError, too, while the source cannot be asked: without its answer nobody knows whether the
        signature is wrong or made with a newer key.
        """
        while True:
            with self._lock:
                entry = self._entry(location)
                now = self._clock()
                if entry.reading is None:
                    if now < entry.retry_at and entry.failure is not None:
                        raise entry.failure.error()
                    if entry.secret is not None and not self._may_renew(entry, now):
                        return entry.secret
                    self._begin(entry)
                    reading = None
                else:
                    reading = entry.reading
            if reading is None:
                return self._read(entry, location, deadline, doubted=True)
            if not reading.wait(deadline.remaining()):
                raise PassingError("it was not read in time")

    def _may_renew(self, entry: _Entry, now: float) -> bool:
        return now - entry.read_at >= self._limits.renewal and self._renewals.take(now)

    def _entry(self, location: str) -> _Entry:
        entry = self._entries.get(location)
        if entry is None:
            entry = self._entries[location] = _Entry()
            if len(self._entries) > self._limits.size:
                self._entries.popitem(last=False)
        self._entries.move_to_end(location)
        entry.forget_after(self._limits.last_good, self._clock())
        return entry

    def _settled(self, entry: _Entry) -> Secret | None:
        """Return what may be used without a read, None when one is due. Raises what the last read met."""
        now = self._clock()
        age = now - entry.read_at
        if entry.secret is not None and (age < self._limits.ahead or (age < self._limits.fresh and entry.reading)):
            return entry.secret
        if entry.reading is None and now < entry.retry_at and entry.failure is not None:
            if entry.secret is None:
                raise entry.failure.error()
            return entry.secret
        return None

    def _begin(self, entry: _Entry) -> None:
        if entry.secret is None and not self._misses.has(self._clock()):
            raise PassingError("too many secrets are asked for that do not exist")
        entry.reading = threading.Event()

    def _unfinished(self, entry: _Entry) -> Secret:
        with self._lock:
            if entry.secret is not None:
                return entry.secret
        raise PassingError("it was not read in time")

    def _read(self, entry: _Entry, location: str, deadline: Deadline, *, doubted: bool) -> Secret:
        known = entry.secret
        given = replace(known, doubted=True) if known is not None and doubted else known
        seconds = self._limits.cold_seconds if known is None else self._limits.warm_seconds
        bounded = Deadline(min(deadline.expires, deadline.clock() + seconds), deadline.clock)
        outcome: Secret | _Failure | None = None
        began = self._clock()
        try:
            outcome = secret = self._load(location, given, bounded)
        except PipehookError as error:
            outcome = failure = _Failure.of(error)
            if failure.passing and not doubted and known is not None:
                return known
            raise failure.error() from error
        else:
            return secret
        finally:
            # reached by a fault of our own, too: whoever waits must never wait for ever
            self._end(entry, location, outcome, began=began, out_of_time=deadline.remaining() <= 0)

    def _end(
        self, entry: _Entry, location: str, outcome: Secret | _Failure | None, *, began: float, out_of_time: bool
    ) -> None:
        failure = outcome if isinstance(outcome, _Failure) else None
        warn = False
        with self._lock:
            now = self._clock()
            reading, entry.reading = entry.reading, None
            entry.failure = failure
            if isinstance(outcome, Secret):
                entry.secret, entry.read_at, entry.retry_at, entry.warned = outcome, began, now, False
            elif failure is not None and not failure.passing:
                entry.secret, entry.retry_at = None, now + self._limits.lasting
                self._misses.take(now)
            elif failure is not None and not out_of_time:
                # (when this delivery's own time ran out, the next one with more of it asks at once)
                entry.retry_at = now + (self._limits.cold_retry if entry.secret is None else self._limits.retry)
                warn, entry.warned = entry.secret is not None and not entry.warned, True
            age = now - entry.read_at
        if reading is not None:
            reading.set()
        if warn and failure is not None:
            _LOG.warning(
                "the secret %s cannot be read (%s): its last good values, read %d s ago, serve until they are %d s old",
                location,
                failure.reason,
                age,
                self._limits.last_good,
            )
