"""Webhooks and their deliveries: sending them, recording them as GitHub does, and sending them again."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import threading
import time
import uuid
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import urllib3

if TYPE_CHECKING:
    from collections.abc import Callable

SENDERS = 16


@dataclass(slots=True)
class Hook:
    """A webhook; `scope` is `repos/OWNER/REPO`, `orgs/ORG` or `app`, in lower case."""

    id: int
    scope: str
    url: str
    secret: str = ""
    events: list[str] = field(default_factory=lambda: ["push"])
    content_type: str = "json"
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One attempt to deliver an event, as GitHub remembers it."""

    id: int
    guid: str
    hook: Hook
    url: str
    event: str
    action: str | None
    redelivery: bool
    delivered_at: datetime
    duration: float
    status: str
    status_code: int
    request_headers: dict[str, str]
    body: bytes
    payload: Any
    response_headers: dict[str, str]
    response_body: str

    @property
    def succeeded(self) -> bool:
        """Say whether GitHub counts it as delivered."""
        return 200 <= self.status_code < 400

    def item(self) -> dict[str, Any]:
        """The delivery as it is listed."""
        return {
            "id": self.id,
            "guid": self.guid,
            "delivered_at": self.delivered_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "redelivery": self.redelivery,
            "duration": round(self.duration, 2),
            "status": self.status,
            "status_code": self.status_code,
            "event": self.event,
            "action": self.action,
            "installation_id": None,
            "repository_id": None,
            "throttled_at": None,
        }

    def detail(self) -> dict[str, Any]:
        """The delivery with its request and response."""
        return {
            **self.item(),
            "url": self.url,
            "request": {"headers": self.request_headers, "payload": self.payload},
            "response": {"headers": self.response_headers, "payload": self.response_body},
        }


class Hooks:
    """All hooks and what was delivered. Safe to use from any thread."""

    def __init__(self, *, timeout: float) -> None:
        self._lock = threading.Lock()
        self._hooks: dict[int, Hook] = {}
        self._deliveries: dict[int, Delivery] = {}
        self._ids = itertools.count(100_000_001)
        self._pool = urllib3.PoolManager(maxsize=SENDERS, retries=False, timeout=timeout)
        self._senders = ThreadPoolExecutor(SENDERS, thread_name_prefix="github-standin")
        self._pending: set[Future[Delivery]] = set()

    def close(self) -> None:
        """Wait for what is being sent and close the connections."""
        self._senders.shutdown()
        self._pool.clear()

    def add(self, scope: str, url: str, **options: Any) -> Hook:
        """Add a hook."""
        hook = Hook(next(self._ids), scope.lower(), url, **options)
        with self._lock:
            self._hooks[hook.id] = hook
        return hook

    def remove(self, hook: Hook) -> None:
        """Remove a hook; its deliveries go with it."""
        with self._lock:
            self._hooks.pop(hook.id, None)

    def of(self, scope: str) -> list[Hook]:
        """The hooks of a repository, an organisation or the App."""
        with self._lock:
            return [hook for hook in self._hooks.values() if hook.scope == scope.lower()]

    def deliveries(self, hook: Hook | None = None) -> list[Delivery]:
        """The deliveries of a hook, or all, newest first."""
        with self._lock:
            found = list(self._deliveries.values())
        return sorted((one for one in found if hook is None or one.hook is hook), key=lambda one: one.id, reverse=True)

    def forget(self, before: datetime) -> None:
        """Forget deliveries before a time, as GitHub does after three days."""
        with self._lock:
            kept = {number: one for number, one in self._deliveries.items() if one.delivered_at >= before}
            self._deliveries = kept

    def deliver(
        self,
        hook: Hook,
        event: str,
        payload: Any,
        *,
        guid: str | None = None,
        secret: str | None = None,
        delivered_at: datetime | None = None,
    ) -> Delivery:
        """Send an event, signed with the hook's secret (or another one), and record what came of it."""
        body = json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
        headers = {
            "Accept": "*/*",
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/0000000",
            "X-GitHub-Delivery": guid or str(uuid.uuid1()),
            "X-GitHub-Event": event,
            "X-GitHub-Hook-ID": str(hook.id),
            "X-GitHub-Hook-Installation-Target-ID": "1",
            "X-GitHub-Hook-Installation-Target-Type": _target_type(hook.scope),
        }
        if hook.content_type == "form":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode({"payload": body.decode()}).encode()
        key = (hook.secret if secret is None else secret).encode()
        if key:
            headers["X-Hub-Signature"] = f"sha1={hmac.new(key, body, hashlib.sha1).hexdigest()}"
            headers["X-Hub-Signature-256"] = f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}"
        return self._send(hook, event, payload, body, headers, delivered_at=delivered_at)

    def redeliver(self, earlier: Delivery) -> None:
        """Send the same body with the same headers once more, in the background."""
        self._soon(
            lambda: self._send(
                earlier.hook,
                earlier.event,
                earlier.payload,
                earlier.body,
                earlier.request_headers,
                redelivery=True,
            )
        )

    def send_soon(self, hook: Hook, event: str, payload: Any) -> None:
        """Deliver in the background."""
        self._soon(lambda: self.deliver(hook, event, payload))

    def _soon(self, send: Callable[[], Delivery]) -> None:
        with self._lock:
            self._pending.add(self._senders.submit(send))

    def wait_idle(self, timeout: float) -> None:
        """Wait until all that is sent in the background is recorded; TimeoutError after `timeout` seconds."""
        with self._lock:
            pending = set(self._pending)
        if wait(pending, timeout).not_done:
            raise TimeoutError("redeliveries are still being sent")
        for sent in pending:
            sent.result()
        with self._lock:
            self._pending -= pending

    def _send(
        self,
        hook: Hook,
        event: str,
        payload: Any,
        body: bytes,
        headers: dict[str, str],
        *,
        redelivery: bool = False,
        delivered_at: datetime | None = None,
    ) -> Delivery:
        started = time.monotonic()
        answered_headers: dict[str, str] = {}
        text = ""
        try:
            response = self._pool.request("POST", hook.url, body=body, headers=headers, redirect=False)
            code, text = response.status, response.data.decode("utf-8", "replace")
            answered_headers = dict(response.headers)
            status = "OK" if code < 400 else f"Invalid HTTP Response: {code}"
        except urllib3.exceptions.NewConnectionError:
            code, status = 502, "failed to connect"
        except urllib3.exceptions.TimeoutError:
            code, status = 504, "timed out"
        except urllib3.exceptions.HTTPError:
            code, status = 502, "empty response"
        delivery = Delivery(
            id=next(self._ids),
            guid=headers["X-GitHub-Delivery"],
            hook=hook,
            url=hook.url,
            event=event,
            action=payload.get("action") if isinstance(payload, dict) else None,
            redelivery=redelivery,
            delivered_at=delivered_at or datetime.now(UTC),
            duration=time.monotonic() - started,
            status=status,
            status_code=code,
            request_headers=headers,
            body=body,
            payload=payload,
            response_headers=answered_headers,
            response_body=text,
        )
        with self._lock:
            self._deliveries[delivery.id] = delivery
        return delivery


def _target_type(scope: str) -> str:
    return {"repos": "repository", "orgs": "organization"}.get(scope.partition("/")[0], "integration")
