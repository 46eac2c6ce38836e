"""HTTP/1.1 messages on the wire: the head, and bodies with a length or in chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class BrokenMessageError(Exception):
    """What came in is not HTTP."""


def parse_head(head: bytes) -> tuple[str, str, dict[str, str]]:
    """Give method, target and headers (lower-case names; repeated ones are joined with commas)."""
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BrokenMessageError
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise BrokenMessageError
        name, value = name.lower(), value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return words[0], words[1], headers


class BodyReader:
    """Collects one body from a connection's buffer."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._chunked = headers.get("transfer-encoding", "").lower() == "chunked"
        length = headers.get("content-length", "0")
        if not length.isdecimal():
            raise BrokenMessageError
        self._length = int(length)
        self._parts: list[bytes] = []

    def take(self, buffer: bytearray) -> bytes | None:
        """Remove the body from the front of the buffer and give it, or None while it is not all there."""
        if self._chunked:
            return self._take_chunks(buffer)
        if len(buffer) < self._length:
            return None
        body = bytes(buffer[: self._length])
        del buffer[: self._length]
        return body

    def _take_chunks(self, buffer: bytearray) -> bytes | None:
        while True:
            end = buffer.find(b"\r\n")
            if end < 0:
                return None
            try:
                size = int(buffer[:end].split(b";")[0], 16)
            except ValueError as error:
                raise BrokenMessageError from error
            after = end + 2 + size + 2
            if len(buffer) < after:
                return None
            self._parts.append(bytes(buffer[end + 2 : end + 2 + size]))
            del buffer[:after]
            if size == 0:
                return b"".join(self._parts)
