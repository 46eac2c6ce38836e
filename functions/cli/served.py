"""What functions-framework loads for `pipehook dev` and `record`: one function, which hands over to the served one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import functions_framework

from functions.cli.serving import served

if TYPE_CHECKING:
    from flask import Request

    from functions.adapters.http.exchange import Response


@functions_framework.http
def deliver(request: Request) -> Response:
    """Answer one request."""
    return served(request)
