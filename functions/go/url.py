"""URLs as Go's net/url reads them. Source: https://pkg.go.dev/net/url (Parse, ParseQuery)."""

from __future__ import annotations

import re
from ipaddress import IPv6Address

from msgspec import Struct

from functions.go.form import parse_query
from functions.go.text import go_bytes, go_string

_USERINFO = re.compile(rb"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*\Z")
_PORT = re.compile(rb"(?::[0-9]*)?\Z")
_HOST_REFUSED = re.compile(rb"[\x00-\x20\x7f/?#@\\^`{|}%]")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})?")


class Url(Struct, frozen=True, kw_only=True):
    """The parts of a URL, decoded as Go decodes them; `user` is (name, password)."""

    scheme: str
    host: str
    path: str
    raw_query: str
    fragment: str
    user: tuple[str, str] | None


class BadUrlError(ValueError):
    """A text that url.Parse refuses; the message does not quote it."""


def parse_url(value: str) -> Url:
    """Return a URL, absolute or relative. Raises BadUrlError where url.Parse returns an error."""
    raw, _, fragment = go_bytes(value).partition(b"#")
    if any(byte < 0x20 or byte == 0x7F for byte in raw):  # noqa: PLR2004 - ASCII control characters
        raise BadUrlError("net/url: invalid control character in URL")
    if raw == b"*":
        return Url(scheme="", host="", path="*", raw_query="", fragment=go_string(_unescaped(fragment)), user=None)
    scheme, rest = _scheme(raw)
    if rest.endswith(b"?") and rest.count(b"?") == 1:
        rest, query = rest[:-1], b""
    else:
        rest, _, query = rest.partition(b"?")
    user, host = None, b""
    if not rest.startswith(b"/") and scheme:
        rest = b""  # an opaque URL such as mailto:
    else:
        if not rest.startswith(b"/") and b":" in rest.partition(b"/")[0]:
            raise BadUrlError("first path segment in URL cannot contain colon")
        if rest.startswith(b"//") and (scheme or not rest.startswith(b"///")):
            authority, slash, path = rest[2:].partition(b"/")
            user, host = _authority(authority, web=scheme.lower() in (b"http", b"https"))
            rest = slash + path
    return Url(
        scheme=go_string(scheme.lower()),
        host=go_string(host),
        path=go_string(_unescaped(rest)),
        raw_query=go_string(query),
        fragment=go_string(_unescaped(fragment)),
        user=user,
    )


def _scheme(raw: bytes) -> tuple[bytes, bytes]:
    for at, byte in enumerate(raw):
        char = chr(byte)
        if char.isascii() and char.isalpha():
            continue
        if char in "0123456789+-.":
            if at == 0:
                return b"", raw
        elif char == ":":
            if at == 0:
                raise BadUrlError("missing protocol scheme")
            return raw[:at], raw[at + 1 :]
        else:
            return b"", raw
    return b"", raw


def _authority(authority: bytes, *, web: bool) -> tuple[tuple[str, str] | None, bytes]:
    info, at, host = authority.rpartition(b"@")
    host = _host(host, web=web)
    if not at:
        return None, host
    if not _USERINFO.match(info):
        raise BadUrlError("net/url: invalid userinfo")
    name, _, password = info.partition(b":")
    return (go_string(_unescaped(name)), go_string(_unescaped(password))), host


def _host(host: bytes, *, web: bool) -> bytes:
    opening = host.rfind(b"[")
    if opening > 0:
        raise BadUrlError("invalid IP-literal")
    if opening < 0:
        # what follows http's first colon is a port, in other schemes what follows the last one
        colon = host.find(b":") if web else host.rfind(b":")
        if colon >= 0 and not _PORT.match(host[colon:]):
            raise BadUrlError("invalid port after host")
        return _host_unescaped(host)
    end = host.rfind(b"]")
    if end < 0:
        raise BadUrlError("missing ']' in host")
    if not _PORT.match(host[end + 1 :]):
        raise BadUrlError("invalid port after host")
    address, escape, zone = host[1:end].partition(b"%25")
    found = _host_unescaped(address) + _unescaped(escape + zone)
    try:
        IPv6Address(found.decode("latin-1"))
    except ValueError as error:
        raise BadUrlError("invalid host: no IPv6 address stands in its brackets") from error
    return b"[%b]%b" % (found, host[end + 1 :])


def _host_unescaped(host: bytes) -> bytes:
    for hit in _ESCAPE.finditer(host):
        # escapes in a host are for bytes beyond ASCII alone (RFC 6874 keeps %25 for zones)
        if hit[1] is None or (int(hit[1], 16) < 0x80 and hit[1] != b"25"):  # noqa: PLR2004 - ASCII
            raise BadUrlError("invalid URL escape")
    if _HOST_REFUSED.search(_ESCAPE.sub(b"", host)):
        raise BadUrlError("invalid character in host name")
    return _unescaped(host)


def _unescaped(raw: bytes) -> bytes:
    if b"%" not in raw:
        return raw

    def byte(hit: re.Match[bytes]) -> bytes:
        if hit[1] is None:
            raise BadUrlError("invalid URL escape")
        return bytes([int(hit[1], 16)])

    return _ESCAPE.sub(byte, raw)


def query_values(raw_query: str) -> dict[str, list[str]]:
    """URL.Query(): each key's values; pairs that are malformed are left out."""
    return {
        go_string(name): [go_string(value) for value in values]
        for name, values in parse_query(go_bytes(raw_query)).items()
    }
