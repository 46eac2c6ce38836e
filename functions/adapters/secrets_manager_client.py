"""The Secret Manager client over gRPC: two calls, each within its deadline. Imported when a secret is first read.

They are called as the generated client calls them, without the client: its package imports an asynchronous and a REST
client, requests and more, 120 of the 200 ms that a cold start spent here. The messages are the library's own.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlencode

import grpc

from functions.adapters.deferred import defer
from functions.adapters.secrets_crc32c import crc32c
from functions.adapters.secrets_limits import LIFE_CLOCK
from functions.adapters.secrets_manager import DeniedError, DisabledError, NotFoundError, version_number
from functions.errors import LastingError, PassingError, PipehookError
from functions.ports import Deadline

if TYPE_CHECKING:
    from google.api_core.exceptions import GoogleAPICallError
    from google.auth.credentials import Credentials

defer("google.cloud.secretmanager_v1")
from google.cloud.secretmanager_v1.types import service as messages  # noqa: E402 -- once its package is deferred

ATTEMPTS = 3
ATTEMPT_SECONDS = 2.0
"""What one attempt may take (and no more than half of what is left, so that another one follows): a connection that
died while the instance was frozen answers nothing at all."""
PAGE_SIZE = 25
MAX_PAGES = 4
"""Filtered pages may be short; there are hardly more than a hundred versions between two enabled ones."""
IDLE_SECONDS = 240.0
"""After so long without a call the connection is not trusted any more."""
_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_OPTIONS = (
    # a new channel must not find the dead connection of the old one, nor its back-off
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_receive_message_length", -1),
)
_HOST = "secretmanager.googleapis.com"
_SERVICE = "/google.cloud.secretmanager.v1.SecretManagerService"
_PASSING = frozenset(
    {
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DATA_LOSS,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.UNKNOWN,
    }
)
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
        self._client: _Stub | None = None
        self._credentials: Credentials | None = None
        self._used = 0.0

    def enabled(self, secret: str, *, limit: int, deadline: Deadline) -> tuple[str, ...]:
        """Return the newest enabled versions' names. Raises as `Versions` says."""
        names: list[str] = []
        token = ""
        for _ in range(MAX_PAGES):
            ask = partial(_Stub.list, secret=secret, token=token)
            page = self._call(secret, "secretmanager.versions.list", "roles/secretmanager.viewer", ask, deadline)
            names += [version.name for version in page.versions]
            token = page.next_page_token
            # the service sorts from the newest to the oldest
            if not token or len(names) >= limit:
                break
        return tuple(sorted(names, key=version_number, reverse=True)[:limit])

    def access(self, version: str, *, deadline: Deadline) -> tuple[str, bytes]:
        """Return a version's name and payload. Raises as `Versions` says."""

        def ask(client: _Stub, seconds: float) -> tuple[str, bytes]:
            answer = client.access(seconds, version=version)
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
        ask: Callable[[_Stub, float], R],
        deadline: Deadline,
    ) -> R:
        reason = "no time was left to ask Secret Manager"
        cause: Exception | None = None
        for attempt in range(ATTEMPTS):
            if attempt:
                self._sleep(min(deadline.remaining(), random.uniform(0.05, 0.15) * 2**attempt))  # noqa: S311 -- jitter
            seconds = min(ATTEMPT_SECONDS, deadline.remaining() / 2)
            if seconds <= 0:
                break
            client = self._opened()
            try:
                answer = ask(client, seconds)
            except grpc.RpcError as error:
                if error.code() not in _PASSING:
                    raise _refused(error, resource, permission, role) from error
                cause, reason = error, f"Secret Manager does not answer ({error.code().name})"
                self._drop(client)
            except _ChecksumError:
                if reason == _DAMAGED:
                    break
                reason = _DAMAGED
            else:
                self._used = LIFE_CLOCK()
                return answer
        raise PassingError(reason) from cause

    def _opened(self) -> _Stub:
        with self._lock:
            now = LIFE_CLOCK()
            if self._client is None or now - self._used > IDLE_SECONDS:
                self._client = self._open()
                self._used = now
            return self._client

    def _open(self) -> _Stub:
        if self._emulator:
            return _Stub(grpc.insecure_channel(self._emulator, options=_OPTIONS))
        if self._credentials is None:
            self._credentials = _google_credentials()
        from google.api_core.grpc_helpers import create_channel  # noqa: PLC0415 -- emulators need none of it

        channel = create_channel(
            f"{_HOST}:443",
            credentials=self._credentials,
            default_scopes=_SCOPES,
            default_host=_HOST,
            options=_OPTIONS,
        )
        return _Stub(channel)

    def _drop(self, client: _Stub) -> None:
        # not closed: another thread's call may still use it, and the last user's end closes it
        with self._lock:
            if self._client is client:
                self._client = None


