"""The ports of the HTTP stand-ins."""

from __future__ import annotations

import socket
from urllib.request import urlopen

from tests.standins.exchange import Request
from tests.standins_tests.receivers import Receiver


def test_small_writes_never_wait_for_an_acknowledgement() -> None:
    """Else a client that has nothing more to send waits 40 ms for what follows TLS's session tickets."""
    found: list[int] = []

    def look(_: Request) -> int:
        (connection,) = receiver.listener._connections
        accepted: socket.socket = connection._transport.get_extra_info("socket")
        found.append(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        return 200

    with Receiver() as receiver:
        receiver.decide = look
        urlopen(receiver.url, data=b"{}").close()  # noqa: S310 -- the stand-in's own URL
    assert found == [1]
