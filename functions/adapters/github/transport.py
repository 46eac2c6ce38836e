"""HTTPS to one GitHub API: bounded answers, pages and time, errors told apart, a token that goes nowhere else."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote, urljoin, urlsplit

from functions.adapters.exchanges import Exchange, Exchanges
from functions.adapters.github.answers import Answer, Question, unexpected
from functions.common.destinations import Destination
from functions.common.errors import LastingError, PassingError
from functions.common.ports import Deadline
from functions.common.values import Json

if TYPE_CHECKING:
    from http.client import HTTPResponse

    from functions.adapters.outbound.connections import Connection, Kept

MAX_ANSWER = 16 * 1024 * 1024
"""Bytes of one answer: a page of 100 changed files with their patches stays well below."""
MAX_PAGES = 100
PER_PAGE = 100
MAX_REDIRECTS = 3
CALL_SECONDS = 5.0
"""The longest that one call waits for the other side's next bytes; all of it ends with the deadline."""
MAX_CALLS = 64
"""Calls under way at once."""

NOTHING: Set[int] = frozenset()
_NEXT = re.compile(r'<([^<>]*)>\s*;[^,<]*\brel="?next"?')
_CHUNK = 64 * 1024
_RETRIED = frozenset({502, 503, 504})
_REDIRECTS = frozenset({301, 302, 307, 308})
_PORTS = {"https": 443, "http": 80}
_AS_IT_IS = "!#$%&'()*+,/:;=?@[]~"
"""What a request line takes beside letters, digits and `-._`."""


class GitHubTransport:
    """Calls of one GitHub API. Shared between threads; connections are kept and bounded.

    `base_url` alone decides where requests go (`https://api.github.com`, or `https://HOST/api/v3` of a GitHub
    Enterprise Server): no header and no URL in a body ever does, and redirects and pages are followed on the same
    scheme, host and port only.
    """

    def __init__(self, base_url: str, *, now: Callable[[], float] = time.time) -> None:
        """`now` gives seconds since 1970, for the times at which rate limits end."""
        self._base = base_url.rstrip("/")
        self._origin = _origin(self._base)
        self._now = now
        self._exchanges = Exchanges(MAX_CALLS)
        self._lock = threading.Lock()
        self._kept: Kept | None = None

    def get(
        self,
        path: str,
        question: Question,
        *,
        token: str,
        deadline: Deadline,
        also: Set[int] = NOTHING,
        etag: str = "",
    ) -> Answer:
        """GET `path` (below the base, starting with a slash, quoted); with an `etag`, 304 says that nothing changed.

        A broken connection or a 502, 503 or 504 is tried once more at once. Raises PassingError for rate limits,
        outages and a deadline that ends, TokenRefusedError for 401 and LastingError for every other refusal; the
        statuses in `also` are returned instead (a 403 that is a rate limit is not).
        """
        if etag:
            also = also | {304}
        return self._get(self._base + path, question, token=token, deadline=deadline, also=also, etag=etag)

    def _get(
        self, url: str, question: Question, *, token: str, deadline: Deadline, also: Set[int], etag: str = ""
    ) -> Answer:
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._attempt("GET", url, question, token=token, deadline=deadline, again=True, etag=etag)
            if answer.status in _REDIRECTS:
                url = self._following(url, answer.headers.get("location", ""), question)
                continue
            if answer.status not in also or answer.is_rate_limit:
                answer.check(question, now=self._now())
            return answer
        raise LastingError(f"GitHub's API redirects without end when asked for {question.about}")

    def post(self, path: str, question: Question, *, token: str, deadline: Deadline, body: bytes = b"") -> Answer:
        """POST once, never again by itself and never after a redirect; raises as `get` does."""
        answer = self._attempt(
            "POST", self._base + path, question, token=token, deadline=deadline, again=False, body=body
        )
        answer.check(question, now=self._now())
        return answer

    def pages(
        self, path: str, question: Question, *, token: str, deadline: Deadline, empty: Set[int] = NOTHING
    ) -> Iterator[list[Json]]:
        """Yield a list's pages as they are asked for, to the last; `path` may have a query. Raises as `get` does.

        The statuses in `empty` are an empty page, and the last.
        """
        url = f"{self._base}{path}{'&' if '?' in path else '?'}per_page={PER_PAGE}"
        for _ in range(MAX_PAGES):
            answer = self._get(url, question, token=token, deadline=deadline, also=empty)
            if answer.status in empty:
                return
            items = answer.json()
            if not isinstance(items, list):
                raise unexpected(question)
            yield items
            link = _NEXT.search(answer.headers.get("link", ""))
            if link is None:
                return
            url = self._following(answer.url, link.group(1), question)
        raise LastingError(f"GitHub's API lists more than {MAX_PAGES} pages for {question.about}")

    def _following(self, url: str, reference: str, question: Question) -> str:
        try:
            following = urljoin(url, reference)
            same = _origin(following) == self._origin
        except ValueError:  # no URL at all
            same = False
        if not same:
            raise LastingError(
                f"GitHub's API points to another host for {question.about}, where the token does not go: "
                "set GITHUB_API_URL to the host that it names itself"
            )
        return following

    def _attempt(
        self,
        method: str,
        url: str,
        question: Question,
        *,
        token: str,
        deadline: Deadline,
        again: bool,
        body: bytes = b"",
        etag: str = "",
    ) -> Answer:
        once = partial(self._once, method, url, question, token=token, deadline=deadline, body=body, etag=etag)
        try:
            answer = once()
        except _ConnectionBrokenError:
            # mostly a kept connection that the other side had closed while the instance was frozen
            if not again:
                raise
            return once()
        if again and answer.status in _RETRIED and "retry-after" not in answer.headers:
            return once()
        return answer

    def _once(
        self, method: str, url: str, question: Question, *, token: str, deadline: Deadline, body: bytes, etag: str
    ) -> Answer:
        from http.client import HTTPException  # noqa: PLC0415 -- with the connections, by the first call

        seconds = deadline.require(f"ask GitHub for {question.about}")
        call = _Call(method, url, question, _headers(token, body, etag), body, time.monotonic() + seconds)
        try:
            return self._exchanges.run(partial(self._ask, call), seconds=seconds)
        except TimeoutError as error:
            raise PassingError(f"GitHub's API did not answer in time when asked for {question.about}") from error
        except (HTTPException, OSError, UnicodeError) as error:
            # of the last one, a name that no resolver takes, each Python raises another kind
            kind = UnicodeError if isinstance(error, UnicodeError) else type(error)
            raise _ConnectionBrokenError(
                f"GitHub's API cannot be reached to ask for {question.about} ({kind.__name__})"
            ) from error

    def _ask(self, call: _Call, exchange: Exchange) -> Answer:
        """Send and read, in the call's own thread."""
        # imported by the first call: most deliveries ask GitHub nothing
        from functions.adapters.outbound.connections import Connection, Kept, resolve  # noqa: PLC0415

        with self._lock:
            if self._kept is None:
                self._kept = Kept()
        found = _destination(call.url)
        key = (found.scheme, found.host, found.port, "")
        connection = self._kept.take(key)
        if connection is None:
            connection = Connection(found, resolve, "", call.ends, patience=CALL_SECONDS)
        else:
            connection.refresh(call.ends)
        return exchange.on(connection, partial(call.talk, found.path), kept=self._kept, key=key)


