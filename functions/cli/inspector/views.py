"""What the inspector's pages show of a delivery, as plain values for the templates; secrets are masked here."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from functions.cli.commands.render import verdict
from functions.cli.local import Arrival
from functions.cli.masking import is_secret, masked
from functions.cli.output import yaml_text
from functions.cli.trace import TriggerTrace

MASK = "••••••••"
SHOWN = 200_000
"""Characters of a payload that a page shows."""
_STAGES = ("verify", "intercept", "bind", "render", "create")


class Row(Struct, frozen=True):
    """A delivery in the list."""

    number: int
    date: str
    time: str
    stamp: str
    """As ISO 8601 has it, with its zone."""
    event: str
    repository: str
    id: str
    status: int
    tone: str
    ends: tuple[tuple[str, str], ...]
    """(the trigger's name, what became of it)."""
    milliseconds: str


class Step(Struct, frozen=True):
    """A stage of a trigger's path."""

    stage: str
    name: str
    verdict: str
    reason: str
    added: str


class Path(Struct, frozen=True):
    """A trigger's path."""

    name: str
    end: str
    reason: str
    steps: tuple[Step, ...]
    params: tuple[tuple[str, str], ...]
    resources: tuple[tuple[str, str], ...]
    """(kind and name, YAML)."""


class Page(Struct, frozen=True):
    """A delivery with everything."""

    row: Row
    path: str
    headers: tuple[tuple[str, str, bool], ...]
    """(name, value, whether it is masked)."""
    payload: str
    cut: bool
    size: int
    paths: tuple[Path, ...]
    reply: str
    message: str


def row(arrival: Arrival) -> Row:
    """Return a delivery as the list shows it."""
    stamp = datetime.fromtimestamp(arrival.recorded.received_at, UTC).astimezone()  # people read their own clock
    return Row(
        number=arrival.number,
        date=stamp.strftime("%d %b %Y"),
        time=stamp.strftime("%H:%M:%S"),
        stamp=stamp.isoformat(timespec="seconds"),
        event=arrival.event,
        repository=arrival.repository,
        id=arrival.event_id,
        status=arrival.status,
        tone=_tone(arrival.status),
        ends=tuple((trace.name or trace.identity, verdict(trace)) for trace in arrival.traces),
        milliseconds=f"{arrival.milliseconds:.0f} ms",
    )


def matches(row: Row, text: str) -> bool:
    """Say whether every word of `text` stands somewhere in a row."""
    ends = (word for end in row.ends for word in end)
    shown = " ".join((row.event, row.repository, row.id, str(row.status), row.date, row.time, *ends)).casefold()
    return all(word in shown for word in text.casefold().split())


def page(arrival: Arrival) -> Page:
    """Return a delivery as its page shows it."""
    recorded = arrival.recorded
    payload = _payload(recorded.body)
    return Page(
        row=row(arrival),
        path=masked(recorded.path),
        headers=tuple(
            (name, MASK if is_secret(name, value) else masked(value), is_secret(name, value))
            for name, value in sorted(recorded.headers)
        ),
        payload=payload[:SHOWN],
        cut=len(payload) > SHOWN,
        size=len(recorded.body),
        paths=tuple(_path(trace) for trace in arrival.traces),
        reply=json.dumps(arrival.reply, indent=2, ensure_ascii=False),
        message=str(arrival.reply.get("errorMessage", "")),
    )


def _path(trace: TriggerTrace) -> Path:
    steps = [
        Step(
            step.stage,
            step.name,
            step.verdict,
            "" if step.reason.startswith("dry run") else step.reason,
            json.dumps(dict(step.added), indent=2, ensure_ascii=False) if step.added else "",
        )
        for step in trace.steps
    ]
    ended = trace.ended
    if ended in _STAGES:
        steps += [Step(stage, "", "skipped", "", "") for stage in _STAGES[_STAGES.index(ended) + 1 :]]
    steps += [Step("tell", due.where, "due", f"{due.state}, {due.description}", "") for due in trace.told]
    end = verdict(trace)
    return Path(
        name=f"{trace.namespace}/{trace.name or trace.identity}",
        end=end,
        reason="" if end == "would create" else trace.outcome.reason,
        steps=tuple(steps),
        params=tuple(trace.params.items()),
        resources=tuple((_named(resource), yaml_text(dict(resource))) for resource in trace.resources),
    )


def _named(resource: Any) -> str:
    metadata = resource.get("metadata") or {}
    return f"{resource.get('kind')} {metadata.get('namespace')}/{metadata.get('name')}"


def _payload(body: bytes) -> str:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")


def _tone(status: int) -> str:
    return "good" if status < 300 else "bad" if status in (401, 422, 500, 503) else "odd"  # noqa: PLR2004 -- the reply's codes
