"""What GitHub's events look like: the fields at the top of their bodies, their actions, and what may be missing.

`absent` are objects that a schema lets be null or missing where what holds them is there, `empty` lists without a
least length. What the owner of the hook decides once (`organization`, `installation`) is not among them.

Source: the schemas and example payloads that octokit publishes (@octokit/webhooks-schemas, -examples 7.6.1; for newer
events @octokit/openapi-webhooks 12.1.0), and https://docs.github.com/en/webhooks/webhook-events-and-payloads for the
actions.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files


@cache
def _table() -> Mapping[str, Mapping[str, frozenset[str]]]:
    text = files("functions.lint").joinpath("github_events.json").read_text(encoding="utf-8")
    return {
        event: {name: frozenset(words.split()) for name, words in entry.items()}
        for event, entry in json.loads(text).items()
    }


def known(event: str) -> bool:
    """Say whether the event is in the table."""
    return event in _table()


def names() -> tuple[str, ...]:
    """Return the names of all events in the table."""
    return tuple(_table())


def has_field(event: str, field: str) -> bool:
    """Say whether bodies of an event may have a field at the top; of an unknown event, they may."""
    entry = _table().get(event)
    return entry is None or field in entry["fields"]


def events_with(field: str) -> list[str]:
    """Return the events whose bodies have the field."""
    return [event for event, entry in _table().items() if field in entry["fields"]]


def actions(names: Iterable[str]) -> frozenset[str] | None:
    """Return all actions of the events, None when those of one of them are not known."""
    found: frozenset[str] = frozenset()
    for event in names:
        entry = _table().get(event, {})
        if "actions" not in entry:
            if event in _table() and "action" not in entry["fields"]:
                continue
            return None
        found |= entry["actions"]
    return found


def hole(event: str, steps: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return what may be missing on the way to a field below it: a path, or a list's with `*` behind it."""
    entry = _table().get(event, {})
    for length in range(1, len(steps)):
        path, following = ".".join(steps[:length]), steps[length]
        if following == "*" and path in entry.get("empty", ()):
            return (*steps[:length], "*")
        if following != "*" and path in entry.get("absent", ()):
            return steps[:length]
    return None
