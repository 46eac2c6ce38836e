"""The Pub/Sub client over gRPC, every call within its deadline. Imported when something is first queued or read.

The generated client publishes in the calling thread: no batching, no thread of its own, and an answer to every call.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Generic, TypeVar, cast

import grpc
from google.api_core import exceptions
from google.auth import credentials as google_credentials
from google.auth import default as default_credentials
from google.auth.exceptions import GoogleAuthError
from google.pubsub_v1.services.publisher.client import PublisherClient
from google.pubsub_v1.services.publisher.transports.grpc import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.client import SubscriberClient
from google.pubsub_v1.services.subscriber.transports.grpc import SubscriberGrpcTransport
from google.pubsub_v1.types import PubsubMessage

from functions.adapters.jitter import pause
from functions.adapters.secrets_limits import LIFE_CLOCK
from functions.dataclass import dataclass
from functions.errors import LastingError, PassingError, PipehookError
from functions.ports import Deadline
from functions.queue_messages import Message

ATTEMPTS = 3
ATTEMPT_SECONDS = 2.0
"""What one attempt may take, and no more than half of what is left, so that another one follows: a connection that died
while the instance was frozen answers nothing at all."""
IDLE_SECONDS = 240.0
"""After so long without a call the connection is not trusted any more."""
PULL_SECONDS = 5.0
_SCOPES = ("https://www.googleapis.com/auth/pubsub",)
_OPTIONS = (
    # a new channel must not find the dead connection of the old one, nor its back-off
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_receive_message_length", -1),
)
_PASSING = (exceptions.ServerError, exceptions.Aborted, exceptions.Cancelled)

C = TypeVar("C")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """A message that a subscription lent out until its deadline, or until it is acknowledged or released."""

    ack_id: str
    message: Message
    message_id: str
    published: str
    """RFC 3339."""


class PubSubPublisher:
    """Publishes to one topic. Shared by all threads."""

    def __init__(self, topic: str, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._topic = topic
        self._connection = _Connection(_publisher, sleep)

    def publish(self, messages: Sequence[Message], *, deadline: Deadline) -> None:
        """Publish all messages in one call, so that either all are in the queue or none is known to be.

        Raises PassingError when Pub/Sub cannot take them now and LastingError, naming what to do, when it never will.
        """
        sent = [PubsubMessage(data=message.data, attributes=dict(message.attributes)) for message in messages]

        def ask(client: PublisherClient, seconds: float) -> None:
            client.publish(request={"topic": self._topic, "messages": sent}, retry=None, timeout=seconds)

        permission = "pubsub.topics.publish (roles/pubsub.publisher)"
        self._connection.call(ask, self._topic, permission, deadline)


class PubSubSubscriber:
    """Pulls from one subscription. Shared by all threads."""

    def __init__(
        self, subscription: str, *, pull_seconds: float = PULL_SECONDS, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """`pull_seconds` is how long a pull waits for messages."""
        self._subscription = subscription
        self._pull_seconds = pull_seconds
        self._connection = _Connection(_subscriber, sleep)

    def pull(self, most: int, *, deadline: Deadline) -> list[Pulled]:
        """Return up to `most` messages, none when none came within a few seconds. Raises as `publish` does."""

        def ask(client: SubscriberClient, seconds: float) -> list[Pulled]:
            request = {"subscription": self._subscription, "max_messages": most}
            try:
                answer = client.pull(request=request, retry=None, timeout=seconds)
            except exceptions.DeadlineExceeded:  # Pub/Sub waits for messages as long as it is let
                return []
            return [
                Pulled(
                    ack_id=entry.ack_id,
                    message=Message(entry.message.data, dict(entry.message.attributes)),
                    message_id=entry.message.message_id,
                    published=cast(
                        "datetime", entry.message.publish_time
                    ).isoformat(),  # proto-plus gives Python's type
                )
                for entry in answer.received_messages
            ]

        return self._ask(ask, deadline, seconds=self._pull_seconds)

    def acknowledge(self, ack_ids: Sequence[str], *, deadline: Deadline) -> None:
        """Take messages from the subscription for good. Raises as `publish` does."""

        def ask(client: SubscriberClient, seconds: float) -> None:
            request = {"subscription": self._subscription, "ack_ids": list(ack_ids)}
            client.acknowledge(request=request, retry=None, timeout=seconds)

        self._ask(ask, deadline)

    def hold(self, ack_ids: Sequence[str], lease: int, *, deadline: Deadline) -> None:
        """Keep messages for `lease` seconds from now (at most 600), or give them back at once with 0."""

        def ask(client: SubscriberClient, seconds: float) -> None:
            request = {
                "subscription": self._subscription,
                "ack_ids": list(ack_ids),
                "ack_deadline_seconds": lease,
            }
            client.modify_ack_deadline(request=request, retry=None, timeout=seconds)

        self._ask(ask, deadline)

    def _ask(
        self, ask: Callable[[SubscriberClient, float], R], deadline: Deadline, *, seconds: float = ATTEMPT_SECONDS
    ) -> R:
        permission = "pubsub.subscriptions.consume (roles/pubsub.subscriber)"
        return self._connection.call(ask, self._subscription, permission, deadline, attempt_seconds=seconds)


class _Connection(Generic[C]):
    """A client that is opened by the first call, and anew after it failed or lay idle."""

    def __init__(self, make: Callable[[grpc.Channel], C], sleep: Callable[[float], None]) -> None:
        self._make = make
        self._sleep = sleep
        self._lock = threading.Lock()
        self._client: C | None = None
        self._credentials: google_credentials.Credentials | None = None
        self._used = 0.0

    def call(
        self,
        ask: Callable[[C, float], R],
        resource: str,
        permission: str,
        deadline: Deadline,
        *,
        attempt_seconds: float = ATTEMPT_SECONDS,
    ) -> R:
        reason = "no time was left to ask Pub/Sub"
        cause: Exception | None = None
        for attempt in range(ATTEMPTS):
            if attempt:
                self._sleep(min(deadline.remaining(), pause(attempt)))
            if deadline.remaining() <= 0:
                break
            client = self._opened()
            seconds = min(attempt_seconds, deadline.remaining() / 2)
            if seconds <= 0:
                break
            try:
                answer = ask(client, seconds)
            except _PASSING as error:
                cause, reason = error, f"Pub/Sub does not answer ({_code(error)})"
                self._drop(client)
            except exceptions.GoogleAPICallError as error:
                raise _fault(error, resource, permission) from error
            else:
                self._used = LIFE_CLOCK()
                return answer
        raise PassingError(reason) from cause

    def _opened(self) -> C:
        with self._lock:
            now = LIFE_CLOCK()
            if self._client is None or now - self._used > IDLE_SECONDS:
                self._client = self._make(self._channel())
                self._used = now
            return self._client

    def _channel(self) -> grpc.Channel:
        if emulator := os.environ.get("PUBSUB_EMULATOR_HOST"):  # as the library itself does
            return grpc.insecure_channel(emulator, options=_OPTIONS)
        if self._credentials is None:
            try:
                self._credentials, _ = default_credentials(scopes=_SCOPES)
            except GoogleAuthError as error:
                raise _auth_fault(error) from error
        channel: grpc.Channel = PublisherGrpcTransport.create_channel(credentials=self._credentials, options=_OPTIONS)
        return channel

    def _drop(self, client: C) -> None:
        # not closed: another thread's call may still use it, and the last user's end closes it
        with self._lock:
            if self._client is client:
                self._client = None


def _publisher(channel: grpc.Channel) -> PublisherClient:
    client = PublisherClient(transport=PublisherGrpcTransport(channel=channel))
    _quiet(PublisherGrpcTransport)
    return client


def _subscriber(channel: grpc.Channel) -> SubscriberClient:
    client = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
    _quiet(SubscriberGrpcTransport)
    return client


def _quiet(transport: type) -> None:
    # with GOOGLE_SDK_PYTHON_LOGGING_SCOPE, read by the client, the library writes whole messages to its log
    logging.getLogger(transport.__module__).setLevel(logging.INFO)


def _fault(error: exceptions.GoogleAPICallError, resource: str, permission: str) -> PipehookError:
    """Return what an answer means that another attempt would meet again."""
    if isinstance(error, exceptions.NotFound):
        return LastingError(f"Pub/Sub has no {resource}")
    if isinstance(error, exceptions.Forbidden):
        return LastingError(
            f"{permission} is denied on {resource}, or it does not exist: grant it to the service account"
        )
    if isinstance(error, exceptions.Unauthorized):
        return PassingError("Pub/Sub does not accept the credentials")
    if isinstance(error, exceptions.ResourceExhausted):
        return PassingError("Pub/Sub's quota for this project is used up")
    return LastingError(f"Pub/Sub refuses the call for {resource} ({_code(error)})")


def _auth_fault(error: GoogleAuthError) -> LastingError | PassingError:
    if getattr(error, "retryable", False):
        return PassingError("Google's credentials cannot be had now")
    return LastingError("there are no Google credentials for Pub/Sub: give the function a service account, or log in")


def _code(error: exceptions.GoogleAPICallError) -> str:
    return error.grpc_status_code.name if error.grpc_status_code is not None else type(error).__name__
