"""The function as it is deployed, in a process of its own under gunicorn: bodies beyond bounds, many threads."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.deliveries import PING, encoded, headers, signature
from tests.support.function import ServedFunction
from tests.support.production import KEY, KUBECONFIG, Production, manifests, open_production, push, pushed
from tests.support.sources import github

NEW = b"the-next-key"
MAX_BODY = 25 * 1024 * 1024


@pytest.fixture
def production(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Production]:
    with open_production(tmp_path, monkeypatch) as found:
        yield found


def read_reply(connection: socket.socket) -> tuple[int, bytes]:
    """Return status and body of the reply that a raw connection gets."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536) or b"\r\n\r\n"
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])  # type: ignore[index]  # the function always sends one
    while len(body) < length:
        body += connection.recv(65536)
    return int(head.split()[1]), body


def peak_memory(function: ServedFunction) -> int:
    """Return the most bytes that any process of the function has held."""
    children = Path(f"/proc/{function.pid}/task/{function.pid}/children").read_text().split()
    statuses = [Path(f"/proc/{pid}/status").read_text() for pid in children]
    return max(int(line.split()[1]) * 1024 for status in statuses for line in status.splitlines() if "VmHWM" in line)


@pytest.fixture
def function(production: Production) -> Iterator[ServedFunction]:
    with production.served() as found:
        yield found


def test_what_is_too_large_is_refused_with_bounded_memory_and_the_next_push_runs(
    production: Production, function: ServedFunction
) -> None:
    assert push(function, pushed()).status == 202
    before = peak_memory(function)
    head = f"POST / HTTP/1.1\r\nHost: x\r\nX-Hub-Signature-256: {signature(b'')}\r\n"
    with socket.create_connection(("127.0.0.1", function.port), 30) as connection:
        # by its length alone, before a byte of it
        connection.sendall(f"{head}Content-Length: {MAX_BODY + 1}\r\n\r\n".encode())
        status, body = read_reply(connection)
    assert (status, json.loads(body)["errorMessage"]) == (413, "the body is larger than 25 MiB")
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with socket.create_connection(("127.0.0.1", function.port), 30) as connection:
        connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        for _ in range(MAX_BODY // 0x10000 + 16):
            connection.sendall(chunk)
        # a MiB too many; it has not ended, and never will
        status, body = read_reply(connection)
    assert (status, json.loads(body)["errorMessage"]) == (413, "the body is larger than 25 MiB")
    assert peak_memory(function) - before < 3 * MAX_BODY
    assert production.calls(KEY) == 1
    assert push(function, pushed("c2")).status == 202


def test_a_chunked_push_within_the_limit_runs(production: Production, function: ServedFunction) -> None:
    body = pushed("c1")
    sent = headers("push", body) | {"Transfer-Encoding": "chunked", "Host": "x"}
    head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    with socket.create_connection(("127.0.0.1", function.port), 30) as connection:
        connection.sendall(f"POST / HTTP/1.1\r\n{head}\r\n".encode())
        for byte in range(0, len(body), 100):
            part = body[byte : byte + 100]
            connection.sendall(b"%x\r\n%s\r\n" % (len(part), part))
        connection.sendall(b"0\r\n\r\n")
        assert read_reply(connection)[0] == 202
    assert production.revisions() == ["c1"]


def test_64_threads_of_mixed_deliveries_while_the_keys_turn(production: Production) -> None:
    production.add_key(NEW)
    production.write(*manifests(interceptors=[github(KEY, eventTypes=["push"])]))
    served = ServedFunction(production.environment(), threads=64)
    start = threading.Barrier(64)
    ping = encoded(PING)

    def deliver(number: int) -> tuple[int, list[str]]:
        body = pushed(f"c{number % 32}")  # each commit comes twice
        ways: list[tuple[bytes, dict[str, str]]] = [
            (body, headers("push", body)),
            (body, headers("push", body, secret=NEW)),
            (ping, headers("ping", ping, secret=NEW)),
            (body, headers("push", body, secret=b"forged")),
        ]
        start.wait()
        answer = served.post(*ways[number % 4])
        return answer.status, answer.statuses

    with served, ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(deliver, range(64)))
    for number, (status, statuses) in enumerate(answers):
        if number % 4 < 2:
            assert (status, statuses) in ((202, ["created"]), (202, ["duplicate"])), number
        else:
            assert (status, statuses) == ((202, ["filtered"]), (401, ["rejected"]))[number % 4 - 2], number
    wanted = sorted(f"c{number}" for number in range(32) if number % 4 < 2)
    assert production.revisions() == wanted
    assert sum(statuses == ["created"] for _, statuses in answers) == len(wanted)
    # two versions, their list and one renewal at most; the kubeconfig once
    assert production.calls(KEY) <= 6
    assert production.calls(KUBECONFIG) == 1
