"""The Pub/Sub stand-in, used by google-cloud-pubsub."""

from __future__ import annotations

import base64
import importlib
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from google.api_core import exceptions
from grpc import StatusCode

from tests.standins.pubsub import PubSub
from tests.standins_tests.receivers import Receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

# The package is not annotated.
pubsub_v1: Any = importlib.import_module("google.cloud.pubsub_v1")
TOPIC = "projects/p/topics/builds"
SUBSCRIPTION = "projects/p/subscriptions/worker"
DEAD = "projects/p/topics/dead"
DEAD_SUBSCRIPTION = "projects/p/subscriptions/dead"


@pytest.fixture
def pubsub(monkeypatch: pytest.MonkeyPatch) -> Iterator[PubSub]:
    with PubSub(pull_wait=0.2) as running:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", running.host)
        yield running


@pytest.fixture
def publisher(pubsub: PubSub) -> Iterator[Any]:
    client: Any = pubsub_v1.PublisherClient()
    client.create_topic(name=TOPIC)
    yield client
    client.stop()
    client.transport.close()


@pytest.fixture
def subscriber(pubsub: PubSub) -> Iterator[Any]:
    with pubsub_v1.SubscriberClient() as client:
        yield client


def pull(subscriber: Any, name: str = SUBSCRIPTION, most: int = 10) -> list[Any]:
    answer = subscriber.pull(subscription=name, max_messages=most, retry=None, timeout=60)
    return list(answer.received_messages)


def test_topics_are_known_and_missed(publisher: Any) -> None:
    assert publisher.get_topic(topic=TOPIC).name == TOPIC
    with pytest.raises(exceptions.AlreadyExists):
        publisher.create_topic(name=TOPIC)
    with pytest.raises(exceptions.NotFound, match=r"Resource not found \(resource=projects/p/topics/none\)"):
        publisher.get_topic(topic="projects/p/topics/none")
    with pytest.raises(exceptions.NotFound):
        publisher.publish("projects/p/topics/none", b"x", retry=None).result(60)
    with pytest.raises(exceptions.InvalidArgument, match=r"Invalid \[topics\] name"):
        publisher.create_topic(name="projects/p/topics/t")
    assert [topic.name for topic in publisher.list_topics(project="projects/p")] == [TOPIC]
    publisher.delete_topic(topic=TOPIC)
    assert list(publisher.list_topics(project="projects/p")) == []


def test_publish_pull_acknowledge(pubsub: PubSub, publisher: Any, subscriber: Any) -> None:
    subscriber.create_subscription(name=SUBSCRIPTION, topic=TOPIC)
    assert subscriber.get_subscription(subscription=SUBSCRIPTION).topic == TOPIC
    number = publisher.publish(TOPIC, b"data", key="value").result(60)
    (received,) = pull(subscriber)
    assert (received.message.data, dict(received.message.attributes)) == (b"data", {"key": "value"})
    assert received.message.message_id == number
    assert pubsub.left(SUBSCRIPTION) == 1
    subscriber.acknowledge(subscription=SUBSCRIPTION, ack_ids=[received.ack_id])
    assert pubsub.left(SUBSCRIPTION) == 0
    assert [message.data for message in pubsub.published(TOPIC)] == [b"data"]
    subscriber.delete_subscription(subscription=SUBSCRIPTION)
    with pytest.raises(exceptions.NotFound):
        pull(subscriber)


def test_what_is_given_back_comes_again_and_ends_as_dead_letter(
    pubsub: PubSub, publisher: Any, subscriber: Any
) -> None:
    pubsub.create_topic(DEAD)
    pubsub.create_subscription(DEAD_SUBSCRIPTION, DEAD)
    policy = {"dead_letter_topic": DEAD, "max_delivery_attempts": 5}
    subscriber.create_subscription(request={"name": SUBSCRIPTION, "topic": TOPIC, "dead_letter_policy": policy})
    publisher.publish(TOPIC, b"poison", kind="x").result(60)
    for attempt in range(1, 6):
        (received,) = pull(subscriber)
        assert received.delivery_attempt == attempt
        subscriber.modify_ack_deadline(subscription=SUBSCRIPTION, ack_ids=[received.ack_id], ack_deadline_seconds=0)
    (dead,) = pull(subscriber, DEAD_SUBSCRIPTION)
    assert dead.message.data == b"poison"
    assert dead.message.attributes["CloudPubSubDeadLetterSourceDeliveryCount"] == "5"
    assert dead.message.attributes["CloudPubSubDeadLetterSourceSubscription"] == "worker"
    assert pubsub.left(SUBSCRIPTION) == 0


