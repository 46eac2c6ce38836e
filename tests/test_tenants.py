"""Many teams behind one URL: what separates them (docs/tenants.md), and that one's flood leaves the others served."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from functions.adapters.http.room import SMALL_VALUES, Room, Share, Turns
from functions.adapters.http.tenants import Tenant, Tenants
from functions.common.errors import ExhaustedError
from tests.standins.apiserver import ApiServer
from tests.support.application import Application
from tests.support.deliveries import PUSH, encoded, headers
from tests.support.function import Answer, ServedFunction
from tests.support.sources import github, inline, listener, template
from tests.support.workspace import Workspace

KEYS = {"red": b"the-red-teams-key", "blue": b"the-blue-teams-key"}
THREADS = 8


@pytest.fixture
def cluster() -> Iterator[ApiServer]:
    with ApiServer(namespaces=[*KEYS]) as running:
        yield running


@pytest.fixture
def teams(tmp_path: Path, cluster: ApiServer) -> Workspace:
    """Two teams, each with a namespace, a listener and a secret of the same names."""
    workspace = Workspace(tmp_path / "teams", cluster, namespace="red")
    found: list[dict[str, Any]] = []
    for team, key in KEYS.items():
        made = listener(inline()), template()
        found += [{**one, "metadata": one["metadata"] | {"namespace": team}} for one in made]
        workspace.secret(f"{team}_hook", "token", key)
    workspace.write(found)
    return workspace


def environment(teams: Workspace, **more: str) -> dict[str, str]:
    return teams.environment(SECRET_ID_FORMAT="{namespace}_{name}", **more)


def push(function: Application | ServedFunction, team: str, *, key: bytes | None = None, number: int = 0) -> Answer:
    body = encoded(PUSH | {"number": number})
    return function.post(body, headers("push", body, secret=key or KEYS[team]), path=f"/{team}/listener")


def created(teams: Workspace) -> dict[str, int]:
    return {team: len(teams.cluster.objects("PipelineRun", team)) for team in KEYS}


class TestWhatSeparates:
    """Each claim of docs/tenants.md."""

    def test_the_path_chooses_the_listener_and_its_namespace(self, teams: Workspace) -> None:
        assert push(Application(environment(teams)), "red").statuses == ["created"]
        assert created(teams) == {"red": 1, "blue": 0}

    def test_one_teams_key_opens_nothing_of_the_others(self, teams: Workspace) -> None:
        function = Application(environment(teams))
        assert push(function, "red", key=KEYS["blue"]).status == 401
        assert created(teams) == {"red": 0, "blue": 0}

    def test_a_secret_ref_cannot_name_another_namespaces_secret(self, teams: Workspace) -> None:
        stolen = listener(inline("stolen", github("blue_hook")))
        teams.write([stolen, template()])
        answer = push(Application(environment(teams)), "red", key=KEYS["blue"])
        assert answer.status in (401, 422)
        assert created(teams) == {"red": 0, "blue": 0}

    def test_a_trigger_with_a_service_account_creates_as_it_and_not_as_the_function(self, teams: Workspace) -> None:
        one = inline("one", serviceAccountName="builder")
        made = listener(one), template()
        teams.write(made)
        push(Application(teams.environment(SECRET_ID_FORMAT="{namespace}_{name}")), "red")
        posts = [seen for seen in teams.cluster.requests if seen.method == "POST" and "pipelineruns" in seen.path]
        assert {seen.impersonated for seen in posts} == {"system:serviceaccount:red:builder"}

    def test_a_mistake_of_one_team_leaves_the_others_running(self, teams: Workspace) -> None:
        broken = listener(inline("broken", template={"ref": "nowhere"}))
        teams.write([{**broken, "metadata": broken["metadata"] | {"namespace": "red"}}], name="triggers.yaml")
        good = [listener(inline()), template()]
        blue = [{**made, "metadata": made["metadata"] | {"namespace": "blue"}} for made in good]
        teams.write(blue, name="blue.yaml")
        function = Application(environment(teams))
        assert (push(function, "red").status, push(function, "blue").statuses) == (422, ["created"])


class TestWhatDoesNot:
    """Hard tenancy is a deployment each."""

    def test_a_template_may_create_in_another_teams_namespace_if_the_role_allows_it(self, teams: Workspace) -> None:
        placed = template()
        placed["spec"]["resourcetemplates"][0]["metadata"]["namespace"] = "blue"
        teams.write([listener(inline()), placed])
        assert push(Application(environment(teams)), "red").statuses == ["created"]
        assert created(teams) == {"red": 0, "blue": 1}

    def test_without_namespaces_in_the_ids_two_teams_share_a_secret_of_one_name(self, teams: Workspace) -> None:
        teams.secret("hook", "token", KEYS["red"])
        function = Application(teams.environment())
        assert push(function, "blue", key=KEYS["red"]).statuses == ["created"]


@contextmanager
def slow_bodies(function: ServedFunction, team: str, count: int, *, length: int) -> Iterator[list[socket.socket]]:
    """Open deliveries for a team whose bodies do not come, as anybody may who knows the URL."""
    with ExitStack() as opened:
        sockets = []
        for _ in range(count):
            connection = opened.enter_context(socket.create_connection(("127.0.0.1", function.port)))
            head = f"POST /{team}/listener HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"
            connection.sendall(head.encode() + b"x")
            sockets.append(connection)
        yield sockets


class TestFlood:
    """One team's flood, with another one's deliveries in between."""

    @pytest.mark.parametrize("length", [1000, 20_000_000], ids=["small", "large"])
    def test_deliveries_that_hang_in_one_listener_leave_the_others_served(self, teams: Workspace, length: int) -> None:
        with ServedFunction(environment(teams), threads=THREADS) as function:
            push(function, "blue", number=-1)
            with slow_bodies(function, "red", 3 * THREADS, length=length):
                replies = [push(function, "blue", number=number) for number in range(20)]
        assert [reply.statuses for reply in replies] == [["created"]] * 20

    def test_a_flood_of_one_team_is_refused_and_comes_later(self, teams: Workspace) -> None:
        """With half of the threads held, further deliveries of the team are told to come again."""
        with ServedFunction(environment(teams), threads=THREADS) as function, ExitStack() as opened:
            for number in range(100):  # until as many hold their threads as may; each is given up after a while
                opened.enter_context(slow_bodies(function, "red", THREADS, length=1000))
                reply = push(function, "red", number=number)
                if reply.statuses != ["created"]:
                    break
            assert (reply.status, reply.headers.get("Retry-After")) == (503, "30")
            assert reply.json["errorMessage"].startswith("too many deliveries of this listener are under way")

    def test_paths_that_name_no_listener_are_one_together(self, teams: Workspace) -> None:
        with ServedFunction(environment(teams), threads=THREADS) as function, ExitStack() as opened:
            for number in range(3 * THREADS):
                opened.enter_context(slow_bodies(function, f"nobody-{number}", 1, length=1000))
            assert push(function, "blue").statuses == ["created"]

    def test_with_one_listener_there_is_no_such_limit(self, teams: Workspace) -> None:
        teams.write([listener(inline()), template()])
        with (
            ServedFunction(environment(teams), threads=THREADS) as function,
            slow_bodies(function, "red", THREADS - 1, length=1000),
        ):
            assert push(function, "red").statuses == ["created"]


class TestPlaces:
    """Deliveries at once, and large ones."""

    def test_a_listener_has_half_of_the_threads(self) -> None:
        tenants = Tenants("8")
        with ExitStack() as held:
            for _ in range(4):
                held.enter_context(tenants.place("a/b", size=1))
            with (
                pytest.raises(ExhaustedError, match="too many deliveries"),
                Tenant(2, seconds=0).place(small=True),
                ExitStack(),
            ):
                held.enter_context(self._impatient(tenants))
            with tenants.place("c/d"):
                pass
        with tenants.place("a/b", size=1):
            pass

    @staticmethod
    def _impatient(tenants: Tenants) -> Any:
        tenants._known["a/b"]._seconds = 0.0
        return tenants.place("a/b", size=1)

    @pytest.mark.parametrize(("threads", "places"), [("1", 1), ("2", 1), ("", 8), ("x", 8), ("250", 125)])
    def test_places_follow_the_threads(self, threads: str, places: int) -> None:
        tenants = Tenants(threads)
        with ExitStack() as held:
            for _ in range(places):
                held.enter_context(tenants.place("a/b", size=1))
            with pytest.raises(ExhaustedError):
                held.enter_context(self._impatient(tenants))

    def test_a_quarter_of_them_is_for_small_bodies(self) -> None:
        tenant = Tenant(8, seconds=0.0)
        with ExitStack() as held:
            for _ in range(3):
                held.enter_context(tenant.place(small=False))
            with pytest.raises(ExhaustedError):
                held.enter_context(tenant.place(small=False))
            with tenant.place(small=True):
                pass

    def test_of_large_deliveries_a_listener_has_one_at_a_time(self) -> None:
        tenant, other = Tenant(8, seconds=0.0), Tenant(8, seconds=0.0)
        with (
            tenant.place(small=True) as first,
            tenant.place(small=True) as second,
            other.place(small=True) as elsewhere,
        ):
            first.large()
            first.large()
            elsewhere.large()
            with pytest.raises(ExhaustedError, match="another large delivery of this listener"):
                second.large()
        with tenant.place(small=True) as later:
            later.large()

    def test_what_becomes_large_counts_as_a_large_body_does(self) -> None:
        tenant = Tenant(8, seconds=0.0)
        room = Room(10 * SMALL_VALUES)
        with tenant.place(small=True) as one, tenant.place(small=True) as two:
            share = Share(room, Turns(), 10, large=one.large)
            share.take(SMALL_VALUES, verified=True)
            share.take(1, verified=True)
            assert one.is_large
            other = Share(room, Turns(), 10, large=two.large)
            other.take(SMALL_VALUES, verified=True)
            with pytest.raises(ExhaustedError):
                other.take(1, verified=True)
            other.close()
            share.close()

    def test_whoever_waits_gets_the_place_that_becomes_free(self) -> None:
        tenant = Tenant(8, seconds=30.0)
        with ExitStack() as held:
            for _ in range(3):
                held.enter_context(tenant.place(small=True))
            last = ExitStack()
            last.enter_context(tenant.place(small=True))
            got = threading.Event()

            def wait() -> None:
                with tenant.place(small=True):
                    got.set()

            thread = threading.Thread(target=wait)
            thread.start()
            last.close()
            assert got.wait(30)
            thread.join()
