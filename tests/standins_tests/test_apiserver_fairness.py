"""The API server stand-in's API Priority and Fairness: seats, the queue, refusals and what they ask for."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.standins.exchange import Request, Response
from tests.standins.faults import Fault
from tests.standins.kubernetes.fairness import Fairness, Pressure
from tests.standins.remote import ApiServerProcess
from tests.standins_tests.conftest import RUNS, Client, client_of, run

if TYPE_CHECKING:
    from tests.standins.apiserver import ApiServer

FOR_LONG = 3600.0


def _asked(fairness: Fairness, paths: list[str]) -> list[int]:
    async def at_once() -> list[Response]:
        requests = [Request("GET", path, {}, path) for path in paths]
        return await asyncio.gather(*(fairness.carried_out(one, lambda _: Response()) for one in requests))

    return [response.status for response in asyncio.run(at_once())]


def test_what_finds_no_seat_waits_and_what_finds_no_place_is_refused() -> None:
    assert _asked(Fairness(seats=2, seconds=0.01, queue=3), [RUNS] * 7) == [200] * 5 + [429] * 2


def test_who_waits_for_too_long_is_refused() -> None:
    assert _asked(Fairness(seats=1, seconds=0.2, queue=3, wait=0.01), [RUNS] * 3) == [200, 429, 429]


def test_probes_need_no_seat() -> None:
    assert _asked(Fairness(seats=0, seconds=0, queue=0), ["/readyz", "/livez/ping", RUNS]) == [200, 200, 429]


@pytest.mark.parametrize(
    ("refused", "asked"),
    [
        ([1, 1, 1, 1, 1], [1, 1, 1, 1, 1]),
        ([1, 1, 1, 2], [1, 1, 1, 2]),
        ([1, 1, 2], [1, 1, 1]),
        ([1] * 3 + [2] * 9 + [3, 4], [1] * 3 + [2] * 9 + [2, 4]),
        ([1] * 3 + [2, 9, 10], [1] * 3 + [2, 1, 1]),
    ],
)
def test_it_asks_for_more_time_the_more_it_refuses(refused: list[int], asked: list[int]) -> None:
    pressure = Pressure()
    assert [pressure.refused(second) for second in refused] == asked


def test_it_asks_for_half_a_minute_at_most() -> None:
    pressure = Pressure()
    assert max(pressure.refused(second) for second in range(400) for _ in range(200)) == 32


def _hold(server: ApiServer) -> ssl.SSLSocket:
    """Take the only seat: a creation that has been stored and is not answered yet."""
    context = ssl.create_default_context(cadata=server.ca_pem)
    raw = socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])))
    held = context.wrap_socket(raw, server_hostname="127.0.0.1")
    body = json.dumps(run("held"))
    lines = [f"POST {RUNS} HTTP/1.1", "Host: it", f"Authorization: Bearer {server.token}"]
    lines += ["Content-Type: application/json", f"Content-Length: {len(body)}", "", body]
    held.sendall("\r\n".join(lines).encode())
    return held


def test_a_refusal_is_no_status_object_and_creates_nothing(server: ApiServer, client: Client) -> None:
    server.fairness = Fairness(seats=1, seconds=FOR_LONG, queue=0)
    with _hold(server):
        while not server.objects("PipelineRun"):
            time.sleep(0.01)
        refused = client.ask("POST", RUNS, run("other"))
        assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
        assert refused.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert refused.data == b"Too many requests, please try again later.\n"
    assert [one["metadata"]["name"] for one in server.objects("PipelineRun")] == ["held"]


def test_who_goes_away_gives_the_seat_back() -> None:
    async def first_leaves() -> int:
        fairness = Fairness(seats=1, seconds=0.01, queue=0)
        request = Request("GET", RUNS, {}, RUNS)
        leaving = asyncio.create_task(fairness.carried_out(request, lambda _: Response()))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        return (await fairness.carried_out(request, lambda _: Response())).status

    assert asyncio.run(first_leaves()) == 200


def test_faults_go_before_it(server: ApiServer, client: Client) -> None:
    server.fairness = Fairness(seats=0, seconds=0, queue=0)
    server.faults.add(Fault(status=500, times=1))
    assert [client.ask("GET", RUNS).status for _ in range(2)] == [500, 429]


def test_it_is_set_from_another_process() -> None:
    with ApiServerProcess("--namespace", "lab") as remote:
        remote.control.limit(seats=0, seconds=0, queue=0)
        assert client_of(remote.control).ask("GET", RUNS).status == 429
        assert Counter(seen["status"] for seen in remote.control.requests()) == {429: 1}
