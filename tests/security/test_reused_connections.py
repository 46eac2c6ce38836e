"""A proxy reuses connections, as Cloud Run does: whatever is refused unread, the next request is served."""

from __future__ import annotations

import io
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest
from flask import Flask, Request

from functions.adapters.http.rest import MAX_REST, leave_rest
from tests.security.conftest import THREADS
from tests.security.raw import BODY, Connection, chunked, request
from tests.standins.apiserver import ApiServer
from tests.support.deliveries import PUSH, SECRET, encoded, headers
from tests.support.function import ServedFunction
from tests.support.sources import github, inline, listener, template
from tests.support.workspace import Workspace

HOST = "127.0.0.1"
LARGE = encoded(PUSH | {"padding": "x" * (MAX_REST - len(BODY) - 100)})
"""Far more than gunicorn throws away by itself."""


class Proxy:
    """One connection, which is opened once."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection(HOST, port, timeout=30)
        self._connection.connect()
        self._connection.auto_open = 0  # a server that closed it after it had announced to keep it fails the test

    def close(self) -> None:
        self._connection.close()

    def send(self, body: bytes, sent: Mapping[str, str], path: str = "/", method: str = "POST") -> tuple[int, str]:
        self._connection.request(method, path, body, dict(sent))
        reply = self._connection.getresponse()
        assert not reply.will_close
        return reply.status, reply.read().decode()


@contextmanager
def proxy(function: ServedFunction) -> Iterator[Proxy]:
    opened = Proxy(function.port)
    try:
        yield opened
    finally:
        opened.close()


@pytest.mark.parametrize("body", [BODY, LARGE], ids=["small", "large"])
@pytest.mark.parametrize(
    ("method", "path", "more", "status"),
    [
        ("PUT", "/", {}, 405),
        ("GET", "/", {}, 200),
        ("POST", "/" + "a" * 9000, {}, 414),
        ("POST", "/", {f"X-{number}": "a" * 1000 for number in range(80)}, 431),
    ],
    ids=["405", "probe", "414", "431"],
)
def test_after_what_is_answered_before_its_body_is_read_the_connection_serves_on(
    method: str, path: str, more: Mapping[str, str], status: int, body: bytes, served: ServedFunction
) -> None:
    with proxy(served) as client:
        assert client.send(body, {**headers("push", body), **more}, path, method)[0] == status
        assert client.send(BODY, headers("push", BODY))[0] == 202


def test_a_body_in_chunks_is_thrown_away_too(served: ServedFunction) -> None:
    body = chunked(*[b"x" * 100_000] * 5)
    with Connection(served.port) as connection:
        connection.send(request("PUT / HTTP/1.1", "Transfer-Encoding: chunked", body=body, length=False))
        [(refused, _)] = connection.replies()
        connection.send(request())
        [(then, _)] = connection.replies()
    assert (refused, then) == (405, 202)


def test_a_function_that_is_not_configured_leaves_connections_open() -> None:
    with ServedFunction({}) as function, proxy(function) as client:
        assert [client.send(LARGE, headers("push", LARGE))[0] for _ in range(2)] == [500, 500]


@pytest.mark.parametrize("body", [BODY, LARGE], ids=["small", "large"])
def test_a_delivery_that_finds_no_place_leaves_the_connection_to_the_next(body: bytes, tmp_path: Path) -> None:
    with ApiServer(namespaces=["red", "blue"]) as cluster:
        teams = Workspace(tmp_path / "teams", cluster, namespace="red")
        made = [listener(inline("one", github("hook"))), template()]
        teams.write(
            {**one, "metadata": one["metadata"] | {"namespace": team}} for team in ("red", "blue") for one in made
        )
        teams.secret("hook", "token", SECRET)
        with ServedFunction(teams.environment(), threads=THREADS) as function, ExitStack() as held:
            client = held.enter_context(proxy(function))
            status, text = 202, ""
            while status == 202:  # until slow ones hold all places; each is given up after a while
                slow = held.enter_context(Connection(function.port))
                slow.send(request("POST /red/listener HTTP/1.1", "Content-Length: 1000", body=b"", length=False))
                status, text = client.send(body, headers("push", body), "/red/listener")
            assert (status, json.loads(text)["errorMessage"].partition(":")[0]) == (
                503,
                "too many deliveries of this listener are under way",
            )
            assert client.send(BODY, headers("push", BODY), "/blue/listener")[0] == 202


def test_a_body_that_nobody_reads_and_that_does_not_come_ends_the_connection_at_once(served: ServedFunction) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(Connection(served.port)) for _ in range(3 * THREADS)]
        for connection in slow:
            connection.send(request("PUT / HTTP/1.1", "Content-Length: 1000", body=b"", length=False))
        replies = [connection.replies()[0][0] for connection in slow]
        with pytest.raises(ConnectionError):
            slow[0].replies()
        assert replies == [405] * len(slow)


def test_what_is_refused_unread_costs_no_thread_each(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    start = threading.Thread.start

    def counted(thread: threading.Thread) -> None:
        started.append(thread.name)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", counted)
    with socket.socket() as connection, Flask("any").test_request_context():
        for _ in range(50):
            leave_rest(Request({"wsgi.input": io.BytesIO(BODY), "CONTENT_LENGTH": "1", "gunicorn.socket": connection}))
    assert len(started) <= 1, "one for all, and for those of other tests"


@pytest.mark.parametrize("line", ["PUT / HTTP/1.1", "POST / HTTP/1.1"], ids=["refused", "given-up"])
def test_what_comes_of_a_body_after_its_reply_is_no_request(line: str, served: ServedFunction) -> None:
    started = request(line, "Content-Length: 1000", body=b"x" * 10, length=False)
    with ExitStack() as stack:
        clients = [
            stack.enter_context(socket.create_connection((HOST, served.port), timeout=30)) for _ in range(THREADS)
        ]
        for client in clients:  # many, since the moment is short in which it would be taken for one
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.sendall(started)
        assert [replies_to(client, b"GET / HTTP/1.1\r\nHost: forged\r\n\r\n") for client in clients] == [1] * THREADS


def replies_to(client: socket.socket, behind: bytes) -> int:
    """Return how many replies come where `behind` is sent when the first one does."""
    received = client.recv(1)
    with suppress(ConnectionError):
        client.sendall(behind)
        while piece := client.recv(65_536):
            received += piece
    return received.count(b"HTTP/1.1 ")
