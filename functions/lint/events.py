"""What GitHub's events and GitLab's look like: the fields at the top of their bodies, actions, and what may be missing.

`absent` are objects that a schema lets be null or missing where what holds them is there, `empty` lists without a
least length. What the owner of the hook decides once (`organization`, `installation`) is not among them.

Source: the schemas and example payloads that octokit publishes (@octokit/webhooks-schemas, -examples 7.6.1; for newer
events @octokit/openapi-webhooks 12.1.0), and https://docs.github.com/en/webhooks/webhook-events-and-payloads for the
actions; GitLab's by https://docs.gitlab.com/user/project/integrations/webhook_events/, each as its header names it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

PUSHES = frozenset({"push", "Push Hook", "Tag Push Hook"})

_GITLAB_PUSH = {
    "fields": "after before checkout_sha commits event_name message object_kind project project_id push_options ref "
    "ref_protected repository total_commits_count user_avatar user_email user_id user_name user_username",
    "empty": "commits",
}
_GITLAB: Mapping[str, Mapping[str, str]] = {
    "Push Hook": _GITLAB_PUSH,
    "Tag Push Hook": _GITLAB_PUSH,
    "Merge Request Hook": {
        "fields": "assignee assignees changes event_type labels object_attributes object_kind project repository "
        "reviewers user",
        "empty": "assignees labels reviewers",
    },
    "Note Hook": {
        "fields": "commit event_type issue merge_request object_attributes object_kind project project_id repository "
        "snippet user",
        "absent": "commit issue merge_request snippet",
    },
}


@cache
def _table() -> Mapping[str, Mapping[str, frozenset[str]]]:
    text = files("functions.lint").joinpath("github_events.json").read_text(encoding="utf-8")
    return {
        event: {name: frozenset(words.split()) for name, words in entry.items()}
        for event, entry in (json.loads(text) | _GITLAB).items()
    }


def known(event: str) -> bool:
    """Say whether the event is in the table."""
    return event in _table()


def names() -> tuple[str, ...]:
    """Return the names of GitHub's events."""
    return tuple(name for name in _table() if name not in _GITLAB)


def gitlab(events: Iterable[str]) -> bool:
    """Say whether some of the events are GitLab's."""
    return not _GITLAB.keys().isdisjoint(events)


def has_field(event: str, field: str) -> bool:
    """Say whether bodies of an event may have a field at the top; of an unknown event, they may."""
    entry = _table().get(event)
    return entry is None or field in entry["fields"]


def events_with(field: str, *, gitlab: bool = False) -> list[str]:
    """Return GitHub's events, or GitLab's, whose bodies have the field."""
    return [event for event in (_GITLAB if gitlab else names()) if has_field(event, field)]


def having(field: str, names: Iterable[str]) -> str:
    """Return which other events have a field, as a sentence; empty where none has."""
    others = events_with(field, gitlab=gitlab(names))
    return f"{', '.join(others[:4])} {'has' if len(others) == 1 else 'have'} it" if others else ""


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
