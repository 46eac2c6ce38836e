"""Strings as Go has them: bytes, of which those that are no UTF-8 are escaped here."""

from __future__ import annotations

import io
import re
from codecs import getincrementaldecoder

_LONE = re.compile("[\ud800-\udfff]")
_WINDOW = 64 * 1024
"""Bytes that are decoded at a time: no other thread runs meanwhile."""


def go_bytes(value: str) -> bytes:
    """Return the bytes of a Go string: escaped bytes as they were, any other surrogate as U+FFFD."""
    try:
        return value.encode()
    except UnicodeEncodeError:
        kept = _LONE.sub(lambda hit: hit[0] if "\udc80" <= hit[0] <= "\udcff" else "�", value)
        return kept.encode("utf-8", "surrogateescape")


def go_string(value: bytes) -> str:
    """Return a Go string of bytes; those that are no UTF-8 are escaped."""
    return value.decode("utf-8", "surrogateescape")


def runes(value: str) -> str:
    """Return what Go makes of a string that it reads character by character: U+FFFD for a byte that is no UTF-8."""
    return value if value.isascii() else _LONE.sub("\ufffd", value)


def is_valid(value: str) -> bool:
    """Whether the string is UTF-8 throughout."""
    return value.isascii() or _LONE.search(value) is None


def go_decode(raw: bytes) -> str:
    """Return bytes as encoding/json reads and prints them in a string: each byte that is no UTF-8 as U+FFFD."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return made_valid(raw).decode()


def made_valid(raw: bytes) -> bytes:
    """Return bytes with U+FFFD for each byte that is no UTF-8."""
    decoder = getincrementaldecoder("utf-8")("surrogateescape")
    out = io.BytesIO()
    for start in range(0, len(raw), _WINDOW):
        window = decoder.decode(raw[start : start + _WINDOW], start + _WINDOW >= len(raw))
        # a lone surrogate is three bytes, none of them UTF-8, and so is each U+FFFD then: as fast for many as for one
        lone = window.replace("\ufffd", "\udc80").encode("utf-8", "surrogatepass")
        out.write(lone.decode("utf-8", "replace").replace("\ufffd" * 3, "\ufffd").encode())
    return out.getvalue()
