"""The function in this process: functions-framework's own Flask application on `main.py`, with its test client."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from unittest import mock

import functions_framework
from flask.testing import FlaskClient

from tests.support.function import ROOT, Answer
from tests.support.processes import INHERITED


class Application:
    """`main.py` loaded anew with an environment of its own."""

    def __init__(self, environment: Mapping[str, str], *, target: str = "webhook") -> None:
        kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
        with (
            mock.patch.dict(os.environ, {**kept, "FUNCTION_TARGET": target, **environment}, clear=True),
            # the framework appends to it each time, and every import looks through all of it
            mock.patch.object(sys, "path", [*sys.path]),
        ):
            app = functions_framework.create_app(  # type: ignore[no-untyped-call]  # the library types its decorators only
                target, str(ROOT / "main.py"), "http"
            )
        self._client: FlaskClient = app.test_client()

    def request(
        self, method: str, path: str = "/", *, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send one request and return the reply."""
        reply = self._client.open(path, method=method, data=body, headers=dict(headers or {}))
        return Answer(reply.status_code, dict(reply.headers), reply.get_data(as_text=True))

    def post(self, body: bytes, headers: Mapping[str, str], path: str = "/") -> Answer:
        """POST a body."""
        return self.request("POST", path, body=body, headers=headers)
