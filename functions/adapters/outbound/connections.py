"""Connections of outgoing calls: made to checked addresses only, kept for a moment, cut when their time is over."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache

from functions.common.destinations import Destination, check_address
from functions.common.errors import LastingError

CONNECT_SECONDS = 2.0
"""For one address; a name may have several."""
IDLE_SECONDS = 10.0
"""How long a connection is kept for the next call: balancers keep theirs longer, so few calls find a closed one."""
MAX_IDLE = 16

Resolver = Callable[[str, int], Sequence[str]]
"""From a name and a port to addresses. Raises socket.gaierror."""

Key = tuple[str, str, int, str]
"""What a kept connection serves: scheme, host, port and CA bundle."""


def resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a name as the system's resolver knows them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


class Connection(http.client.HTTPConnection):
    """One connection, over TLS for https.

    The name is resolved once; all its addresses are checked, and one of these very addresses is connected to. So no
    second answer of a name server, and no proxy of the environment, can lead elsewhere.
    """

    def __init__(self, destination: Destination, resolver: Resolver, ca_pem: str, ends: float) -> None:
        """Take the end of the call, by the monotonic clock."""
        super().__init__(destination.host, destination.port)
        self.default_port = {"http": 80, "https": 443}[destination.scheme]  # the port that Host leaves out
        self._destination = destination
        self._resolver = resolver
        self._ca_pem = ca_pem
        self._switch: socket.socket | None = None
        self._ends = ends
        self.used = 0.0
        """When it last served, in seconds of the monotonic clock."""
        self.answered = False
        """Whether the answer to the present call has begun."""

    def connect(self) -> None:
        """Resolve, check, connect and shake hands. Raises LastingError, OSError."""
        sock = self._connected(self._addresses())
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(self._left())
            self._switch = sock.dup()  # shut down by another thread, also when TLS has taken the first one over
            self.sock = self._over_tls(sock) if self._destination.scheme == "https" else sock
        except BaseException:
            sock.close()
            raise

    def _addresses(self) -> Sequence[str]:
        host = self._destination.host
        # addresses stand for themselves: no resolver is asked, which might read them differently
        addresses = [host] if self._destination.is_address else self._resolver(host, self._destination.port)
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "no address")
        for address in addresses:
            check_address(self._destination, address)
        return addresses

    def _connected(self, addresses: Sequence[str]) -> socket.socket:
        failure: OSError | None = None
        for address in addresses:
            try:
                return socket.create_connection(
                    (address, self._destination.port), timeout=min(CONNECT_SECONDS, self._left())
                )
            except OSError as error:
                failure = error
        raise failure or TimeoutError

    def _over_tls(self, sock: socket.socket) -> ssl.SSLSocket:
        return _tls(self._ca_pem).wrap_socket(sock, server_hostname=self._destination.host)

    def _left(self) -> float:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def refresh(self, ends: float) -> None:
        """Give the next call its own end."""
        self._ends = ends
        self.answered = False
        if self.sock is not None:
            self.sock.settimeout(self._left())

    def is_quiet(self) -> bool:
        """Say whether a kept connection is open and has nothing to say: else its next answer is not ours."""
        if self.sock is None or self._switch is None or time.monotonic() - self.used > IDLE_SECONDS:
            return False
        if isinstance(self.sock, ssl.SSLSocket) and self.sock.pending():
            return False
        self._switch.settimeout(0.0)
        try:
            self._switch.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def cut(self) -> None:
        """End it from another thread: whatever waits for it fails at once."""
        if self._switch is not None:
            with suppress(OSError):  # it has ended already
                self._switch.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """Close it for good. `close` is called as soon as an answer that ends it has begun, which may still be cut."""
        self.close()
        if self._switch is not None:
            self._switch.close()


@lru_cache(maxsize=32)
def _tls(ca_pem: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cadata=ca_pem or None)
    except (ssl.SSLError, ValueError, TypeError) as error:  # the last one: it holds more than ASCII
        raise LastingError("caBundle holds no certificate that can be read: give PEM text in base64") from error


def _close_all(idle: list[tuple[Key, Connection]]) -> None:
    for _, connection in idle:
        connection.end()


class Kept:
    """Connections that the next call to the same place may use. Shared between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[tuple[Key, Connection]] = []
        weakref.finalize(self, _close_all, self._idle)

    def take(self, key: Key) -> Connection | None:
        """Return an open connection, or None."""
        while True:
            with self._lock:
                place = next((index for index, (kept, _) in enumerate(self._idle) if kept == key), None)
                if place is None:
                    return None
                _, connection = self._idle.pop(place)
            if connection.is_quiet():
                return connection
            connection.end()

    def keep(self, key: Key, connection: Connection) -> None:
        """Keep a connection whose answer was read to the end; the oldest give way."""
        connection.used = time.monotonic()
        with self._lock:
            self._idle.insert(0, (key, connection))
            surplus = self._idle[MAX_IDLE:]
            del self._idle[MAX_IDLE:]
        for _, old in surplus:
            old.end()
