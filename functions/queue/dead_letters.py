"""Dead letters: what could never be created, with who, what, why and how often. Pure.

A dead letter is the queue's own message, byte for byte, under further attributes: those that the worker sets, or those
that Pub/Sub sets when it gives up itself. Putting it back is publishing the same bytes to the queue again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from functions.common.errors import PipehookError
from functions.common.lenient import object_at
from functions.common.numbers import whole
from functions.common.ports import Work
from functions.common.shown import NAME, listed, shown
from functions.go.decode import Making, free
from functions.queue.messages import Message, NewerMessageError, Push, cut, decode, describe

REASON = "pipehook-reason"
ATTEMPTS = "pipehook-attempts"
MESSAGE_ID = "pipehook-message-id"
PUBLISHED = "pipehook-published"
RESOURCES = "pipehook-resources"

# https://cloud.google.com/pubsub/docs/handling-failures#track-delivery-attempts
_PUBSUB = "CloudPubSubDeadLetterSource"
_OWN = frozenset({REASON, ATTEMPTS, MESSAGE_ID, PUBLISHED, RESOURCES})


class DeadLetter(Struct, frozen=True, kw_only=True):
    """One dead letter, as a person wants to see it."""

    id: str
    """Of this message; it names the letter in the commands."""
    trigger: str
    """`namespace/name`; empty when the message cannot be read."""
    listener: str
    event_id: str
    """For GitHub, the delivery's GUID."""
    resources: tuple[str, ...]
    """What was to be created, `Kind namespace/name`, the name's prefix with `…` where it is generated."""
    reason: str
    attempts: int
    """How often it was tried; 0 when nobody counted."""
    queued: str
    """When it was queued, as RFC 3339 text; empty when nobody said."""
    died: str
    """When it became a dead letter."""
    message: Message
    readable: bool
    """Whether it is Pipehook's, of this version or a newer one, so that putting it back makes sense."""


def bury(push: Push, reason: str, making: Making = free) -> Message:
    """Return the dead letter of a message that the worker gives up; it names no resources where there is no room."""
    said = {REASON: reason, ATTEMPTS: str(push.attempt) if push.attempt else "", MESSAGE_ID: push.message_id}
    said[PUBLISHED] = push.published
    try:
        work = decode(push.message.data, making)
        said |= describe(work) | {RESOURCES: listed(_named(work))}
    except PipehookError:
        pass  # the reason says what is wrong with it
    kept = revive(push.message).attributes
    return Message(push.message.data, {**kept, **{name: cut(value) for name, value in said.items() if value}})


def read_letter(message: Message, *, message_id: str, published: str) -> DeadLetter:
    """Return what a message of the dead-letter subscription says."""
    said = message.attributes
    trigger = listener = event_id = ""
    resources: tuple[str, ...] = ()
    readable, problem = True, ""
    try:
        work = decode(message.data)
    except NewerMessageError as error:
        problem = error.reason
    except PipehookError as error:
        readable, problem = False, error.reason
    else:
        trigger, listener = f"{work.trigger_namespace}/{work.trigger}", f"{work.listener_namespace}/{work.listener}"
        event_id = work.event_id
        resources = tuple(_named(work))
    return DeadLetter(
        id=message_id,
        trigger=trigger,
        listener=listener,
        event_id=event_id,
        resources=resources,
        reason=said.get(REASON) or _given_up(said, problem),
        attempts=whole(said.get(ATTEMPTS) or said.get(f"{_PUBSUB}DeliveryCount"), digits=9) or 0,
        queued=said.get(PUBLISHED) or said.get(f"{_PUBSUB}TopicPublishTime", ""),
        died=published,
        message=message,
        readable=readable,
    )


def revive(message: Message) -> Message:
    """Return the message as it was queued, without what made it a dead letter."""
    kept = {
        name: value for name, value in message.attributes.items() if name not in _OWN and not name.startswith(_PUBSUB)
    }
    return Message(message.data, kept)


def _given_up(said: Mapping[str, str], problem: str) -> str:
    if problem:
        return problem
    if f"{_PUBSUB}DeliveryCount" in said:
        return "Pub/Sub gave up: every attempt failed for a passing reason, which the worker's log names"
    return "unknown: it was not the worker that put it here"


def _named(work: Work) -> Iterator[str]:
    for position, resource in enumerate(work.resources):
        given = object_at(resource, "metadata")
        name = given.get("name") or f"{given.get('generateName') or ''}…"
        texts = str(given.get("namespace") or work.trigger_namespace), str(name)
        cluster = work.cluster(position)
        there = f" in cluster {shown(cluster, NAME)}" if cluster else ""
        yield f"{shown(str(resource.get('kind')))} {'/'.join(shown(text, NAME) for text in texts)}{there}"