def test_deadlines_run_out(pubsub: PubSub, publisher: Any, subscriber: Any) -> None:
    pubsub.create_subscription(SUBSCRIPTION, TOPIC, ack_deadline=0.01)
    publisher.publish(TOPIC, b"x").result(60)
    first, second = pull(subscriber)[0], pull(subscriber)[0]
    assert first.message.message_id == second.message.message_id
    assert first.ack_id != second.ack_id


def test_streaming_pull(pubsub: PubSub, publisher: Any, subscriber: Any) -> None:
    pubsub.create_subscription(SUBSCRIPTION, TOPIC)
    seen: list[bytes] = []
    enough = threading.Event()

    def take(message: Any) -> None:
        seen.append(message.data)
        message.ack()
        if len(seen) == 3:
            enough.set()

    following = subscriber.subscribe(SUBSCRIPTION, callback=take)
    for number in range(3):
        publisher.publish(TOPIC, str(number).encode()).result(60)
    assert enough.wait(10)
    pubsub.wait_empty(SUBSCRIPTION)
    following.cancel()
    following.result(10)
    assert sorted(seen) == [b"0", b"1", b"2"]


def test_pushes_are_wrapped_identified_and_retried(pubsub: PubSub, publisher: Any, subscriber: Any) -> None:
    with Receiver() as receiver:
        answers = iter([503, 500, 204])
        receiver.decide = lambda _: next(answers)
        oidc = {"service_account_email": "push@p.iam.gserviceaccount.com", "audience": "aud"}
        pubsub.create_topic(DEAD)
        subscriber.create_subscription(
            request={
                "name": SUBSCRIPTION,
                "topic": TOPIC,
                "push_config": {"push_endpoint": receiver.url, "oidc_token": oidc},
                "dead_letter_policy": {"dead_letter_topic": DEAD, "max_delivery_attempts": 5},
                "retry_policy": {"minimum_backoff": {"seconds": 1}},
            }
        )
        publisher.publish(TOPIC, b"data", key="value").result(60)
        pubsub.wait_empty(SUBSCRIPTION)
        assert [push.status for push in pubsub.pushes.wait(count=3)] == [503, 500, 204]
        third = receiver.received[2]
    body = json.loads(third.body)
    assert (body["subscription"], body["deliveryAttempt"]) == (SUBSCRIPTION, 3)
    message = body["message"]
    assert (base64.b64decode(message["data"]), message["attributes"]) == (b"data", {"key": "value"})
    assert message["messageId"] == message["message_id"]
    assert message["publishTime"].endswith("Z")
    claims = verified(pubsub, third.headers["authorization"].removeprefix("Bearer "))
    assert (claims["aud"], claims["email"]) == ("aud", "push@p.iam.gserviceaccount.com")


def verified(pubsub: PubSub, token: str) -> dict[str, Any]:
    key = serialization.load_pem_public_key(pubsub.issuer.public_key_pem.encode())
    assert isinstance(key, rsa.RSAPublicKey)
    signed, _, signature = token.rpartition(".")
    key.verify(base64.urlsafe_b64decode(signature + "=="), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(signed.partition(".")[2] + "=="))
    return claims


def test_pushes_that_never_succeed_are_dead_letters(pubsub: PubSub, publisher: Any) -> None:
    with Receiver(status=400) as receiver:
        pubsub.create_topic(DEAD)
        pubsub.pause_pushing()
        pubsub.create_subscription(SUBSCRIPTION, TOPIC, push_endpoint=receiver.url, dead_letter_topic=DEAD)
        publisher.publish(TOPIC, b"poison").result(60)
        assert pubsub.left(SUBSCRIPTION) == 1
        pubsub.resume_pushing()
        pubsub.wait_empty(SUBSCRIPTION)
        receiver.received.wait(count=5)
    assert [message.data for message in pubsub.published(DEAD)] == [b"poison"]


def test_faults(pubsub: PubSub, publisher: Any) -> None:
    pubsub.fail("Publish", StatusCode.UNAVAILABLE, times=1)
    hanging = pubsub.hang("Publish", times=1, resource="topics/builds")
    with pytest.raises(exceptions.ServiceUnavailable):
        publisher.publish(TOPIC, b"x", retry=None).result(60)
    message = pubsub_v1.types.PubsubMessage(data=b"x")
    call = publisher.transport.publish.future(pubsub_v1.types.PublishRequest(topic=TOPIC, messages=[message]))
    while not hanging.fired:
        assert not call.done()
    call.cancel()
    pubsub.fail("", StatusCode.PERMISSION_DENIED)
    with pytest.raises(exceptions.PermissionDenied):
        publisher.publish(TOPIC, b"x", retry=None).result(60)
    pubsub.mend()
    publisher.publish(TOPIC, b"x" * 5_000_000, retry=None).result(60)
    with pytest.raises(exceptions.InvalidArgument):
        publisher.publish(TOPIC, b"", retry=None).result(60)
