"""What the queue carries: one trigger's rendered resources as versioned JSON, and what Pub/Sub wraps around it. Pure.

The schema's number changes when an older worker would do something wrong with a newer message. Fields that an older
worker may pass over can be added without that: readers ignore what they do not know.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from msgspec import Struct, field
from msgspec.structs import replace

from functions.common.errors import BadRequestError, LastingError, PassingError
from functions.common.numbers import whole
from functions.common.ports import Work
from functions.common.values import Json
from functions.go.decode import Making, free, parse_json

SCHEMA = 3
"""The newest schema that this version reads. Written is the oldest whose worker does the same: 2 where resources go to
clusters by name, 3 where they have concurrency groups and an older worker would start what is outdated."""
MAX_MESSAGE = 300 * 1024
"""Bytes of one message. In base64, with its envelope, it stays below the 512 KB of event-triggered functions, and far
below Pub/Sub's 10 MB. Rendered triggers have a few kilobytes."""
MAX_ATTRIBUTE = 1024
"""Bytes of an attribute's value, Pub/Sub's limit."""
SCHEMA_ATTRIBUTE = "pipehook-schema"
TRIGGER_ATTRIBUTE = "pipehook-trigger"
LISTENER_ATTRIBUTE = "pipehook-listener"
EVENT_ATTRIBUTE = "pipehook-event-id"
TRACE_ATTRIBUTE = "traceparent"
"""The span that published the message, as https://www.w3.org/TR/trace-context/ writes it, where that was traced."""

_KEY = re.compile(r"[0-9a-f]{64}")
_TEXTS = tuple(name for name, kind in Work.__annotations__.items() if kind == "str")


class NewerMessageError(PassingError):
    """The message was written by a newer version: a worker of that version can read it."""


class Message(Struct, frozen=True):
    """One message as it is published."""

    data: bytes
    attributes: Mapping[str, str] = field(default_factory=dict)


class Push(Struct, frozen=True, kw_only=True):
    """One message as a push subscription delivers it."""

    message: Message
    message_id: str
    published: str
    """When, as RFC 3339 text; empty where the envelope does not say."""
    attempt: int
    """How often it was delivered, this time included; 0 where the subscription has no dead-letter policy."""


def encode(work: Work) -> Message:
    """Return the message of one trigger; the same work always gives the same bytes.

    Raises LastingError when it would be larger than MAX_MESSAGE.
    """
    content = {name: getattr(work, name) for name in _TEXTS}
    content |= {"resources": list(work.resources), "verified": work.verified, "places": list(work.places)}
    if any(work.clusters):
        content["clusters"] = list(work.clusters)
    if work.grouped:
        content |= {"grouped": True, "settles": work.settles}
    schema = 3 if work.grouped else 2 if any(work.clusters) else 1
    try:
        data = json.dumps(
            {"schema": schema, "work": content}, sort_keys=True, separators=(",", ":"), allow_nan=False
        ).encode()
    except ValueError as error:
        raise LastingError(
            "the rendered resources hold a number that JSON has not, so they cannot be queued"
        ) from error
    if len(data) > MAX_MESSAGE:
        raise LastingError(
            f"the rendered resources are too large to be queued: {len(data) // 1024} KiB, of {MAX_MESSAGE // 1024}"
        )
    return Message(data, {SCHEMA_ATTRIBUTE: str(schema)} | describe(work))


def describe(work: Work) -> dict[str, str]:
    """Return the attributes that tell a person what a message is; nothing is decided by them."""
    found = {
        TRIGGER_ATTRIBUTE: f"{work.trigger_namespace}/{work.trigger}",
        LISTENER_ATTRIBUTE: f"{work.listener_namespace}/{work.listener}",
        EVENT_ATTRIBUTE: work.event_id,
    }
    return {name: cut(value) for name, value in found.items() if value}


def cut(text: str, limit: int = MAX_ATTRIBUTE) -> str:
    """Return `text` within `limit` bytes of UTF-8, with an ellipsis where it was cut."""
    raw = text.encode("utf-8", "replace")
    return raw.decode() if len(raw) <= limit else raw[: limit - 3].decode("utf-8", "ignore") + "…"


