"""Topics, subscriptions and the messages between them: acknowledgement, retries, dead letters."""

from __future__ import annotations

import itertools
import re
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from grpc import StatusCode

from tests.standins.google.rpc import refuse

NAME = re.compile(r"projects/[^/]+/(?:topics|subscriptions)/(?!goog)[A-Za-z][-A-Za-z0-9_.~+%]{2,254}")
MAX_MESSAGE_BYTES = 10 * 1024 * 1024
DEAD_LETTER = "CloudPubSubDeadLetterSource"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A published message."""

    id: str
    data: bytes
    attributes: dict[str, str]
    published: datetime


@dataclass(slots=True)
class Held:
    """A message that a subscription has not got rid of: `attempts` deliveries so far, next one at `due`."""

    message: Message
    due: float = 0.0
    attempts: int = 0
    ack_id: str = ""


@dataclass(slots=True, kw_only=True)
class Subscription:
    """A subscription; times in seconds, `max_attempts` 0: no dead letters."""

    name: str
    topic: str
    ack_deadline: float = 10.0
    minimum_backoff: float = 0.1
    maximum_backoff: float = 60.0
    dead_letter_topic: str = ""
    max_attempts: int = 0
    push_endpoint: str = ""
    push_audience: str = ""
    push_account: str = ""
    waiting: list[Held] = field(default_factory=list)
    leased: dict[str, Held] = field(default_factory=dict)


class Broker:
    """All topics and subscriptions; `backoff_scale` shortens the retry delays. Safe from any thread."""

    def __init__(self, *, backoff_scale: float) -> None:
        self.changed = threading.Condition()
        self.topics: dict[str, list[Message]] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self._scale = backoff_scale
        self._ids = itertools.count(1)

    def create_topic(self, name: str) -> None:
        """Add a topic."""
        _check_name(name)
        with self.changed:
            if name in self.topics:
                refuse(StatusCode.ALREADY_EXISTS, f"Resource already exists in the project (resource={name}).")
            self.topics[name] = []

    def create_subscription(self, subscription: Subscription) -> None:
        """Add a subscription to a topic; it gets what is published from now on."""
        _check_name(subscription.name)
        with self.changed:
            self.check_topic(subscription.topic)
            if subscription.name in self.subscriptions:
                name = subscription.name
                refuse(StatusCode.ALREADY_EXISTS, f"Resource already exists in the project (resource={name}).")
            self.subscriptions[subscription.name] = subscription

    def check_topic(self, name: str) -> None:
        """Refuse a topic that is not there."""
        if name not in self.topics:
            refuse(StatusCode.NOT_FOUND, f"Resource not found (resource={name}).")

    def subscription(self, name: str) -> Subscription:
        """Give a subscription by name."""
        found = self.subscriptions.get(name)
        if found is None:
            refuse(StatusCode.NOT_FOUND, f"Resource not found (resource={name}).")
        return found

    def delete_topic(self, name: str) -> None:
        """Remove a topic; its subscriptions stay without one."""
        with self.changed:
            self.check_topic(name)
            del self.topics[name]

    def delete_subscription(self, name: str) -> None:
        """Remove a subscription with its messages."""
        with self.changed:
            self.subscription(name)
            del self.subscriptions[name]
            self.changed.notify_all()

    def publish(self, topic: str, data: bytes, attributes: dict[str, str]) -> str:
        """Publish a message and give its id."""
        if not data and not attributes:
            refuse(StatusCode.INVALID_ARGUMENT, "Some messages in the batch are empty.")
        if len(data) > MAX_MESSAGE_BYTES:
            refuse(StatusCode.INVALID_ARGUMENT, "The value for message_size is too large.")
        with self.changed:
            self.check_topic(topic)
            message = Message(id=str(next(self._ids)), data=data, attributes=attributes, published=datetime.now(UTC))
            self.topics[topic].append(message)
            for subscription in self.subscriptions.values():
                if subscription.topic == topic:
                    subscription.waiting.append(Held(message))
            self.changed.notify_all()
            return message.id

    def lease(self, name: str, *, most: int, until: float, ended: threading.Event) -> list[Held]:
        """Take up to `most` messages that are due, waiting for one until a time (monotonic) or the end."""
        with self.changed:
            while True:
                if name not in self.subscriptions:
                    return []
                subscription = self.subscriptions[name]
                self._expire(subscription)
                now = time.monotonic()
                due = [held for held in subscription.waiting if held.due <= now][:most]
                if due or ended.is_set() or now >= until:
                    break
                soonest = min(
                    (held.due for held in (*subscription.waiting, *subscription.leased.values())), default=until
                )
                self.changed.wait(max(min(soonest, until) - now, 0.001))
            for held in due:
                subscription.waiting.remove(held)
                held.attempts += 1
                held.due = now + subscription.ack_deadline
                held.ack_id = f"{held.message.id}-{next(self._ids)}"
                subscription.leased[held.ack_id] = held
            return due

    def acknowledge(self, name: str, ack_ids: list[str]) -> None:
        """Forget messages; ids that are no longer valid are passed over."""
        with self.changed:
            leased = self.subscription(name).leased
            for ack_id in ack_ids:
                leased.pop(ack_id, None)
            self.changed.notify_all()

    def extend(self, name: str, ack_ids: list[str], seconds: float) -> None:
        """Set the deadline of messages anew; 0 gives them back at once."""
        with self.changed:
            subscription = self.subscription(name)
            for ack_id in ack_ids:
                held = subscription.leased.get(ack_id)
                if held is None:
                    continue
                if seconds:
                    held.due = time.monotonic() + seconds
                else:
                    self._give_back(subscription, held)
            self.changed.notify_all()

    def left(self, name: str) -> int:
        """How many messages a subscription still holds."""
        with self.changed:
            subscription = self.subscription(name)
            return len(subscription.waiting) + len(subscription.leased)

    def wait_empty(self, name: str, timeout: float) -> None:
        """Wait until a subscription holds nothing; TimeoutError after `timeout` seconds."""
        with self.changed:
            if not self.changed.wait_for(lambda: not self.left(name), timeout):
                raise TimeoutError(f"{name} still holds {self.left(name)} messages")

    def _expire(self, subscription: Subscription) -> None:
        now = time.monotonic()
        for held in [held for held in subscription.leased.values() if held.due <= now]:
            self._give_back(subscription, held)

    def _give_back(self, subscription: Subscription, held: Held) -> None:
        del subscription.leased[held.ack_id]
        if subscription.max_attempts and held.attempts >= subscription.max_attempts:
            self._bury(subscription, held)
            return
        backoff = min(subscription.minimum_backoff * 2 ** (held.attempts - 1), subscription.maximum_backoff)
        held.due = time.monotonic() + backoff * self._scale
        subscription.waiting.append(held)

    def _bury(self, subscription: Subscription, held: Held) -> None:
        _, project, _, name = subscription.name.split("/")
        attributes = {
            **held.message.attributes,
            f"{DEAD_LETTER}DeliveryCount": str(held.attempts),
            f"{DEAD_LETTER}Subscription": name,
            f"{DEAD_LETTER}SubscriptionProject": project,
            f"{DEAD_LETTER}TopicPublishTime": held.message.published.isoformat(),
        }
        self.publish(subscription.dead_letter_topic, held.message.data, attributes)


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        what = "topics" if "/topics/" in name else "subscriptions"
        refuse(StatusCode.INVALID_ARGUMENT, f"Invalid [{what}] name: (name={name})")
