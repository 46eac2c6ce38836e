"""Deliveries as files: what is kept, what is stripped, and where a command's delivery comes from."""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import click
from msgspec import Struct
from msgspec.structs import replace

from functions.cli.masking import is_secret, masked
from functions.cli.output import document
from functions.delivery import Delivery, canonical_headers, canonical_name

FORMAT = "pipehook/delivery/v1"
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")


class Recorded(Struct, frozen=True):
    """One delivery, as it is kept in a file or made up from a sample."""

    headers: tuple[tuple[str, str], ...]
    body: bytes
    path: str = "/"
    received_at: float = 0.0
    stripped: tuple[str, ...] = ()
    """The names of headers that were left out because they carry secrets; `?` where some of the path was."""

    def delivery(self) -> Delivery:
        """Return it as the function sees it. Without a time of its own it is received now."""
        return Delivery(
            path=self.path,
            headers=canonical_headers(self.headers),
            body=self.body,
            received_at=self.received_at or time.time(),
            nonce=str(uuid.uuid4()),
        )

    def with_headers(self, more: Iterable[tuple[str, str]]) -> Recorded:
        """Return it with headers that replace those of the same name."""
        added = tuple(more)
        names = {canonical_name(name) for name, _ in added}
        kept = tuple(entry for entry in self.headers if canonical_name(entry[0]) not in names)
        return replace(self, headers=(*kept, *added))

    def without_secrets(self) -> Recorded:
        """Return it without what carries signatures, tokens and cookies: headers, parts of others, and of the path."""
        kept = tuple((name, masked(value)) for name, value in self.headers if not is_secret(name, value))
        left_out = [canonical_name(name) for name, value in self.headers if is_secret(name, value)]
        path = masked(self.path)
        names = tuple(dict.fromkeys([*left_out, *(["?"] if path != self.path else [])]))
        return replace(self, headers=kept, path=path, stripped=names)

    def text(self) -> str:
        """Return the file's text."""
        try:
            body = {"body": self.body.decode("utf-8")}
        except UnicodeDecodeError:
            body = {"bodyBase64": base64.b64encode(self.body).decode()}
        content = {
            "format": FORMAT,
            "received": datetime.fromtimestamp(self.received_at, UTC).isoformat(timespec="milliseconds"),
            "path": self.path,
            "headers": [list(entry) for entry in self.headers],
            "stripped": list(self.stripped),
            **body,
        }
        return document(content, "json") + "\n"

    def file_name(self, number: int) -> str:
        """Return a name that sorts by arrival and says what it is."""
        delivery = self.delivery()
        stamp = datetime.fromtimestamp(self.received_at, UTC).strftime("%Y%m%dT%H%M%S")
        event = _UNSAFE.sub("-", delivery.event_name)[:40].strip("-.") or "delivery"
        return f"{stamp}-{number:04d}-{event}.json"


def read_file(path: Path) -> bytes:
    """Return a file's bytes. Raises click.UsageError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise click.UsageError(f"{path} cannot be read: {error.strerror}") from error


def read_json(path: Path) -> Any:
    """Return the JSON in a file. Raises click.UsageError."""
    try:
        return json.loads(read_file(path))
    except ValueError as error:
        raise click.UsageError(f"{path} is no JSON") from error


def read_recorded(path: Path) -> Recorded:
    """Read a file that `record` wrote. Raises click.UsageError with what is wrong."""
    document = read_json(path)
    try:
        return _read(document)
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
        raise click.UsageError(
            f"{path} is no recorded delivery; for a bare payload give --event NAME --payload {path}"
        ) from error


def _read(document: Mapping[str, Any]) -> Recorded:
    if document["format"] != FORMAT:
        raise ValueError("of another format")
    body = document["body"].encode() if "body" in document else base64.b64decode(document["bodyBase64"], validate=True)
    return Recorded(
        headers=tuple((str(name), str(value)) for name, value in document["headers"]),
        body=body,
        path=str(document.get("path", "/")),
        received_at=datetime.fromisoformat(document["received"]).timestamp() if document.get("received") else 0.0,
        stripped=tuple(map(str, document.get("stripped", []))),
    )


_EVENT_HEADERS = {"github": "X-GitHub-Event", "gitlab": "X-Gitlab-Event", "bitbucket": "X-Event-Key"}
_ID_HEADERS = {"github": "X-GitHub-Delivery", "gitlab": "X-Gitlab-Event-UUID", "bitbucket": "X-Request-UUID"}
_BITBUCKET = frozenset({"diagnostics", "issue", "mirror", "pr", "project", "pullrequest", "repo"})
"""What Bitbucket's event keys (Cloud's and Data Center's) begin with."""
_GITLAB = {"Build": "Job", "Access Token": "Resource Access Token"}
"""Kinds whose header says something else: https://docs.gitlab.com/user/project/integrations/webhook_events/"""


