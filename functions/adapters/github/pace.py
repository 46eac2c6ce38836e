"""What GitHub allows one owner, as far as this process has seen: whoever can wait makes room for what cannot.

GitHub takes 80 calls that create content a minute and 500 an hour in general, beside those of the primary limit, and
asks whoever was refused to wait. No process sees what others ask, so a refusal is what tells all of them.
https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from __future__ import annotations

import logging
import re
import threading
from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager

from functions.adapters.clocks import LIFE_CLOCK, Clock
from functions.adapters.github.answers import Answer
from functions.common.errors import PassingError
from functions.common.numbers import whole

MINUTE_SHARE = 20
HOUR_SHARE = 125
"""Writes after which what can wait is left out: a quarter of GitHub's limits, as other processes write, too."""
QUIET_SECONDS = 600.0
"""How long after a refusal what can wait is left out: another process uses the limit, too."""
RESERVE = 0.2
"""The part of the primary limit that a sweep leaves to deliveries and ends."""
REMEMBERED_SECONDS = 60.0
"""How long an answer's word on the primary limit counts."""
MAX_WAIT_SECONDS = 3600.0
SAID_SECONDS = 3600.0
"""How often the log is told that something is left out."""
MAX_OWNERS = 1_000

_LOG = logging.getLogger(__name__)
_OWNER = re.compile(r"/repos/([^/]+)/")


class _Use:
    """What is known of one owner; guarded by the pace's lock."""

    def __init__(self) -> None:
        self.until = float("-inf")
        """GitHub asked to wait so long."""
        self.quiet = float("-inf")
        self.writes: deque[float] = deque(maxlen=HOUR_SHARE)
        self.said = float("-inf")
        self.scarce = float("-inf")
        """Until then the primary limit is left to others."""
        self.limited = False
        """Whether there are limits at all: GitHub Enterprise Server has none by default."""

    def recent(self, number: int, seconds: float, now: float) -> bool:
        return len(self.writes) >= number and now - self.writes[-number] < seconds


class Pace:
    """Shared by all threads."""

    def __init__(self, *, by_owner: bool, clock: Clock = LIFE_CLOCK) -> None:
        """`by_owner`: limits are those of an App's installations; a token has one for all owners."""
        self._by_owner = by_owner
        self._clock = clock
        self._lock = threading.Lock()
        self._uses: OrderedDict[str, _Use] = OrderedDict()

    @contextmanager
    def asking(self, repository: str, *, writes: bool = False) -> Iterator[None]:
        """Enclose a call. Raises PassingError at once, with the seconds left, while GitHub has asked to wait."""
        with self._lock:
            use, now = self._use(repository.partition("/")[0]), self._clock()
            if now < use.until:
                raise PassingError("GitHub asked to wait before the next call", retry_after=use.until - now)
            if writes:
                use.writes.append(now)
        try:
            yield
        except PassingError as error:
            if error.retry_after:
                with self._lock:
                    use.until = self._clock() + min(error.retry_after, MAX_WAIT_SECONDS)
                    use.quiet = use.until + QUIET_SECONDS
            raise

    def heard(self, answer: Answer) -> None:
        """Take notice of what an answer says of the primary limit."""
        limit = whole(answer.headers.get("x-ratelimit-limit", ""), digits=12)
        remaining = whole(answer.headers.get("x-ratelimit-remaining", ""), digits=12)
        owner = _OWNER.search(answer.url)
        if limit is None or remaining is None or owner is None:
            return
        with self._lock:
            use = self._use(owner[1])
            use.limited = True
            use.scarce = self._clock() + (REMEMBERED_SECONDS if remaining < limit * RESERVE else 0.0)

    def near(self, repository: str) -> bool:
        """Say whether what can wait should: so much was written lately, or GitHub has refused."""
        with self._lock:
            use, now = self._use(repository.partition("/")[0]), self._clock()
            full = use.recent(MINUTE_SHARE, 60.0, now) or use.recent(HOUR_SHARE, 3600.0, now)
            near = now < use.quiet or (use.limited and full)
            say = near and now - use.said >= SAID_SECONDS
            if say:
                use.said = now
        if say:
            _LOG.warning(
                "GitHub's limit for statuses is near: that runs go on is left out for now, their ends are told"
            )
        return near

    def scarce(self, repository: str) -> bool:
        """Say whether only the reserve of the primary limit is left."""
        with self._lock:
            return self._clock() < self._use(repository.partition("/")[0]).scarce

    def _use(self, owner: str) -> _Use:
        key = owner.lower() if self._by_owner else ""
        use = self._uses.setdefault(key, _Use())
        self._uses.move_to_end(key)
        if len(self._uses) > MAX_OWNERS:
            self._uses.popitem(last=False)
        return use
