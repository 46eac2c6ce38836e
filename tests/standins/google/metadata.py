"""Google's metadata server: access and identity tokens of one service account, kept as the real one keeps them."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from tests.standins.google.identity import Issuer
from tests.standins.journal import Journal
from tests.standins.threaded import ThreadedServer

ACCOUNT = "runtime@acme-prod.iam.gserviceaccount.com"
KEPT_SECONDS = 300
"""A token that lasts longer is given again (https://cloud.google.com/compute/docs/access/authenticate-workloads)."""
_BASE = "/computeMetadata/v1/"


class Metadata:
    """The server while its context is open. `learn` is told each token as it is made."""

    def __init__(self, learn: Callable[[str], object] = lambda _: None) -> None:
        self.seconds = 3600
        """How long the next tokens last."""
        self.status = 200
        """What tokens are answered with; 0: nothing, as long as the context is open."""
        self.asked: Journal[str] = Journal()
        """`token` or `identity AUDIENCE`, once for each question."""
        self.scopes: set[str] = set()
        """Those that access tokens were asked for with."""
        self._learn = learn
        self._issuer = Issuer()
        self._numbers = itertools.count(1)
        self._kept: dict[str, tuple[str, float]] = {}
        self._closed = threading.Event()

    def __enter__(self) -> Self:
        standin = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                standin._answer(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- http.server's name
                """Say nothing."""

        self._server = ThreadedServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def environment(self) -> dict[str, str]:
        """What leads Google's libraries here."""
        host = f"127.0.0.1:{self._server.server_port}"
        return {"GCE_METADATA_HOST": host, "GCE_METADATA_IP": host}

    def forget(self) -> None:
        """Make new tokens from now on."""
        self._kept.clear()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(request.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        path = parts.path.removeprefix(_BASE)
        if request.headers.get("Metadata-Flavor") != "Google":
            self._send(request, 403, "the header Metadata-Flavor is missing")
        elif parts.path == "/":
            self._send(request, 200, "computeMetadata/")
        elif path == "project/project-id":
            self._send(request, 200, "acme-prod")
        elif path in (f"instance/service-accounts/{name}/" for name in ("default", ACCOUNT)):
            self._send(request, 200, {"email": ACCOUNT, "scopes": [], "aliases": ["default"]})
        elif path in (f"instance/service-accounts/{name}/token" for name in ("default", ACCOUNT)):
            self.scopes.update(query.get("scopes", "").split(","))
            self._give(request, "token", "")
        elif path in (f"instance/service-accounts/{name}/identity" for name in ("default", ACCOUNT)):
            self._give(request, f"identity {query['audience']}", query["audience"])
        else:
            self._send(request, 404, "not found")

    def _give(self, request: BaseHTTPRequestHandler, what: str, audience: str) -> None:
        self.asked.append(what)
        if not self.status:
            self._closed.wait()
            return
        if self.status != 200:
            self._send(request, self.status, "canary: the server's own words")
            return
        token, ends = self._kept.get(what, ("", 0.0))
        if ends - time.time() < KEPT_SECONDS:
            token = self._issuer.token(audience, ACCOUNT, self.seconds) if audience else f"ya29.{next(self._numbers)}"
            ends = time.time() + self.seconds
            self._kept[what] = (token, ends)
            self._learn(token)
        left = int(ends - time.time())
        found = {"access_token": token, "expires_in": left, "token_type": "Bearer"}
        self._send(request, 200, token if audience else found)

    def _send(self, request: BaseHTTPRequestHandler, status: int, content: Any) -> None:
        body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        request.send_response(status)
        request.send_header("Metadata-Flavor", "Google")
        request.send_header("Content-Type", "application/text" if isinstance(content, str) else "application/json")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)
