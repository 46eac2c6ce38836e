"""The Pub/Sub client over gRPC, every call within its deadline. Imported when something is first queued or read.

The generated client publishes in the calling thread: no batching, no thread of its own, and an answer to every call.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar, cast

from google.api_core import exceptions
from google.pubsub_v1 import PublisherClient, PubsubMessage, SubscriberClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport
from msgspec import Struct

from functions.adapters.google_calls import Connection, code
from functions.common.errors import LastingError, PipehookError
from functions.common.ports import Deadline
from functions.queue.messages import Message

HOST = "pubsub.googleapis.com:443"
PULL_SECONDS = 5.0

C = TypeVar("C")
R = TypeVar("R")


class Pulled(Struct, frozen=True, kw_only=True):
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
        self._connection = _connection(PublisherClient, PublisherGrpcTransport, sleep)

    def publish(self, messages: Sequence[Message], *, deadline: Deadline) -> None:
        """Publish all messages in one call, so that either all are in the queue or none is known to be.

        Raises PassingError when Pub/Sub cannot take them now and LastingError, naming what to do, when it never will.
        """
        sent = [PubsubMessage(data=message.data, attributes=dict(message.attributes)) for message in messages]

        def ask(client: PublisherClient, seconds: float) -> None:
            client.publish(request={"topic": self._topic, "messages": sent}, retry=None, timeout=seconds)

        refusal = _refusal(self._topic, "pubsub.topics.publish (roles/pubsub.publisher)")
        self._connection.call(ask, refusal, deadline)


class PubSubSubscriber:
    """Pulls from one subscription. Shared by all threads."""

    def __init__(
        self, subscription: str, *, pull_seconds: float = PULL_SECONDS, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """`pull_seconds` is how long a pull waits for messages."""
        self._subscription = subscription
        self._pull_seconds = pull_seconds
        self._connection = _connection(SubscriberClient, SubscriberGrpcTransport, sleep)

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
            request = {"subscription": self._subscription, "ack_ids": list(ack_ids), "ack_deadline_seconds": lease}
            client.modify_ack_deadline(request=request, retry=None, timeout=seconds)

        self._ask(ask, deadline)

    def _ask(
        self, ask: Callable[[SubscriberClient, float], R], deadline: Deadline, *, seconds: float | None = None
    ) -> R:
        refusal = _refusal(self._subscription, "pubsub.subscriptions.consume (roles/pubsub.subscriber)")
        return self._connection.call(ask, refusal, deadline, attempt_seconds=seconds)


def _connection(client: type[C], transport: type, sleep: Callable[[float], None]) -> Connection[C]:
    emulator = os.environ.get("PUBSUB_EMULATOR_HOST", "")  # as the library itself does
    return Connection("Pub/Sub", HOST, client, transport, emulator=emulator, sleep=sleep)


def _refusal(resource: str, permission: str) -> Callable[[exceptions.GoogleAPICallError], PipehookError]:
    """Return what answers mean that another attempt would meet again."""

    def refusal(error: exceptions.GoogleAPICallError) -> PipehookError:
        if isinstance(error, exceptions.NotFound):
            return LastingError(f"Pub/Sub has no {resource}")
        if isinstance(error, exceptions.Forbidden):
            return LastingError(
                f"{permission} is denied on {resource}, or it does not exist: grant it to the service account"
            )
        return LastingError(f"Pub/Sub refuses the call for {resource} ({code(error)})")

    return refusal
