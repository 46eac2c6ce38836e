"""Pipehook's entry points for functions-framework; each is one function of the deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import functions_framework

from functions.entrypoints import webhook as _webhook

if TYPE_CHECKING:
    from flask import Request

    from functions.adapters.http import Response

_serve = _webhook.start()


@functions_framework.http
def webhook(request: Request) -> Response:
    """Receive one delivery: verify, filter, bind, render and create, then say what became of it."""
    return _serve(request)