class _ConnectionBrokenError(PassingError):
    """No connection, or one that broke."""


@dataclass(frozen=True, slots=True)
class _Call:
    """One request."""

    method: str
    url: str
    question: Question
    headers: dict[str, str]
    body: bytes
    ends: float
    """By the monotonic clock."""

    def talk(self, target: str, connection: Connection) -> tuple[Answer, bool]:
        """Return the answer, and whether the connection may serve another call."""
        connection.request(self.method, target, body=self.body or None, headers=self.headers)
        with connection.getresponse() as response:
            content = _read(response, self.question)
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, headers, content, self.url), not response.will_close


def _read(response: HTTPResponse, question: Question) -> bytes:
    from http.client import IncompleteRead  # noqa: PLC0415 -- as in _once

    chunks: list[bytes] = []
    left = MAX_ANSWER
    _require_room(left - (response.length or 0), question)
    while chunk := response.read1(_CHUNK):
        left -= len(chunk)
        _require_room(left, question)
        chunks.append(chunk)
    if response.length:
        raise IncompleteRead(b"", response.length)
    return b"".join(chunks)


def _require_room(left: int, question: Question) -> None:
    if left < 0:
        raise LastingError(f"GitHub's API answered more than {MAX_ANSWER // 2**20} MiB for {question.about}")


def _headers(token: str, body: bytes, etag: str) -> dict[str, str]:
    headers = {
        "Accept": "application/vnd.github+json",
        "User-Agent": "pipehook",  # GitHub refuses requests without one
        "X-GitHub-Api-Version": "2022-11-28",
    }
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if etag:
        headers["If-None-Match"] = etag
    if body:
        headers["Content-Type"] = "application/json"
    return headers


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return (parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme))


def _destination(url: str) -> Destination:
    """Return where a call goes, which the operator has chosen: private addresses and plain http, too."""
    parts = urlsplit(url)
    scheme: Literal["http", "https"] = "http" if parts.scheme == "http" else "https"
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    port = parts.port or _PORTS[scheme]
    return Destination(scheme, parts.hostname or "", port, quote(target, safe=_AS_IT_IS), listed=True)
