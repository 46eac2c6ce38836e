"""A Pub/Sub stand-in: google.pubsub.v1 Publisher and Subscriber over plaintext gRPC, with push delivery."""

from __future__ import annotations

import argparse
import threading
from typing import TYPE_CHECKING, Self

from tests.standins.google.broker import Broker, Message, Subscription
from tests.standins.google.identity import Issuer
from tests.standins.google.pubsub_service import PubSubService
from tests.standins.google.pushing import Push, Pusher
from tests.standins.google.rpc import RpcServer, SeenCall
from tests.standins.journal import Journal
from tests.standins.process import serve_until_told

if TYPE_CHECKING:
    from collections.abc import Callable

    from grpc import StatusCode

    from tests.standins.faults import ArmedFault

ATTEMPTS = 5


class PubSub:
    """A Pub/Sub of its own while the context is open, for PUBSUB_EMULATOR_HOST.

    Retry delays are multiplied with `backoff_scale` (tests do not want to wait); `make_token` gives the
    identity token of a push from audience and account (default: signed with the key of `issuer`).
    """

    def __init__(
        self,
        *,
        port: int = 0,
        backoff_scale: float = 0.01,
        pull_wait: float = 1.0,
        make_token: Callable[[str, str], str] | None = None,
    ) -> None:
        self.issuer = Issuer()
        self.pushes: Journal[Push] = Journal()
        self._port = port
        self._backoff_scale = backoff_scale
        self._broker = Broker(backoff_scale=backoff_scale)
        self._make_token = make_token or self.issuer.token
        self._pushing = threading.Event()
        self._pushing.set()
        self._pushers: dict[str, Pusher] = {}
        self._service = PubSubService(self._broker, pull_wait=pull_wait, added=self._added)

    def __enter__(self) -> Self:
        self._server = RpcServer(self._service.services(), port=self._port)
        return self

    def __exit__(self, *_: object) -> None:
        for pusher in self._pushers.values():
            pusher.close()
        self._server.close()

    @property
    def host(self) -> str:
        """`127.0.0.1:PORT`."""
        return f"127.0.0.1:{self._server.port}"

    @property
    def calls(self) -> Journal[SeenCall]:
        """The calls that have ended: method (`Publish`), resource, code."""
        return self._server.calls

    def create_topic(self, name: str) -> None:
        """Add a topic (`projects/P/topics/T`)."""
        self._broker.create_topic(name)

    def create_subscription(
        self,
        name: str,
        topic: str,
        *,
        push_endpoint: str = "",
        push_account: str = "",
        push_audience: str = "",
        dead_letter_topic: str = "",
        max_attempts: int = ATTEMPTS,
        ack_deadline: float = 10.0,
        backoff: tuple[float, float] = (0.1, 60.0),
    ) -> None:
        """Add a subscription (`projects/P/subscriptions/S`); with `push_account`, pushes carry a token.

        `backoff` is the retry policy's, in seconds.
        """
        subscription = Subscription(
            name=name,
            topic=topic,
            push_endpoint=push_endpoint,
            push_account=push_account,
            push_audience=push_audience,
            dead_letter_topic=dead_letter_topic,
            max_attempts=max_attempts if dead_letter_topic else 0,
            ack_deadline=ack_deadline,
            minimum_backoff=backoff[0],
            maximum_backoff=backoff[1],
        )
        self._broker.create_subscription(subscription)
        self._added(subscription)

    def published(self, topic: str) -> list[Message]:
        """All messages that a topic was given."""
        with self._broker.changed:
            return list(self._broker.topics[topic])

    def left(self, subscription: str) -> int:
        """How many messages a subscription has not got rid of."""
        return self._broker.left(subscription)

    def wait_empty(self, subscription: str, timeout: float = 10.0) -> None:
        """Wait until all messages of a subscription are acknowledged or dead letters."""
        self._broker.wait_empty(subscription, timeout)

    def pause_pushing(self) -> None:
        """Hold push deliveries back."""
        self._pushing.clear()

    def resume_pushing(self) -> None:
        """Let push deliveries go on."""
        self._pushing.set()

    def fail(
        self,
        method: str,
        code: StatusCode,
        *,
        times: int | None = None,
        skip: int = 0,
        resource: str = "",
        message: str = "",
        delay: float = 0.0,
    ) -> ArmedFault:
        """Answer calls of a method ("" is any) for a topic or subscription with a code."""
        return self._server.fail(method, code, resource=resource, message=message, times=times, skip=skip, delay=delay)

    def hang(self, method: str, *, times: int | None = None, resource: str = "") -> ArmedFault:
        """Let calls wait until the client's deadline."""
        return self._server.fail(method, None, resource=resource, times=times)

    def mend(self) -> None:
        """End all faults."""
        self._server.faults.clear()

    def _added(self, subscription: Subscription) -> None:
        if subscription.push_endpoint:
            self._pushers[subscription.name] = Pusher(
                self._broker,
                subscription,
                make_token=self._make_token,
                note=self.pushes.append,
                allowed=self._pushing,
                backoff_scale=self._backoff_scale,
            )


def main() -> None:
    """Serve until SIGTERM, or until the pipe on standard input is closed."""
    parser = argparse.ArgumentParser(prog="python -m tests.standins.pubsub", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port (default: a free one)")
    parser.add_argument("--topic", action="append", default=[], help="topic to create; repeatable")
    given = parser.parse_args()
    with PubSub(port=given.port, backoff_scale=1.0) as server:
        for topic in given.topic:
            server.create_topic(topic)
        serve_until_told(host=server.host)


if __name__ == "__main__":
    main()
