"""Deliveries as files: what is kept, what is stripped, and where a command's delivery comes from."""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import click

from functions.delivery import Delivery, canonical_headers, canonical_name

FORMAT = "pipehook/delivery/v1"
_SECRET = re.compile(r"token|secret|signature|authorization|cookie|password|credential|api-?key", re.IGNORECASE)
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")
_SAMPLES = files("functions.cli") / "samples"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One delivery, as it is kept in a file or made up from a sample."""

    headers: tuple[tuple[str, str], ...]
    body: bytes
    path: str = "/"
    received_at: float = 0.0
    stripped: tuple[str, ...] = ()
    """The names of headers that were left out because they carry secrets."""

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
        """Return it without the headers that carry signatures, tokens and cookies."""
        kept = tuple(entry for entry in self.headers if not is_secret(entry[0]))
        names = tuple(dict.fromkeys(canonical_name(name) for name, _ in self.headers if is_secret(name)))
        return replace(self, headers=kept, stripped=names)

    def text(self) -> str:
        """Return the file's text."""
        try:
            body = {"body": self.body.decode("utf-8")}
        except UnicodeDecodeError:
            body = {"bodyBase64": base64.b64encode(self.body).decode()}
        document = {
            "format": FORMAT,
            "received": datetime.fromtimestamp(self.received_at, UTC).isoformat(timespec="milliseconds"),
            "path": self.path,
            "headers": [list(entry) for entry in self.headers],
            "stripped": list(self.stripped),
            **body,
        }
        return json.dumps(document, indent=1, ensure_ascii=False) + "\n"

    def file_name(self, number: int) -> str:
        """Return a name that sorts by arrival and says what it is."""
        delivery = self.delivery()
        stamp = datetime.fromtimestamp(self.received_at, UTC).strftime("%Y%m%dT%H%M%S")
        event = _UNSAFE.sub("-", delivery.event_name)[:40].strip("-.") or "delivery"
        return f"{stamp}-{number:04d}-{event}.json"


def is_secret(name: str) -> bool:
    """Say whether a header is one whose value nobody should see."""
    return bool(_SECRET.search(name))


def read_recorded(path: Path) -> Recorded:
    """Read a file that `record` wrote. Raises click.UsageError with what is wrong."""
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise click.UsageError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise click.UsageError(f"{path} is no JSON") from error
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


def sample_names() -> list[str]:
    """Return the names of the built-in events: `push` of GitHub, `gitlab:push`, `bitbucket:repo:push`."""
    return [
        name.replace("github.", "").replace("gitlab.", "gitlab:").replace("bitbucket.", "bitbucket:")
        for name in sorted(
            entry.name.removesuffix(".json") for entry in _SAMPLES.iterdir() if entry.name.endswith(".json")
        )
    ]


def sample(name: str) -> Recorded:
    """Return a built-in event. Raises click.UsageError when there is none of that name."""
    provider, _, event = name.rpartition(":") if name.startswith("gitlab:") else ("github", "", name)
    if name.startswith("bitbucket:"):
        provider, event = "bitbucket", name.removeprefix("bitbucket:")
    entry = _SAMPLES / f"{provider}.{event.replace(':', '-')}.json"
    if name not in sample_names() or not entry.is_file():
        raise click.UsageError(f"there is no built-in event {name}; there are {', '.join(sample_names())}")
    document = json.loads(entry.read_text(encoding="utf-8"))
    body = json.dumps(document["body"], separators=(",", ":"), ensure_ascii=False).encode()
    return Recorded((("Content-Type", "application/json"), *document["headers"].items()), body).with_headers(
        _ids(provider)
    )


def _ids(provider: str) -> list[tuple[str, str]]:
    names = {"github": "X-GitHub-Delivery", "gitlab": "X-Gitlab-Event-UUID", "bitbucket": "X-Request-UUID"}
    return [(names[provider], str(uuid.uuid4()))]


_EVENT_HEADERS = {"github": "X-GitHub-Event", "gitlab": "X-Gitlab-Event", "bitbucket": "X-Event-Key"}


def made_up(event: str, payload: bytes) -> Recorded:
    """Return a delivery of a payload: `push` is GitHub's, `gitlab:Push Hook` and `bitbucket:repo:push` the others'."""
    provider, name = "github", event
    for other in ("gitlab", "bitbucket"):
        if event.startswith(f"{other}:"):
            provider, name = other, event.removeprefix(f"{other}:")
    if provider == "gitlab" and event in sample_names():
        return replace(sample(event), body=payload)
    headers = (("Content-Type", "application/json"), (_EVENT_HEADERS[provider], name), *_ids(provider))
    return Recorded(headers, payload)
