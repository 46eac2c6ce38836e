"""Where outgoing calls may go: the matrix of spellings and addresses that lead to places that are nobody's business."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.common.destinations import Destination, check_address, read_destination
from functions.common.errors import LastingError

NOTHING: frozenset[str] = frozenset()
PRIVATE = r"is a private address: add .* to OUTBOUND_HOSTS"
NUMBER = r"host is a number: write an address as four decimal numbers"
METADATA = r"is a link-local or metadata address, which is never called"
NOBODY = r"is an address that belongs to no single host"
UNREADABLE = r"no host that can be read"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.com", Destination("https", "example.com", 443, "/", listed=False)),
        ("HTTPS://Example.COM.:8443/a/B?c=D#e", Destination("https", "example.com", 8443, "/a/B?c=D", listed=False)),
        ("https://example.com:?q", Destination("https", "example.com", 443, "/?q", listed=False)),
        ("https://xn--bcher-kva.example/", Destination("https", "xn--bcher-kva.example", 443, "/", listed=False)),
        ("https://8.8.8.8/", Destination("https", "8.8.8.8", 443, "/", listed=False)),
        ("https://[2606:4700:0::1111]/", Destination("https", "2606:4700::1111", 443, "/", listed=False)),
        ("https://[::ffff:8.8.8.8]/", Destination("https", "::ffff:808:808", 443, "/", listed=False)),
        ("https://[64:ff9b::808:808]/", Destination("https", "64:ff9b::808:808", 443, "/", listed=False)),
        ("https://ci1.example/", Destination("https", "ci1.example", 443, "/", listed=False)),
    ],
)
def test_public_https_is_allowed(url: str, expected: Destination) -> None:
    assert read_destination(url, NOTHING) == expected


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("127.0.0.1", PRIVATE),
        ("127.255.255.254", PRIVATE),
        ("10.1.2.3", PRIVATE),
        ("172.16.0.1", PRIVATE),
        ("192.168.0.1", PRIVATE),
        ("100.64.0.1", PRIVATE),  # carrier-grade NAT
        ("192.0.2.1", PRIVATE),  # documentation
        ("198.18.0.1", PRIVATE),  # benchmarks
        # what one Python calls global and another one does not
        ("192.0.0.9", PRIVATE),
        ("192.0.0.170", PRIVATE),
        ("192.88.99.1", PRIVATE),
        ("198.51.100.7", PRIVATE),
        ("203.0.113.7", PRIVATE),
        ("[2001:1::1]", PRIVATE),
        ("[2001:20::1]", PRIVATE),
        ("[2001:30::1]", PRIVATE),
        ("[3fff::1]", PRIVATE),
        ("[::ffff:0:127.0.0.1]", PRIVATE),  # translated, not mapped
        ("[::ffff:192.0.0.9]", PRIVATE),
        ("[64:ff9b::192.88.99.1]", PRIVATE),
        ("[::1]", PRIVATE),
        ("[fd00::1]", PRIVATE),
        ("[fec0::1]", PRIVATE),  # site-local
        ("[2001:db8::1]", PRIVATE),
        ("[::ffff:127.0.0.1]", PRIVATE),
        ("[::ffff:0a00:0001]", PRIVATE),
        ("[64:ff9b::10.0.0.1]", PRIVATE),
        ("[64:ff9b:1::8.8.8.8]", PRIVATE),
        ("[2002:0a00:0001::]", PRIVATE),  # 6to4 of 10.0.0.1
        ("[2002:0808:0808::]", PRIVATE),  # 6to4 of 8.8.8.8: through a stranger's relay
        ("[2001:0:4136:e378:8000:63bf:3fff:fdd2]", PRIVATE),  # Teredo
        ("[::8.8.8.8]", PRIVATE),  # IPv4-compatible
        ("169.254.169.254", METADATA),
        ("169.254.1.1", METADATA),
        ("[fe80::1]", METADATA),
        ("[fd00:ec2::254]", METADATA),
        ("[fd20:ce::254]", METADATA),
        ("[::ffff:169.254.169.254]", METADATA),
        ("[::ffff:a9fe:a9fe]", METADATA),
        ("[64:ff9b::a9fe:a9fe]", METADATA),
        ("[64:ff9b:1::a9fe:a9fe]", METADATA),
        ("[2002:a9fe:a9fe::1]", METADATA),
        ("[::a9fe:a9fe]", METADATA),
        ("metadata.google.internal", r"is the cloud's metadata server"),
        ("METADATA.google.internal.", r"is the cloud's metadata server"),
        ("metadata", r"is the cloud's metadata server"),
        ("0.0.0.0", NOBODY),  # noqa: S104 -- nothing is bound
        ("0.1.2.3", NOBODY),
        ("[::]", NOBODY),
        ("224.0.0.1", NOBODY),
        ("255.255.255.255", NOBODY),
        ("240.0.0.1", NOBODY),
        ("[ff02::1]", NOBODY),
        ("2130706433", NUMBER),
        ("0x7f000001", NUMBER),
        ("0X7F.1", NUMBER),
        ("017700000001", NUMBER),
        ("0177.0.0.1", NUMBER),
        ("127.1", NUMBER),
        ("127.0.0.01", NUMBER),
        ("127.0.0.1.5", NUMBER),
        ("127.0.0.256", NUMBER),
        ("localhost.0x1", NUMBER),
        ("127.0.0.1.", PRIVATE),
        ("[fe80::1%25eth0]", UNREADABLE),
        ("[127.0.0.1]", r"brackets without an IPv6 address"),
        ("[::1", UNREADABLE),
        ("::1", UNREADABLE),
        ("", UNREADABLE),
        (":443", UNREADABLE),
        ("a b", r"printable ASCII"),
        ("a\tb", r"printable ASCII"),
        ("a\\@b", r"printable ASCII"),
        ("①②⑦.0.0.1", r"printable ASCII"),
        ("bücher.example", r"printable ASCII"),
        ("127%2e0.0.1", UNREADABLE),
        ("a@b", r"must not carry a user name or password"),
        ("user:secret@example.com", r"must not carry a user name or password"),
        ("example..com", r"host is no name"),
        (".", r"host is no name"),
        ("a" * 64, r"host is no name"),
        (".".join(["a" * 60] * 5), r"host is no name"),
        ("example.com:0", r"port must be from 1 to 65535"),
        ("example.com:65536", r"port must be from 1 to 65535"),
        ("example.com:-1", UNREADABLE),
        ("example.com:80:80", UNREADABLE),
        ("hook.tools.svc", r"is a Service inside a cluster, which this function cannot reach: give an https URL"),
        ("hook.tools.svc.cluster.local.", r"add hook\.tools\.svc\.cluster\.local:443 to OUTBOUND_HOSTS"),
    ],
)
def test_everything_else_is_refused(host: str, reason: str) -> None:
    with pytest.raises(LastingError, match=reason):
        read_destination(f"https://{host}/path", NOTHING)


@pytest.mark.parametrize("url", ["", "example.com", "//example.com", "ftp://example.com", "file:///etc/passwd"])
def test_only_http_is_spoken(url: str) -> None:
    with pytest.raises(LastingError, match=r"must start with https|printable ASCII"):
        read_destination(url, NOTHING)


def test_plain_http_needs_to_be_listed() -> None:
    with pytest.raises(LastingError, match=r"^example\.com would be called over plain http: use https, or add"):
        read_destination("http://example.com/", NOTHING)
    assert read_destination("http://example.com/", frozenset({"example.com:80"})).listed


@pytest.mark.parametrize(
    ("url", "entry"),
    [
        ("http://127.0.0.1:8080/", "127.0.0.1:8080"),
        ("http://127.0.0.1:8080/", "127.0.0.1"),
        ("http://[::1]:8080/", "[0:0::1]:8080"),
        ("http://[::1]/", "[::1]"),
        ("http://Hook.tools.svc./", "hook.tools.svc:80"),
        ("https://hook.tools.svc:8443/", "hook.tools.svc."),
        ("https://[fd00::1]/", "[fd00::1]:443"),
        ("https://[::ffff:127.0.0.1]/", "[::ffff:7f00:1]"),
    ],
)
def test_listed_hosts_may_be_private_and_plain(url: str, entry: str) -> None:
    assert read_destination(url, frozenset({"other.example", entry})).listed


@pytest.mark.parametrize(
    ("url", "entry"),
    [
        ("http://127.0.0.1:8081/", "127.0.0.1:8080"),
        ("http://hook.tools.svc:80/", "tools.svc"),
        ("http://evil-hook.tools.svc/", "hook.tools.svc"),
        ("http://127.0.0.2/", "127.0.0.1"),
        ("http://[::1]/", "::1"),
    ],
)
def test_an_entry_is_for_one_host_and_port(url: str, entry: str) -> None:
    with pytest.raises(LastingError):
        read_destination(url, frozenset({entry}))


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "[fd00:ec2::254]", "[fe80::1]", "metadata.google.internal", "0.0.0.1", "[ff02::1]"]
)
def test_listing_does_not_open_metadata_and_addresses_of_nobody(host: str) -> None:
    with pytest.raises(LastingError):
        read_destination(f"http://{host}/", frozenset({host}))


@pytest.mark.parametrize("spelling", ["::ffff:7f00:1", "::ffff:127.0.0.1", "0:0:0:0:0:ffff:7f00:0001"])
def test_a_mapped_address_is_one_address_however_it_is_spelled(spelling: str) -> None:
    read_destination(f"http://[{spelling}]/", frozenset({"[::ffff:7f00:1]"}))
    read_destination("http://[::ffff:7f00:1]/", frozenset({f"[{spelling}]"}))
    found = Destination("https", "::ffff:7f00:1", 443, "/", listed=False)
    with pytest.raises(LastingError, match=r"^::ffff:7f00:1 is a private address"):
        check_address(found, spelling)


def test_reasons_name_the_host_and_neither_path_nor_query() -> None:
    with pytest.raises(LastingError) as caught:
        read_destination("http://example.com/secret?token=secret", NOTHING)
    assert "secret" not in caught.value.reason


PUBLIC = Destination("https", "name.example", 443, "/", listed=False)
LISTED = Destination("https", "name.example", 443, "/", listed=True)


@given(st.integers(0, 2**32 - 1).map(IPv4Address))
def test_an_embedded_address_is_never_allowed_where_it_alone_is_not(address: IPv4Address) -> None:
    low = int(address)
    forms = [
        IPv6Address((0xFFFF << 32) | low),
        IPv6Address((0x64FF9B << 96) | low),
        IPv6Address((0x64FF9B0001 << 80) | low),
        IPv6Address((0x2002 << 112) | (low << 80)),
        IPv6Address((0x20010000 << 96) | (low << 64)),
    ]
    for destination in (PUBLIC, LISTED):
        try:
            check_address(destination, str(address))
        except LastingError:
            for form in forms:
                with pytest.raises(LastingError):
                    check_address(destination, str(form))


@given(st.text(max_size=60) | st.from_regex(r"https?://[\[\]0-9a-fA-FxX.:%@\\/?#_-]{0,40}", fullmatch=True))
def test_any_text_is_read_or_refused(url: str) -> None:
    try:
        found = read_destination(url, NOTHING)
    except LastingError:
        return
    assert found.scheme == "https"
    assert found.path.startswith("/")
    assert found.host == found.host.strip(".").lower()
