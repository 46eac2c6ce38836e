"""The gRPC methods of google.pubsub.v1.Publisher and Subscriber."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.empty_pb2 import Empty
from google.pubsub_v1 import types

from tests.standins.google.broker import Broker, Held, Subscription
from tests.standins.google.rpc import Call, Method, RpcError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PUBLISHER = "google.pubsub.v1.Publisher"
SUBSCRIBER = "google.pubsub.v1.Subscriber"
DEFAULT_ACK_DEADLINE = 10
STREAM_BATCH = 100


class EmptyMessage:
    """google.protobuf.Empty with the interface of proto-plus' classes."""

    @staticmethod
    def serialize(_message: object) -> bytes:
        """Nothing, as bytes."""
        return Empty().SerializeToString()


class PubSubService:
    """Serves a broker; `added` is told of every subscription that is created over the API."""

    def __init__(self, broker: Broker, *, pull_wait: float, added: Callable[[Subscription], None]) -> None:
        self._broker = broker
        self._pull_wait = pull_wait
        self._added = added

    def services(self) -> dict[str, dict[str, Method]]:
        """The methods by service and name."""
        publisher = {
            "CreateTopic": _method(self._create_topic, types.Topic, types.Topic),
            "GetTopic": _method(self._get_topic, types.GetTopicRequest, types.Topic, "topic"),
            "DeleteTopic": _method(self._delete_topic, types.DeleteTopicRequest, EmptyMessage, "topic"),
            "ListTopics": _method(self._list_topics, types.ListTopicsRequest, types.ListTopicsResponse, "project"),
            "Publish": _method(self._publish, types.PublishRequest, types.PublishResponse, "topic"),
        }
        on = "subscription"
        subscriber = {
            "CreateSubscription": _method(self._create_subscription, types.Subscription, types.Subscription),
            "GetSubscription": _method(self._get_subscription, types.GetSubscriptionRequest, types.Subscription, on),
            "DeleteSubscription": _method(self._delete_subscription, types.DeleteSubscriptionRequest, EmptyMessage, on),
            "Pull": _method(self._pull, types.PullRequest, types.PullResponse, on),
            "Acknowledge": _method(self._acknowledge, types.AcknowledgeRequest, EmptyMessage, on),
            "ModifyAckDeadline": _method(self._extend, types.ModifyAckDeadlineRequest, EmptyMessage, on),
            "StreamingPull": Method(
                serve=self._stream,
                request=types.StreamingPullRequest,
                response=types.StreamingPullResponse,
                streaming=True,
            ),
        }
        return {PUBLISHER: publisher, SUBSCRIBER: subscriber}

    def _create_topic(self, asked: Any, _call: Call) -> Any:
        self._broker.create_topic(asked.name)
        return types.Topic(name=asked.name)

    def _get_topic(self, asked: Any, _call: Call) -> Any:
        self._broker.check_topic(asked.topic)
        return types.Topic(name=asked.topic)

    def _delete_topic(self, asked: Any, _call: Call) -> None:
        self._broker.delete_topic(asked.topic)

    def _list_topics(self, asked: Any, _call: Call) -> Any:
        names = [name for name in self._broker.topics if name.startswith(f"{asked.project}/topics/")]
        return types.ListTopicsResponse(topics=[types.Topic(name=name) for name in names])

    def _publish(self, asked: Any, _call: Call) -> Any:
        self._broker.check_topic(asked.topic)
        ids = [self._broker.publish(asked.topic, message.data, dict(message.attributes)) for message in asked.messages]
        return types.PublishResponse(message_ids=ids)

    def _create_subscription(self, asked: Any, _call: Call) -> Any:
        subscription = Subscription(
            name=asked.name,
            topic=asked.topic,
            ack_deadline=float(asked.ack_deadline_seconds or DEFAULT_ACK_DEADLINE),
            push_endpoint=asked.push_config.push_endpoint,
            push_account=asked.push_config.oidc_token.service_account_email,
            push_audience=asked.push_config.oidc_token.audience,
            dead_letter_topic=asked.dead_letter_policy.dead_letter_topic,
            max_attempts=asked.dead_letter_policy.max_delivery_attempts,
        )
        if "retry_policy" in asked:
            subscription.minimum_backoff = asked.retry_policy.minimum_backoff.total_seconds() or 10.0
            subscription.maximum_backoff = asked.retry_policy.maximum_backoff.total_seconds() or 600.0
        self._broker.create_subscription(subscription)
        self._added(subscription)
        return asked

    def _get_subscription(self, asked: Any, _call: Call) -> Any:
        found = self._broker.subscription(asked.subscription)
        described: dict[str, Any] = {
            "name": found.name,
            "topic": found.topic,
            "ack_deadline_seconds": int(found.ack_deadline),
        }
        if found.push_endpoint:
            described["push_config"] = {"push_endpoint": found.push_endpoint}
        if found.max_attempts:
            described["dead_letter_policy"] = {
                "dead_letter_topic": found.dead_letter_topic,
                "max_delivery_attempts": found.max_attempts,
            }
        return types.Subscription(described)

    def _delete_subscription(self, asked: Any, _call: Call) -> None:
        self._broker.delete_subscription(asked.subscription)

    def _pull(self, asked: Any, call: Call) -> Any:
        subscription = self._broker.subscription(asked.subscription)
        until = 0.0 if asked.return_immediately else time.monotonic() + self._pull_wait
        held = self._broker.lease(asked.subscription, most=asked.max_messages or 1, until=until, ended=call.ended)
        return types.PullResponse(received_messages=[_received(subscription, one) for one in held])

    def _acknowledge(self, asked: Any, _call: Call) -> None:
        self._broker.acknowledge(asked.subscription, list(asked.ack_ids))

    def _extend(self, asked: Any, _call: Call) -> None:
        self._broker.extend(asked.subscription, list(asked.ack_ids), asked.ack_deadline_seconds)

    def _stream(self, requests: Iterator[Any], call: Call) -> Iterator[Any]:
        first = next(requests)
        subscription = self._broker.subscription(first.subscription)
        reader = threading.Thread(target=self._read, args=(subscription.name, requests, call), daemon=True)
        reader.start()
        while not call.ended.is_set():
            until = time.monotonic() + self._pull_wait
            held = self._broker.lease(subscription.name, most=STREAM_BATCH, until=until, ended=call.ended)
            if held:
                received = [_received(subscription, one) for one in held]
                yield types.StreamingPullResponse(received_messages=received)

    def _read(self, name: str, requests: Iterator[Any], call: Call) -> None:
        """Do what the later requests of a stream ask for."""
        try:
            for asked in requests:
                self._broker.acknowledge(name, list(asked.ack_ids))
                pairs = zip(asked.modify_deadline_ack_ids, asked.modify_deadline_seconds, strict=False)
                for ack_id, seconds in pairs:
                    self._broker.extend(name, [ack_id], seconds)
        except (RpcError, grpc.RpcError):
            # The subscription was deleted, or the client went away.
            return
        finally:
            call.ended.set()


def _method(serve: Callable[[Any, Call], Any], request: Any, response: Any, field: str = "name") -> Method:
    return Method(serve=serve, request=request, response=response, resource_field=field)


def _received(subscription: Subscription, held: Held) -> Any:
    message = held.message
    return types.ReceivedMessage(
        ack_id=held.ack_id,
        message=types.PubsubMessage(
            data=message.data,
            attributes=message.attributes,
            message_id=message.id,
            publish_time=message.published,
        ),
        delivery_attempt=held.attempts if subscription.max_attempts else 0,
    )
