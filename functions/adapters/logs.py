"""Structured logs for Cloud Logging: one JSON line each on standard output, without payloads, headers or secrets."""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from functions.common.shown import NAME, listed, printable, shown
from functions.common.tracing import Headed
from functions.common.values import Outcome, Status
from functions.delivery import Delivery
from functions.outcomes.report import Report

MAX_MESSAGE = 4_000
"""Characters of one entry's message: with labels, every character escaped, far below Cloud Logging's 256 KiB."""

MAX_FILTERED = 50
"""Triggers that an event passes by, of one delivery, up to which each has a line of its own."""

_TRACE = re.compile(r"([0-9a-f]{32})(?:/([0-9]{1,20}))?(?:;o=[0-9])?")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_EVENT = re.compile(r"[A-Za-z][A-Za-z0-9_: -]{0,49}")
_LOCK = threading.Lock()

_DELIVERY_SEVERITY = {"accepted": "INFO", "rejected": "WARNING", "failed": "ERROR", "unavailable": "ERROR"}
_OUTCOME_SEVERITY = {Status.REJECTED: "WARNING", Status.FAILED: "ERROR"}


def write(
    severity: str,
    message: str,
    *,
    labels: Mapping[str, str] | None = None,
    trace: str = "",
    fields: Mapping[str, str | int | float] | None = None,
) -> None:
    """Write one entry. `labels` become the entry's labels, `fields` stand beside the message in its payload."""
    _put([_line(severity, message, labels=_labels(labels or {}), trace=trace, fields=fields)])


def _labels(given: Mapping[str, str]) -> dict[str, str]:
    return {name: shown(value, NAME) for name, value in given.items()}


def _line(
    severity: str,
    message: str,
    *,
    labels: Mapping[str, str],
    trace: str,
    fields: Mapping[str, str | int | float] | None,
) -> str:
    cut = message if len(message) <= MAX_MESSAGE else f"{message[:MAX_MESSAGE]}…"
    entry: dict[str, object] = {"severity": severity, "message": printable(cut, keep="\n"), **(fields or {})}
    if labels:
        entry["logging.googleapis.com/labels"] = labels
    if trace:
        entry["logging.googleapis.com/trace"] = trace
    return json.dumps(entry) + "\n"


def _put(lines: Iterable[str]) -> None:
    """Write whole lines, each by a call of its own.

    With LOG_EXECUTION_ID, which Cloud Functions sets, functions-framework puts a stream in the place of standard output
    that reads what one call writes as one JSON document, adds the execution's id to it, and makes anything else the
    text of an entry without fields (`functions_framework.execution_id`).
    """
    out = sys.stdout  # read once: the framework changes it as requests begin and end
    with _LOCK:
        out.writelines(lines)
        out.flush()


class _Handler(logging.Handler):
    """Hands the records of Python's logging on as entries; a traceback keeps its frames and loses its message."""

    def emit(self, record: logging.LogRecord) -> None:
        write(record.levelname, record.getMessage(), fields={"logger": record.name})


def set_up() -> None:
    """Send what `functions` logs through Python's logging to standard output, and nothing of other libraries."""
    logger = logging.getLogger("functions")
    if not logger.handlers:
        logger.addHandler(_Handler())
        logger.setLevel(logging.INFO)
        logger.propagate = False


