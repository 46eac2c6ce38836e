"""Memory under 32 large bodies at a time: the real server, measured from outside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import urllib3

from functions.adapters.http_body import LARGE_BODIES, MAX_BODY
from tests.support.deliveries import PUSH, encoded, headers
from tests.support.function import ServedFunction
from tests.support.workspace import Workspace

MIB = 1 << 20
PARALLEL = 32


@pytest.fixture
def wide(article: Workspace) -> Iterator[ServedFunction]:
    """A function of its own with a thread for each body, whose memory nobody else has touched."""
    with ServedFunction(article.environment(), threads=PARALLEL + 4) as function:
        yield function


def in_parallel(function: ServedFunction, body: bytes, sent: dict[str, str]) -> tuple[Counter[int], Counter[int]]:
    """Send large bodies all at once, and small pushes meanwhile; return the statuses of both."""
    small = encoded(PUSH | {"large": False})

    def deliver(_: int) -> int:
        try:
            return function.post(body, sent).status
        except urllib3.exceptions.ProtocolError:
            return 503  # refused and closed while we were still sending, as TCP has it

    with ThreadPoolExecutor(PARALLEL) as pool:
        large = [pool.submit(deliver, number) for number in range(PARALLEL)]
        meanwhile = Counter(function.post(small, headers("push", small)).status for _ in range(10))
        return Counter(future.result() for future in large), meanwhile


def test_forged_bodies_of_25_mib(wide: ServedFunction) -> None:
    start = wide.memory()
    body = bytes(MAX_BODY)
    large, small = in_parallel(wide, body, headers("push", body, secret=b"forged"))
    assert set(large) <= {401, 503}
    assert large[401] >= 2
    assert small == {202: 10}, "small deliveries never wait for room"
    # the bodies that fit, and for every other connection the part that may be read before there is room, twice
    assert wide.memory() - start < LARGE_BODIES + 2 * PARALLEL * MIB + 32 * MIB


def test_signed_bodies_of_24_mib(wide: ServedFunction) -> None:
    start = wide.memory()
    commit = {"id": "6dcb09b5", "message": "Say hello " * 20, "added": ["src/a.txt"] * 8, "author": {"name": "mosuke5"}}
    body = encoded(PUSH | {"commits": [commit] * (24 * MIB // len(encoded(commit)))})
    assert body[-1:] == b"}"
    large, small = in_parallel(wide, body, headers("push", body))
    assert set(large) <= {202, 503}
    assert large[202] >= 2
    assert small == {202: 10}
    assert wide.memory() - start < 8 * LARGE_BODIES
    assert wide.post(body, headers("push", body)).status == 202
