"""The API client: credentials and their rotation, TLS, dead connections, discovery, lists, reviews."""

from __future__ import annotations

import base64
import contextlib
import logging
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from functions.adapters.bounded import NoAnswerError
from functions.adapters.kubernetes import calls, pools, transport
from functions.adapters.kubernetes import kinds as kubernetes_kinds
from functions.adapters.kubernetes.api import Access, KubernetesApi, describe
from functions.adapters.kubernetes.calls import Backoff
from functions.adapters.kubernetes.errors import ApiRefusedError, ApiUnavailableError
from functions.adapters.kubernetes.kinds import KNOWN, Kinds, Resource
from functions.adapters.kubernetes.kubeconfig.access import ClusterAccess
from functions.adapters.kubernetes.kubeconfig.reader import parse_kubeconfig
from functions.adapters.kubernetes.sink import ClusterSink
from functions.adapters.kubernetes.transport import Request, Session
from functions.common.errors import ConfigurationError, LastingError, PassingError
from functions.common.ports import Deadline
from functions.common.values import Status
from tests.adapters.kubernetes.support import NAMESPACE, Clock, Side, config_map, pipeline_run, work
from tests.standins.apiserver import ApiServer
from tests.standins.faults import Fault
from tests.standins.kubernetes.access import Rule, User
from tests.standins.kubernetes.kinds import Kind
from tests.support.relay import Relay

CONFIG_MAPS = KNOWN["v1", "ConfigMap"]
WIDGETS = Kind(group="example.com", kind="Widget", plural="widgets", versions=("v1",), namespaced=True)


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer(namespaces=[NAMESPACE]) as standin:
        yield standin


@pytest.fixture
def side(server: ApiServer) -> Side:
    return Side(server)


def put(server: ApiServer, name: str, **labels: str) -> None:
    server.put_object(config_map(name=name, namespace=NAMESPACE, labels=labels))


def metadata(entry: Any) -> dict[str, Any]:
    """Return an object's metadata."""
    found: dict[str, Any] = entry["metadata"]
    return found


def rows(entry: Any, name: str) -> list[dict[str, Any]]:
    """Return a list of objects."""
    found: list[dict[str, Any]] = entry[name]
    return found


def api_of(*accesses: ClusterAccess) -> tuple[KubernetesApi, Clock]:
    """Return an API whose source gives one access after the other, and then the last again."""
    clock, left = Clock(), list(accesses)

    def source(*, refresh: bool, deadline: Deadline) -> ClusterAccess:
        return left.pop(0) if len(left) > 1 else left[0]

    return KubernetesApi(source, backoff=Backoff(sleep=clock.sleep), clock=clock), clock


def create(api: KubernetesApi, clock: Clock, seconds: float = 8.0) -> dict[str, Any]:
    manifest = config_map(generateName="x-", namespace=NAMESPACE)
    return api.create(manifest, deadline=Deadline(clock() + seconds, clock))


def ask(session: Session) -> int:
    """Ask a server for its version and return the status."""
    request = Request(method="GET", path="/version")
    return session.exchange(request, connect=5, read=5, deadline=Deadline(10.0, lambda: 0.0)).status


