"""Push delivery: messages as wrapped JSON, posted to an endpoint with an identity token."""

from __future__ import annotations

import base64
import json
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import urllib3

from tests.standins.google.rpc import RpcError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.standins.google.broker import Broker, Held, Subscription

FIRST_WINDOW = 4
MAX_WINDOW = 64
"""Pushes at a time; Pub/Sub itself goes on to thousands."""
PUSH_BACKOFF = (0.1, 60.0)
"""Seconds, at first and at most."""
ACKNOWLEDGING = (102, 200, 201, 202, 204)


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """One push and its answer; `status` 0: none came."""

    subscription: str
    message_id: str
    attempt: int
    status: int


class Window:
    """How many pushes may be under way: one more after a success (so it doubles with each round), half after a failure.

    A failure at a window of one stops all pushes of the subscription for a while, later ones for longer: Pub/Sub's push
    backoff, beside the retry policy that is each message's own.
    """

    def __init__(self, *, scale: float) -> None:
        self._scale = scale
        self._size = FIRST_WINDOW
        self._stops = 0
        self._stopped_until = 0.0
        self._changed = threading.Condition()

    def wait(self, place: int, ended: threading.Event) -> None:
        """Wait until the place (counted from 0) is in the window, and pushes are not stopped."""
        with self._changed:
            self._changed.wait_for(lambda: place < self._size or ended.is_set())
        ended.wait(max(0.0, self._stopped_until - time.monotonic()))

    def note(self, *, success: bool) -> None:
        """Learn from an answer."""
        with self._changed:
            if success:
                self._size, self._stops = min(self._size + 1, MAX_WINDOW), 0
                self._changed.notify_all()
                return
            if self._size == 1:
                least, most = PUSH_BACKOFF
                self._stopped_until = time.monotonic() + min(least * 2**self._stops, most) * self._scale
                self._stops += 1
            self._size = max(1, self._size // 2)

    def open(self) -> None:
        """Wake everybody who waits, at the end."""
        with self._changed:
            self._changed.notify_all()


class Pusher:
    """Posts the messages of one subscription until it is closed."""

    def __init__(
        self,
        broker: Broker,
        subscription: Subscription,
        *,
        make_token: Callable[[str, str], str],
        note: Callable[[Push], None],
        allowed: threading.Event,
        backoff_scale: float,
    ) -> None:
        self._broker = broker
        self._subscription = subscription
        self._make_token = make_token
        self._note = note
        self._allowed = allowed
        self._ended = threading.Event()
        self._window = Window(scale=backoff_scale)
        self._pool = urllib3.PoolManager(maxsize=MAX_WINDOW, retries=False, timeout=subscription.ack_deadline)
        self._threads = [threading.Thread(target=self._work, args=(place,), daemon=True) for place in range(MAX_WINDOW)]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Finish the posts under way and end."""
        self._ended.set()
        self._allowed.set()
        self._window.open()
        with self._broker.changed:
            self._broker.changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._pool.clear()

    def _work(self, place: int) -> None:
        while not self._ended.is_set():
            self._allowed.wait()
            self._window.wait(place, self._ended)
            name = self._subscription.name
            for held in self._broker.lease(name, most=1, until=time.monotonic() + 1, ended=self._ended):
                status = self._post(held)
                self._window.note(success=status in ACKNOWLEDGING)
                try:
                    if status in ACKNOWLEDGING:
                        self._broker.acknowledge(name, [held.ack_id])
                    else:
                        self._broker.extend(name, [held.ack_id], 0)
                except RpcError:
                    # The subscription was deleted meanwhile.
                    return
                self._note(Push(subscription=name, message_id=held.message.id, attempt=held.attempts, status=status))

    def _post(self, held: Held) -> int:
        subscription = self._subscription
        headers = {"Content-Type": "application/json", "User-Agent": "APIs-Google; (standin)"}
        if subscription.push_account:
            audience = subscription.push_audience or subscription.push_endpoint
            token = self._make_token(audience, subscription.push_account)
            headers["Authorization"] = f"Bearer {token}"
        body = json.dumps(envelope(subscription, held)).encode()
        try:
            return self._pool.request("POST", subscription.push_endpoint, body=body, headers=headers).status
        except urllib3.exceptions.HTTPError:
            return 0


def envelope(subscription: Subscription, held: Held) -> dict[str, Any]:
    """The JSON of a wrapped push message, with both spellings of the fields that Google sends twice."""
    message = held.message
    published = message.published.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    content: dict[str, Any] = {"messageId": message.id, "message_id": message.id}
    content |= {"publishTime": published, "publish_time": published}
    if message.data:
        content["data"] = base64.b64encode(message.data).decode()
    if message.attributes:
        content["attributes"] = message.attributes
    found: dict[str, Any] = {"message": content, "subscription": subscription.name}
    if subscription.max_attempts:
        found["deliveryAttempt"] = held.attempts
    return found
