"""A client that sends whatever bytes it is told to, and a delivery as such bytes."""

from __future__ import annotations

import select
import socket
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from tests.support.deliveries import PUSH, encoded, headers

BODY = encoded(PUSH)


def request(
    line: str = "POST / HTTP/1.1",
    *more: str,
    body: bytes = BODY,
    sent: Mapping[str, str] | None = None,
    host: Sequence[str] = ("Host: function.example",),
    length: bool = True,
) -> bytes:
    """Return a request: a signed push unless told otherwise; `more` are header lines as they stand."""
    fields = headers("push", body) if sent is None else sent
    lines = [line, *host, *(f"{name}: {value}" for name, value in fields.items()), *more]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def chunked(*pieces: bytes) -> bytes:
    """Return a chunked body."""
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (*pieces, b""))


class Connection:
    """One connection to 127.0.0.1; a test that waits longer than `seconds` for an answer fails."""

    def __init__(self, port: int, *, seconds: float = 30) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), seconds)
        self._received = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def send(self, data: bytes, *, end: bool = False) -> None:
        """Send bytes, and with `end` nothing ever again."""
        self._socket.sendall(data)
        if end:
            self._socket.shutdown(socket.SHUT_WR)

    def answered(self, *, within: float) -> bool:
        """Say whether bytes of an answer arrive within so many seconds."""
        return bool(self._received or select.select([self._socket], [], [], within)[0])

    def replies(self, count: int = 1) -> list[tuple[int, str]]:
        """Return the status and body of so many replies."""
        return [self._reply() for _ in range(count)]

    def _reply(self) -> tuple[int, str]:
        head = self._until(b"\r\n\r\n").decode("latin-1")
        if head.startswith("HTTP/1.1 100 "):
            return self._reply()
        fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:])
        text = self._exactly(int(fields["content-length"]))
        return int(head.split(" ")[1]), text.decode("utf-8", "replace")

    def _until(self, end: bytes) -> bytes:
        while end not in self._received:
            self._receive()
        head, _, self._received = self._received.partition(end)
        return head

    def _exactly(self, count: int) -> bytes:
        while len(self._received) < count:
            self._receive()
        found, self._received = self._received[:count], self._received[count:]
        return found

    def _receive(self) -> None:
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionError("the server closed the connection before it had answered")
        self._received += data


def ask(port: int, data: bytes, *, end: bool = False) -> tuple[int, str]:
    """Send bytes on a connection of their own and return status and body of the reply."""
    with Connection(port) as connection:
        connection.send(data, end=end)
        [reply] = connection.replies()
        return reply