class _Stub:
    """The two calls on one channel. They raise grpc.RpcError."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._access = channel.unary_unary(
            f"{_SERVICE}/AccessSecretVersion",
            request_serializer=messages.AccessSecretVersionRequest.serialize,
            response_deserializer=messages.AccessSecretVersionResponse.deserialize,
        )
        self._list = channel.unary_unary(
            f"{_SERVICE}/ListSecretVersions",
            request_serializer=messages.ListSecretVersionsRequest.serialize,
            response_deserializer=messages.ListSecretVersionsResponse.deserialize,
        )

    def access(self, seconds: float, *, version: str) -> messages.AccessSecretVersionResponse:
        request = messages.AccessSecretVersionRequest(name=version)
        answer: messages.AccessSecretVersionResponse
        answer = self._access(request, timeout=seconds, metadata=_routing(name=version))
        return answer

    def list(self, seconds: float, *, secret: str, token: str) -> messages.ListSecretVersionsResponse:
        request = messages.ListSecretVersionsRequest(
            parent=secret, filter="state:ENABLED", page_size=PAGE_SIZE, page_token=token
        )
        page: messages.ListSecretVersionsResponse
        page = self._list(request, timeout=seconds, metadata=_routing(parent=secret))
        return page


def _routing(**field: str) -> tuple[tuple[str, str]]:
    """Return the header that Google's front end routes by: https://google.aip.dev/client-libraries/4222."""
    return (("x-goog-request-params", urlencode(field, safe="/")),)


def _google_credentials() -> Credentials:
    from google.auth import default  # noqa: PLC0415 -- 80 ms that emulators do not need
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


def _refused(error: grpc.RpcError, resource: str, permission: str, role: str) -> PipehookError:
    # the library knows how the reason is wrapped up in an answer's details; only refusals pay for its import
    from google.api_core.exceptions import from_grpc_error  # noqa: PLC0415 -- see above

    told = from_grpc_error(error)  # type: ignore[no-untyped-call] # the library has no annotation there
    return _fault(told, resource, permission, role)


def _fault(error: GoogleAPICallError, resource: str, permission: str, role: str) -> PipehookError:
    """Return what an answer means that another attempt would meet again."""
    from google.api_core import exceptions  # noqa: PLC0415 -- imported with the error

    secret, _, _ = resource.partition("/versions/")
    if isinstance(error, exceptions.NotFound):
        identifier = secret.rpartition("/")[2]
        return NotFoundError(f'secrets "{identifier}" not found: Secret Manager has no {resource}')
    if isinstance(error, exceptions.FailedPrecondition):
        return DisabledError(f"{resource} is disabled or destroyed")
    if isinstance(error, exceptions.Forbidden) and error.reason == "SERVICE_DISABLED":
        return LastingError("the project has no Secret Manager: enable secretmanager.googleapis.com in it")
    if isinstance(error, exceptions.Forbidden):
        return DeniedError(
            f"{permission} is denied on {secret}, or it does not exist: grant {role} on this secret to the function's "
            "service account"
        )
    if isinstance(error, exceptions.MethodNotImplemented):
        return DeniedError(f"this Secret Manager, an emulator perhaps, has no {permission}")
    if isinstance(error, exceptions.Unauthorized):
        return PassingError("Secret Manager does not accept the function's credentials")
    if isinstance(error, exceptions.ResourceExhausted):
        return PassingError("Secret Manager's quota for this project is used up")
    return LastingError(f"Secret Manager refuses to read {resource} ({_code(error)})")


def _code(error: GoogleAPICallError) -> str:
    return error.grpc_status_code.name if error.grpc_status_code is not None else type(error).__name__
