"""Answers of GitHub's API, kept for some minutes, so that deliveries do not ask the same again and again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Set

from msgspec import Struct

from functions.adapters.clocks import Clock
from functions.adapters.github.answers import Answer, Question
from functions.adapters.github.transport import GitHubTransport
from functions.common.ports import Deadline

FRESH_SECONDS = 180.0
"""How long an answer is used without asking: somebody who leaves an organization may start runs for so long."""
MAX_ANSWERS = 2_000
MAX_BYTES = 8 * 1024 * 1024
"""Of all bodies together; a larger one is not kept at all."""

_NOT_MODIFIED = 304


class _Kept(Struct, frozen=True):
    answer: Answer
    until: float


class KeptAnswers:
    """GET with a memory, by path and token. Shared between threads.

    An answer that is no longer fresh is asked for with its ETag, which costs nothing of GitHub's rate limit when it
    is still right. Errors are not kept, and nothing that is not fresh is ever used without an answer.
    """

    def __init__(self, transport: GitHubTransport, *, clock: Clock) -> None:
        """`clock` is monotonic and in seconds."""
        self._transport = transport
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        self._bytes = 0

    def get(self, path: str, question: Question, *, token: str, deadline: Deadline, also: Set[int]) -> Answer:
        """Return the answer, a kept one while it is fresh; takes and raises what the transport's `get` does."""
        key = (path, token)
        with self._lock:
            known = self._kept.get(key)
        if known and self._clock() < known.until:
            return known.answer
        etag = known.answer.headers.get("etag", "") if known else ""
        answer = self._transport.get(path, question, token=token, deadline=deadline, also=also, etag=etag)
        if known and answer.status == _NOT_MODIFIED:
            answer = known.answer
        self._keep(key, answer)
        return answer

    def _keep(self, key: tuple[str, str], answer: Answer) -> None:
        with self._lock:
            before = self._kept.pop(key, None)
            if before:
                self._bytes -= len(before.answer.body)
            if len(answer.body) > MAX_BYTES:
                return
            self._kept[key] = _Kept(answer, self._clock() + FRESH_SECONDS)
            self._bytes += len(answer.body)
            while len(self._kept) > MAX_ANSWERS or self._bytes > MAX_BYTES:
                _, oldest = self._kept.popitem(last=False)
                self._bytes -= len(oldest.answer.body)
