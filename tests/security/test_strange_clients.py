"""Clients that do HTTP wrongly, against the real server: every one is refused or served, and the others are served."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack

import pytest

from functions.adapters.http.body import BODY_SECONDS, MAX_BODY
from tests.security.conftest import THREADS
from tests.security.raw import BODY, Connection, ask, chunked, request
from tests.support.deliveries import headers
from tests.support.function import ServedFunction

CLOSE = "Connection: close"
CHUNKED = "Transfer-Encoding: chunked"

REFUSED = {
    # what gunicorn refuses before any code of ours runs
    "two different hosts": (request("POST / HTTP/1.1", "Host: other"), 400),
    "an absolute form that is no URL": (request("POST http://[::1/ HTTP/1.1"), 400),
    "Content-Length twice": (request("POST / HTTP/1.1", "Content-Length: 3"), 400),
    "Content-Length +3": (request("POST / HTTP/1.1", "Content-Length: +3", length=False), 400),
    "Content-Length -1": (request("POST / HTTP/1.1", "Content-Length: -1", length=False), 400),
    "Content-Length in superscript": (request("POST / HTTP/1.1", "Content-Length: \xb2", length=False), 400),
    "Content-Length of 5,000 digits": (request("POST / HTTP/1.1", "Content-Length: " + "9" * 5000, length=False), 400),
    "Content-Length and Transfer-Encoding": (request("POST / HTTP/1.1", CHUNKED), 400),
    "an unknown transfer coding": (request("POST / HTTP/1.1", "Transfer-Encoding: xchunked", length=False), 501),
    "identity": (request("POST / HTTP/1.1", "Transfer-Encoding: identity", length=False), 400),
    "a space before the colon": (request("POST / HTTP/1.1", "Transfer-Encoding : chunked", length=False), 400),
    "chunked twice": (request("POST / HTTP/1.1", CHUNKED, CHUNKED, length=False), 400),
    "chunked in HTTP/1.0": (request("POST / HTTP/1.0", CHUNKED, length=False), 400),
    "a folded header": (request("POST / HTTP/1.1", "X-A: b\r\n c"), 400),
    "1,000 headers": (request("POST / HTTP/1.1", *(f"X-{number}: 1" for number in range(1000))), 431),
    "a header of 9,000 bytes": (request("POST / HTTP/1.1", "X-A: " + "a" * 9000), 431),
    "a NUL in a header": (request("POST / HTTP/1.1", "X-A: a\x00b"), 400),
    "a NUL in the path": (request("POST /a\x00b HTTP/1.1"), 400),
    "a method in lower case": (request("post / HTTP/1.1"), 400),
    "a method of 100 letters": (request("A" * 100 + " / HTTP/1.1"), 400),
    "HTTP/9.9": (request("POST / HTTP/9.9"), 400),
    "no HTTP at all": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n", 400),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "lines that end without CR": (request("POST / HTTP/1.1").replace(b"\r\n", b"\n"), 400),
    "an expectation that nobody knows": (request("POST / HTTP/1.1", "Expect: x"), 417),
    "Content-Type twice": (request("POST / HTTP/1.1", "Content-Type: text/plain"), 400),
}
OURS = {
    # what reaches us
    "80 headers of 1,000 bytes": (
        request("POST / HTTP/1.1", *(f"X-{number}: " + "a" * 1000 for number in range(80))),
        431,
        "the headers are larger than 64 KiB together",
    ),
    "a path of 9,000 bytes": (request(f"POST /{'a' * 9000} HTTP/1.1"), 414, "the path is longer than 8192 characters"),
    "a path of a megabyte": (request(f"POST /{'a' * 1_000_000} HTTP/1.1"), 414, "the path is longer"),
    "a method that nobody knows": (request("BREW / HTTP/1.1"), 405, "BREW is not allowed here"),
    "CONNECT": (request("CONNECT host:1 HTTP/1.1"), 405, "CONNECT is not allowed here"),
    "OPTIONS *": (request("OPTIONS * HTTP/1.1"), 405, "OPTIONS is not allowed here"),
    "TRACE": (request("TRACE / HTTP/1.1"), 405, "TRACE is not allowed here"),
    "a chunk size that is no number": (
        request("POST / HTTP/1.1", CHUNKED, body=b"zz\r\nabc", length=False),
        400,
        "the body cannot be read: it ends early, or its chunks are malformed",
    ),
    "a chunk without its end": (
        request("POST / HTTP/1.1", CHUNKED, body=b"3\r\nabcdef\r\n", length=False),
        400,
        "the body cannot be read",
    ),
    "a Host among the trailers": (
        request("POST / HTTP/1.1", CHUNKED, body=b"1\r\na\r\n0\r\nHost: x\r\n\r\n", length=False),
        400,
        "the body cannot be read",
    ),
    "an endless chunk's announcement": (
        request("POST / HTTP/1.1", CHUNKED, body=b"f" * 9000, length=False),
        400,
        "the body cannot be read",
    ),
    "a body over 25 MiB": (
        request("POST / HTTP/1.1", f"Content-Length: {MAX_BODY + 1}", body=b"", length=False),
        413,
        "the body is larger than 25 MiB",
    ),
}
SERVED = {
    "HTTP/1.0": request("POST / HTTP/1.0"),
    "no Host": request("POST / HTTP/1.1", CLOSE, host=()),
    "a Host that is no name": request("POST / HTTP/1.1", CLOSE, host=('Host: a b<>"',)),
    "the absolute form, with another host": request("POST http://evil.example/a/b HTTP/1.1", CLOSE),
    "chunks": request("POST / HTTP/1.1", CLOSE, CHUNKED, body=chunked(BODY), sent=headers("push", BODY), length=False),
    "a NUL in percent": request("POST /a%00b HTTP/1.1", CLOSE),
    "broken percents": request("POST /%zz%ff%c0%ae HTTP/1.1", CLOSE),
    "dots": request("POST /../../etc/passwd HTTP/1.1", CLOSE),
    "slashes": request("POST //a//b HTTP/1.1", CLOSE),
    "what frameworks keep for themselves": request("POST /robots.txt HTTP/1.1", CLOSE),
    "bytes beyond ASCII in a header": request("POST / HTTP/1.1", CLOSE, "X-A: \xe9\xff"),
    "an expectation": request("POST / HTTP/1.1", CLOSE, "Expect: 100-continue"),
    "an upgrade that nobody offers": request(
        "POST / HTTP/1.1", "Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABkAAQAAP__"
    ),
    "a Content-Encoding that is not so": request("POST / HTTP/1.1", CLOSE, "Content-Encoding: gzip"),
    "an underscore for a hyphen, which does not count": request("POST / HTTP/1.1", CLOSE, "X_GitHub_Event: ping"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_http_is_refused_by_the_server(case: str, served: ServedFunction) -> None:
    data, status = REFUSED[case]
    assert ask(served.port, data)[0] == status


@pytest.mark.parametrize("case", OURS)
def test_what_reaches_us_is_refused_with_a_sentence(case: str, served: ServedFunction) -> None:
    data, status, said = OURS[case]
    found, text = ask(served.port, data)
    assert found == status
    assert said in json.loads(text)["errorMessage"]


@pytest.mark.parametrize("case", SERVED)
def test_what_is_odd_and_right_is_served(case: str, served: ServedFunction) -> None:
    status, text = ask(served.port, SERVED[case])
    assert status == 202
    assert json.loads(text)["triggers"][0]["status"] in ("created", "duplicate")


def test_of_a_header_sent_twice_neither_counts_alone(served: ServedFunction) -> None:
    right = headers("push", BODY)["X-Hub-Signature-256"]
    forged = headers("push", BODY, secret=b"forged")
    for pair in ((right, forged["X-Hub-Signature-256"]), (forged["X-Hub-Signature-256"], right)):
        sent = headers("push", BODY) | {"X-Hub-Signature-256": pair[0]}
        status, text = ask(served.port, request("POST / HTTP/1.1", f"X-Hub-Signature-256: {pair[1]}", sent=sent))
        assert status == 401
        assert "error parsing signature" in text
    status, text = ask(served.port, request("POST / HTTP/1.1", "X-GitHub-Event: ping"))
    assert "event type push,ping is not allowed" in text


def test_the_host_header_changes_nothing(served: ServedFunction) -> None:
    replies = [
        ask(served.port, request("POST / HTTP/1.1", CLOSE, host=(f"Host: {host}",)))[1]
        for host in ("a.example", "evil")
    ]
    assert [json.loads(text)["triggers"][0]["resources"] for text in replies[:1]] == [
        json.loads(text)["triggers"][0]["resources"] for text in replies[1:]
    ]


def test_pipelined_requests_are_answered_in_order_each_with_its_own_body(served: ServedFunction) -> None:
    with Connection(served.port) as connection:
        forged = request(sent=headers("push", BODY, secret=b"forged"))
        connection.send(request() + forged + request("GET / HTTP/1.1", body=b"", sent={}))
        replies = connection.replies(3)
    assert [status for status, _ in replies] == [202, 401, 200]


def test_what_a_refused_request_leaves_unread_is_no_request(served: ServedFunction) -> None:
    hidden = request("GET / HTTP/1.1", body=b"", sent={})
    with Connection(served.port) as connection:
        connection.send(request("BREW / HTTP/1.1", body=hidden) + request())
        replies = connection.replies(2)
    assert [status for status, _ in replies] == [405, 202]


def test_a_body_that_ends_before_its_length_is_no_delivery(served: ServedFunction) -> None:
    status, text = ask(served.port, request()[:-5], end=True)
    assert status == 400
    assert "ends before the length" in json.loads(text)["errorMessage"]
    status, text = ask(served.port, request("POST / HTTP/1.1", CHUNKED, body=b"ff\r\nabc", length=False), end=True)
    assert status == 400


def test_what_follows_a_length_that_is_too_short_is_not_read_as_the_body(served: ServedFunction) -> None:
    data = request("POST / HTTP/1.1", f"Content-Length: {len(BODY) - 5}", CLOSE, length=False)
    status, text = ask(served.port, data)
    assert status == 401
    assert "payload signature check failed" in text


def test_slow_bodies_are_ended_and_meanwhile_others_are_served(served: ServedFunction) -> None:
    started = time.monotonic()
    with ExitStack() as stack:
        slow = [stack.enter_context(Connection(served.port)) for _ in range(4)]  # of eight threads
        slow[0].send(request()[:-1])
        slow[1].send(request("POST / HTTP/1.1", f"Content-Length: {MAX_BODY}", length=False))
        slow[2].send(request("POST / HTTP/1.1", CHUNKED, body=b"5\r\nab", length=False))
        slow[3].send(request("POST / HTTP/1.1", f"Content-Length: {MAX_BODY}", length=False))
        assert ask(served.port, request("POST / HTTP/1.1", CLOSE))[0] == 202
        while not slow[3].answered(within=0.2):  # a timeout that counts from byte to byte would never end this one
            slow[3].send(b" ")
        for connection in slow:
            [(status, text)] = connection.replies()
            assert status == 408
            assert json.loads(text)["errorMessage"] == "the body did not arrive within 6 seconds"
    assert time.monotonic() - started >= BODY_SECONDS


def test_while_slow_bodies_hold_all_threads_a_small_one_is_served(served: ServedFunction) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(Connection(served.port)) for _ in range(THREADS)]
        for connection in slow:
            connection.send(request("POST / HTTP/1.1", f"Content-Length: {MAX_BODY}", length=False))
        assert ask(served.port, request("POST / HTTP/1.1", CLOSE))[0] == 202
        assert not all(connection.answered(within=0) for connection in slow), "others wait longer than the small one"
        replies = [connection.replies()[0] for connection in slow]
    ended = [json.loads(text)["errorMessage"] for status, text in replies if status == 503]
    assert ended == ["too many large bodies are being received: sending the delivery again later will help"] * 2
    assert sorted({status for status, _ in replies}) == [408, 503]


def test_endless_bodies_end_at_the_limit_and_take_no_memory(served: ServedFunction) -> None:
    before = served.memory()
    for line in ("POST / HTTP/1.1", "GET / HTTP/1.1", "POST /favicon.ico HTTP/1.1", "PUT / HTTP/1.1"):
        with Connection(served.port) as connection:
            connection.send(request(line, CHUNKED, body=b"", length=False))
            piece = b"%x\r\n%s\r\n" % (1 << 20, b" " * (1 << 20))
            try:
                for _ in range(300):
                    connection.send(piece)
            except (BrokenPipeError, ConnectionResetError):
                continue  # refused, and closed while we were still sending
        pytest.fail("300 MiB were taken")
    assert served.memory() - before < 150 << 20


def test_connections_that_send_nothing_are_put_aside(served: ServedFunction) -> None:
    with ExitStack() as stack:
        for _ in range(THREADS):
            stack.enter_context(Connection(served.port))
        assert ask(served.port, request("POST / HTTP/1.1", CLOSE))[0] == 202


def test_after_all_that_the_process_runs_and_never_met_a_fault_of_its_own(served: ServedFunction) -> None:
    for data, status in (*REFUSED.values(), *((data, status) for data, status, _ in OURS.values())):
        assert ask(served.port, data)[0] == status
    assert ask(served.port, request("POST / HTTP/1.1", CLOSE))[0] == 202
    assert [entry for entry in served.logged() if entry["severity"] == "CRITICAL"] == []
    assert [line for line in served.lines if not line.startswith("{")] == []
