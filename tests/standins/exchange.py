"""What an HTTP stand-in takes and gives: requests, responses, streams, and the app that serves them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping

    from tests.standins.faults import Fault
    from tests.standins.kubernetes.fairness import Fairness


@dataclass(slots=True)
class Request:
    """A request; header names are lower-case, `target` is the path with the query as sent."""

    method: str
    target: str
    headers: Mapping[str, str]
    path: str
    subject: tuple[str, str] | None = None
    body: bytes = b""

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the query, the last of each name."""
        _, _, query = self.target.partition("?")
        return dict(parse_qsl(query, keep_blank_values=True)) if query else {}


@dataclass(slots=True)
class Response:
    """An answer; with `stream`, its body is written bit by bit through the given stream."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: Callable[[Stream], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """What a server does: `fault` sees the head alone, `handle` the whole request, `note` what became of it.

    With `fairness`, requests wait for their turn first.
    """

    handle: Callable[[Request], Response]
    fault: Callable[[Request], Fault | None] = lambda _: None
    fault_body: Callable[[Fault], bytes] = lambda _: b""
    note: Callable[[Request, int], None] = lambda _request, _status: None
    fairness: Callable[[], Fairness | None] = lambda: None


class Stream:
    """A chunked body being written; to be used in the loop's thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport) -> None:
        self.loop = loop
        self._transport = transport
        self.on_close: Callable[[], None] | None = None

    def write(self, data: bytes) -> None:
        """Send one chunk."""
        if data and not self._transport.is_closing():
            self._transport.write(b"%x\r\n%b\r\n" % (len(data), data))

    def end(self) -> None:
        """Send the last chunk and close the connection, as API servers do after a watch."""
        if not self._transport.is_closing():
            self._transport.write(b"0\r\n\r\n")
            self._transport.close()
