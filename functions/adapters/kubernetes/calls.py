"""Calls until they succeed, are refused for good or run out of time: backoff, rotation of access, dead connections."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from http import HTTPStatus

from msgspec import Struct

from functions.adapters.bounded import NoAnswerError
from functions.adapters.jitter import draw
from functions.adapters.kubernetes import errors
from functions.adapters.kubernetes.answers import Answer
from functions.adapters.kubernetes.errors import ApiRefusedError, ApiUnavailableError
from functions.adapters.kubernetes.kubeconfig.access import AccessSource
from functions.adapters.kubernetes.pace import Pace
from functions.adapters.kubernetes.refusals import Ask, Refusals
from functions.adapters.kubernetes.transport import Request, Session
from functions.common.errors import ConfigurationError, PipehookError, settled
from functions.common.ports import Deadline
from functions.common.values import Json

CONNECT_SECONDS = 2.5
"""The limit for a connection and its handshake; what is left of the deadline, when that is less."""
DOUBT_SECONDS = 3.0
"""How long the first attempt over kept-alive connections waits for an answer before new ones are opened."""
RENEW_SECONDS = 2.0
"""What the renewal of a token that still lasts may take."""
RENEW_AGAIN_SECONDS = 10.0
"""How long after a renewal that failed the next one is tried."""
MIN_ATTEMPT_SECONDS = 0.05
"""With less than this left, no further attempt is begun."""
MAX_PACES = 1_000
"""Accounts that are impersonated and whose pace is known; with more, all are forgotten."""
_LOG = logging.getLogger(__name__)


class Backoff(Struct, frozen=True, kw_only=True):
    """Exponential backoff with full jitter, in seconds: attempt n waits anything up to `base` * 2^n, at most `cap`.

    What the server asks for in Retry-After is waited in full, the jitter on top of it.
    """

    base: float = 0.1
    cap: float = 2.0
    draw: Callable[[], float] = draw
    sleep: Callable[[float], None] = time.sleep

    def seconds(self, attempt: int, asked: float | None) -> float:
        """Return the wait after attempt number `attempt`, counted from 0."""
        return self.draw() * min(self.cap, self.base * 2.0 ** min(attempt, 16)) + (asked or 0.0)


class Calls:
    """Requests to one cluster, shared by all threads; nothing is imported or opened before the first."""

    def __init__(self, source: AccessSource, *, backoff: Backoff, connections: int) -> None:
        self._source = source
        self._backoff = backoff
        self._connections = connections
        self._paces: dict[str, Pace] = {}
        self._free = threading.BoundedSemaphore(connections)
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._refreshes = 0
        self._renew_at = 0.0
        self._refusals = Refusals()

    def json(
        self,
        request: Request,
        subject: str,
        deadline: Deadline,
        *,
        complete: Callable[[Mapping[str, Json]], bool] = lambda _: True,
    ) -> dict[str, Json]:
        """Send until there is a 2xx answer with a JSON object, a refusal that lasts, or no time.

        An object that is not `complete` is asked for again, as what a server that has just begun knows, until it is
        confirmed as refusals are.
        """
        began = deadline.clock()
        attempts = 0
        refreshed = maybe_done = False
        while True:
            session = self._open(subject, deadline)
            doubtful = session.tried and not attempts
            attempts += 1
            result = self._paced(session, request, subject, deadline, doubtful=doubtful)
            if not isinstance(result, ApiUnavailableError):
                confirmed = partial(self._refusals.confirmed, request, self._asker(session, deadline), deadline.clock)
                result = self._judged(result, request, subject, complete=complete, confirmed=confirmed)
            if isinstance(result, ApiRefusedError):
                result.maybe_done = maybe_done
                try:
                    raise result
                finally:
                    del result  # its frames would hold it, and it them, with the delivery
            if not isinstance(result, ApiUnavailableError):
                return result
            maybe_done = maybe_done or result.maybe_done
            if not refreshed and (result.status == HTTPStatus.UNAUTHORIZED or result.cause == "certificate"):
                refreshed = True
                if self._refresh(session, subject, deadline):
                    continue
            if doubtful and not result.status:
                # what idled may be dead on the other side: at once again, over new connections
                self._drop(session, subject, deadline)
                continue
            wait = self._backoff.seconds(attempts - 1, result.retry_after)
            if (
                not result.again
                or (result.crowded and not deadline.patient)
                or wait + MIN_ATTEMPT_SECONDS > deadline.remaining()
            ):
                if attempts > 1:
                    result.reason += f"; tried {attempts} times in {deadline.clock() - began:.1f} s"
                try:
                    raise result
                finally:
                    del result  # as above
            self._backoff.sleep(wait)

    def _paced(
        self, session: Session, request: Request, subject: str, deadline: Deadline, *, doubtful: bool
    ) -> dict[str, Json] | ApiRefusedError | ApiUnavailableError:
        """Send once, at the pace of the account that asks: what is too much is decided for each by itself."""
        pace = self._paces.get(request.impersonate)
        if pace is None:
            if len(self._paces) >= MAX_PACES:
                self._paces.clear()
            made = Pace(self._connections, draw=self._backoff.draw, sleep=self._backoff.sleep)
            pace = self._paces.setdefault(request.impersonate, made)
        with pace.place(subject, deadline):
            result = self._attempt(session, request, subject, deadline, doubtful=doubtful)
            if not isinstance(result, ApiUnavailableError):
                pace.taken()
            elif result.crowded:
                pace.refused(result.retry_after or 0.0, deadline.clock())
        return result

    def _attempt(
        self, session: Session, request: Request, subject: str, deadline: Deadline, *, doubtful: bool
    ) -> dict[str, Json] | ApiRefusedError | ApiUnavailableError:
        if not self._free.acquire(timeout=deadline.require(f"ask the cluster for {subject}")):
            return ApiUnavailableError(f"{subject}: all {self._connections} connections are busy", again=False)
        try:
            left = max(MIN_ATTEMPT_SECONDS, deadline.remaining())
            read = min(DOUBT_SECONDS, left / 2) if doubtful else left
            answer = session.exchange(request, connect=min(CONNECT_SECONDS, left), read=read, deadline=deadline)
        except NoAnswerError as error:
            return errors.of_silence(settled(error), subject)
        finally:
            self._free.release()
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            return errors.of_answer(
                answer,
                subject,
                request.body,
                doubted=request.doubted,
                lasting=request.lasting,
                impersonated=bool(request.impersonate),
            )
        return _object(answer, subject)

    def _judged(
        self,
        result: dict[str, Json] | ApiRefusedError,
        request: Request,
        subject: str,
        *,
        complete: Callable[[Mapping[str, Json]], bool],
        confirmed: Callable[[], bool],
    ) -> dict[str, Json] | ApiRefusedError | ApiUnavailableError:
        """Return what an answer is worth: one that is doubted and not confirmed passes."""
        if isinstance(result, ApiRefusedError):
            return result if not result.doubted or confirmed() else result.unconfirmed()
        if complete(result):
            self._refusals.forget(request)
            return result
        unknown = ApiUnavailableError(f"{subject}: the cluster does not know it yet", status=HTTPStatus.OK)
        return result if confirmed() else unknown

    def _asker(self, session: Session, deadline: Deadline) -> Ask:
        """Return what asks the server about itself, once and within the deadline."""

        def ask(request: Request) -> Answer | None:
            left = min(deadline.remaining(), DOUBT_SECONDS)
            if left < MIN_ATTEMPT_SECONDS or not self._free.acquire(timeout=left):
                return None
            try:
                return session.exchange(request, connect=min(CONNECT_SECONDS, left), read=left, deadline=deadline)
            except NoAnswerError as error:
                settled(error)
                return None
            finally:
                self._free.release()

        return ask

    def _open(self, subject: str, deadline: Deadline) -> Session:
        """Return the session, made or renewed where need be."""
        session = self._session
        if session is not None and session.usable() and not self._due(session):
            return session
        with self._locked(subject, deadline):
            session = self._session
            if session is None:
                session = self._connected(refresh=False, deadline=deadline)
            elif self._due(session):
                session = self._prolonged(session, deadline)
            elif not session.usable():
                session = session.renewed()
            self._session = session
            return session

    def _due(self, session: Session) -> bool:
        """Say whether the session's token is to be renewed, and may be tried to."""
        return session.access.ends_soon() and time.time() >= self._renew_at

    def _prolonged(self, session: Session, deadline: Deadline) -> Session:
        """Return a session with a new token; the one that there is, while none can be had and it lasts."""
        left = (session.access.token_ends or 0.0) - time.time()
        within = Deadline(min(deadline.expires, deadline.clock() + RENEW_SECONDS), deadline.clock)
        try:
            return self._connected(refresh=False, deadline=within if left > RENEW_SECONDS else deadline)
        except PipehookError as error:
            if left <= RENEW_SECONDS:
                raise
            self._renew_at = time.time() + min(RENEW_AGAIN_SECONDS, left)
            _LOG.warning("the cluster's token is not renewed yet, and lasts %d s more: %s", left, error.reason)
            return session if session.usable() else session.renewed()

    def _drop(self, session: Session, subject: str, deadline: Deadline) -> None:
        """Leave a session's connections to those who still wait on them, and open others from now on."""
        with self._locked(subject, deadline):
            if self._session is session:
                self._session = session.renewed()

    def _refresh(self, refused: Session, subject: str, deadline: Deadline) -> bool:
        """Ask for a newer kubeconfig, once for all threads that wait here; say whether there is one."""
        seen = self._refreshes
        with self._locked(subject, deadline):
            current = self._session
            if current is not None and current.access != refused.access:
                return True
            if self._refreshes != seen:
                return False
            fresh = self._connected(refresh=True, deadline=deadline)
            self._refreshes += 1
            if fresh.access == refused.access:
                return False
            self._session = fresh
        _LOG.warning("the cluster did not accept the kubeconfig; a newer one has been read")
        return True

    def _connected(self, *, refresh: bool, deadline: Deadline) -> Session:
        try:
            return Session(self._source(refresh=refresh, deadline=deadline), connections=self._connections)
        except ConfigurationError as error:
            mistakes = "; ".join(mistake.removeprefix("kubeconfig: ") for mistake in error.mistakes)
            _LOG.error("the kubeconfig is refused: %s", mistakes)
            raise ConfigurationError(f"the kubeconfig is refused: {mistakes}") from error

    def _locked(self, subject: str, deadline: Deadline) -> AbstractContextManager[None]:
        late = f"{subject}: the kubeconfig could not be read in time"
        return deadline.holding(self._lock, f"ask the cluster for {subject}", late)


def _object(answer: Answer, subject: str) -> dict[str, Json] | ApiUnavailableError:
    found = answer.document()
    if isinstance(found, dict):
        return found
    return ApiUnavailableError(
        f"{subject}: the cluster's answer ({answer.status}) is no JSON object; is something else in between?",
        status=answer.status,
        maybe_done=True,
    )
