"""The HTTP edge: a Flask request becomes a Delivery within bounds, a report becomes the reply."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING

from functions.delivery import Delivery, canonical_headers
from functions.errors import BadRequestError, PassingError
from functions.report import RETRY_AFTER_SECONDS, Report
from functions.values import Json

if TYPE_CHECKING:
    from flask import Request

MAX_BODY = 25 * 1024 * 1024
"""Bytes: GitHub caps its payloads at 25 MB and sends nothing larger."""
_CHUNK = 64 * 1024
_ALLOW = {405: {"Allow": "GET, HEAD, POST"}}

Response = tuple[str, int, dict[str, str]]
"""Body, status and headers, as Flask takes them from a view."""


def read_delivery(request: Request) -> Delivery:
    """Read a POST. Raises BadRequestError: 405 for other methods, 413 for a body over MAX_BODY bytes.

    A longer body is refused by its Content-Length before a byte is read, and without one at the first byte too many.
    """
    if request.method != "POST":
        raise BadRequestError(f"{request.method} is not allowed here: deliveries are POSTed", status=405)
    return Delivery(
        path=_path(request),
        headers=canonical_headers((name, _text(value)) for name, value in request.headers.items()),
        body=_body(request),
        received_at=time.time(),
        nonce=str(uuid.uuid4()),
    )


def is_probe(request: Request) -> bool:
    """Say whether this is a health check: `GET /` or `HEAD /`."""
    return request.method in ("GET", "HEAD") and request.path == "/"


def _path(request: Request) -> str:
    raw = request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI") or request.full_path.rstrip("?")
    path = str(raw)
    if not path.startswith("/"):  # the absolute form of a request line: http://host/path
        path = "/" + path.partition("://")[2].partition("/")[2]
    return path


def _text(value: str) -> str:
    # WSGI hands header bytes over as Latin-1; senders mean UTF-8, and Go replaces what is not
    return value.encode("latin-1", "replace").decode("utf-8", "replace")


def _body(request: Request) -> bytes:
    if (request.content_length or 0) > MAX_BODY:
        raise _too_large()
    chunks = []
    size = 0
    while chunk := request.stream.read(_CHUNK):
        size += len(chunk)
        if size > MAX_BODY:
            raise _too_large()
        chunks.append(chunk)
    return b"".join(chunks)


def _too_large() -> BadRequestError:
    return BadRequestError(f"the body is larger than {MAX_BODY // (1024 * 1024)} MiB", status=413)


def reply(report: Report, headers: Mapping[str, str] | None = None) -> Response:
    """Return the reply to a delivery that was looked at, with further `headers`."""
    further = dict(headers or {})
    if report.retry_after is not None:
        further["Retry-After"] = str(report.retry_after)
    return respond(report.body(), report.status, further)


def refusal(error: BadRequestError, event_id: str = "") -> Response:
    """Return the reply to a request that is no event, in the shape that Tekton gives its 400."""
    return respond(_message(error.reason, event_id), error.status, _ALLOW.get(error.status))


def misconfigured() -> Response:
    """Return the reply of a function that cannot serve; what is wrong stands in the log alone."""
    return respond(
        _message("Pipehook cannot serve: its configuration is wrong; the function's log lists every mistake", ""), 500
    )


def unavailable(error: PassingError, event_id: str) -> Response:
    """Return the reply while nobody can know the triggers; why stands in the log alone."""
    text = "the triggers cannot be read now; sending the delivery again later will help"
    retry_after = max(1, round(error.retry_after or RETRY_AFTER_SECONDS))
    return respond(_message(text, event_id), 503, {"Retry-After": str(retry_after)})


def _message(text: str, event_id: str) -> dict[str, Json]:
    return {
        "eventListener": "",
        "namespace": "",
        "eventListenerUID": "",
        "eventID": event_id,
        "errorMessage": text,
        "triggers": [],
    }


def respond(body: Mapping[str, Json], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return JSON, with a newline at its end as Tekton's replies have it."""
    return json.dumps(body) + "\n", status, {"Content-Type": "application/json", **(headers or {})}