@contextlib.contextmanager
def one_answer(answer: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """Answer the first connection to a port and refuse all others; yield the port and what was sent there."""
    asked: list[bytes] = []
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(10)

    def serve() -> None:
        connection, _ = listening.accept()
        listening.close()
        with connection:
            asked.append(connection.recv(65536))
            connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    yield listening.getsockname()[1], asked
    thread.join()


class TestCredentials:
    """Rotation: 401 asks for the kubeconfig again, once."""

    def test_a_rotated_token_is_picked_up_in_the_same_delivery(self, server: ApiServer, side: Side) -> None:
        side.one(work())
        server.rotate_token("second-token")
        assert side.one(work(key="other")).status is Status.CREATED
        assert side.source.asked == [False, True]
        assert [seen.status for seen in server.requests] == [201, 401, 201]

    def test_a_token_that_stays_refused_is_a_passing_failure(self, server: ApiServer, side: Side) -> None:
        side.one(work())
        server.revoke_token()
        found = side.one(work(key="other"))
        assert (found.status, found.passing) == (Status.FAILED, True)
        assert (
            "401 Unauthorized: the kubeconfig's token or certificate is not accepted, though read anew" in found.reason
        )
        assert side.source.asked == [False, True]
        assert [seen.status for seen in server.requests] == [201, 401]
        server.rotate_token("third-token")
        assert side.one(work(key="other")).status is Status.CREATED

    def test_threads_that_meet_401_together_ask_once(self, server: ApiServer, side: Side) -> None:
        side.one(work())
        server.rotate_token("second-token")
        gate = threading.Barrier(8)
        found: list[Status] = []

        def deliver(number: int) -> None:
            gate.wait()
            found.append(side.one(work(key=f"key-{number}")).status)

        threads = [threading.Thread(target=deliver, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [Status.CREATED] * 8
        assert side.source.asked == [False, True]

    def test_a_kubeconfig_that_turned_bad_is_refused_with_the_reason(
        self, server: ApiServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        def source(*, refresh: bool, deadline: Deadline) -> ClusterAccess:
            return parse_kubeconfig("{}", trusted_local=False)

        api = KubernetesApi(source)
        with caplog.at_level(logging.ERROR), pytest.raises(ConfigurationError):
            create(api, Clock())
        assert "contexts: missing, or not a list" in caplog.text
        side = Side(server)
        side.sink = ClusterSink(api, redelivery=side.redelivery)
        found = side.one(work())
        assert (found.status, found.passing) == (Status.FAILED, False)
        assert ": the kubeconfig is refused: contexts: missing, or not a list" in found.reason

    def test_a_source_that_cannot_answer_now_is_a_passing_failure_and_asked_again(self, server: ApiServer) -> None:
        answers: list[bool] = []

        def source(*, refresh: bool, deadline: Deadline) -> ClusterAccess:
            answers.append(refresh)
            if len(answers) == 1:
                raise PassingError("Secret Manager does not answer")
            return parse_kubeconfig(server.kubeconfig(), trusted_local=False)

        side = Side(server)
        side.sink = ClusterSink(KubernetesApi(source), redelivery=side.redelivery)
        assert side.one(work()).passing
        assert side.one(work()).status is Status.CREATED
        assert answers == [False, False]

    def test_a_client_certificate_authenticates_and_leaves_no_file(
        self, server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        text = server.kubeconfig(client_certificate=True, user="system:serviceaccount:ci:pipehook")
        create(*api_of(parse_kubeconfig(text, trusted_local=False)))
        assert [seen.user for seen in server.requests] == ["system:serviceaccount:ci:pipehook"]
        assert list(tmp_path.iterdir()) == []

    def test_a_key_pair_that_is_none_is_a_mistake_of_the_kubeconfig(self, server: ApiServer) -> None:
        access = parse_kubeconfig(server.kubeconfig(client_certificate=True), trusted_local=False)
        api, clock = api_of(replace(access, client_key_pem=access.client_certificate_pem))
        with pytest.raises(ConfigurationError) as caught:
            create(api, clock)
        assert "client-certificate-data and client-key-data are no pair" in caught.value.reason


class TestTls:
    """Whom the client trusts."""

    def test_another_authority_is_not_trusted_and_the_kubeconfig_asked_for_again(self, server: ApiServer) -> None:
        good = parse_kubeconfig(server.kubeconfig(), trusted_local=False)
        with ApiServer() as other:
            bad = replace(good, ca_pem=other.ca_pem)
        api, clock = api_of(bad, good)
        assert create(api, clock)["kind"] == "ConfigMap"
        api, clock = api_of(bad)
        with pytest.raises(ApiUnavailableError) as caught:
            create(api, clock)
        assert "its certificate is not accepted: " in caught.value.reason
        assert "compare the kubeconfig's server and certificate-authority-data with your own" in caught.value.reason
        assert len(server.requests) == 1

    def test_an_authority_that_cannot_be_read_is_a_mistake_of_the_kubeconfig(self, server: ApiServer) -> None:
        access = parse_kubeconfig(server.kubeconfig(), trusted_local=False)
        api, clock = api_of(replace(access, ca_pem="-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"))
        with pytest.raises(ConfigurationError) as caught:
            create(api, clock)
        assert "certificate-authority-data holds no certificate that can be read" in caught.value.reason

    def test_without_an_authority_the_systems_are_asked(self, server: ApiServer) -> None:
        access = replace(parse_kubeconfig(server.kubeconfig(), trusted_local=False), ca_pem="")
        with pytest.raises(ApiUnavailableError, match="its certificate is not accepted"):
            create(*api_of(access))

    def test_tls_server_name_is_what_the_certificate_must_show(self, server: ApiServer) -> None:
        access = parse_kubeconfig(server.kubeconfig(), trusted_local=False)
        assert create(*api_of(replace(access, tls_server_name="localhost")))
        with pytest.raises(ApiUnavailableError) as caught:
            create(*api_of(replace(access, tls_server_name="kube.example.com")))
        assert "Hostname mismatch" in caught.value.reason

    def test_a_local_kubeconfig_may_leave_the_certificate_unverified(self, server: ApiServer) -> None:
        assert create(*api_of(parse_kubeconfig(server.kubeconfig(insecure=True), trusted_local=True)))

    def test_what_is_no_tls_is_a_passing_fault(self, server: ApiServer) -> None:
        with one_answer(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n") as (port, _):
            access = parse_kubeconfig(server.kubeconfig(), trusted_local=False)
            with pytest.raises(NoAnswerError, match="the TLS handshake failed") as caught:
                ask(Session(replace(access, server=f"https://127.0.0.1:{port}"), connections=1))
        assert caught.value.cause == "tls"

    def test_a_name_that_does_not_resolve_is_a_passing_fault_without_the_name(self, server: ApiServer) -> None:
        access = parse_kubeconfig(server.kubeconfig(), trusted_local=False)
        with pytest.raises(ApiUnavailableError) as caught:
            create(*api_of(replace(access, server="https://kubernetes.invalid")))
        assert "its name cannot be resolved" in caught.value.reason
        assert "kubernetes.invalid" not in caught.value.reason


class TestProxy:
    """proxy-url."""

    def test_the_tunnel_is_asked_for_with_the_users_name(self, server: ApiServer) -> None:
        with one_answer(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n") as (port, asked):
            access = parse_kubeconfig(server.kubeconfig(), trusted_local=False)
            with pytest.raises(PassingError) as caught:
                create(*api_of(replace(access, proxy_url=f"http://user:p%40ss@127.0.0.1:{port}")))
        assert f"Basic {base64.b64encode(b'user:p@ss').decode()}".encode() in asked[0]
        assert asked[0].startswith(b"CONNECT 127.0.0.1:")
        assert "the proxy does not connect to it" in caught.value.reason

    def test_a_proxy_needs_no_user(self, server: ApiServer) -> None:
        with one_answer(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n") as (port, asked):
            access = parse_kubeconfig(server.kubeconfig(), trusted_local=False)
            with pytest.raises(PassingError):
                create(*api_of(replace(access, proxy_url=f"http://127.0.0.1:{port}")))
        assert b"Authorization" not in asked[0]


class TestConnections:
    """Kept alive, shared, bounded, and not trusted for ever."""

    def test_connections_are_kept_alive(self, server: ApiServer, side: Side) -> None:
        for number in range(3):
            side.one(work(key=str(number)))
        assert len(server._listener._connections) == 1

    def test_an_answer_that_never_comes_over_an_old_connection_is_asked_for_over_a_new_one(
        self, server: ApiServer, side: Side, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with Relay(server.url.removeprefix("https://")) as relay:
            side.source.through(relay.host)
            side.one(work())
            monkeypatch.setattr(calls, "DOUBT_SECONDS", 0.2)
            relay.freeze()
            assert side.one(work(key="other")).status is Status.CREATED
        assert side.clock.slept == []

    def test_what_idled_for_long_is_not_trusted(
        self, server: ApiServer, side: Side, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        side.one(work())
        thawed = time.time() + transport.MAX_IDLE_SECONDS + 1
        monkeypatch.setattr("functions.adapters.kubernetes.transport.time.time", lambda: thawed)
        before = side.api._calls._session
        assert side.one(work(key="other")).status is Status.CREATED
        assert side.api._calls._session is not before
        assert side.source.asked == [False]

    def test_a_forked_process_opens_its_own(
        self, server: ApiServer, side: Side, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        side.one(work())
        before = side.api._calls._session
        monkeypatch.setattr("functions.adapters.kubernetes.transport.os.getpid", lambda: -1)
        assert side.one(work(key="other")).status is Status.CREATED
        assert side.api._calls._session is not before

    def test_their_number_is_bounded(self, server: ApiServer) -> None:
        side = Side(server)
        api = KubernetesApi(side.source, backoff=Backoff(sleep=side.clock.sleep), connections=1, clock=side.clock)
        server.faults.add(Fault(action="hang", method="POST"))
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(create, api, side.clock, 60)
            server.requests.wait()
            with pytest.raises(ApiUnavailableError, match="all 1 connections are busy"):
                create(api, side.clock, 0.1)
            server.faults.clear()
            server.drop_connections()
            first.result()

    def test_an_answer_without_end_is_cut_off(self, monkeypatch: pytest.MonkeyPatch, server: ApiServer) -> None:
        monkeypatch.setattr(pools, "MAX_ANSWER", 100)
        with pytest.raises(ApiUnavailableError, match="the answer is larger than"):
            create(*api_of(parse_kubeconfig(server.kubeconfig(), trusted_local=False)))


class TestDiscovery:
    """Which path a kind has."""

    def test_the_known_kinds_are_what_a_server_discovers(self, server: ApiServer, side: Side) -> None:
        for (api_version, _), known in KNOWN.items():
            root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
            served = side.api._calls.json(Request(method="GET", path=root), "x", side.deadline())
            served_rows = {(row["name"], row["kind"], row["namespaced"]) for row in rows(served, "resources")}
            kinds = {kind for _, kind, _ in served_rows}
            if known.kind in kinds:
                assert (known.plural, known.kind, known.namespaced) in served_rows
        assert ("tekton.dev/v1", "PipelineRun") in KNOWN

    def test_a_known_kind_asks_nothing(self, server: ApiServer, side: Side) -> None:
        assert side.api.resource("tekton.dev/v1", "PipelineRun", deadline=side.deadline()).plural == "pipelineruns"
        assert len(server.requests) == 0

    def test_an_answer_is_kept_for_a_while_and_then_asked_for_again(self, server: ApiServer, side: Side) -> None:
        server.register(WIDGETS)
        for wait, asked in ((0.0, 1), (0.0, 1), (kubernetes_kinds.POSITIVE_SECONDS, 2)):
            side.clock.sleep(wait)
            found = side.api.resource("example.com/v1", "Widget", deadline=side.deadline())
            assert found == Resource("example.com/v1", "Widget", "widgets", namespaced=True)
            assert len(server.requests) == asked

    def test_a_kind_that_was_not_there_is_asked_for_again_soon(self, server: ApiServer, side: Side) -> None:
        def asked() -> int:
            return sum(seen.path == "/apis/example.com/v1" for seen in server.requests)

        for wait, anew in ((0.0, True), (0.0, False), (kubernetes_kinds.NEGATIVE_SECONDS, True)):
            side.clock.sleep(wait)
            before = asked()
            with pytest.raises(LastingError, match="the cluster serves no Widget of"):
                side.api.resource("example.com/v1", "Widget", deadline=side.deadline())
            assert (asked() > before) is anew
        server.register(WIDGETS)
        side.clock.sleep(kubernetes_kinds.NEGATIVE_SECONDS)
        assert side.api.resource("example.com/v1", "Widget", deadline=side.deadline()).namespaced

    def test_a_path_that_is_gone_is_forgotten(self, server: ApiServer, side: Side) -> None:
        server.register(WIDGETS)
        widget = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"generateName": "w-"}}
        side.one(work(widget))
        fault = server.faults.add(Fault(status=404, method="POST"))
        assert side.one(work(widget, key="other")).status is Status.FAILED
        assert server.requests[-1].path == "/apis/example.com/v1"
        server.faults.remove(fault)
        assert side.one(work(widget, key="other")).status is Status.CREATED

    def test_kinds_of_one_group_wait_for_one_answer(self) -> None:
        kinds, deadline = Kinds(lambda: 0.0), Deadline(8.0, lambda: 0.0)
        asked: list[str] = []
        begun, answered = threading.Event(), threading.Event()

        def read(path: str) -> dict[str, Any]:
            asked.append(path)
            begun.set()
            assert answered.wait(10)
            return {"resources": [{"name": "mice", "kind": "Mouse"}, {"name": "geese", "kind": "Goose"}]}

        with ThreadPoolExecutor() as pool:
            first = pool.submit(kinds.find, "example.com/v1", "Mouse", read, deadline)
            assert begun.wait(10)
            late = Deadline(0.01, lambda: 0.0)
            with pytest.raises(PassingError, match="was not answered in time"):
                kinds.find("example.com/v1", "Goose", read, late)
            second = pool.submit(kinds.find, "example.com/v1", "Goose", read, deadline)
            answered.set()
            assert [first.result(10).plural, second.result(10).plural] == ["mice", "geese"]
        assert asked == ["/apis/example.com/v1"]

    def test_the_memory_is_bounded(self) -> None:
        kinds, deadline = Kinds(lambda: 0.0), Deadline(8.0, lambda: 0.0)
        asked: list[str] = []

        def read(path: str) -> dict[str, Any]:
            asked.append(path)
            return {"resources": [{"name": "things", "kind": "Thing", "namespaced": True}, {"name": "things/status"}]}

        for number in range(200):
            kinds.find(f"g{number}.example.com/v1", "Thing", read, deadline)
        assert len(kinds._groups) == 64
        kinds.find("g199.example.com/v1", "Thing", read, deadline)
        assert len(asked) == 200


class TestReading:
    """get, list and access reviews."""

    def test_get_reads_one_object_and_tells_when_there_is_none(self, server: ApiServer, side: Side) -> None:
        put(server, "one")
        found = side.api.get(CONFIG_MAPS, namespace=NAMESPACE, name="one", deadline=side.deadline())
        assert found is not None
        assert found["data"] == {"revision": "6dcb09b5"}
        assert side.api.get(CONFIG_MAPS, namespace=NAMESPACE, name="two", deadline=side.deadline()) is None

    def test_list_selects_and_pages(self, server: ApiServer, side: Side) -> None:
        for number in range(5):
            put(server, f"c{number}", odd=str(number % 2))
        for namespace in ("", NAMESPACE):
            before = len(server.requests)
            found = side.api.list(CONFIG_MAPS, namespace=namespace, selector="odd=0", limit=2, deadline=side.deadline())
            assert [metadata(item)["name"] for item in found] == ["c0", "c2", "c4"]
            assert len(server.requests) - before == 2

    def test_a_list_whose_continuation_is_too_old_says_410(self, server: ApiServer, side: Side) -> None:
        for number in range(3):
            put(server, f"c{number}")
        found = side.api.list(CONFIG_MAPS, limit=2, deadline=side.deadline())
        next(found)
        put(server, "c3")
        server.expire_history()
        with pytest.raises(ApiRefusedError) as caught:
            list(found)
        assert caught.value.status == 410

    def test_server_dry_run_admits_and_stores_nothing(self, server: ApiServer, side: Side) -> None:
        manifest = pipeline_run(name="deploy", namespace=NAMESPACE)
        assert side.api.create(manifest, deadline=side.deadline(), dry_run=True)["kind"] == "PipelineRun"
        assert server.objects("PipelineRun") == []

    def test_an_access_review_tells_what_is_allowed(self) -> None:
        rule = Rule(verbs=("create",), groups=("tekton.dev",), resources=("pipelineruns",), namespaces=(NAMESPACE,))
        with ApiServer(tokens={"token-of-ci": User(name="ci", rules=(rule,))}) as server:
            side = Side(server)

            def review(verb: str) -> Access:
                return side.api.review_access(
                    verb, group="tekton.dev", resource="pipelineruns", namespace=NAMESPACE, deadline=side.deadline()
                )

            assert (review("create").allowed, review("delete").allowed) == (True, False)


def test_texts_name_objects_as_users_do() -> None:
    assert describe("PipelineRun", "team", "build") == "PipelineRun team/build"
    assert describe("Namespace", "", "team") == "Namespace team"
    assert describe("configmaps", "", "") == "configmaps"


def test_a_session_is_made_again_with_the_same_trust(server: ApiServer) -> None:
    session = Session(parse_kubeconfig(server.kubeconfig(), trusted_local=False), connections=4)
    assert [ask(one) for one in (session, session.renewed())] == [200, 200]
