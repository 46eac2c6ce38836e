"""HTTPS to one GitHub API: bounded answers, pages and time, errors told apart, a token that goes nowhere else."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Set
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin, urlsplit

from functions.adapters.bounded import NoAnswerError, whole
from functions.adapters.clocks import LIFE_CLOCK, Clock
from functions.adapters.github.answers import Answer, Question, unexpected
from functions.common.errors import LastingError, PassingError
from functions.common.ports import Deadline
from functions.common.values import Json

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, HTTPConnectionPool

MAX_ANSWER = 16 * 1024 * 1024
"""Bytes of one answer: a page of 100 changed files with their patches stays well below."""
MAX_PAGES = 100
PER_PAGE = 100
MAX_REDIRECTS = 3
CALL_SECONDS = 5.0
"""The longest that one call waits for a connection, or for the other side's next bytes."""
MAX_IDLE = 16
"""Connections that are kept."""
IDLE_SECONDS = 10.0
"""How long unused connections are kept: balancers keep theirs longer, so few calls find a closed one."""

NOTHING: Set[int] = frozenset()
_NEXT = re.compile(r'<([^<>]*)>\s*;[^,<]*\brel="?next"?')
_RETRIED = frozenset({502, 503, 504})
_REDIRECTS = frozenset({301, 302, 307, 308})
_PORTS = {"https": 443, "http": 80}
_AS_IT_IS = "!#$%&'()*+,/:;=?@[]~"
"""What a request line takes beside letters, digits and `-._`."""


class GitHubTransport:
    """Calls of one GitHub API. Shared between threads; connections are kept and bounded.

    `base_url` alone decides where requests go (`https://api.github.com`, or `https://HOST/api/v3` of a GitHub
    Enterprise Server): there is one pool of connections, to its host, and none that the environment's proxies know.
    Redirects and pages are followed on the same scheme, host and port only.
    """

    def __init__(
        self,
        base_url: str,
        *,
        now: Callable[[], float] = time.time,
        clock: Clock = LIFE_CLOCK,
        heard: Callable[[Answer], None] | None = None,
    ) -> None:
        """`now` gives seconds since 1970, for the times at which rate limits end; `clock` says what idled.

        `heard` is given every answer, for what its headers say of rate limits.
        """
        self._base = base_url.rstrip("/")
        self._origin = _origin(self._base)
        self._now = now
        self._clock = clock
        self._heard = heard
        self._lock = threading.Lock()
        self._opened: HTTPConnectionPool | None = None
        self._used = 0.0

    def get(
        self, path: str, question: Question, *, token: str, deadline: Deadline, also: Set[int] = NOTHING, etag: str = ""
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
        raise LastingError(f"{question.service}'s API redirects without end when asked for {question.about}")

    def send(
        self, method: str, path: str, question: Question, *, token: str, deadline: Deadline, body: bytes = b""
    ) -> Answer:
        """Send what changes something once, never again by itself and never after a redirect; raises as `get` does."""
        answer = self._attempt(
            method, self._base + path, question, token=token, deadline=deadline, again=False, body=body
        )
        answer.check(question, now=self._now())
        return answer

    def pages(
        self,
        path: str,
        question: Question,
        *,
        token: str,
        deadline: Deadline,
        empty: Set[int] = NOTHING,
        items: str = "",
    ) -> Iterator[list[Json]]:
        """Yield a list's pages as they are asked for, to the last; `path` may have a query. Raises as `get` does.

        The statuses in `empty` are an empty page, and the last. With `items` each page is an object that has the list
        under this name.
        """
        url = f"{self._base}{path}{'&' if '?' in path else '?'}per_page={PER_PAGE}"
        for _ in range(MAX_PAGES):
            answer = self._get(url, question, token=token, deadline=deadline, also=empty)
            if answer.status in empty:
                return
            page = answer.json()
            listed = page.get(items) if items and isinstance(page, dict) else page
            if not isinstance(listed, list):
                raise unexpected(question)
            yield listed
            link = _NEXT.search(answer.headers.get("link", ""))
            if link is None:
                return
            url = self._following(answer.url, link.group(1), question)
        raise LastingError(f"{question.service}'s API lists more than {MAX_PAGES} pages for {question.about}")

    def _following(self, url: str, reference: str, question: Question) -> str:
        try:
            following = urljoin(url, reference)
            same = _origin(following) == self._origin
        except ValueError:  # no URL at all
            same = False
        if not same:
            raise LastingError(
                f"{question.service}'s API points to another host for {question.about}, where the token does not go: "
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
        seconds = min(CALL_SECONDS, deadline.require(f"ask {question.service} for {question.about}"))
        ask = partial(
            self._send, method, _target(url), body=body or None, headers=_headers(question.service, token, body, etag)
        )
        try:
            response, content = whole(partial(ask, seconds=seconds), deadline=deadline, size=MAX_ANSWER)
        except NoAnswerError as error:
            if error.cause == "size":
                raise LastingError(f"{question.service}'s API: {error.text} for {question.about}") from error
            if error.cause == "time":
                raise PassingError(
                    f"{question.service}'s API did not answer in time when asked for {question.about}"
                ) from error
            raise _ConnectionBrokenError(
                f"{question.service}'s API cannot be reached to ask for {question.about}: {error.text}"
            ) from error
        except LastingError as error:
            raise LastingError(f"GitHub's API cannot be asked for {question.about}: {error.reason}") from error
        headers = {name.lower(): value for name, value in response.headers.items()}
        answer = Answer(response.status, headers, content, url)
        if self._heard is not None:
            self._heard(answer)
        return answer

    def _send(
        self, method: str, target: str, *, body: bytes | None, headers: dict[str, str], seconds: float
    ) -> BaseHTTPResponse:
        return self._pool().urlopen(
            method,
            target,
            body=body,
            headers=headers,
            timeout=seconds,
            # both are decided above, with the deadline in view
            retries=False,
            redirect=False,
            preload_content=False,
        )

    def _pool(self) -> HTTPConnectionPool:
        with self._lock:
            now = self._clock()
            if self._opened is None or now - self._used > IDLE_SECONDS:
                self._opened = _opened(*self._origin)
            self._used = now
            return self._opened


class _ConnectionBrokenError(PassingError):
    """No connection, or one that broke."""


def _opened(scheme: str, host: str, port: int | None) -> HTTPConnectionPool:
    # imported by the first call: most deliveries ask GitHub nothing
    import urllib3  # noqa: PLC0415 -- see above

    if scheme == "http":
        return urllib3.HTTPConnectionPool(host, port, maxsize=MAX_IDLE)
    import ssl  # noqa: PLC0415 -- as above

    return urllib3.HTTPSConnectionPool(host, port, maxsize=MAX_IDLE, ssl_context=ssl.create_default_context())


def _headers(service: str, token: str, body: bytes, etag: str) -> dict[str, str]:
    headers = {"Accept": "application/json", "User-Agent": "pipehook"}  # GitHub refuses requests without an agent
    if service == "GitHub":
        headers |= {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
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


def _target(url: str) -> str:
    """Return what a request line names: path and query alone, so that no URL leads elsewhere."""
    parts = urlsplit(url)
    path = "/" + parts.path.lstrip("/")
    return quote(f"{path}?{parts.query}" if parts.query else path, safe=_AS_IT_IS)
