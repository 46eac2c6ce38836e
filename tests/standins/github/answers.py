"""Answers of GitHub's REST API: JSON, errors, and pages with Link headers."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tests.standins.exchange import Request, Response

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

JSON_TYPE = "application/json; charset=utf-8"
DOCUMENTATION = "https://docs.github.com/rest"
MESSAGES = {
    401: "Bad credentials",
    403: "Resource not accessible by integration",
    404: "Not Found",
    422: "Validation Failed",
    500: "Server Error",
    502: "Server Error",
    503: "Service unavailable",
}


class ApiError(Exception):
    """A refusal, to be answered with `status`."""

    def __init__(self, status: int, message: str = "", *, errors: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message or MESSAGES.get(status, "Error")
        self.errors = list(errors)

    def response(self, headers: Mapping[str, str] | None = None) -> Response:
        """The answer: `message`, `documentation_url`, `status`, and `errors` if there are any."""
        body: dict[str, Any] = {"message": self.message}
        if self.errors:
            body["errors"] = self.errors
        body |= {"documentation_url": DOCUMENTATION, "status": str(self.status)}
        return Response(self.status, json.dumps(body).encode(), JSON_TYPE, headers or {})


def answer(document: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with JSON."""
    return Response(status, json.dumps(document).encode(), JSON_TYPE, headers or {})


def answer_nothing() -> Response:
    """204 without a body."""
    return Response(204, b"", JSON_TYPE)


def tagged(request: Request, response: Response) -> Response:
    """Give an answer its ETag, or make it a 304 when the request names that."""
    if response.status != 200 or response.stream:
        return response
    etag = f'W/"{hashlib.sha256(response.body).hexdigest()}"'
    if etag in request.headers.get("if-none-match", "").split(", "):
        return Response(304, b"", headers={"ETag": etag})
    response.headers = {**response.headers, "ETag": etag}
    return response


def per_page(request: Request) -> int:
    """The asked size of a page: 30 by default, at most 100."""
    text = request.query.get("per_page", "30")
    return min(max(int(text), 1), 100) if text.isdecimal() else 30


def page(request: Request, entries: Sequence[object], base: str, *, under: str = "") -> Response:
    """Answer one page by number, with a Link header to the others; `under` a name in an object with their number."""
    size = per_page(request)
    text = request.query.get("page", "1")
    number = int(text) if text.isdecimal() else 1
    last = max((len(entries) + size - 1) // size, 1)
    links = []
    if number < last:
        links += [_link(request, base, "next", page=number + 1), _link(request, base, "last", page=last)]
    if number > 1:
        links += [_link(request, base, "prev", page=number - 1), _link(request, base, "first", page=1)]
    headers = {"Link": ", ".join(links)} if links else {}
    listed = list(entries[(number - 1) * size : number * size])
    return answer({"total_count": len(entries), under: listed} if under else listed, headers=headers)


def next_link(request: Request, base: str, cursor: str) -> dict[str, str]:
    """The Link header of a page that is followed by the one at a cursor."""
    return {"Link": _link(request, base, "next", cursor=cursor)}


def _link(request: Request, base: str, relation: str, **change: object) -> str:
    query = urlencode({**request.query, **change})
    return f'<{base}{request.path}?{query}>; rel="{relation}"'
