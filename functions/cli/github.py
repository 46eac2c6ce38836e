"""GitHub's webhooks over its REST API, for the commands hooks and doctor."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import click
from msgspec import Struct

from functions.adapters.github.answers import Question
from functions.adapters.github.transport import GitHubTransport
from functions.common.errors import LastingError
from functions.common.lenient import objects_at
from functions.common.ports import Deadline

SECONDS = 20.0
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
_ORGANIZATION = re.compile(r"[A-Za-z0-9-]+")
_SCOPE = re.compile(r"(repos/[\w.-]+/[\w.-]+|orgs/[\w.-]+)(?:/hooks/([0-9]+))?")
_QUESTION = Question(
    "the webhooks",
    "read and write access to webhooks, and to administer the repository or organization "
    "(classic: admin:repo_hook or admin:org_hook)",
)


def deadline() -> Deadline:
    """Return the end of the time that one question has."""
    return Deadline(time.monotonic() + SECONDS, time.monotonic)


def scope_of(target: str) -> str:
    """Return `repos/OWNER/REPO` or `orgs/ORG`. Raises click.UsageError."""
    found = _SCOPE.fullmatch(target)
    if found:
        return found[1]
    if _REPOSITORY.fullmatch(target):
        return f"repos/{target}"
    if _ORGANIZATION.fullmatch(target):
        return f"orgs/{target}"
    raise click.UsageError(f"{target} is neither OWNER/REPO nor ORGANIZATION")


def read_token(resource: str) -> str:
    """Return GitHub's token: of a secret, or of GITHUB_TOKEN. Raises click.UsageError when there is none."""
    if resource:
        from functions.cli.google_secrets import read_value  # noqa: PLC0415 -- gRPC, for those who ask for it

        return read_value(resource).decode("utf-8", "replace").strip()
    token = os.environ.get("GITHUB_TOKEN", "").strip()
    if not token:
        raise click.UsageError("no token: set GITHUB_TOKEN, or give --token-secret projects/P/secrets/S")
    return token


class Hook(Struct, frozen=True):
    """One webhook."""

    id: int
    url: str
    events: tuple[str, ...]
    active: bool
    content_type: str
    signed: bool

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Hook:
        """Read what GitHub says."""
        config = entry.get("config") or {}
        return cls(
            id=int(entry["id"]),
            url=str(config.get("url", "")),
            events=tuple(map(str, entry.get("events") or [])),
            active=entry.get("active") is True,
            content_type=str(config.get("content_type", "")),
            signed=bool(config.get("secret")),
        )


class Hooks:
    """The webhooks of one repository or organization."""

    def __init__(self, base_url: str, scope: str, token: str) -> None:
        self._transport = GitHubTransport(base_url)
        self._path = f"/{scope}/hooks"
        self._scope = scope
        self._token = token
        self.date: float | None = None
        """GitHub's clock, in seconds since 1970, as its last answer had it."""

    def all(self) -> list[Hook]:
        """Return all webhooks."""
        pages = self._transport.pages(self._path, _QUESTION, token=self._token, deadline=deadline())
        return [Hook.of(entry) for page in pages for entry in page if isinstance(entry, dict) and "id" in entry]

    def create(self, url: str, *, secret: str, events: list[str]) -> Hook:
        """Create one: JSON, certificates verified, active. GitHub pings it at once."""
        body = {"name": "web", "active": True, "events": events, "config": _config(url, secret)}
        return self._sent("POST", self._path, body)

    def update(self, hook: Hook, *, secret: str, events: list[str]) -> Hook:
        """Give a hook its events and secret anew."""
        body = {"active": True, "events": events, "config": _config(hook.url, secret)}
        return self._sent("PATCH", f"{self._path}/{hook.id}", body)

    def _sent(self, method: str, path: str, body: Mapping[str, Any]) -> Hook:
        sent = json.dumps(body).encode()
        answer = self._transport.send(method, path, _QUESTION, token=self._token, deadline=deadline(), body=sent)
        found = answer.json()
        if not isinstance(found, dict) or "id" not in found:
            raise LastingError("GitHub's API answered something else than a webhook: is GITHUB_API_URL right?")
        return Hook.of(found)

    def ping(self, hook_id: int) -> None:
        """Ask GitHub to send a ping."""
        path = f"{self._path}/{hook_id}/pings"
        self._transport.send("POST", path, _QUESTION, token=self._token, deadline=deadline())

    def deliveries(self, hook_id: int) -> list[Mapping[str, Any]]:
        """Return the last deliveries of a hook, newest first. GitHub keeps them for three days."""
        path = f"{self._path}/{hook_id}/deliveries?per_page=30"
        answer = self._transport.get(
            path, _QUESTION, token=self._token, deadline=deadline(), also={HTTPStatus.NOT_FOUND}
        )
        if answer.status == HTTPStatus.NOT_FOUND:
            raise LastingError(f"there is no hook {hook_id} in {self._scope}, or the token does not see it")
        date = answer.headers.get("date")
        self.date = parsedate_to_datetime(date).timestamp() if date else None
        return list(objects_at(answer.json()))


def _config(url: str, secret: str) -> dict[str, str]:
    return {"url": url, "content_type": "json", "insecure_ssl": "0", "secret": secret}
