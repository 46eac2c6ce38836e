"""A small server that says exactly the bytes it is told to, over TCP or TLS, and remembers who asked what."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Self

from tests.standins.journal import Journal


@dataclass(frozen=True)
class Asked:
    """One request, as it came."""

    connection: int
    line: str
    headers: list[tuple[str, str]]
    body: bytes

    def values(self, name: str) -> list[str]:
        """The values of a header, in order; `name` in lower case."""
        return [value for known, value in self.headers if known.lower() == name]


Say = Callable[[socket.socket, Asked], bool]
"""Writes an answer and says whether the connection stays open."""


def answer(body: bytes = b"{}", *, status: str = "200 OK", head: str = "", length: int | None = None) -> bytes:
    """Return an answer's bytes; `length` in place of the body's own."""
    said = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {said}\r\n{head}\r\n".encode() + body


class Server:
    """Answers with `say` on a port of 127.0.0.1: bytes, or a function that writes to the socket."""

    def __init__(self, say: bytes | Say = b"", *, tls: ssl.SSLContext | None = None) -> None:
        self.say: bytes | Say = say or answer()
        self.asked: Journal[Asked] = Journal()
        self.ended: Journal[int] = Journal()
        """The numbers of the connections that the client has closed or broken."""
        self._tls = tls
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.released = threading.Event()
        """Set at the end: answers that wait for it end."""

    @property
    def entry(self) -> str:
        """As OUTBOUND_HOSTS names it."""
        return f"127.0.0.1:{self.port}"

    def url(self, path: str = "/", *, host: str = "127.0.0.1") -> str:
        """A URL of this server."""
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}{path}"

    def __enter__(self) -> Self:
        self._accepting = self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.released.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._accepting.join(10)  # a connection that it has just taken is one to close
        for connection in self._open:
            with suppress(OSError), connection:
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)

    def _start(self, work: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=work, name="outbound-standin", daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            number = len(self._open) + 1
            self._open.append(connection.dup())  # TLS takes the first one over
            self._start(partial(self._serve, connection, number))

    def _serve(self, connection: socket.socket, number: int) -> None:
        with suppress(OSError), connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._talk(connection, number)
        with suppress(OSError):
            self._open[number - 1].shutdown(socket.SHUT_RDWR)
        self.ended.append(number)

    def _talk(self, connection: socket.socket, number: int) -> None:
        stream = self._tls.wrap_socket(connection, server_side=True) if self._tls else connection
        with stream, stream.makefile("rb") as reader:
            while asked := _read(reader.readline, reader.read, number):
                self.asked.append(asked)
                if isinstance(self.say, bytes):
                    stream.sendall(self.say)
                elif not self.say(stream, asked):
                    return


def _read(readline: Callable[[], bytes], read: Callable[[int], bytes], number: int) -> Asked | None:
    line = readline()
    if not line:
        return None
    headers = []
    while (raw := readline()) not in (b"\r\n", b""):
        name, _, value = raw.decode().partition(":")
        headers.append((name, value.strip()))
    length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
    return Asked(number, line.decode().rstrip("\r\n"), headers, read(length))
