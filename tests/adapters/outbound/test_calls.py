"""Outgoing calls over real connections: what is sent, what is taken, what ends them, and where they never go."""

from __future__ import annotations

import errno
import gzip
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPResponse
from unittest import mock

import pytest
import trustme

from functions.adapters.outbound import calls as outbound
from functions.adapters.outbound import connections as outbound_connections
from functions.adapters.outbound.calls import MAX_ANSWER, OutboundClient
from functions.adapters.outbound.connections import Connection, Resolver
from functions.common.errors import LastingError, PassingError
from functions.common.ports import Reply
from functions.common.values import Headers
from tests.adapters.outbound.support import Asked, Say, Server, answer

NAME = "interceptor.example"
SHORT = 0.5
"""Seconds of a call that is meant to run out of time."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


def post(
    server: Server,
    path: str = "/",
    *,
    body: bytes = b"{}",
    headers: Headers | None = None,
    seconds: float = 10.0,
    client: OutboundClient | None = None,
) -> Reply:
    asking = client or OutboundClient(frozenset({server.entry}))
    return asking.post(server.url(path), body=body, headers=headers or {}, seconds=seconds)


def named(*addresses: str) -> Resolver:
    """Return a resolver that knows these addresses for every name."""
    return lambda _name, _port: addresses


# What is sent and what comes back


def test_the_body_is_posted_and_the_answer_comes_back_with_canonical_headers(server: Server) -> None:
    server.say = answer(b"yes", status="404 Not Found", head="x-two: a\r\nX-TWO: b\r\n")
    reply = post(server, "/a/b?c=d", body=b'{"x":1}')
    assert (reply.status, reply.body) == (404, b"yes")
    assert reply.headers["X-Two"] == ("a", "b")
    [asked] = server.asked
    assert asked.line == "POST /a/b?c=d HTTP/1.1"
    assert asked.body == b'{"x":1}'
    assert asked.values("host") == [f"127.0.0.1:{server.port}"]
    assert asked.values("content-length") == ["7"]
    assert asked.values("user-agent") == ["pipehook"]


def test_headers_keep_their_values_and_their_utf_8(server: Server) -> None:
    post(server, headers={"X-Two": ("a", "b"), "X-Name": ("Grüße ✓",), "User-Agent": ("GitHub-Hookshot/1",)})
    [asked] = server.asked
    assert asked.values("x-two") == ["a", "b"]
    assert asked.values("x-name") == ["Grüße ✓"]
    assert asked.values("user-agent") == ["GitHub-Hookshot/1"]


def test_headers_of_the_connection_are_its_own_and_none_can_be_smuggled_in(server: Server) -> None:
    sent: Headers = {
        "Host": ("elsewhere",),
        "content-length": ("999",),
        "Transfer-Encoding": ("chunked",),
        "Connection": ("close",),
        "Expect": ("100-continue",),
        "Accept-Encoding": ("gzip",),
        "Bad Name": ("x",),
        "X-Folded": ("a\r\nX-Smuggled: b",),
    }
    post(server, headers=sent)
    [asked] = server.asked
    assert {name.lower(): value for name, value in asked.headers} == {
        "host": f"127.0.0.1:{server.port}",
        "user-agent": "pipehook",
        "accept-encoding": "identity",
        "content-length": "2",
        "x-folded": "a X-Smuggled: b",
    }


def test_the_answers_utf_8_headers_are_read(server: Server) -> None:
    server.say = answer(head="X-Name: Grüße\r\n")
    assert post(server).headers["X-Name"] == ("Grüße",)


def test_redirects_are_answers_and_not_followed(server: Server) -> None:
    with Server() as secret:
        server.say = answer(status="307 Temporary Redirect", head=f"Location: {secret.url('/metadata')}\r\n")
        reply = post(server, client=OutboundClient(frozenset({server.entry, secret.entry})))
        assert reply.status == 307
        assert not secret.asked


def test_a_redirect_to_the_metadata_server_goes_nowhere(server: Server) -> None:
    server.say = answer(status="302 Found", head="Location: http://169.254.169.254/computeMetadata/v1/\r\n")
    assert post(server).status == 302
    assert len(server.asked) == 1


def test_proxies_of_the_environment_are_ignored(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url())
        assert post(server).status == 200
        assert not proxy.asked


def test_threads_get_their_own_answers(server: Server) -> None:
    def echo(stream: socket.socket, asked: Asked) -> bool:
        stream.sendall(answer(asked.body))
        return True

    server.say = echo
    client = OutboundClient(frozenset({server.entry}))
    bodies = [f"body {number}".encode() for number in range(64)]
    with ThreadPoolExecutor(16) as threads:
        replies = list(threads.map(lambda body: post(server, body=body, client=client), bodies))
    assert [reply.body for reply in replies] == bodies


# Connections that are kept


def test_the_next_call_uses_the_connection_again(server: Server) -> None:
    client = OutboundClient(frozenset({server.entry}))
    for _ in range(3):
        post(server, client=client)
    assert [asked.connection for asked in server.asked] == [1, 1, 1]


def test_a_kept_connection_that_the_other_side_closed_is_not_used(server: Server) -> None:
    def once(stream: socket.socket, _asked: Asked) -> bool:
        stream.sendall(answer())
        return False

    server.say = once
    client = OutboundClient(frozenset({server.entry}))
    post(server, client=client)
    server.ended.wait()
    post(server, client=client)
    assert [asked.connection for asked in server.asked] == [1, 2]


def test_a_kept_connection_that_closes_without_an_answer_is_asked_once_more_on_a_new_one(server: Server) -> None:
    def only_the_first(stream: socket.socket, asked: Asked) -> bool:
        if len(server.asked) == 2:
            return False
        stream.sendall(answer(asked.body))
        return True

    server.say = only_the_first
    client = OutboundClient(frozenset({server.entry}))
    post(server, client=client)
    assert post(server, body=b"again", client=client).body == b"again"
    assert [asked.connection for asked in server.asked] == [1, 1, 2]


def test_a_kept_connection_that_breaks_within_the_answer_is_not_asked_again(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_response: HTTPResponse, _size: int) -> bytes:
        raise ConnectionResetError(errno.ECONNRESET, "reset")

    client = OutboundClient(frozenset({server.entry}))
    post(server, client=client)
    monkeypatch.setattr(HTTPResponse, "read1", broken)
    with pytest.raises(PassingError, match=r"cannot be reached \(ConnectionResetError\)"):
        post(server, client=client)
    assert len(server.asked) == 2


def test_what_an_answer_says_beyond_its_length_is_never_the_next_answer(server: Server) -> None:
    server.say = answer(b"first" + answer(b"planted") * 2_000, length=5)  # more than one read takes along
    client = OutboundClient(frozenset({server.entry}))
    assert post(server, client=client).body == b"first"
    server.say = answer(b"second")
    assert post(server, client=client).body == b"second"


def test_a_new_connection_that_closes_without_an_answer_is_not_asked_again(server: Server) -> None:
    server.say = lambda _stream, _asked: False
    with pytest.raises(PassingError, match=r"gave no answer in HTTP|cannot be reached"):
        post(server)
    assert len(server.asked) == 1


# Time


def hang(server: Server) -> Say:
    def say(_stream: socket.socket, _asked: Asked) -> bool:
        server.released.wait()
        return False

    return say


def drip(server: Server, first: bytes, then: bytes) -> Say:
    def say(stream: socket.socket, _asked: Asked) -> bool:
        stream.sendall(first)
        while not server.released.wait(0.01):
            stream.sendall(then)
        return False

    return say


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
    ],
    ids=["status line", "header", "body", "body without a length"],
)
def test_a_byte_at_a_time_does_not_keep_the_caller(server: Server, first: bytes) -> None:
    server.say = drip(server, first, b"a")
    with pytest.raises(PassingError, match=r"did not answer within 0\.5 s"):
        post(server, seconds=SHORT)
    server.ended.wait()  # and the connection is cut


def test_a_server_that_says_nothing_does_not_keep_the_caller(server: Server) -> None:
    server.say = hang(server)
    with pytest.raises(PassingError, match=r"did not answer within"):
        post(server, seconds=SHORT)


def test_an_answer_may_take_longer_than_connecting(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(stream: socket.socket, _asked: Asked) -> bool:
        server.released.wait(1)
        stream.sendall(answer())
        return True

    monkeypatch.setattr(outbound_connections, "CONNECT_SECONDS", 0.5)
    server.say = late
    assert post(server).status == 200


def test_a_server_that_reads_nothing_does_not_keep_the_caller() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        entry = f"127.0.0.1:{silent.getsockname()[1]}"
        client = OutboundClient(frozenset({entry}))
        with pytest.raises(PassingError, match=r"did not answer within"):
            client.post(f"http://{entry}/", body=b"x" * 32_000_000, headers={}, seconds=SHORT)


def test_a_server_that_never_shakes_hands_does_not_keep_the_caller() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        entry = f"127.0.0.1:{silent.getsockname()[1]}"
        client = OutboundClient(frozenset({entry}))
        with pytest.raises(PassingError, match=r"did not answer within"):
            client.post(f"https://{entry}/", body=b"", headers={}, seconds=SHORT)


def test_a_name_server_that_says_nothing_does_not_keep_the_caller_and_nothing_is_sent_late(server: Server) -> None:
    released = threading.Event()

    def resolver(_name: str, _port: int) -> Sequence[str]:
        released.wait()
        return ["127.0.0.1"]

    client = OutboundClient(frozenset({f"{NAME}:{server.port}"}), resolver=resolver)
    with pytest.raises(PassingError, match=r"did not answer within"):
        client.post(server.url(host=NAME), body=b"", headers={}, seconds=SHORT)
    calls = [thread for thread in threading.enumerate() if thread.name == "outbound call"]
    assert calls
    released.set()
    for thread in calls:
        thread.join(10)
    assert not server.asked


def test_calls_under_way_are_bounded(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "MAX_CALLS", 1)
    client = OutboundClient(frozenset({server.entry}))
    server.say = hang(server)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(post, server, client=client)
        server.asked.wait()
        with pytest.raises(PassingError, match=r"more than 1 outgoing calls are under way"):
            post(server, client=client)
        server.released.set()
        assert isinstance(first.exception(10), PassingError)
    server.say = answer()
    assert post(server, client=client).status == 200


# Size and sense


@pytest.mark.parametrize(
    "said",
    [
        answer(b"", length=MAX_ANSWER + 1),
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (MAX_ANSWER + 1),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"10000\r\n%b\r\n" % (b"x" * 65_536) * 17,
        b"HTTP/1.1 200 OK\r\nContent-Length: nonsense\r\n\r\n" + b"x" * (MAX_ANSWER + 1),
    ],
    ids=["length", "no length", "chunks", "no number"],
)
def test_more_than_a_mebibyte_is_not_taken(server: Server, said: bytes) -> None:
    server.say = said
    with pytest.raises(LastingError, match=r"answered more than 1 MiB"):
        post(server)
    server.ended.wait()


def test_a_mebibyte_is_taken(server: Server) -> None:
    server.say = answer(b"x" * MAX_ANSWER)
    assert len(post(server).body) == MAX_ANSWER


def test_an_answer_in_chunks_is_read(server: Server) -> None:
    server.say = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    assert post(server).body == b"{}"


def test_a_compressed_answer_is_not_unpacked(server: Server) -> None:
    server.say = answer(gzip.compress(b"\0" * 10_000_000), head="Content-Encoding: gzip\r\n")
    with pytest.raises(LastingError, match=r"in an encoding that was not asked for"):
        post(server)


@pytest.mark.parametrize(
    "said",
    [
        answer(b"half", length=100),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
    ],
    ids=["length", "chunk", "chunk size", "no HTTP", "status", "many headers", "long header"],
)
def test_a_broken_answer_is_a_passing_fault(server: Server, said: bytes) -> None:
    def once(stream: socket.socket, _asked: Asked) -> bool:
        stream.sendall(said)
        return False

    server.say = once
    with pytest.raises(PassingError, match=rf"127\.0\.0\.1:{server.port} (gave no answer in HTTP|ended its answer)"):
        post(server)


def test_a_refused_connection_is_a_passing_fault() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        entry = f"127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(PassingError, match=r"cannot be reached \(ConnectionRefusedError\)"):
        OutboundClient(frozenset({entry})).post(f"http://{entry}", body=b"", headers={}, seconds=5)


# Names and addresses


def test_the_name_is_kept_in_host_while_the_address_is_connected_to(server: Server) -> None:
    client = OutboundClient(frozenset({f"{NAME}:{server.port}"}), resolver=named("127.0.0.1"))
    assert client.post(server.url("/x", host=NAME), body=b"", headers={}, seconds=10).status == 200
    [asked] = server.asked
    assert asked.values("host") == [f"{NAME}:{server.port}"]


def test_the_next_address_is_tried_when_one_refuses(server: Server) -> None:
    client = OutboundClient(frozenset({NAME}), resolver=named("127.0.0.99", "127.0.0.1"))
    assert client.post(server.url(host=NAME), body=b"", headers={}, seconds=10).status == 200


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["10.0.0.1"], ["93.184.215.14", "127.0.0.1"], ["2606:2800:21f:cb07::1", "::ffff:127.0.0.1"]],
)
def test_a_name_that_leads_to_one_private_address_is_not_called(server: Server, addresses: list[str]) -> None:
    client = OutboundClient(frozenset(), resolver=named(*addresses))
    expected = rf"{NAME} resolves to a private address: add {NAME}:{server.port} to OUTBOUND_HOSTS"
    with pytest.raises(LastingError, match=expected):
        client.post(f"https://{NAME}:{server.port}/", body=b"", headers={}, seconds=10)
    assert not server.asked


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1%1", "fd00:ec2::254", "::ffff:169.254.169.254"])
def test_a_name_that_leads_to_metadata_is_never_called_even_when_it_is_listed(address: str) -> None:
    client = OutboundClient(frozenset({NAME}), resolver=named("127.0.0.1", address))
    with pytest.raises(LastingError, match=r"resolves to a link-local or metadata address, which is never called"):
        client.post(f"http://{NAME}/", body=b"", headers={}, seconds=10)


def test_a_name_server_that_answers_otherwise_the_second_time_leads_nowhere_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = iter([["93.184.215.14"], ["169.254.169.254"]])
    connected: list[tuple[str, int]] = []

    def refuse(address: tuple[str, int], timeout: float) -> socket.socket:
        connected.append(address)
        raise ConnectionRefusedError(errno.ECONNREFUSED, "refused")

    monkeypatch.setattr("functions.adapters.outbound.connections.socket.create_connection", refuse)
    client = OutboundClient(frozenset(), resolver=lambda _name, _port: next(answers))
    with pytest.raises(PassingError, match=r"cannot be reached"):
        client.post(f"https://{NAME}/", body=b"", headers={}, seconds=10)
    assert connected == [("93.184.215.14", 443)]  # the checked address itself, and no second question
    with pytest.raises(LastingError, match=r"metadata"):
        client.post(f"https://{NAME}/", body=b"", headers={}, seconds=10)
    assert len(connected) == 1


def test_addresses_are_not_resolved(server: Server) -> None:
    def resolver(name: str, _port: int) -> Sequence[str]:
        raise AssertionError(name)

    client = OutboundClient(frozenset({server.entry}), resolver=resolver)
    assert post(server, client=client).status == 200


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (socket.EAI_NONAME, LastingError, "there is no such name"),
        (socket.EAI_AGAIN, PassingError, "the name cannot be resolved now"),
        (socket.EAI_FAIL, PassingError, "the name cannot be resolved now"),
    ],
)
def test_a_name_that_is_not_there_lasts_and_a_name_server_that_fails_passes(
    code: int, kind: type[Exception], words: str
) -> None:
    def resolver(_name: str, _port: int) -> Sequence[str]:
        raise socket.gaierror(code, "text of the resolver")

    with pytest.raises(kind, match=rf"{NAME}:443: {words}"):
        OutboundClient(frozenset(), resolver=resolver).post(f"https://{NAME}/", body=b"", headers={}, seconds=10)


def test_no_address_at_all_is_no_name() -> None:
    with pytest.raises(LastingError, match=r"there is no such name"):
        OutboundClient(frozenset(), resolver=named()).post(f"https://{NAME}/", body=b"", headers={}, seconds=10)


def test_the_systems_resolver_is_asked_by_default(server: Server) -> None:
    client = OutboundClient(frozenset({f"localhost:{server.port}"}))
    assert client.post(server.url(host="localhost"), body=b"", headers={}, seconds=10).status == 200


def test_errors_name_the_host_and_neither_path_nor_query(server: Server) -> None:
    server.say = lambda _stream, _asked: False
    with pytest.raises(PassingError) as caught:
        post(server, "/path-secret?token=secret")
    assert "secret" not in caught.value.reason


# TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls_server(authority: trustme.CA) -> Iterator[Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(NAME).configure_cert(context)
    with Server(tls=context) as running:
        yield running


def pem(authority: trustme.CA) -> str:
    return authority.cert_pem.bytes().decode()


def client_for(server: Server, name: str = NAME) -> OutboundClient:
    return OutboundClient(frozenset({f"{name}:{server.port}"}), resolver=named("127.0.0.1"))


def test_a_ca_bundle_is_trusted_for_the_name(tls_server: Server, authority: trustme.CA) -> None:
    client = client_for(tls_server)
    for _ in range(2):
        url = tls_server.url(host=NAME)
        reply = client.post(url, body=b"{}", headers={}, seconds=10, ca_pem=pem(authority))
        assert reply.status == 200
    assert [asked.connection for asked in tls_server.asked] == [1, 1]


def test_without_the_ca_bundle_its_certificate_is_not_trusted(tls_server: Server) -> None:
    with pytest.raises(LastingError, match=r"showed a certificate that is not trusted: unable to get local issuer"):
        client_for(tls_server).post(tls_server.url(host=NAME), body=b"", headers={}, seconds=10)
    assert not tls_server.asked


def test_a_ca_bundle_is_the_only_trust_also_while_a_connection_is_kept(
    tls_server: Server, authority: trustme.CA
) -> None:
    client = client_for(tls_server)
    client.post(tls_server.url(host=NAME), body=b"", headers={}, seconds=10, ca_pem=pem(authority))
    with pytest.raises(LastingError, match=r"not trusted"):
        client.post(tls_server.url(host=NAME), body=b"", headers={}, seconds=10, ca_pem=pem(trustme.CA()))
    assert len(tls_server.asked) == 1


def test_the_certificate_must_be_for_the_name_not_for_the_address(tls_server: Server, authority: trustme.CA) -> None:
    other = "other.example"
    url = tls_server.url(host=other)
    with pytest.raises(LastingError, match=r"not trusted: Hostname mismatch"):
        client_for(tls_server, other).post(url, body=b"", headers={}, seconds=10, ca_pem=pem(authority))
    assert not tls_server.asked


@pytest.mark.parametrize("text", ["bm8=", "bmü=", "b\0"])
def test_a_ca_bundle_without_a_certificate_says_so(tls_server: Server, text: str) -> None:
    broken = f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"
    with pytest.raises(LastingError, match=r"caBundle holds no certificate that can be read"):
        client_for(tls_server).post(tls_server.url(host=NAME), body=b"", headers={}, seconds=10, ca_pem=broken)


def test_tls_that_breaks_is_a_passing_fault() -> None:
    with Server(tls=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)) as without_certificate:
        client = OutboundClient(frozenset({without_certificate.entry}))
        with pytest.raises(PassingError, match=r"cannot be reached \(SSLError\)"):
            client.post(without_certificate.url(), body=b"", headers={}, seconds=10)


def test_a_kept_connection_whose_call_has_no_time_left_is_closed(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = mock.create_autospec(Connection.end, side_effect=Connection.end)
    monkeypatch.setattr(Connection, "end", end)
    client = OutboundClient(frozenset({server.entry}))
    post(server, client=client)
    with pytest.raises(PassingError, match="did not answer"):
        post(server, client=client, seconds=0.0)
    server.ended.wait()
    assert end.call_count == 1, "nothing is left to the garbage collector"
