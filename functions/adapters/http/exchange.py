"""The HTTP edge: a Flask request becomes a Delivery within bounds, a report becomes the reply."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from functions.adapters.http.body import received_body
from functions.common.errors import BadRequestError, PassingError
from functions.common.values import Json
from functions.delivery import Delivery, canonical_headers
from functions.outcomes.report import RETRY_AFTER_SECONDS, Report

if TYPE_CHECKING:
    from flask import Request

MAX_HEADERS = 100
"""Header fields, as gunicorn has it too; GitHub sends about 15 and Google's front end adds as many."""
MAX_HEADER_BYTES = 64 * 1024
"""Characters of all names and values."""
MAX_PATH = 8 * 1024
"""Characters of path and query: functions-framework takes gunicorn's own limit away."""
MAX_EVENT_NAME = 200
"""Characters of the event's name: GitHub's longest has 37."""
_ALLOW = {405: {"Allow": "GET, HEAD, POST"}}

Response = tuple[str, int, dict[str, str]]
"""Body, status and headers, as Flask takes them from a view."""


@contextmanager
def received(request: Request, large: Callable[[], None] = lambda: None) -> Iterator[Delivery]:
    """Read a POST; while the context is open, its body counts among those that the process holds.

    Raises BadRequestError: 405 for other methods, 414 and 431 for a path and headers beyond the limits, 400 for an
    event's name beyond its own, and what `received_body` raises, which gets `large`.
    """
    if request.method != "POST":
        raise BadRequestError(f"{request.method} is not allowed here: deliveries are POSTed", status=405)
    path, pairs = path_of(request), list(request.headers)
    if len(path) > MAX_PATH:
        raise BadRequestError(f"the path is longer than {MAX_PATH} characters", status=414)
    if len(pairs) > MAX_HEADERS:
        raise BadRequestError(f"the request has more than {MAX_HEADERS} headers", status=431)
    if sum([len(name) + len(value) for name, value in pairs]) > MAX_HEADER_BYTES:
        raise BadRequestError(f"the headers are larger than {MAX_HEADER_BYTES // 1024} KiB together", status=431)
    with received_body(request, large=large) as body:
        delivery = Delivery(
            path=path,
            headers=canonical_headers([(name, value if value.isascii() else _text(value)) for name, value in pairs]),
            body=body,
            received_at=time.time(),
            nonce=str(uuid.uuid4()),
        )
        if len(delivery.event_name) > MAX_EVENT_NAME:
            raise BadRequestError(f"the event's name is longer than {MAX_EVENT_NAME} characters")
        yield delivery


def is_probe(request: Request) -> bool:
    """Say whether this is a health check: `GET /` or `HEAD /`."""
    return request.method in ("GET", "HEAD") and request.path == "/"


def path_of(request: Request) -> str:
    """Return a request's path and query as they came."""
    raw = request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI") or request.full_path.rstrip("?")
    path = str(raw)
    if not path.startswith("/"):  # the absolute form of a request line: http://host/path
        path = "/" + path.partition("://")[2].partition("/")[2]
    return path


def _text(value: str) -> str:
    # WSGI hands header bytes over as Latin-1; senders mean UTF-8, and Go replaces what is not
    return value.encode("latin-1", "replace").decode("utf-8", "replace")


def reply(report: Report, headers: Mapping[str, str] | None = None) -> Response:
    """Return the reply to a delivery that was looked at, with further `headers`."""
    further = dict(headers or {})
    if report.retry_after is not None:
        further["Retry-After"] = str(report.retry_after)
    return respond(report.body(), report.status, further)


def refusal(error: BadRequestError, event_id: str = "") -> Response:
    """Return the reply to a request that is no event, in the shape that Tekton gives its 400."""
    return respond(_message(error.reason, event_id), error.status, _ALLOW.get(error.status))


def misconfigured(status: int = 500) -> Response:
    """Return the reply of a function that cannot serve; what is wrong stands in the log alone."""
    return respond(
        _message("Pipehook cannot serve: its configuration is wrong; the function's log lists every mistake", ""),
        status,
    )


def broken(status: int = 500) -> Response:
    """Return the reply after a fault of Pipehook's own; where it is stands in the log alone."""
    return respond(_message("internal error: the function's log says where", ""), status)


def unavailable(error: PassingError, event_id: str) -> Response:
    """Return the reply while nobody can know the triggers; why stands in the log alone."""
    return _later("the triggers cannot be read now; sending the delivery again later will help", error, event_id)


def busy(error: PassingError) -> Response:
    """Return the reply to a delivery that cannot be received now."""
    return _later(error.reason, error, "")


def _later(text: str, error: PassingError, event_id: str) -> Response:
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
