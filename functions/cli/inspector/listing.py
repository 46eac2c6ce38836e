"""The list of deliveries: searched, followed without a script, the keyboard's focus kept when it is shown anew."""

from __future__ import annotations

import time

from flask import Flask, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as WerkzeugResponse

from functions.cli.inspector import views
from functions.cli.inspector.focus import IMAGE, Focus
from functions.cli.inspector.store import Store

TYPED = 25.0
"""Seconds for which a page is not shown anew while the search field has the focus, whose text would be lost."""
PLACES = ("brand", "follow", "search", "clear")
"""The ids of what can be focused beside the rows (`d1` and on)."""


def add_list(app: Flask, store: Store) -> None:
    """Add the list's pages to the application."""
    focus = Focus()

    @app.get("/")
    def index() -> str:
        asked = request.args.get("q", "")
        found = [views.row(arrival) for arrival in store.newest_first()]
        focused = focus.at(request.args.get("was", ""))
        return render_template(
            "index.html",
            rows=[row for row in found if views.matches(row, asked)],
            total=len(found),
            asked=asked,
            paused="pause" in request.args,
            focused=focused,
            page=focus.page(focused),
        )

    @app.get("/follow")
    def follow() -> WerkzeugResponse:
        """Lead to the page anew, at once or when nobody types on it any more."""
        page, until = request.args.get("page", ""), time.monotonic() + TYPED
        while focus.at(page) == "search" and time.monotonic() < until:
            time.sleep(0.2)
        return redirect(url_for("index", was=page, q=request.args.get("q") or None), 303)

    @app.get("/focus/<page>.css")
    def style(page: str) -> Response:
        rows = (f"d{arrival.number}" for arrival in store.newest_first())
        return Response(focus.style(page, (*PLACES, *rows)), mimetype="text/css")

    @app.get("/focus/<page>/<place>")
    def note(page: str, place: str) -> Response:
        focus.note(page, place)
        return Response(IMAGE, mimetype="image/svg+xml")
