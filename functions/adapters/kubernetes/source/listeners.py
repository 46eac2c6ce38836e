"""The listeners of TRIGGERS_SOURCE=cluster: read in request threads, kept in memory, served on through outages.

An instance is frozen between requests, and so would be a thread that watches; hence everything happens in requests:

- What was read less than `Freshness.ahead` seconds ago is used as it is. After that, one request reads anew while the
  others go on; after `Freshness.fresh` seconds they wait for it, so that a change is seen within 30 seconds.
- When the cluster cannot be asked, what was read less than `Freshness.last_known` seconds ago serves on, said once in
  the log, and is tried again every `Freshness.retry` seconds.
- An instance that has read nothing yet, or too long ago, refuses requests until it can read.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable

from msgspec import Struct
from msgspec.structs import replace

from functions.adapters.clocks import LIFE_CLOCK, Clock
from functions.adapters.kubernetes.api import KubernetesApi
from functions.adapters.kubernetes.source.compiler import Compiler, Lacks, no_lacks
from functions.adapters.kubernetes.source.objects import Objects
from functions.adapters.kubernetes.source.reader import Reader
from functions.common.errors import ConfigurationError, LastingError, PassingError, PipehookError
from functions.common.ports import Deadline
from functions.listening.routing import Listeners, served
from functions.model.resources import Registry

_LOG = logging.getLogger(__name__)


class Freshness(Struct, frozen=True, kw_only=True):
    """How long what was read is used, in seconds that pass for frozen instances, too."""

    ahead: float = 15.0
    fresh: float = 25.0
    last_known: float = 3600.0
    retry: float = 10.0
    """How long after a failed read what was read before serves without another one."""
    cold_retry: float = 1.0
    """How long after a failed read the fault is answered without asking, when nothing can serve."""
    warm_seconds: float = 2.0
    """What a read may take when there is something to serve instead."""
    cold_seconds: float = 5.0
    """What a read may take when there is nothing."""


class _State(Struct, frozen=True):
    """What was read: never changed, replaced as a whole."""

    registry: Registry
    listeners: Listeners
    namespaces: frozenset[str]
    read_at: float


class _Failure(Struct, frozen=True):
    """Why the last read failed. No exception is kept: its traceback would keep what the frames held."""

    reason: str
    passing: bool
    retry_after: float | None
    retry_at: float

    def error(self) -> PipehookError:
        reason = f"the triggers cannot be read from the cluster: {self.reason}"
        return PassingError(reason, retry_after=self.retry_after) if self.passing else LastingError(reason)


class ClusterListeners:
    """A ListenerSource. Shared by all threads; nothing is asked before the first request."""

    def __init__(
        self,
        api: KubernetesApi,
        *,
        home: Callable[[Deadline], Iterable[str]],
        event_listener: str = "",
        outbound_hosts: frozenset[str] = frozenset(),
        allow_unverified: bool = False,
        clusters: frozenset[str] | None = None,
        lacks: Lacks = no_lacks,
        freshness: Freshness | None = None,
        clock: Clock = LIFE_CLOCK,
    ) -> None:
        self._reader = Reader(api, home, clock=clock)
        self._objects = Objects()
        self._compiler = Compiler(outbound_hosts, allow_unverified=allow_unverified, clusters=clusters, lacks=lacks)
        self._event_listener = event_listener
        self._limits = freshness or Freshness()
        self._clock = clock
        self._lock = threading.Lock()
        self._state: _State | None = None
        self._failure: _Failure | None = None
        self._reading: threading.Event | None = None
        self._said: frozenset[str] = frozenset()
        self.several = False
        """Whether more than one listener has ever been seen: none of them answers for another one from then on."""

    def knows(self, listener: str) -> bool:
        """Say whether a listener was there when they were last read."""
        state = self._state
        return state is not None and listener in state.listeners

    def current(self, deadline: Deadline) -> Listeners:
        """Return the listeners as the cluster has them, or had them when it could last be asked.

        Raises PassingError when they cannot be read now and LastingError when they never can.
        """
        while True:
            with self._lock:
                settled = self._settled()
                reading = self._reading
                if settled is None and reading is None:
                    self._reading = threading.Event()
            if settled is not None:
                return settled
            if reading is None:
                return self._read(deadline)
            warm = self._state is not None
            if not reading.wait(min(deadline.remaining(), self._limits.warm_seconds) if warm else deadline.remaining()):
                return self._last_known(PassingError("the triggers were not read from the cluster in time"))

    def namespaces(self) -> frozenset[str]:
        """Return the namespaces of all listeners and triggers that are known, in which secretRefs are looked up."""
        state = self._state
        return state.namespaces if state else frozenset()

    def _settled(self) -> Listeners | None:
        """Return what may be used without a read, None when one is due or under way. Raises what the last one met."""
        now = self._clock()
        state = self._state
        age = now - state.read_at if state else float("inf")
        if state and (age < self._limits.ahead or (age < self._limits.fresh and self._reading)):
            return state.listeners
        if self._reading is None and self._failure and now < self._failure.retry_at:
            return self._last_known(self._failure.error())
        return None

    def _last_known(self, otherwise: PipehookError) -> Listeners:
        state = self._state
        if state is None or self._clock() - state.read_at >= self._limits.last_known:
            try:
                raise otherwise
            finally:
                del otherwise  # its frames would hold it, and it them, with the delivery
        return state.listeners

    def _read(self, deadline: Deadline) -> Listeners:
        state = self._state
        alive = state is not None and self._clock() - state.read_at < self._limits.last_known
        seconds = self._limits.warm_seconds if alive else self._limits.cold_seconds
        bounded = Deadline(min(deadline.expires, deadline.clock() + seconds), deadline.clock)
        began = self._clock()
        try:
            found = self._reader.read(bounded)
        except PipehookError as error:
            failure = self._failed(error, alive=alive, out_of_time=deadline.remaining() <= 0)
            return self._last_known(failure.error())
        else:
            self._state = state = self._compiled(self._objects.update(found.objects), began)
            self._succeeded(state.listeners, found.remarks)
            return state.listeners
        finally:
            # reached by a fault of our own, too: whoever waits must never wait for ever
            with self._lock:
                reading, self._reading = self._reading, None
            if reading is not None:
                reading.set()

    def _compiled(self, registry: Registry, now: float) -> _State:
        """Return the state to serve from now on."""
        if self._state is not None and self._state.registry is registry:
            return replace(self._state, read_at=now)
        namespaces = {namespace for namespace, _ in (*registry.listeners, *registry.triggers)}
        listeners = self._compiler.compile(registry)
        self.several = self.several or len(listeners) > 1
        return _State(registry, listeners, frozenset(namespaces), now)

    def _succeeded(self, listeners: Listeners, remarks: Iterable[str]) -> None:
        if self._failure is not None:
            _LOG.info("the triggers can be read from the cluster again")
        self._failure = None
        found = dict.fromkeys(remarks, logging.WARNING)
        try:
            served(listeners, self._event_listener)
        except ConfigurationError as error:
            found |= dict.fromkeys(error.mistakes, logging.ERROR)
        for remark, level in found.items():
            if remark not in self._said:
                _LOG.log(level, "%s", remark)
        self._said = frozenset(found)

    def _failed(self, error: PipehookError, *, alive: bool, out_of_time: bool) -> _Failure:
        now = self._clock()
        wait = 0.0 if out_of_time else self._limits.retry if alive else self._limits.cold_retry
        retry_after = error.retry_after if isinstance(error, PassingError) else None
        failure = _Failure(error.reason, error.passing, retry_after, now + wait)
        if self._failure is None and self._state is not None:
            _LOG.error(
                "the triggers cannot be read from the cluster (%s): what was read %d s ago serves until it is %d s old",
                error.reason,
                now - self._state.read_at,
                self._limits.last_known,
            )
        self._failure = failure
        return failure
