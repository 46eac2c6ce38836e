"""Outgoing calls to hosts that manifests name: bounded in time and size, never to a place that is not allowed."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from functions.delivery import canonical_headers
from functions.destinations import Destination, read_destination
from functions.errors import LastingError, PassingError, PipehookError
from functions.patterns import pattern
from functions.ports import Reply
from functions.values import Headers

if TYPE_CHECKING:
    from functions.adapters.outbound_connections import Connection, Kept, Key, Resolver

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
_NAME = pattern(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROL = pattern(r"[\x00-\x1f\x7f]+")


class OutboundClient:
    """The `Outbound` port. Shared between threads; `hosts` are those of OUTBOUND_HOSTS.

    Each call has a thread of its own, because nothing else ends a name server that does not answer, or a server that
    sends a byte a second: when the time is over, the caller goes on and the connection is cut.
    """

    def __init__(self, hosts: frozenset[str], *, resolver: Resolver | None = None) -> None:
        """Take a `resolver` to turn names into addresses in place of the system's."""
        self._hosts = hosts
        self._resolver = resolver
        self._slots = threading.BoundedSemaphore(MAX_CALLS)
        self._kept: Kept | None = None
        self._lock = threading.Lock()

    def post(self, url: str, *, body: bytes, headers: Headers, seconds: float, ca_pem: str = "") -> Reply:
        """POST and return the answer, as the port has it."""
        destination = read_destination(url, self._hosts)
        if not self._slots.acquire(blocking=False):
            raise PassingError(f"more than {MAX_CALLS} outgoing calls are under way")
        exchange = _Exchange(destination, body, _sendable(headers), seconds, ca_pem)
        try:
            threading.Thread(target=self._run, args=(exchange,), name="outbound call", daemon=True).start()
        except RuntimeError as error:  # no thread to be had
            self._slots.release()
            raise PassingError("no thread could be started for an outgoing call") from error
        return exchange.result()

    def _run(self, exchange: _Exchange) -> None:
        # the first call pays for the import of http.client and ssl
        from functions.adapters import outbound_connections  # noqa: PLC0415

        try:
            with self._lock:
                if self._kept is None:
                    self._kept = outbound_connections.Kept()
            exchange.run(self._kept, self._resolver or outbound_connections.resolve)
        finally:
            self._slots.release()


class _Exchange:
    """One request and its answer, run by one thread and awaited, or given up, by another."""

    def __init__(
        self,
        destination: Destination,
        body: bytes,
        headers: list[tuple[str, str]],
        seconds: float,
        ca_pem: str,
    ) -> None:
        self._destination = destination
        self._body = body
        self._headers = headers
        self._seconds = seconds
        self._ends = time.monotonic() + seconds
        self._ca_pem = ca_pem
        self._done = threading.Event()
        self._lock = threading.Lock()
        self._given_up = False
        self._connection: Connection | None = None
        self._reply: Reply | None = None
        self._error: BaseException | None = None

    def result(self) -> Reply:
        """Wait for the answer. Raises errors of the family."""
        if not self._done.wait(self._seconds):
            with self._lock:
                self._given_up = True
                if self._connection is not None:
                    self._connection.cut()
            raise self._late()
        if self._reply is None:
            raise self._explained(self._error)
        return self._reply

    def _late(self) -> PassingError:
        return PassingError(f"{self._destination.authority} did not answer within {self._seconds:.1f} s")

    def run(self, kept: Kept, resolver: Resolver) -> None:
        """Send and read, whatever becomes of it."""
        try:
            self._reply = self._ask(kept, resolver)
        except BaseException as error:  # noqa: BLE001 -- handed to the thread that waits, which raises it
            self._error = error
        finally:
            self._done.set()

    def _ask(self, kept: Kept, resolver: Resolver) -> Reply:
        from functions.adapters.outbound_connections import Connection  # noqa: PLC0415 -- as in OutboundClient

        found = self._destination
        key: Key = (found.scheme, found.host, found.port, self._ca_pem)
        connection = kept.take(key)
        if connection is not None:
            try:
                connection.refresh(self._ends)
                return self._on(connection, key, kept)
            except ConnectionError:  # http.client's RemoteDisconnected is one, too
                # Closed by the other side while it was kept, before a byte of an answer: once more on a new one, as
                # deliveries themselves may be sent once more.
                if connection.answered:
                    raise
        return self._on(Connection(found, resolver, self._ca_pem, self._ends), key, kept)

    def _on(self, connection: Connection, key: Key, kept: Kept) -> Reply:
        self._use(connection)
        whole = False
        try:
            reply, whole = self._exchanged(connection)
        finally:
            with self._lock:  # from here on it may be another call's
                self._connection = None
                whole = whole and not self._given_up
            if whole:
                kept.keep(key, connection)
            else:
                connection.close()
        return reply

    def _use(self, connection: Connection) -> None:
        with self._lock:
            if self._given_up:
                raise self._late()
            self._connection = connection

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

    def _too_large(self) -> LastingError:
        return LastingError(f"{self._destination.authority} answered more than {MAX_ANSWER // 2**20} MiB")

    def _explained(self, error: BaseException | None) -> PipehookError:
        import socket  # noqa: PLC0415 -- beside the lazy imports of the call's thread
        import ssl  # noqa: PLC0415
        from http.client import HTTPException  # noqa: PLC0415

        where = self._destination.authority
        explained: PipehookError
        if isinstance(error, PipehookError):
            return error
        if isinstance(error, socket.gaierror):
            if error.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)):
                explained = LastingError(f"{where}: there is no such name")
            else:
                explained = PassingError(f"{where}: the name cannot be resolved now")
        elif isinstance(error, ssl.SSLCertVerificationError):
            explained = LastingError(f"{where} showed a certificate that is not trusted: {error.verify_message}")
        elif isinstance(error, TimeoutError):
            explained = self._late()
        elif isinstance(error, HTTPException):
            explained = PassingError(f"{where} gave no answer in HTTP ({type(error).__name__})")
        elif isinstance(error, OSError):
            explained = PassingError(f"{where} cannot be reached ({type(error).__name__})")
        else:
            explained = LastingError(f"the call to {where} failed: {type(error).__name__}")
        explained.__cause__ = error
        return explained


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
