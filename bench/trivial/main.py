"""The function that does nothing: what functions-framework, gunicorn and Flask cost by themselves."""

from __future__ import annotations

import functions_framework
from flask import Request


@functions_framework.http
def webhook(_request: Request) -> str:
    """Answer, whatever comes."""
    return "ok"
