"""Between functions-framework and every entry point: each path comes here, each fault becomes a reply of ours."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

from functions.adapters import logs
from functions.adapters.http import exchange
from functions.adapters.http.rest import leave_rest
from functions.common.errors import PassingError

if TYPE_CHECKING:
    from flask import Request


def answer(serve: Callable[[Request], exchange.Response], request: Request, *, status: int = 500) -> exchange.Response:
    """Return what `serve` answers, and for any exception, logged without its message, `status` in the usual shape.

    The framework's own answer would be a page and a traceback, message included, which may quote what was sent.
    """
    try:
        return serve(request)
    except PassingError as error:
        return exchange.busy(error)
    except Exception as error:  # noqa: BLE001 -- an unknown fault must not reach the framework
        frames = "".join(traceback.format_tb(error.__traceback__, limit=-16))
        logs.write("CRITICAL", f"internal error: {type(error).__name__}:\n{frames}", fields={"status": status})
        return exchange.broken(status)
    finally:
        leave_rest(request)


def take_every_path(serve: Callable[[Request], exchange.Response]) -> None:
    """Serve the two paths, too, that the framework answers itself; to be called while it loads `main.py`.

    It would read their bodies whole, whatever their size, before its 404.
    """
    import flask  # noqa: PLC0415 -- whoever imports main.py without the framework has no application

    if not flask.has_app_context():
        return

    def hand_on() -> exchange.Response | None:
        if flask.request.path not in ("/robots.txt", "/favicon.ico"):
            return None
        return answer(serve, flask.request._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001 -- Flask's documented way to the request itself

    flask.current_app.before_request(hand_on)
