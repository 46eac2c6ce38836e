"""Outgoing calls to hosts that manifests name: bounded in time and size, never to a place that is not allowed."""

from __future__ import annotations

import re
import threading
import time
from typing import TYPE_CHECKING

from functions.adapters.outbound.exchanges import Exchange, Exchanges
from functions.common.destinations import Destination, read_destination
from functions.common.errors import LastingError, PassingError, PipehookError
from functions.common.ports import Reply
from functions.common.values import Headers
from functions.delivery import canonical_headers

if TYPE_CHECKING:
    from functions.adapters.outbound.connections import Connection, Kept, Key, Resolver

MAX_ANSWER = 1024 * 1024
"""Bytes of one answer's body."""
MAX_CALLS = 64
"""Calls under way at once, those included whose time is over and whose name is still being resolved."""

_CHUNK = 64 * 1024
_OWN = frozenset(
    {
        "Accept-Encoding",
        "Connection",
        "Content-Length",
        "Expect",
        "Host",
        "Keep-Alive",
        "Proxy-Authorization",
        "Proxy-Connection",
        "Te",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
    }
)
"""Headers that belong to a connection, not to the message that is sent on."""
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


class OutboundClient:
    """The `Outbound` port. Shared between threads; `hosts` are those of OUTBOUND_HOSTS."""

    def __init__(self, hosts: frozenset[str], *, resolver: Resolver | None = None) -> None:
        """Take a `resolver` to turn names into addresses in place of the system's."""
        self._hosts = hosts
        self._resolver = resolver
        self._exchanges = Exchanges(MAX_CALLS)
        self._kept: Kept | None = None
        self._lock = threading.Lock()

    def post(self, url: str, *, body: bytes, headers: Headers, seconds: float, ca_pem: str = "") -> Reply:
        """POST and return the answer, as the port has it."""
        call = _Call(read_destination(url, self._hosts), body, _sendable(headers), seconds, ca_pem)

        def ask(exchange: Exchange) -> Reply:
            # the first call pays for the import of http.client and ssl
            from functions.adapters.outbound import connections  # noqa: PLC0415 -- see above

            with self._lock:
                if self._kept is None:
                    self._kept = connections.Kept()
            return call.ask(exchange, self._kept, self._resolver or connections.resolve)

        try:
            return self._exchanges.run(ask, seconds=seconds)
        except PipehookError:
            raise
        except Exception as error:  # whatever becomes of a connection, and of an answer that a stranger wrote
            raise call.explained(error) from error
        finally:
            call.forget()


class _Call:
    """One request, and what its answer means."""

    def __init__(
        self, destination: Destination, body: bytes, headers: list[tuple[str, str]], seconds: float, ca_pem: str
    ) -> None:
        self._destination = destination
        self._body = body
        self._headers = headers
        self._seconds = seconds
        self._ends = time.monotonic() + seconds
        self._ca_pem = ca_pem

    def ask(self, exchange: Exchange, kept: Kept, resolver: Resolver) -> Reply:
        """Send and read, in the call's own thread."""
        from functions.adapters.outbound.connections import Connection  # noqa: PLC0415 -- as in OutboundClient

        found = self._destination
        key: Key = (found.scheme, found.host, found.port, self._ca_pem)
        connection = kept.take(key)
        if connection is not None:
            try:
                return exchange.on(connection, self._exchanged_again, kept=kept, key=key)
            except ConnectionError:  # http.client's RemoteDisconnected is one, too
                # Closed by the other side while it was kept, before a byte of an answer: once more on a new one, as
                # deliveries themselves may be sent once more.
                if connection.answered:
                    raise
        new = Connection(found, resolver, self._ca_pem, self._ends)
        return exchange.on(new, self._exchanged, kept=kept, key=key)

    def _exchanged_again(self, connection: Connection) -> tuple[Reply, bool]:
        connection.refresh(self._ends)
        return self._exchanged(connection)

    def _exchanged(self, connection: Connection) -> tuple[Reply, bool]:
        """Return the answer, and whether the connection may serve another call."""
        connection.putrequest("POST", self._destination.path, skip_accept_encoding=True)
        for name, value in self._headers:
            connection.putheader(name, value.encode())
        connection.putheader("Accept-Encoding", "identity")
        connection.putheader("Content-Length", str(len(self._body)))
        connection.endheaders(self._body)
        with connection.getresponse() as response:
            connection.answered = True
            headers = canonical_headers(
                (name, value.encode("latin-1", "replace").decode("utf-8", "replace"))
                for name, value in response.getheaders()
            )
            if any(value.strip().lower() != "identity" for value in headers.get("Content-Encoding", ())):
                raise LastingError(f"{self._destination.authority} answered in an encoding that was not asked for")
            if (response.length or 0) > MAX_ANSWER:
                raise self._too_large()
            chunks = []
            size = 0
            while chunk := response.read1(_CHUNK):
                size += len(chunk)
                if size > MAX_ANSWER:
                    raise self._too_large()
                chunks.append(chunk)
            if response.length:
                raise PassingError(f"{self._destination.authority} ended its answer before it was complete")
            return Reply(response.status, headers, b"".join(chunks)), not response.will_close

    def forget(self) -> None:
        """Let go of what was sent, also where the call's thread still waits for a name: it counts no longer."""
        self._body = b""

    def _too_large(self) -> LastingError:
        return LastingError(f"{self._destination.authority} answered more than {MAX_ANSWER // 2**20} MiB")

    def explained(self, error: Exception) -> PipehookError:
        """Return what became of the call, in the family's words."""
        import socket  # noqa: PLC0415 -- beside the lazy imports of the call's thread
        import ssl  # noqa: PLC0415 -- see above
        from http.client import HTTPException  # noqa: PLC0415 -- see above

        where = self._destination.authority
        if isinstance(error, socket.gaierror):
            if error.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)):
                return LastingError(f"{where}: there is no such name")
            return PassingError(f"{where}: the name cannot be resolved now")
        if isinstance(error, ssl.SSLCertVerificationError):
            return LastingError(f"{where} showed a certificate that is not trusted: {error.verify_message}")
        if isinstance(error, TimeoutError):
            return PassingError(f"{where} did not answer within {self._seconds:.1f} s")
        if isinstance(error, HTTPException):
            return PassingError(f"{where} gave no answer in HTTP ({type(error).__name__})")
        if isinstance(error, OSError):
            return PassingError(f"{where} cannot be reached ({type(error).__name__})")
        return LastingError(f"the call to {where} failed: {type(error).__name__}")


def _sendable(headers: Headers) -> list[tuple[str, str]]:
    pairs = [
        (name, _CONTROL.sub(" ", value))
        for name, values in headers.items()
        if _NAME.fullmatch(name) and name.title() not in _OWN
        for value in values
    ]
    if not any(name.lower() == "user-agent" for name, _ in pairs):
        pairs.append(("User-Agent", "pipehook"))
    return pairs