def event_of(text: str) -> tuple[str, str]:
    """Return the sender and its own name of the event, as its header has it, for any spelling in use.

    `push` and `github:push` are GitHub's; `gitlab:push`, `gitlab:tag-push` and `gitlab:Tag Push Hook` GitLab's;
    `repo:push`, `bitbucket:repo:push` and `bitbucket:repo-push` Bitbucket's.
    Raises click.UsageError for another sender.
    """
    provider, colon, name = text.partition(":")
    if not colon:
        provider, name = ("gitlab" if text.lower().endswith(" hook") else "github"), text
    elif provider.lower() in _BITBUCKET:
        provider, name = "bitbucket", text
    match provider.lower():
        case "github":
            return "github", name.strip().lower().replace("-", "_")
        case "gitlab":
            words = re.sub("[-_]", " ", name).title().removesuffix(" Hook").strip()
            return "gitlab", f"{_GITLAB.get(words, words)} Hook"
        case "bitbucket":
            group, _, rest = name.strip().lower().replace("-", ":", ":" not in name).partition(":")
            return "bitbucket", f"{group}:{rest.replace('-', '_')}"
    raise click.UsageError(f"{text} is no event of {', '.join(_EVENT_HEADERS)}: write github:push or gitlab:push, say")


@cache
def _samples() -> Mapping[tuple[str, str], tuple[str, Traversable]]:
    """Return the name and the file of each built-in event, by sender and its own name of the event."""
    found = {}
    for entry in sorted((files("functions.cli") / "samples").iterdir(), key=lambda entry: entry.name):
        provider, _, rest = entry.name.removesuffix(".json").partition(".")
        shown = rest if provider == "github" else f"{provider}:{rest.replace('-', ':', 1)}"
        found[event_of(shown)] = (shown, entry)
    return found


def sample_names() -> list[str]:
    """Return the names of the built-in events: `push` of GitHub, `gitlab:push`, `bitbucket:repo:push`."""
    return [name for name, _ in _samples().values()]


def sample(name: str) -> Recorded:
    """Return a built-in event. Raises click.UsageError when there is none of that name."""
    found = _samples().get(event_of(name))
    if found is None:
        raise click.UsageError(f"there is no built-in event {name}; there are {', '.join(sample_names())}")
    document = json.loads(found[1].read_text(encoding="utf-8"))
    body = json.dumps(document["body"], separators=(",", ":"), ensure_ascii=False).encode()
    headers = (("Content-Type", "application/json"), *document["headers"].items())
    return Recorded((*headers, _id(event_of(name)[0])), body)


def made_up(event: str, payload: bytes) -> Recorded:
    """Return a delivery of a payload; `event_of` says how events are spelt."""
    provider, name = event_of(event)
    headers = (("Content-Type", "application/json"), (_EVENT_HEADERS[provider], name), _id(provider))
    return Recorded(headers, payload)


def _id(provider: str) -> tuple[str, str]:
    return _ID_HEADERS[provider], str(uuid.uuid4())
