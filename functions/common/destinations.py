"""Where outgoing calls may go: https at public addresses, or the hosts in OUTBOUND_HOSTS; cloud metadata never.

The one reader of URLs that manifests name. It does no I/O: names are resolved elsewhere, and every address that comes
of it is shown to `check_address`.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Literal

from msgspec import Struct

from functions.common.errors import LastingError

Address = IPv4Address | IPv6Address

_URL = re.compile(r"(https?)://([^/?#]*)([^#]*)(?:#.*)?", re.IGNORECASE)
_PLAIN = re.compile(r"[!-\[\]-~]+")
"""Printable ASCII without blanks and backslashes, which programs read differently."""
_AUTHORITY = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::([0-9]{0,5}))?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_MAX_NAME, _MAX_LABEL, _MAX_PORT = 253, 63, 65_535
_PORTS = {"http": 80, "https": 443}
_METADATA_NAMES = frozenset({"metadata", "metadata.goog", "metadata.google.internal"})
_CLUSTER_SUFFIXES = (".svc", ".svc.cluster.local")

_METADATA = (
    IPv4Network("169.254.0.0/16"),
    IPv6Network("fe80::/10"),
    IPv6Network("fd00:ec2::254/128"),
    IPv6Network("fd20:ce::254/128"),
)
"""Link-local, where clouds keep their metadata servers, and those that Amazon and Google have beyond it."""
_NOBODY = (
    IPv4Network("0.0.0.0/8"),
    IPv4Network("224.0.0.0/4"),
    IPv4Network("240.0.0.0/4"),
    IPv6Network("::/128"),
    IPv6Network("ff00::/8"),
)
"""Unspecified (which Linux takes for itself), multicast and reserved."""
_PRIVATE = tuple(
    map(
        IPv4Network,
        (
            "10.0.0.0/8",
            "100.64.0.0/10",  # carriers' own
            "127.0.0.0/8",
            "172.16.0.0/12",
            "192.0.0.0/24",  # protocols
            "192.0.2.0/24",  # documentation, as the two below
            "198.51.100.0/24",
            "203.0.113.0/24",
            "192.88.99.0/24",  # relays of 6to4
            "192.168.0.0/16",
            "198.18.0.0/15",  # benchmarks
        ),
    )
)
"""IANA's special-purpose addresses besides those above; `is_global` of each Python knows other ones."""
_UNICAST = IPv6Network("2000::/3")
_SPECIAL = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocols, Teredo among them, which leads through strangers' relays
            "2001:db8::/32",  # documentation, as the last
            "2002::/16",  # 6to4: strangers' relays, too
            "3fff::/20",
        ),
    )
)
"""The same within what is routed of IPv6."""
_NAT64 = IPv6Network("64:ff9b::/96")
_EMBEDDING = (IPv6Network("::/96"), IPv6Network("64:ff9b:1::/48"))
"""IPv4-compatible addresses and local NAT64, which carry an IPv4 address at their end."""


class Destination(Struct, frozen=True):
    """A URL that may be called, as far as can be told without resolving its name."""

    scheme: Literal["http", "https"]
    host: str
    """A lower-case name without a final dot, or an address without brackets."""
    port: int
    path: str
    """Path and query."""
    listed: bool
    """In OUTBOUND_HOSTS: it may be a private address, and plain http."""

    @property
    def authority(self) -> str:
        """`host:port`, as OUTBOUND_HOSTS names it."""
        return f"{_bracketed(self.host)}:{self.port}"

    @property
    def is_address(self) -> bool:
        """Whether the host is an address, which stands for itself."""
        return is_address(self.host)


def read_destination(url: str, hosts: frozenset[str]) -> Destination:
    """Read a URL; `hosts` are those of OUTBOUND_HOSTS (`host` means every port of it).

    Raises LastingError, which names the host but neither path nor query, when it may never be called.
    """
    if not _PLAIN.fullmatch(url):
        raise LastingError("the URL must be printable ASCII without blanks and backslashes: percent-encode the rest")
    parts = _URL.fullmatch(url)
    if parts is None:
        raise LastingError("the URL must start with https://")
    scheme: Literal["http", "https"] = "http" if parts[1].lower() == "http" else "https"
    if "@" in parts[2]:
        raise LastingError("the URL must not carry a user name or password before an @")
    host, port = _host_and_port(parts[2], _PORTS[scheme])
    path = parts[3] if parts[3].startswith("/") else f"/{parts[3]}"
    found = Destination(scheme, host, port, path, listed=is_listed(host, port, hosts))
    _check(found)
    return found


def refusal(url: str, hosts: frozenset[str]) -> str:
    """Return why a URL may never be called; empty when it may be, and when there is none."""
    try:
        if url:
            read_destination(url, hosts)
    except LastingError as error:
        return error.reason
    return ""


