"""Sends a listener's CloudEvents before the reply, within a moment; a failure is a line in the log and nothing else.

Most listeners have no cloudEventURI and most requests are no CloudEvents: only the others import what they need.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

from functions.common.errors import PipehookError
from functions.common.ports import Deadline, Outbound
from functions.delivery import Delivery
from functions.listening.prepared import Listener
from functions.outcomes.report import Report

SECONDS = 1.0
"""For all events of a delivery, if the deadline leaves as much."""

_LOG = logging.getLogger(__name__)
_NOTHING: Mapping[str, str] = {}


def notify(outbound: Outbound, listener: Listener, delivery: Delivery, report: Report, *, deadline: Deadline) -> None:
    """Tell the listener's cloudEventURI, if it has one, of a delivery; see `cloud_events.events`. Raises nothing.

    The events go one after the other, on one connection where the other side keeps it; the first failure ends them.
    """
    if not listener.cloud_event_uri:
        return
    from functions.outcomes.cloud_events import events  # noqa: PLC0415 -- see above

    until = Deadline(deadline.clock() + min(SECONDS, deadline.remaining()), deadline.clock)
    to_tell = events(listener, delivery, report, now=time.time())
    for told, event in enumerate(to_tell):
        try:
            seconds = until.require("send its CloudEvents")
            reply = outbound.post(listener.cloud_event_uri, body=event.body, headers=event.headers, seconds=seconds)
        except PipehookError as error:
            why = error.reason
        else:
            if 200 <= reply.status < 300:  # noqa: PLR2004 -- the class of success
                continue
            why = f"the answer has status {reply.status}"
        unsent = len(to_tell) - told
        _LOG.warning("listener %s: cloudEventURI: %d CloudEvent(s) not sent: %s", listener.path, unsent, why)
        return


def reply_headers(delivery: Delivery, report: Report) -> Mapping[str, str]:
    """Return what makes the reply to an accepted CloudEvent one, too; see `cloud_events.reply_headers`."""
    if not delivery.header("Ce-Specversion") and "cloudevents" not in delivery.header("Content-Type").lower():
        return _NOTHING
    from functions.outcomes import cloud_events  # noqa: PLC0415 -- see above

    return cloud_events.reply_headers(delivery, report)
