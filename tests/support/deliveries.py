"""Deliveries as GitHub sends them: signed, numbered, with small but real payloads."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from typing import Any

SECRET = b"aiueokakikukeko"
"""The article's key; a test's key, never a deployment's."""

PUSH: dict[str, Any] = {
    "ref": "refs/heads/main",
    "before": "0000000000000000000000000000000000000000",
    "after": "6dcb09b5b57875f334f61aebed695e2e4193db5e",
    "repository": {
        "id": 1296269,
        "full_name": "mosuke5/myapp",
        "url": "https://github.com/mosuke5/myapp",
        "clone_url": "https://github.com/mosuke5/myapp.git",
    },
    "pusher": {"name": "mosuke5"},
    "sender": {"login": "mosuke5"},
    "commits": [{"id": "6dcb09b5", "message": "Say hello", "added": ["a.txt"], "modified": ["b.py"], "removed": []}],
    "head_commit": {
        "id": "6dcb09b5b57875f334f61aebed695e2e4193db5e",
        "message": 'say "hi"',
        "timestamp": "2026-11-22T10:11:12Z",
    },
}
PING: dict[str, Any] = {"zen": "Design for failure.", "hook_id": 1, "hook": {"type": "Repository", "id": 1}}


def encoded(payload: object) -> bytes:
    """Return a payload's bytes, as GitHub spells JSON."""
    return json.dumps(payload, separators=(",", ":")).encode()


def signature(body: bytes, secret: bytes = SECRET) -> str:
    """Return the value of X-Hub-Signature-256."""
    return "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()


def headers(
    event: str, body: bytes, *, secret: bytes | None = SECRET, guid: str | None = None, **more: str
) -> dict[str, str]:
    """Return GitHub's headers for a body; `secret` None leaves the signature out."""
    found = {
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/044aadd",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": guid or str(uuid.uuid4()),
        "X-GitHub-Hook-ID": "1",
    }
    if secret is not None:
        found["X-Hub-Signature-256"] = signature(body, secret)
    return found | {name.replace("_", "-"): value for name, value in more.items()}
