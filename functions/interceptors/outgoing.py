"""What custom interceptors and webhooks share: where they are, how long they may take, what their refusals mean."""

from __future__ import annotations

import codecs
import io
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import ClassVar

from msgspec import Struct

from functions.common.destinations import read_destination
from functions.common.errors import LastingError, PassingError
from functions.common.limits import Limits
from functions.common.numbers import wait
from functions.common.ports import Reply
from functions.common.values import Event, Headers, Json
from functions.go.text import go_decode
from functions.interceptors.base import Call, Place, Verifier, explained
from functions.model.resources import ObjectRef

CALL_SECONDS = 5.0
"""For one interceptor, as Tekton has it for webhooks."""
CREATION_SECONDS = 2.0
"""Kept back for the creation of what the other triggers rendered: one that hangs must not cost them their time."""

_PASSING = frozenset({408, 425, 429})
_REDIRECTS = range(300, 400)
_WINDOW = 64 * 1024
"""Characters, or bytes, that are turned into JSON at a time: a text as a whole may take twenty times its bytes."""

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class Asked(Struct, frozen=True):
    """An interceptor outside: the user's own code, which sees the event as those before it left it."""

    repeatable: ClassVar[bool] = False
    """It is told which trigger asks."""

    @property
    def verifier(self) -> Verifier | None:
        """None: it sees the parsed event."""
        return None

    @property
    def vouches(self) -> bool:
        """True: its code can know the sender."""
        return True


def service_url(service: ObjectRef, *, namespace: str, over_tls: bool = False) -> str:
    """Return the URL of a Service inside the cluster, as Tekton's ResolveAddress makes it."""
    scheme, port = ("https", 8443) if over_tls else ("http", 80)
    path = service.path.removeprefix("/")
    return f"{scheme}://{service.name}.{service.namespace or namespace}.svc:{service.port or port}/{path}"


def check_url(url: str, place: Place, what: str) -> None:
    """Check at load what can be told without the network. Raises LastingError when `url` can never be called."""
    with explained(what):
        read_destination(url, place.outbound_hosts)


def ask(call: Call, url: str, *, body: bytes, headers: Headers, ca_pem: str = "") -> Reply:
    """POST to an interceptor and return its answer. Raises what `Outbound` raises, and PassingError without time."""
    seconds = min(CALL_SECONDS, call.deadline.remaining() - CREATION_SECONDS)
    if seconds <= 0:
        raise PassingError("no time was left to ask it")
    return call.services.outbound.post(url, body=body, headers=headers, seconds=seconds, ca_pem=ca_pem)


def raise_fault(reply: Reply, text: str) -> None:
    """Raise PassingError, with `text`, for a status that says that another time may be better."""
    if reply.status >= 500 or reply.status in _PASSING:  # noqa: PLR2004 -- the class of server errors
        raise PassingError(text, retry_after=wait(next(iter(reply.headers.get("Retry-After", ())), "")))
    if reply.status in _REDIRECTS:
        raise LastingError(f"{text} (redirects are not followed)")


@contextmanager
def assembled(pieces: Iterable[bytes], limits: Limits) -> Iterator[bytes]:
    """Join what is sent; while the context is open, it counts among the delivery's memory. Raises as `Limits.take`."""
    out = io.BytesIO()
    taken = 0
    try:
        for piece in pieces:
            out.write(piece)
            while taken < out.tell():
                limits.in_time("write what is sent to an interceptor")
                limits.take(_WINDOW)
                taken += _WINDOW
        yield out.getvalue()
    finally:
        limits.give_back(taken)


def json_pieces(value: Json) -> Iterator[bytes]:
    """Yield the JSON of a value, none of the pieces large; what a value holds several times is written as often."""
    if isinstance(value, dict):
        before = b"{"
        for name, item in value.items():
            yield before
            yield from json_pieces(name)
            yield b":"
            yield from json_pieces(item)
            before = b","
        yield b"}" if value else b"{}"
    elif isinstance(value, list):
        before = b"["
        for item in value:
            yield before
            yield from json_pieces(item)
            before = b","
        yield b"]" if value else b"[]"
    elif isinstance(value, str) and len(value) > _WINDOW:
        windows = (value[start : start + _WINDOW] for start in range(0, len(value), _WINDOW))
        yield from _json_string(windows)
    else:
        yield _json(value)


def text_pieces(event: Event) -> Iterator[bytes]:
    """Yield the JSON string of the event's body as text: as it came, while nobody changed it."""
    if event.text is None:
        return _json_string(piece.decode() for piece in json_pieces(event.body))
    return _json_string(_decoded(event.text))


def _json_string(texts: Iterable[str]) -> Iterator[bytes]:
    yield b'"'
    yield from (_json(text)[1:-1] for text in texts)
    yield b'"'


def _json(value: Json) -> bytes:
    return _ENCODER.encode(value).encode("utf-8", "replace")


def _decoded(raw: bytes) -> Iterator[str]:
    """Yield what `go_decode` returns, piece by piece."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    for start in range(0, len(raw), _WINDOW):
        text = decoder.decode(raw[start : start + _WINDOW], final=start + _WINDOW >= len(raw))
        yield go_decode(text.encode("utf-8", "surrogateescape"))