def decode(data: bytes, making: Making = free) -> Work:
    """Return the work of a message.

    Raises NewerMessageError for a schema that is newer than SCHEMA, LastingError, naming what is wrong, for everything
    that no version has written, and what `making` raises, as `parse_json` calls it.
    """
    try:
        document = parse_json(data, making)
    except BadRequestError as error:
        raise LastingError(f"the message is none of Pipehook's: {error.reason}") from error
    schema = document.get("schema") if isinstance(document, dict) else None
    if not isinstance(document, dict) or isinstance(schema, bool) or not isinstance(schema, int) or schema < 1:
        raise LastingError("the message is none of Pipehook's: it names no schema")
    if schema > SCHEMA:
        raise NewerMessageError(
            f"the message has schema {schema}, this worker reads up to {SCHEMA}: deploy the worker that belongs to it"
        )
    if schema not in _READERS:
        raise LastingError(f"the message is none of Pipehook's: nobody has ever written schema {schema}")
    return _READERS[schema](document)


def _read_1(document: Mapping[str, Json]) -> Work:
    content = document.get("work")
    if not isinstance(content, dict):
        raise LastingError("the message holds no work")
    for name in _TEXTS:
        if not isinstance(content.get(name), str):
            raise LastingError(f"the message is incomplete: {name} is no string")
    if not _KEY.fullmatch(str(content["key"])):
        raise LastingError("the message is incomplete: key is no delivery key")
    resources = content.get("resources")
    if not isinstance(resources, list) or not all(isinstance(resource, dict) for resource in resources):
        raise LastingError("the message is incomplete: resources is no list of objects")
    verified = content.get("verified")
    if not isinstance(verified, bool):
        raise LastingError("the message is incomplete: verified is neither true nor false")
    texts: dict[str, Any] = {name: content[name] for name in _TEXTS}
    places = content.get("places", [])  # which older versions did not write
    if not isinstance(places, list) or (places and [type(place) for place in places] != [str] * len(resources)):
        raise LastingError("the message is incomplete: places is no list of strings, one a resource")
    return Work(
        **texts,
        resources=tuple(cast("list[dict[str, Json]]", resources)),
        verified=verified,
        places=tuple(cast("list[str]", places)),
    )


def _read_2(document: Mapping[str, Json]) -> Work:
    work = _read_1(document)
    clusters = cast("dict[str, Json]", document["work"]).get("clusters")
    if not isinstance(clusters, list) or not all(isinstance(name, str) for name in clusters):
        raise LastingError("the message is incomplete: clusters is no list of names")
    if len(clusters) != len(work.resources):
        raise LastingError("the message is incomplete: clusters does not name one for each resource")
    return replace(work, clusters=tuple(cast("list[str]", clusters)))


def _read_3(document: Mapping[str, Json]) -> Work:
    content = cast("dict[str, Json]", document.get("work") or {})
    work = _read_2(document) if "clusters" in content else _read_1(document)
    settles = content.get("settles")
    if not isinstance(settles, bool):
        raise LastingError("the message is incomplete: settles is neither true nor false")
    return replace(work, grouped=True, settles=settles)


_READERS: Mapping[int, Callable[[Mapping[str, Json]], Work]] = {1: _read_1, 2: _read_2, 3: _read_3}
"""A reader for every schema that was ever written: messages outlive upgrades."""


def read_push(body: bytes, making: Making = free) -> Push:
    """Return the message that a push subscription POSTed, wrapped as Pub/Sub does by default.

    Raises BadRequestError when the body is no such envelope, and what `making` raises. The data may be anything.
    """
    document = parse_json(body, making)
    message = document.get("message") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(message, dict):
        raise BadRequestError("the body is no push of Pub/Sub: it holds no message (the push must be wrapped)")
    attributes = message.get("attributes") or {}
    if not isinstance(attributes, dict) or not all(isinstance(value, str) for value in attributes.values()):
        raise BadRequestError("the body is no push of Pub/Sub: attributes are no strings")
    attempt = document.get("deliveryAttempt", 0)
    if not isinstance(attempt, int) or whole(attempt) is None:
        raise BadRequestError("the body is no push of Pub/Sub: deliveryAttempt is no number")
    return Push(
        message=Message(_data(message), cast("dict[str, str]", attributes)),
        message_id=_text(message, "messageId"),
        published=_text(message, "publishTime"),
        attempt=attempt,
    )


def _data(message: Mapping[str, Json]) -> bytes:
    text = _text(message, "data")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequestError("the body is no push of Pub/Sub: data is not base64") from error


def _text(message: Mapping[str, Json], name: str) -> str:
    value = message.get(name)
    if value is not None and not isinstance(value, str):
        raise BadRequestError(f"the body is no push of Pub/Sub: {name} is no string")
    return value or ""
