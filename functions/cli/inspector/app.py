"""The inspector's application: pages for people on this machine, closed to other sites and to rebound names."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from flask import Flask, Response, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as WerkzeugResponse

from functions.cli.inspector import views
from functions.cli.inspector.listing import add_list
from functions.cli.inspector.store import Store
from functions.cli.local import Arrival

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # no-referrer would make the Origin of the forms null, which is what other sites could send, too
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Payloads are strangers' text: nothing on a page may run, load or be framed."""
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")

Replay = Callable[[Arrival, bool], str]
"""Sends a delivery again (True: as one that was never seen) and returns what went wrong, empty when nothing did."""
Mistakes = Callable[[], Sequence[str]]
"""Returns what is wrong with the manifests now."""


def inspector(store: Store, *, port: int, serving: str, replay: Replay, mistakes: Mistakes) -> Flask:
    """Return the application. It answers only under this machine's own names and `port`."""
    app = Flask("functions.cli.inspector", static_folder="static", static_url_path="/static")
    hosts = {f"{name}:{port}" for name in LOOPBACK}
    token = secrets.token_urlsafe(32)
    app.jinja_env.globals.update(serving=serving, mistakes=mistakes)

    @app.before_request
    def guard() -> None:
        # a name that an attacker points at 127.0.0.1 arrives here with that name
        if request.host not in hosts:
            abort(Response("This page answers under its own address only.\n", 403, mimetype="text/plain"))
        if request.method not in ("GET", "HEAD"):
            origin = request.headers.get("Origin")
            if origin is not None and (urlsplit(origin).netloc not in hosts or urlsplit(origin).scheme != "http"):
                abort(403)
            if not hmac.compare_digest(request.form.get("token", "").encode(), token.encode()):
                abort(403)

    @app.after_request
    def harden(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response

    add_list(app, store)

    @app.get("/deliveries/<int:number>")
    def delivery(number: int) -> str:
        arrival = store.get(number)
        if arrival is None:
            abort(404)
        return render_template(
            "delivery.html", page=views.page(arrival), token=token, problem=request.args.get("problem", "")
        )

    @app.post("/deliveries/<int:number>/replay")
    def replay_delivery(number: int) -> WerkzeugResponse:
        arrival = store.get(number)
        if arrival is None:
            abort(404)
        problem = replay(arrival, request.form.get("as") == "new")
        if problem:
            return redirect(url_for("delivery", number=number, problem="unreached"), 303)
        return redirect(url_for("delivery", number=store.newest()), 303)

    @app.errorhandler(404)
    def missing(_error: Exception) -> tuple[str, int]:
        return render_template("missing.html"), 404

    return app