def _host_and_port(authority: str, default: int) -> tuple[str, int]:
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None:
        raise LastingError("the URL has no host that can be read: write a name in ASCII (xn--…) or an address")
    port = int(parts[3]) if parts[3] else default
    if not 0 < port <= _MAX_PORT:
        raise LastingError(f"the URL's port must be from 1 to {_MAX_PORT}")
    return _address(parts[1]) if parts[1] else _name(parts[2]), port


def _address(text: str) -> str:
    try:
        return _spelled(IPv6Address(text))
    except AddressValueError as error:
        raise LastingError("the URL has brackets without an IPv6 address in them") from error


def _name(text: str) -> str:
    name = text.lower().removesuffix(".")
    labels = name.split(".")
    if len(name) > _MAX_NAME or not all(0 < len(label) <= _MAX_LABEL for label in labels):
        raise LastingError("the URL's host is no name: labels between dots have 1 to 63 characters")
    if _NUMBER.fullmatch(labels[-1]):
        # the resolver would read 2130706433, 0177.1 and 0x7f.1 as addresses, others would not
        try:
            return str(IPv4Address(name))
        except AddressValueError as error:
            raise LastingError("the URL's host is a number: write an address as four decimal numbers") from error
    return name


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine, by its name or an address."""
    return host.lower().removesuffix(".") == "localhost" or (is_address(host) and ip_address(host).is_loopback)


def is_listed(host: str, port: int, hosts: frozenset[str]) -> bool:
    """Say whether OUTBOUND_HOSTS names a host (lower case, without a final dot), or this port of it."""
    for entry in hosts:
        parts = _AUTHORITY.fullmatch(entry)
        if parts is None:
            continue
        listed = _spelled(IPv6Address(parts[1])) if parts[1] and is_address(parts[1]) else parts[2] or ""
        if listed.lower().removesuffix(".") == host and parts[3] in (None, str(port)):
            return True
    return False


def is_address(text: str) -> bool:
    """Say whether something is an address of either version, without brackets."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _check(found: Destination) -> None:
    if found.host in _METADATA_NAMES:
        raise LastingError(f"{found.host} is the cloud's metadata server, which is never called")
    if not found.listed and found.host.endswith(_CLUSTER_SUFFIXES):
        raise LastingError(
            f"{found.host} is a Service inside a cluster, which this function cannot reach: give an https URL that "
            "can be reached from here (clientConfig.url), use a core interceptor, or, where a VPC leads there, add "
            f"{found.authority} to OUTBOUND_HOSTS"
        )
    if found.is_address:
        check_address(found, found.host)
    if not found.listed and found.scheme == "http":
        raise LastingError(f"{found.host} would be called over plain http: use https, or add {_entry(found)}")


def check_address(found: Destination, text: str) -> None:
    """Check one address that `found` has, or resolved to. Raises LastingError when it may never be called.

    Addresses that hold an IPv4 address (mapped, NAT64, 6to4, Teredo, IPv4-compatible) must be allowed for that, too.
    """
    address = ip_address(text)
    meanings = _meanings(address)
    is_what = "is" if _spelled(address) == found.host else "resolves to"
    if any(meaning in network for meaning in meanings for network in _METADATA):
        raise LastingError(f"{found.host} {is_what} a link-local or metadata address, which is never called")
    if any(meaning in network for meaning in meanings for network in _NOBODY):
        raise LastingError(f"{found.host} {is_what} an address that belongs to no single host")
    if not found.listed and not all(_is_public(meaning) for meaning in meanings):
        raise LastingError(f"{found.host} {is_what} a private address: add {_entry(found)}")


def _entry(found: Destination) -> str:
    return f"{found.authority} to OUTBOUND_HOSTS if that is meant"


def _meanings(address: Address) -> tuple[Address, ...]:
    if isinstance(address, IPv4Address):
        return (address,)
    if address.ipv4_mapped:
        return (address.ipv4_mapped,)
    if address in _NAT64:
        return (_low(address),)
    inner: list[Address] = [address.sixtofour] if address.sixtofour else []
    inner += address.teredo or ()
    inner += [_low(address) for network in _EMBEDDING if address in network]
    # ::1 has 0.0.0.1 at its end, which means nothing
    return (address,) if address.is_loopback else (address, *inner)


def _low(address: IPv6Address) -> IPv4Address:
    return IPv4Address(int(address) & 0xFFFFFFFF)


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _PRIVATE)
    return address in _UNICAST and not any(address in network for network in _SPECIAL)


def _spelled(address: Address) -> str:
    """Spell an address the same way under every Python: 3.13 writes mapped addresses with dots."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        low = int(address) & 0xFFFFFFFF
        return f"::ffff:{low >> 16:x}:{low & 0xFFFF:x}"
    return str(address)
