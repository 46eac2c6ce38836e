"""Calls of Google's gRPC services through their generated clients: each within its deadline, over one connection.

Their own retries ignore a timeout, so they are switched off and done here. Imported with the first client.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import grpc
from google.api_core import exceptions
from google.auth import credentials as google_credentials
from google.auth import default as default_credentials
from google.auth.exceptions import GoogleAuthError
from google.protobuf.message import DecodeError

from functions.adapters.clocks import LIFE_CLOCK
from functions.adapters.jitter import pause
from functions.common.errors import LastingError, PassingError, PipehookError, settled
from functions.common.ports import Deadline

ATTEMPTS = 3
ATTEMPT_SECONDS = 2.0
"""What one attempt may take (and no more than half of what is left, so that another one follows): a connection that
died while the instance was frozen answers nothing at all."""
IDLE_SECONDS = 240.0
"""After so long without a call the connection is not trusted any more."""
_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_OPTIONS = (
    # a new channel must not find the dead connection of the old one, nor its back-off
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_receive_message_length", -1),
)
_PASSING = (
    exceptions.ServerError,  # UNKNOWN, INTERNAL, UNAVAILABLE, DEADLINE_EXCEEDED and DATA_LOSS
    exceptions.Aborted,
    exceptions.Cancelled,
)

C = TypeVar("C")
R = TypeVar("R")


class Connection(Generic[C]):
    """A client that is opened by the first call, and anew after it failed or lay idle. Shared by all threads."""

    def __init__(
        self,
        service: str,
        host: str,
        client: Callable[..., C],
        transport: Any,  # its gRPC transport, a class; the generated ones have no common type
        *,
        emulator: str = "",
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`service` is its name in messages; an `emulator`'s host:port is called without TLS and credentials."""
        self._service = service
        self._host = host
        self._make = client
        self._transport = transport
        self._emulator = emulator
        self._sleep = sleep
        self._lock = threading.Lock()
        self._client: C | None = None
        self._credentials: google_credentials.Credentials | None = None
        self._used = 0.0

    def call(
        self,
        ask: Callable[[C, float], R],
        refusal: Callable[[exceptions.GoogleAPICallError], PipehookError],
        deadline: Deadline,
        *,
        attempt_seconds: float | None = None,
    ) -> R:
        """Return what `ask` gets from the client within the seconds that it is given.

        `refusal` says what an answer means that another attempt would meet again. Raises that, PassingError when the
        service does not answer in time, and LastingError without credentials.
        """
        reason = f"no time was left to ask {self._service}"
        cause: Exception | None = None
        for attempt in range(ATTEMPTS):
            if attempt:
                self._sleep(min(deadline.remaining(), pause(attempt)))
            seconds = min(attempt_seconds or ATTEMPT_SECONDS, deadline.remaining() / 2)
            if seconds <= 0:
                break
            client = self._opened()
            try:
                answer = ask(client, seconds)
            except exceptions.GoogleAPICallError as error:
                if isinstance(error, exceptions.MethodNotImplemented) or not isinstance(error, _PASSING):
                    raise self._common(error) or refusal(error) from error
                cause, reason = settled(error), f"{self._service} does not answer ({code(error)})"
                self._drop(client)
            except (DecodeError, ValueError, OverflowError) as error:
                # what the library raises for details of a status, or times, that nobody could have meant
                cause, reason = settled(error), f"{self._service}'s answer cannot be read ({type(error).__name__})"
                self._drop(client)
            else:
                self._used = LIFE_CLOCK()
                return answer
        raise PassingError(reason) from cause

    def _common(self, error: exceptions.GoogleAPICallError) -> PipehookError | None:
        """Return what every service means by it."""
        if isinstance(error, exceptions.Unauthorized):
            return PassingError(f"{self._service} does not accept the function's credentials")
        if isinstance(error, exceptions.ResourceExhausted):
            return PassingError(f"{self._service}'s quota for this project is used up")
        return None

    def _opened(self) -> C:
        with self._lock:
            now = LIFE_CLOCK()
            if self._client is None or now - self._used > IDLE_SECONDS:
                self._client = self._make(transport=self._transport(channel=self._channel()))
                # with GOOGLE_SDK_PYTHON_LOGGING_SCOPE, read by the client, the library logs whole messages
                logging.getLogger(self._transport.__module__).setLevel(logging.INFO)
                self._used = now
            return self._client

    def _channel(self) -> grpc.Channel:
        if self._emulator:
            return grpc.insecure_channel(self._emulator, options=_OPTIONS)
        if self._credentials is None:
            self._credentials = self._google_credentials()
        channel: grpc.Channel = self._transport.create_channel(
            self._host, credentials=self._credentials, options=_OPTIONS
        )
        return channel

    def _google_credentials(self) -> google_credentials.Credentials:
        try:
            credentials, _ = default_credentials(scopes=_SCOPES)
        except GoogleAuthError as error:
            if error.retryable:
                raise PassingError("Google's credentials cannot be had now") from error
            raise LastingError(
                f"there are no Google credentials for {self._service}: give the function a service account, or log in: "
                "gcloud auth application-default login"
            ) from error
        return credentials

    def _drop(self, client: C) -> None:
        # not closed: another thread's call may still use it, and the last user's end closes it
        with self._lock:
            if self._client is client:
                self._client = None


def code(error: exceptions.GoogleAPICallError) -> str:
    """Return the name of an answer's status code."""
    return error.grpc_status_code.name if error.grpc_status_code is not None else type(error).__name__
