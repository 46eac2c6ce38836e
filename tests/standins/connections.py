"""One HTTP/1.1 connection of a stand-in: keep-alive, streams, and faults at every step of a request."""

from __future__ import annotations

import asyncio
from http.client import responses
from typing import TYPE_CHECKING
from urllib.parse import unquote

from tests.standins.exchange import Request, Response, Stream
from tests.standins.messages import BodyReader, BrokenMessageError, parse_head

if TYPE_CHECKING:
    from tests.standins.exchange import App
    from tests.standins.faults import Fault
    from tests.standins.kubernetes.fairness import Fairness

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
MAX_HEAD_BYTES = 64 * 1024


class Connection(asyncio.Protocol):
    """One client connection: requests one after the other."""

    def __init__(self, app: App, connections: set[Connection]) -> None:
        self._app = app
        self._connections = connections
        self._buffer = bytearray()
        self._request: Request | None = None
        self._fault: Fault | None = None
        self._body: BodyReader | None = None
        self._busy = False
        self._stream: Stream | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._turn: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        certificate = transport.get_extra_info("peercert")
        self._subject = _subject(certificate) if certificate else None
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        if self._timer is not None:
            self._timer.cancel()
        if self._turn is not None:
            self._turn.cancel()
        if self._stream is not None and self._stream.on_close is not None:
            self._stream.on_close()

    def abort(self) -> None:
        """Reset the connection."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        try:
            while not self._busy and self._buffer and not self._transport.is_closing() and self._advance():
                pass
        except BrokenMessageError:
            self._send(Response(400, b"400 Bad Request: malformed HTTP", "text/plain"), close=True)

    def _advance(self) -> bool:
        """Take one step; say whether there may be another one."""
        if self._request is None:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                if len(self._buffer) > MAX_HEAD_BYTES:
                    raise BrokenMessageError
                return False
            self._begin(bytes(self._buffer[:end]))
            del self._buffer[: end + 4]
            if self._transport.is_closing():
                return False
        request, reader = self._request, self._body
        assert request is not None
        assert reader is not None
        body = reader.take(self._buffer)
        if body is None:
            return False
        request.body = body
        fault, self._request, self._fault, self._body = self._fault, None, None, None
        self._answer(request, fault)
        return True

    def _begin(self, head: bytes) -> None:
        method, target, headers = parse_head(head)
        path = target.partition("?")[0]
        request = Request(method, target, headers, unquote(path) if "%" in path else path, self._subject)
        self._request, self._body = request, BodyReader(headers)
        self._fault = self._app.fault(request)
        if self._fault is not None and self._fault.action == "reset":
            self._app.note(request, 0)
            self._transport.abort()
        elif headers.get("expect", "").lower() == "100-continue":
            self._transport.write(CONTINUE)

    def _answer(self, request: Request, fault: Fault | None) -> None:
        if fault is None:
            fairness = self._app.fairness()
            if fairness is None:
                self._give(request, self._app.handle(request))
            else:
                self._busy = True
                self._turn = self._loop.create_task(self._await_turn(request, fairness))
                # what it raises has to be heard of
                self._turn.add_done_callback(lambda turn: turn.cancelled() or turn.result())
            return
        if fault.action == "hang":
            self._app.note(request, 0)
            self._busy = True
            if fault.seconds:
                self._timer = self._loop.call_later(fault.seconds, self.abort)
            return
        if fault.action == "answer":
            body = self._app.fault_body(fault) if fault.body is None else fault.body.encode()
            response = Response(fault.status, body, fault.content_type, fault.headers)
        else:
            response = self._app.handle(request)
        self._app.note(request, 0 if fault.action == "lose" else response.status)
        self._send_with(fault, response)

    def _give(self, request: Request, response: Response) -> None:
        self._app.note(request, response.status)
        self._send(response, close=request.headers.get("connection", "").lower() == "close")

    async def _await_turn(self, request: Request, fairness: Fairness) -> None:
        response = await fairness.carried_out(request, self._app.handle)
        self._busy = False
        self._give(request, response)
        self.data_received(b"")

    def _send_with(self, fault: Fault, response: Response) -> None:
        if fault.action == "lose":
            self._transport.abort()
        elif fault.action == "delay":
            self._busy = True
            self._timer = self._loop.call_later(fault.seconds, self._send_late, response)
        elif fault.action == "half":
            whole = _render(response)
            self._transport.write(whole[: len(whole) - len(response.body) // 2 - 1])
            self._transport.close()
        elif fault.action == "garbage":
            body = (fault.body or '{"kind": "Pipe').encode()
            self._send(Response(response.status, body, response.content_type, fault.headers))
        elif fault.action == "recode":
            self._send(Response(fault.status, response.body, response.content_type, response.headers))
        else:
            self._send(response)

    def _send_late(self, response: Response) -> None:
        self._busy = False
        self._send(response)
        self.data_received(b"")

    def _send(self, response: Response, *, close: bool = False) -> None:
        if response.stream is None:
            self._transport.write(_render(response, close=close))
            if close:
                self._transport.close()
            return
        self._busy = True
        self._transport.write(_head(response, b"Transfer-Encoding: chunked\r\n"))
        self._stream = Stream(self._loop, self._transport)
        response.stream(self._stream)


def _subject(certificate: dict[str, tuple[tuple[tuple[str, str], ...], ...]]) -> tuple[str, str]:
    """The common name and the organisation of a client certificate as `ssl` describes it."""
    parts = {name: value for row in certificate["subject"] for name, value in row}
    return parts.get("commonName", ""), parts.get("organizationName", "")


def _head(response: Response, framing: bytes) -> bytes:
    phrase = responses.get(response.status, "Unknown")
    more = "".join(f"{name}: {value}\r\n" for name, value in response.headers.items())
    return (
        f"HTTP/1.1 {response.status} {phrase}\r\nContent-Type: {response.content_type}\r\n{more}".encode()
        + framing
        + b"\r\n"
    )


def _render(response: Response, *, close: bool = False) -> bytes:
    closing = b"Connection: close\r\n" if close else b""
    return _head(response, b"Content-Length: %d\r\n%b" % (len(response.body), closing)) + response.body
