"""The Secret Manager client: two questions, each within its deadline. Imported when a secret is first read."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import grpc

from functions.adapters.jitter import pause
from functions.adapters.secrets_crc32c import crc32c
from functions.adapters.secrets_limits import LIFE_CLOCK
from functions.adapters.secrets_manager import version_number
from functions.adapters.secrets_manager_calls import Calls
from functions.errors import LastingError, PassingError
from functions.ports import Deadline

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

ATTEMPTS = 3
ATTEMPT_SECONDS = 2.0
"""What one attempt may take (and no more than half of what is left, so that another one follows): a connection that
died while the instance was frozen answers nothing at all."""
MAX_PAGES = 4
"""Filtered pages may be short; there are hardly more than a hundred versions between two enabled ones."""
IDLE_SECONDS = 240.0
"""After so long without a call the connection is not trusted any more."""
_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_DAMAGED = "Secret Manager's answer was damaged on its way (its checksum is wrong)"

R = TypeVar("R")


class _ChecksumError(Exception):
    """A payload was damaged on its way."""


class ManagerClient:
    """Fulfils `secrets_manager.Versions`. Shared by all threads."""

    def __init__(self, emulator: str = "", *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._emulator = emulator
        self._sleep = sleep
        self._lock = threading.Lock()
        self._calls: Calls | None = None
        self._credentials: Credentials | None = None
        self._used = 0.0

    def enabled(self, secret: str, *, limit: int, deadline: Deadline) -> tuple[str, ...]:
        """Return the newest enabled versions' names. Raises as `Versions` says."""
        names: list[str] = []
        token = ""
        for _ in range(MAX_PAGES):
            ask = partial(Calls.list_versions, secret=secret, token=token)
            page = self._call(secret, "secretmanager.versions.list", "roles/secretmanager.viewer", ask, deadline)
            names += [version.name for version in page.versions]
            token = page.next_page_token
            # the service sorts from the newest to the oldest
            if not token or len(names) >= limit:
                break
        return tuple(sorted(names, key=version_number, reverse=True)[:limit])

    def access(self, version: str, *, deadline: Deadline) -> tuple[str, bytes]:
        """Return a version's name and payload. Raises as `Versions` says."""

        def ask(calls: Calls, seconds: float) -> tuple[str, bytes]:
            answer = calls.access_version(seconds, version=version)
            payload = answer.payload
            # the field is optional: a server that leaves it out promises nothing that could be checked
            if "data_crc32c" in payload and payload.data_crc32c != crc32c(payload.data):
                raise _ChecksumError
            return answer.name, payload.data

        return self._call(version, "secretmanager.versions.access", "roles/secretmanager.secretAccessor", ask, deadline)

    def _call(
        self,
        resource: str,
        permission: str,
        role: str,
        ask: Callable[[Calls, float], R],
        deadline: Deadline,
    ) -> R:
        reason = "no time was left to ask Secret Manager"
        cause: Exception | None = None
        for attempt in range(ATTEMPTS):
            if attempt:
                self._sleep(min(deadline.remaining(), pause(attempt)))
            seconds = min(ATTEMPT_SECONDS, deadline.remaining() / 2)
            if seconds <= 0:
                break
            calls = self._opened()
            try:
                answer = ask(calls, seconds)
            except grpc.RpcError as failure:
                from functions.adapters.secrets_manager_faults import passing, refusal  # noqa: PLC0415 -- as it says

                cause, reason = failure, passing(failure)
                if not reason:
                    raise refusal(failure, resource=resource, permission=permission, role=role) from failure
                self._drop(calls)
            except _ChecksumError:
                if reason == _DAMAGED:
                    break
                reason = _DAMAGED
            else:
                self._used = LIFE_CLOCK()
                return answer
        raise PassingError(reason) from cause

    def _opened(self) -> Calls:
        with self._lock:
            now = LIFE_CLOCK()
            if self._calls is None or now - self._used > IDLE_SECONDS:
                self._calls = self._open()
                self._used = now
            return self._calls

    def _open(self) -> Calls:
        if self._emulator:
            return Calls.of_emulator(self._emulator)
        if self._credentials is None:
            self._credentials = _google_credentials()
        return Calls.of_google(self._credentials)

    def _drop(self, calls: Calls) -> None:
        # not closed: another thread's call may still use it, and the last user's end closes it
        with self._lock:
            if self._calls is calls:
                self._calls = None


def _google_credentials() -> Credentials:
    from google.auth import default  # noqa: PLC0415 -- not for emulators
    from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 -- as above

    try:
        credentials, _ = default(scopes=_SCOPES)
    except GoogleAuthError as error:
        if error.retryable:
            raise PassingError("Google's credentials cannot be had now") from error
        raise LastingError(
            "there are no Google credentials that could read secrets: give the function a service account"
        ) from error
    return credentials
