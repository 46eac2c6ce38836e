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

WORKERS = 4
ACKNOWLEDGING = (102, 200, 201, 202, 204)


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """One push and its answer; `status` 0: none came."""

    subscription: str
    message_id: str
    attempt: int
    status: int


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
    ) -> None:
        self._broker = broker
        self._subscription = subscription
        self._make_token = make_token
        self._note = note
        self._allowed = allowed
        self._ended = threading.Event()
        self._pool = urllib3.PoolManager(maxsize=WORKERS, retries=False, timeout=subscription.ack_deadline)
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(WORKERS)]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Finish the posts under way and end."""
        self._ended.set()
        self._allowed.set()
        with self._broker.changed:
            self._broker.changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._pool.clear()

    def _work(self) -> None:
        while not self._ended.is_set():
            self._allowed.wait()
            name = self._subscription.name
            for held in self._broker.lease(name, most=1, until=time.monotonic() + 1, ended=self._ended):
                status = self._post(held)
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
