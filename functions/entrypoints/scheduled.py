"""What the functions that Cloud Scheduler calls share: one run at a time, and the time that it has."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING

from functions.adapters.http import exchange
from functions.common.numbers import whole

if TYPE_CHECKING:
    from flask import Request

RUN_SECONDS = 270.0
"""What one run may take; the function's own time-out is five minutes, unless CLOUD_RUN_TIMEOUT_SECONDS says less."""


def seconds_of(environment: Mapping[str, str]) -> float:
    """Return what one run may take, so that its reply still comes before the platform's time-out."""
    limit = whole(environment.get("CLOUD_RUN_TIMEOUT_SECONDS"))
    return min(RUN_SECONDS, limit * 0.9) if limit else RUN_SECONDS


def answer(request: Request, lock: threading.Lock, run: Callable[[], exchange.Response]) -> exchange.Response:
    """Return the answer of a run; to what asks for none, and while one is under way, one of our own."""
    if exchange.is_probe(request):
        return exchange.respond({"status": "ok"})
    if request.method != "POST":
        return exchange.respond({"outcome": "failed"}, HTTPStatus.METHOD_NOT_ALLOWED, {"Allow": "GET, HEAD, POST"})
    if not lock.acquire(blocking=False):
        return exchange.respond({"outcome": "busy"}, HTTPStatus.CONFLICT)
    try:
        return run()
    finally:
        lock.release()
