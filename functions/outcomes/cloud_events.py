"""CloudEvents: what a listener's cloudEventURI is told of a delivery, and requests and replies that are CloudEvents.

As Tekton's pkg/sink and pkg/sink/cloudevent do it, but for three things. Only deliveries that somebody vouched for are
told of, so that nobody else can make the function call out. The headers among the data leave out those that may carry
a token or signature. And the source names the listener's API group, which Tekton leaves empty.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

from msgspec import Struct

from functions.common.values import Headers, Status
from functions.delivery import Delivery
from functions.outcomes.report import Report

_TYPE = "dev.tekton.event.triggers.{}.v1"
_SPEC_VERSION = "1.0"
_READ_VERSIONS = frozenset({"0.3", "1.0"})
"""What the Go SDK takes for CloudEvents in binary mode."""
_FORMATS = frozenset({"application/cloudevents+json", "application/cloudevents-batch+json"})
_SECRET = re.compile(
    r"auth|cookie|credential|jwt|key|passw|secret|session|signature|token|forwarded-client-cert", re.IGNORECASE
)
_HARMLESS = frozenset({"X-Event-Key"})
"""Bitbucket's event type."""


class CloudEvent(Struct, frozen=True):
    """One event in binary mode: attributes as headers, JSON as the body."""

    headers: Headers
    body: bytes


class Named(Protocol):
    """The listener that is told of."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def namespace(self) -> str:
        """Its namespace."""


def events(listener: Named, delivery: Delivery, report: Report, *, now: float) -> Sequence[CloudEvent]:
    """Return what to tell of a delivery, in order: started, one successful for each trigger that created, and done.

    Empty unless some trigger knows the delivery to be authentic, or lets any pass. `now` is in seconds since 1970.
    """
    if not report.verified:
        return ()
    shown = {name: values for name, values in delivery.headers.items() if name in _HARMLESS or not _SECRET.search(name)}
    data = json.dumps(shown).encode()

    def event(what: str, body: bytes, seconds: float) -> CloudEvent:
        return CloudEvent(_attributes(listener, delivery, what, seconds), body)

    started = event("started", data, delivery.received_at)
    created = sum(outcome.status is Status.CREATED for outcome in report.outcomes)
    return (started, *[event("successful", data, now)] * created, event("done", b"null", now))


def _attributes(listener: Named, delivery: Delivery, what: str, seconds: float) -> Headers:
    where = f"namespaces/{listener.namespace}/EventListener/{listener.name}"
    return {
        "Ce-Id": (delivery.event_id,),
        "Ce-Source": (f"/apis/triggers.tekton.dev/v1beta1/{where}",),
        "Ce-Specversion": (_SPEC_VERSION,),
        "Ce-Subject": (f"{listener.name} processing {delivery.event_id}",),
        "Ce-Time": (datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),),
        "Ce-Type": (_TYPE.format(what),),
        "Content-Type": ("application/json",),
    }


def is_cloud_event(delivery: Delivery) -> bool:
    """Say whether a request is a CloudEvent, in binary or structured mode.

    Either way its body is the event's body, as in Tekton: in structured mode the whole envelope.
    """
    media_type = delivery.header("Content-Type").partition(";")[0].strip().lower()
    return media_type in _FORMATS or delivery.header("Ce-Specversion") in _READ_VERSIONS


def reply_headers(delivery: Delivery, report: Report) -> dict[str, str]:
    """Return the headers that make the reply to an accepted CloudEvent a CloudEvent, none for other requests.

    None either while nothing has verified the delivery: its source would name the listener.
    """
    if report.status != 202 or not report.verified or not is_cloud_event(delivery):  # noqa: PLR2004 -- Accepted
        return {}
    return {
        "Ce-Id": delivery.nonce,
        "Ce-Source": report.listener,
        "Ce-Specversion": _SPEC_VERSION,
        "Ce-Subject": f"{report.namespace}.{report.listener} accepted {report.event_id}",
        "Ce-Type": _TYPE.format("accepted"),
    }
