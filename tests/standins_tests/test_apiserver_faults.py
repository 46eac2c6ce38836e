"""The API server stand-in: faults, connections, and steering it from another process."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import urllib3

from tests.standins.faults import Fault
from tests.standins.remote import ApiServerProcess
from tests.standins_tests.conftest import MAPS, RUNS, Client, client_of, config_map, run

if TYPE_CHECKING:
    from tests.standins.apiserver import ApiServer


def test_a_status_with_headers_for_the_next_requests(server: ApiServer, client: Client) -> None:
    server.faults.add(Fault(status=429, headers={"Retry-After": "7"}, method="POST", times=2))
    first = client.ask("POST", RUNS, run())
    assert (first.status, first.headers["Retry-After"]) == (429, "7")
    assert first.json()["reason"] == "TooManyRequests"
    assert client.ask("GET", RUNS).status == 200
    assert client.ask("POST", RUNS, run()).status == 429
    assert client.ask("POST", RUNS, run()).status == 201
    assert [seen.status for seen in server.requests] == [429, 200, 429, 201]


def test_a_body_of_a_proxy(server: ApiServer, client: Client) -> None:
    server.faults.add(Fault(status=502, body="<html>Bad Gateway</html>", content_type="text/html", times=1))
    answer = client.ask("GET", RUNS)
    assert (answer.status, answer.headers["Content-Type"]) == (502, "text/html")


def test_matching_by_kind_and_count(server: ApiServer, client: Client) -> None:
    armed = server.faults.add(Fault(kind="ConfigMap", method="POST", skip=1, every=2))
    statuses = [client.ask("POST", MAPS, config_map(f"c{number}")).status for number in range(5)]
    assert statuses == [201, 201, 503, 201, 503]
    assert (armed.seen, armed.fired) == (5, 2)
    assert client.ask("POST", RUNS, run()).status == 201
    server.faults.remove(armed)
    assert client.ask("POST", MAPS, config_map("c9")).status == 201


def test_chance_is_repeatable(server: ApiServer, client: Client) -> None:
    def outcomes() -> list[int]:
        server.faults.clear()
        server.faults.add(Fault(probability=0.5, seed=7))
        return [client.ask("GET", RUNS).status for _ in range(20)]

    first = outcomes()
    assert set(first) == {200, 503}
    assert outcomes() == first


def test_reset_before_reading_stores_nothing(server: ApiServer, client: Client) -> None:
    server.faults.add(Fault(action="reset", times=1))
    with pytest.raises(urllib3.exceptions.ProtocolError):
        client.ask("POST", RUNS, run())
    assert server.objects() == []
    assert server.requests.wait()[0].status == 0


def test_a_lost_answer_stores(server: ApiServer, client: Client) -> None:
    server.faults.add(Fault(action="lose", times=1))
    with pytest.raises(urllib3.exceptions.ProtocolError):
        client.ask("POST", RUNS, run())
    assert len(server.objects("PipelineRun")) == 1


def test_hanging_and_late_answers(server: ApiServer, client: Client) -> None:
    server.faults.add(Fault(action="hang", times=1))
    server.faults.add(Fault(action="delay", seconds=0.05, times=1))
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        client.pool.request("GET", f"{client.url}{RUNS}", timeout=urllib3.Timeout(connect=60, read=0.05))
    assert client.ask("POST", RUNS, run()).status == 201


def test_half_an_answer(server: ApiServer, client: Client) -> None:
    server.faults.add(Fault(action="half", times=1))
    with pytest.raises(urllib3.exceptions.ProtocolError) as caught:
        client.ask("POST", RUNS, run())
    assert isinstance(caught.value.args[1], (http.client.IncompleteRead, urllib3.exceptions.IncompleteRead))


def test_garbage_and_other_codes(server: ApiServer, client: Client) -> None:
    server.faults.add(Fault(action="garbage", times=1))
    server.faults.add(Fault(action="recode", status=200, times=1))
    answer = client.ask("POST", RUNS, run("a"))
    assert answer.status == 201
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    answer = client.ask("POST", RUNS, run("b"))
    assert (answer.status, answer.json()["metadata"]["name"]) == (200, "b")
    assert [entry["metadata"]["name"] for entry in server.objects()] == ["a", "b"]


def test_refusing_connections(server: ApiServer, client: Client) -> None:
    assert client.ask("GET", RUNS).status == 200
    with server.refusing(), pytest.raises(urllib3.exceptions.NewConnectionError):
        client.ask("GET", RUNS)
    assert client.ask("GET", RUNS).status == 200


def test_dropped_connections_are_made_anew(server: ApiServer, client: Client) -> None:
    assert client.ask("GET", RUNS).status == 200
    server.drop_connections()
    assert client.ask("GET", RUNS).status == 200


def test_tokens_rotate(server: ApiServer, client: Client) -> None:
    server.revoke_token()
    assert client.refused("GET", RUNS)["message"] == "Unauthorized"
    server.rotate_token("second")
    assert client.refused("GET", RUNS)["code"] == 401
    assert client.ask("GET", RUNS, token="second").status == 200


def test_chunked_bodies_and_expect(server: ApiServer, client: Client) -> None:
    body = json.dumps(run()).encode()
    answer = client.pool.request(
        "POST",
        f"{client.url}{RUNS}",
        body=iter([body[:10], body[10:]]),
        headers={
            "Authorization": f"Bearer {client.token}",
            "Content-Type": "application/json",
            "Expect": "100-continue",
        },
    )
    assert answer.status == 201


def test_it_runs_as_a_process_and_is_steered() -> None:
    with ApiServerProcess("--namespace", "lab", "--strict-namespaces") as process:
        remote = process.control
        client = client_of(remote)
        remote.add_fault(Fault(status=500, times=1))
        assert client.ask("POST", RUNS, run()).status == 500
        assert client.ask("POST", RUNS, run()).status == 201
        remote.finish("PipelineRun", "lab", "r1")
        remote.put_object(config_map("mine"))
        names = [entry["metadata"]["name"] for entry in remote.objects()]
        assert names == ["r1", "mine"]
        assert remote.objects("PipelineRun", "lab")[0]["status"]["conditions"][0]["status"] == "True"
        assert remote.faults()[0]["fired"] == 1
        assert [seen["status"] for seen in remote.requests()] == [500, 201]
        remote.clear_faults()
        remote.clear_requests()
        assert (remote.faults(), remote.requests()) == ([], [])
        remote.revoke_token()
        remote.rotate_token("next")
        assert "token: next" in remote.kubeconfig(namespace="lab")
        client.pool.clear()


def test_it_ends_on_a_signal() -> None:
    command = [sys.executable, "-m", "tests.standins.apiserver"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["url"].startswith("https://127.0.0.1:")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_the_control_endpoint_wants_its_token(server: ApiServer) -> None:
    with urllib3.PoolManager() as pool:
        assert pool.request("GET", f"{server.control_url}/objects").status == 401
        headers = {"Authorization": f"Bearer {server.control_token}"}
        assert pool.request("GET", f"{server.control_url}/nothing", headers=headers).status == 404
        bad = pool.request("POST", f"{server.control_url}/faults", headers=headers, body=b'{"x": 1}')
        assert bad.status == 400