class DeliveryLog(Struct, frozen=True):
    """Writes the lines of one delivery, which share labels (as `shown`) and trace."""

    labels: Mapping[str, str]
    trace: str

    @classmethod
    def of(cls, delivery: Delivery, *, project: str) -> DeliveryLog:
        """Take from a delivery what may stand in a log: its id and its event's name, where they are plain."""
        event = delivery.event_name
        return cls(
            _labels({"delivery": delivery.event_id, "event": event if _EVENT.fullmatch(event) else ""}),
            trace_of(delivery, project=project),
        )

    def refused(self, reason: str, status: int, milliseconds: float) -> None:
        """Write the line of a request that was no event."""
        _put([self._delivery("WARNING", f"bad request: {reason}", "bad-request", status, milliseconds, {})])

    def unserved(self, reason: str, status: int, milliseconds: float) -> None:
        """Write the line of a delivery that no listener could be found for."""
        result = "unavailable" if status == 503 else "failed"  # noqa: PLR2004 -- Service Unavailable
        _put([self._delivery("ERROR", f"delivery {result}: {reason}", result, status, milliseconds, {})])

    def reported(self, report: Report, milliseconds: float) -> None:
        """Write one line for each trigger's outcome and one for the delivery, and flush once: there may be many.

        Of more than MAX_FILTERED that are filtered, one line says how many and why, and lines of DEBUG name them.
        """
        listener = _labels({"listener": f"{report.namespace}/{report.listener}", "repository": report.repository})
        shared = {**self.labels, **listener}
        counts = Counter([outcome.status for outcome in report.outcomes])
        if counts[Status.FILTERED] <= MAX_FILTERED:
            lines = [self._outcome(outcome, shared) for outcome in report.outcomes]
        else:
            lines = [self._outcome(one, shared) for one in report.outcomes if one.status is not Status.FILTERED]
            lines += self._filtered([one for one in report.outcomes if one.status is Status.FILTERED], shared)
        summary = ", ".join(f"{count} {status}" for status, count in counts.items()) or "no trigger"
        result = report.result
        message = f"delivery {result}: {summary}"
        lines.append(self._delivery(_DELIVERY_SEVERITY[result], message, result, report.status, milliseconds, listener))
        _put(lines)

    def _filtered(self, outcomes: Sequence[Outcome], shared: Mapping[str, str]) -> Iterator[str]:
        reasons = Counter([outcome.public or outcome.reason for outcome in outcomes])
        why = listed([f"{count} {reason}" for reason, count in reasons.most_common()], separator="; ")
        names = [f"{outcome.namespace}/{outcome.name}" for outcome in outcomes]
        entries = [("INFO", f"{len(outcomes)} triggers filtered: {why}")]
        entries += [("DEBUG", f"filtered: {part}") for part in _packed(names, MAX_MESSAGE - len("filtered: "))]
        for severity, message in entries:
            labels = {**shared, "outcome": Status.FILTERED}
            yield _line(
                severity, message, labels=labels, trace=self.trace, fields={"kind": "triggers", "count": len(outcomes)}
            )

    def _outcome(self, outcome: Outcome, shared: Mapping[str, str]) -> str:
        parts = (outcome.status, outcome.public or outcome.reason, listed(map(str, outcome.resources)))
        said = ": ".join(filter(None, parts))
        trigger = f"{outcome.namespace}/{outcome.name}"
        labels = {
            **shared,
            "trigger": shown(trigger, NAME),
            "outcome": outcome.status,
            "milliseconds": f"{outcome.milliseconds:.1f}",
        }
        return _line(
            _OUTCOME_SEVERITY.get(outcome.status, "INFO"),
            f"trigger {trigger} {said}",
            labels=labels,
            trace=self.trace,
            fields={"kind": "trigger", "milliseconds": round(outcome.milliseconds, 1)},
        )

    def _delivery(
        self, severity: str, message: str, result: str, status: int, milliseconds: float, more: Mapping[str, str]
    ) -> str:
        return _line(
            severity,
            message,
            labels={**self.labels, **more, "outcome": result, "milliseconds": f"{milliseconds:.1f}"},
            trace=self.trace,
            fields={"kind": "delivery", "status": status, "milliseconds": round(milliseconds, 1)},
        )


def _packed(names: Iterable[str], width: int) -> Iterator[str]:
    """Yield names with commas between them, as many at a time as go into `width` characters."""
    held: list[str] = []
    length = 0
    for name in names:
        length += len(name) + 2
        if held and length > width:
            yield ", ".join(held)
            held, length = [], len(name) + 2
        held.append(name)
    yield ", ".join(held)


def trace_of(delivery: Delivery, *, project: str) -> str:
    """Return the trace's resource name from X-Cloud-Trace-Context or traceparent, or an empty string."""
    match = _TRACE.fullmatch(delivery.header("X-Cloud-Trace-Context")) or _TRACEPARENT.fullmatch(
        delivery.header("Traceparent")
    )
    if match is None:
        return ""
    return f"projects/{project}/traces/{match.group(1)}" if project else match.group(1)


def trace_parent(request: Headed) -> tuple[int, int] | None:
    """Return the caller's trace and span from the same headers, None when they name none."""
    if match := _TRACE.fullmatch(request.header("X-Cloud-Trace-Context")):
        ids = int(match.group(1), 16), int(match.group(2) or 0)
    elif match := _TRACEPARENT.fullmatch(request.header("Traceparent")):
        ids = int(match.group(1), 16), int(match.group(2), 16)
    else:
        return None
    return ids if all(0 < number < 1 << 128 for number in ids) and ids[1] < 1 << 64 else None
