"""A Pub/Sub for tests: Google's own emulator where the Cloud SDK has it, else the stand-in; both over gRPC."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import grpc
from google.api_core import exceptions
from google.pubsub_v1.services.publisher.client import PublisherClient
from google.pubsub_v1.services.publisher.transports.grpc import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.client import SubscriberClient
from google.pubsub_v1.services.subscriber.transports.grpc import SubscriberGrpcTransport
from google.pubsub_v1.types import PubsubMessage

from tests.standins.pubsub import PubSub
from tests.support.emulator import emulator_jar
from tests.support.function import free_port

START_SECONDS = 30.0


@dataclass(frozen=True)
class Received:
    """A message that was pulled."""

    data: bytes
    attributes: Mapping[str, str]


class TestedPubSub:
    """Topics and subscriptions of one Pub/Sub, each test with names of its own."""

    __test__ = False

    def __init__(self, host: str, *, pull_seconds: float = 60.0) -> None:
        """`pull_seconds` is how long a pull is given up after that is not answered."""
        self.host = host
        self.pull_seconds = pull_seconds
        channel = grpc.insecure_channel(host)
        self._channel = channel
        self.publisher = PublisherClient(transport=PublisherGrpcTransport(channel=channel))
        self.subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def topic(self, word: str = "topic") -> str:
        """Create a topic and return its name."""
        name = f"projects/p/topics/{word}-{uuid.uuid4().hex[:8]}"
        self.publisher.create_topic(request={"name": name}, retry=None, timeout=60)
        return name

    def subscription(self, topic: str, **more: object) -> str:
        """Create a subscription and return its name; `more` are fields of the API."""
        name = topic.replace("/topics/", "/subscriptions/")
        request = {"name": name, "topic": topic, "ack_deadline_seconds": 10, **more}
        self.subscriber.create_subscription(request=request, retry=None, timeout=60)
        return name

    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str] | None = None) -> None:
        """Publish one message."""
        message = PubsubMessage(data=data, attributes=dict(attributes or {}))
        self.publisher.publish(request={"topic": topic, "messages": [message]}, retry=None, timeout=60)

    def take(self, subscription: str, *, most: int = 1000) -> list[Received]:
        """Pull and acknowledge what is there."""
        taken: list[Received] = []
        while len(taken) < most:
            request = {"subscription": subscription, "max_messages": most}
            try:
                answer = self.subscriber.pull(request=request, retry=None, timeout=self.pull_seconds)
            except exceptions.DeadlineExceeded:
                break
            if not answer.received_messages:
                break
            ids = [one.ack_id for one in answer.received_messages]
            self.subscriber.acknowledge(request={"subscription": subscription, "ack_ids": ids}, retry=None, timeout=60)
            taken += [Received(one.message.data, dict(one.message.attributes)) for one in answer.received_messages]
        return taken


@contextlib.contextmanager
def open_pubsub() -> Iterator[TestedPubSub]:
    """Run a Pub/Sub while the context is open."""
    jar = emulator_jar()
    with _emulator(jar) if jar else _standin() as host:
        # the emulator answers no pull before there is a message; the stand-in does, however slow the machine
        found = TestedPubSub(host, pull_seconds=1.0 if jar else 60.0)
        try:
            yield found
        finally:
            found.close()


@contextlib.contextmanager
def _standin() -> Iterator[str]:
    with PubSub(pull_wait=0.3) as running:
        yield running.host


@contextlib.contextmanager
def _emulator(jar: Path) -> Iterator[str]:
    host = f"127.0.0.1:{free_port()}"
    port = host.rpartition(":")[2]
    command = ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-jar", str(jar)]
    process = subprocess.Popen(
        [*command, "--host=127.0.0.1", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _await(host, process)
        yield host
    finally:
        process.terminate()
        process.wait(10)


def _await(host: str, process: subprocess.Popen[bytes]) -> None:
    # a proxy of the developer's must not stand between
    with mock.patch.dict(os.environ, {"no_proxy": "127.0.0.1"}), grpc.insecure_channel(host) as channel:
        ready = grpc.channel_ready_future(channel)
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and process.poll() is None:
            with contextlib.suppress(grpc.FutureTimeoutError):
                ready.result(0.2)
                return
    raise RuntimeError("Google's Pub/Sub emulator did not start")
