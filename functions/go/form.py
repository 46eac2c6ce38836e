"""Forms as Go's net/url reads them and Tekton turns them into JSON. Source: https://pkg.go.dev/net/url#ParseQuery."""

from __future__ import annotations

import binascii
import io
import json
import re
from collections.abc import Mapping

_WINDOW = 256 * 1024
_WRONG_ESCAPE = re.compile(rb"%(?![0-9a-fA-F]{2})")
_HTML = {ord(mark): f"\\u{ord(mark):04x}" for mark in "<>&\u2028\u2029"}
"""What json.Marshal escapes."""


def parse_query(raw: bytes) -> dict[bytes, list[bytes]]:
    """Return each key's values in order; pairs that are malformed are left out, as Go's caller leaves them out."""
    found: dict[bytes, list[bytes]] = {}
    for pair in raw.split(b"&"):
        if pair and b";" not in pair:
            key, _, value = pair.partition(b"=")
            name, content = _unescaped(key), _unescaped(value)
            if name is not None and content is not None:
                found.setdefault(name, []).append(content)
    return found


def _unescaped(raw: bytes) -> bytes | None:
    """Return the bytes without escapes, None when one of them is wrong: in linear time, and no object for each."""
    if b"%" not in raw:
        return raw.replace(b"+", b" ")
    if _WRONG_ESCAPE.search(raw):
        return None
    out = io.BytesIO()
    start = 0
    while start < len(raw):
        window = raw[start : start + _WINDOW]
        cut = window.rfind(b"%", -2)  # no escape is cut apart
        if cut > 0:
            window = window[:cut]
        start += len(window)
        # quoted-printable is the same with another sign
        quoted = window.replace(b"+", b" ").replace(b"=", b"=3D").replace(b"%", b"=")
        out.write(binascii.a2b_qp(quoted))
    return out.getvalue()


def form_json(form: Mapping[str, list[str]]) -> bytes:
    """Return a form as Tekton's json.Marshal writes it."""
    text = json.dumps(form, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return text.translate(_HTML).encode()
