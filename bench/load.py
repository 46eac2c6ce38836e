"""A sender of deliveries in a process of its own: `python -m bench.load` reads a job and prints what came of it.

It speaks HTTP over plain sockets that are kept open, because a client library's own work would be measured as well.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections import Counter
from itertools import count
from typing import Any

from bench.inputs import SECRET, headers, push

_END_OF_HEADERS = b"\r\n\r\n"


class Connection:
    """One that is kept open, as GitHub's and a proxy's are."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self._address = host, port
        self._socket = socket.create_connection(self._address)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def exchange(self, head: bytes, body: bytes) -> int:
        """Send a request and return the status; a connection that was closed while it idled is opened anew."""
        try:
            return self._exchange(head, body)
        except ConnectionError:
            self._socket.close()
            self._socket = socket.create_connection(self._address)
            return self._exchange(head, body)

    def _exchange(self, head: bytes, body: bytes) -> int:
        self._socket.sendall(head)
        self._socket.sendall(body)
        received = b""
        while _END_OF_HEADERS not in received:
            received += self._more()
        answer, _, rest = received.partition(_END_OF_HEADERS)
        length = next(
            int(line.partition(b":")[2]) for line in answer.split(b"\r\n") if line.lower().startswith(b"content-length")
        )
        size = len(rest)
        while size < length:
            size += len(self._more())
        return int(answer.split(b" ", 2)[1])

    def _more(self) -> bytes:
        chunk = self._socket.recv(65536)
        if not chunk:
            raise ConnectionError("closed")
        return chunk


def delivery(kilobytes: float, number: int, *, forged: bool = False, key: bytes = SECRET) -> tuple[bytes, bytes]:
    """Return the head and body of a request: a push that no other number's is."""
    body = push(kilobytes, number)
    return _head(body, number, forged=forged, key=key), body


def _head(body: bytes, number: int, *, forged: bool, key: bytes) -> bytes:
    lines = [f"{name}: {value}" for name, value in headers(body, number, forged=forged, key=key).items()]
    return "\r\n".join(["POST / HTTP/1.1", "Host: bench", f"Content-Length: {len(body)}", *lines, "", ""]).encode()


def send(
    *,
    port: int,
    deliveries: int,
    concurrency: int,
    kilobytes: float,
    forged: bool,
    first: int,
    host: str = "127.0.0.1",
    key: str = SECRET.decode(),
) -> dict[str, Any]:
    """Send so many deliveries, each another one, over so many connections."""
    template = push(kilobytes, number=1).decode()
    before, after = (part.encode() for part in template.split('"number": 1', 1))
    numbers = count(first)
    taken = threading.Lock()
    statuses: Counter[int] = Counter()
    times: list[float] = []

    def work() -> None:
        connection = Connection(port, host)
        while True:
            with taken:
                number = next(numbers)
            if number >= first + deliveries:
                return
            body = b'%s"number": %d%s' % (before, number, after)
            head = _head(body, number, forged=forged, key=key.encode())
            started = time.perf_counter()
            status = connection.exchange(head, body)
            times.append(time.perf_counter() - started)
            with taken:
                statuses[status] += 1

    threads = [threading.Thread(target=work) for _ in range(concurrency)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    times.sort()
    return {
        "seconds": seconds,
        "rate": len(times) / seconds,
        "statuses": dict(statuses),
        "median_ms": times[len(times) // 2] * 1000,
        "p99_ms": times[len(times) * 99 // 100] * 1000,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(send(**json.load(sys.stdin))) + "\n")
