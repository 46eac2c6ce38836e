"""Which of a cluster's objects are read: rights, namespaces, versions and pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from functions.adapters.kubernetes.source.reader import MISSING_SECONDS
from functions.common.errors import LastingError, PassingError
from tests.adapters.kubernetes.source.support import Cluster, binding, inline, listener, problems, template, trigger
from tests.adapters.kubernetes.support import NAMESPACE
from tests.standins.apiserver import ACCOUNT, ApiServer
from tests.standins.faults import Fault
from tests.standins.kubernetes.access import Rule, User
from tests.standins.kubernetes.starting import Stage
from tests.support.fault_cases import NO_RIGHT

PATH = f"{NAMESPACE}/listener"
KINDS = ("eventlisteners", "interceptors", "triggerbindings", "triggers", "triggertemplates")


def may_read(*namespaces: str, kinds: tuple[str, ...] = KINDS) -> Rule:
    return Rule(verbs=("list",), groups=("triggers.tekton.dev",), resources=kinds, namespaces=namespaces)


def in_order(cluster: Cluster) -> list[str]:
    """The plurals as they were listed, what was forbidden left out."""
    return [request.path.rpartition("/")[2] for request in cluster.server.requests if request.status == 200]


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer() as running:
        yield running


def with_rights(*rules: Rule) -> Iterator[ApiServer]:
    with ApiServer(tokens={"t": User(name=ACCOUNT, rules=rules)}) as running:
        yield running


@pytest.fixture
def narrow() -> Iterator[ApiServer]:
    """An account with a Role in two namespaces, as infra/cluster gives it, and with nothing else."""
    yield from with_rights(may_read(NAMESPACE, "other"))


def test_what_refers_is_read_before_what_it_refers_to(server: ApiServer) -> None:
    cluster = Cluster(server)
    cluster.put(listener(), template())
    cluster.current()
    first, second, *rest = in_order(cluster)
    assert (first, second) == ("eventlisteners", "triggers")
    assert sorted(rest) == [
        "clusterinterceptors",
        "clustertriggerbindings",
        "interceptors",
        "triggerbindings",
        "triggertemplates",
    ]


def test_every_namespace_where_that_is_allowed(server: ApiServer) -> None:
    cluster = Cluster(server)
    cluster.put(listener(), template(), listener(namespace="other"), template(namespace="other"))
    assert [problems(found) for found in cluster.current().values()] == [{"inline": ""}, {"inline": ""}]
    assert cluster.asked_home == 0


def test_with_rights_in_some_namespaces_those_of_the_configuration_and_of_selectors(
    narrow: ApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    cluster = Cluster(narrow)
    cluster.put(
        listener("listener", namespaceSelector={"matchNames": [NAMESPACE, "other", "forbidden"]}),
        listener("elsewhere", namespace="other"),
        template(namespace="other"),
        trigger("here"),
        trigger("there", namespace="other"),
        trigger("unseen", namespace="forbidden"),
    )
    found = cluster.current()
    assert list(found) == [PATH]
    told = problems(found[PATH])
    assert list(told) == ["here", "there"]
    assert told["here"].endswith("does not exist")
    assert told["there"] == ""
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == [
        "the account may not list Trigger objects in forbidden: none are seen",
        "the account may not list ClusterTriggerBinding objects, so there are none for Pipehook",
        "the account may not list ClusterInterceptor objects, so there are none for Pipehook",
    ]
    caplog.clear()
    cluster.later()
    assert caplog.messages == []
    assert cluster.asked_home == 1


def test_groups_select_in_their_own_namespaces(narrow: ApiServer) -> None:
    cluster = Cluster(narrow)
    group = {
        "name": "g",
        "interceptors": [{"ref": {"name": "cel"}}],
        "triggerSelector": {"namespaceSelector": {"matchNames": ["other"]}},
    }
    cluster.put(listener("listener", triggerGroups=[group]), trigger(namespace="other"), template(namespace="other"))
    assert problems(cluster.current()[PATH]) == {"trigger": ""}


def test_all_namespaces_are_not_asked_for_again_for_five_minutes(narrow: ApiServer) -> None:
    cluster = Cluster(narrow)
    cluster.put(listener(), template())
    cluster.current()
    narrow.requests.clear()
    cluster.later()
    assert {request.status for request in narrow.requests} == {200}
    cluster.later(290)
    assert 403 in {request.status for request in narrow.requests}


def test_a_list_that_is_refused_in_passing_narrows_nothing(server: ApiServer) -> None:
    cluster = Cluster(server)
    cluster.put(listener(), template(), listener(namespace="other"), template(namespace="other"))
    for times, body in ((1, NO_RIGHT), (3, NO_RIGHT), (3, "<html>a balancer's page</html>")):
        server.faults.add(Fault(status=403, path="/v1beta1/eventlisteners", body=body, times=times))
        assert list(cluster.later()) == [PATH, "other/listener"]
    assert cluster.asked_home == 0


@pytest.mark.parametrize("stage", [Stage.NO_RBAC, Stage.NO_PATHS])
def test_a_server_that_starts_is_an_outage(server: ApiServer, stage: Stage) -> None:
    cluster = Cluster(server)
    cluster.put(listener(), template(), listener(namespace="other"), template(namespace="other"))
    server.stage = stage
    with pytest.raises(PassingError):
        cluster.current()
    server.stage = Stage.READY
    first = cluster.later()
    assert list(first) == [PATH, "other/listener"]
    server.stage = stage
    assert cluster.later() == first
    assert cluster.asked_home == 0


def test_a_view_that_becomes_narrow_is_said(server: ApiServer, caplog: pytest.LogCaptureFixture) -> None:
    cluster = Cluster(server)
    cluster.put(listener(), template(), listener(namespace="other"), template(namespace="other"))
    cluster.current()
    server.add_token(server.token, User(name=ACCOUNT, rules=(may_read(NAMESPACE),)))
    assert list(cluster.later()) == [PATH]
    assert cluster.source.several
    told = f"the account may no longer list EventListener objects everywhere: those in {NAMESPACE} are seen"
    assert caplog.messages.count(told) == 1
    cluster.later()
    assert caplog.messages.count(told) == 1


def test_a_narrow_account_waits_for_nothing(narrow: ApiServer) -> None:
    cluster = Cluster(narrow)
    cluster.put(listener(), template())
    assert list(cluster.current()) == [PATH]
    assert cluster.side.clock.slept == []


def test_a_kind_that_is_gone_for_a_moment_leaves_the_last_known(server: ApiServer) -> None:
    cluster = Cluster(server)
    cluster.put(listener("listener", inline(bindings=[{"ref": "binding"}])), template(), binding())
    first = cluster.current()
    gone = server.faults.add(Fault(status=404, path="/triggerbindings", body="404 page not found"))
    assert cluster.later() == first
    assert cluster.later(MISSING_SECONDS - 1) == first
    assert problems(cluster.later(MISSING_SECONDS)[PATH])["inline"].endswith("does not exist")
    server.faults.remove(gone)
    assert problems(cluster.later()[PATH]) == {"inline": ""}


def test_without_listeners_kind_it_passes_until_that_is_no_news(server: ApiServer) -> None:
    cluster = Cluster(server)
    server.faults.add(Fault(status=404, path="/eventlisteners", body="404 page not found"))
    with pytest.raises(PassingError, match="serves no EventListener at this moment"):
        cluster.current()
    assert cluster.later(MISSING_SECONDS) == {}


def test_an_account_without_rights_to_listeners_is_told_where_to_add_them() -> None:
    for server in with_rights(may_read(NAMESPACE, kinds=("triggers",))):
        cluster = Cluster(server)
        with pytest.raises(LastingError, match=r"403 Forbidden.*add it to the Role"):
            cluster.current()


def test_rights_that_are_taken_away_leave_the_last_known(caplog: pytest.LogCaptureFixture, narrow: ApiServer) -> None:
    cluster = Cluster(narrow)
    cluster.put(listener(), template())
    first = cluster.current()
    narrow.add_token("t", User(name=ACCOUNT, rules=(may_read(NAMESPACE, kinds=KINDS[:-1]),)))
    assert cluster.later() == first
    assert any("triggertemplates" in message and "serves until" in message for message in caplog.messages)


def test_kinds_that_are_not_installed_are_empty(server: ApiServer, caplog: pytest.LogCaptureFixture) -> None:
    cluster = Cluster(server)
    cluster.put(listener(), template())
    server.faults.add(Fault(status=404, path="interceptors", body="404 page not found"))
    assert problems(cluster.current()[PATH]) == {"inline": ""}
    cluster.later()
    assert [message for message in caplog.messages if "CRD" in message] == [
        "the cluster serves no Interceptor: its CRD is not installed, so there are none",
        "the cluster serves no ClusterInterceptor: its CRD is not installed, so there are none",
    ]


def test_an_older_cluster_serves_v1alpha1_alone(server: ApiServer) -> None:
    cluster = Cluster(server)
    cluster.put(listener("listener", inline(bindings=[{"ref": "binding"}])), template(), binding())
    server.faults.add(Fault(status=404, path="/v1beta1/", body="404 page not found"))
    assert problems(cluster.current()[PATH]) == {"inline": ""}


def test_all_pages_are_read(server: ApiServer) -> None:
    cluster = Cluster(server)
    names = [f"binding-{number}" for number in range(501)]
    cluster.put(listener("listener", inline(bindings=[{"ref": names[-1]}])), template(), *map(binding, names))
    assert problems(cluster.current()[PATH]) == {"inline": ""}
    cluster.put(binding("binding-more"))
    server.faults.add(Fault(status=410, path="triggerbindings.*continue=", times=1))
    assert problems(cluster.later()[PATH]) == {"inline": ""}
    server.faults.add(Fault(status=410, path="triggerbindings.*continue="))
    cold = Cluster(server)
    with pytest.raises(PassingError, match="changes faster than its pages are read"):
        cold.current()


def test_cluster_scoped_bindings_are_found_by_name(server: ApiServer) -> None:
    cluster = Cluster(server)
    refs = [{"ref": "binding", "kind": "ClusterTriggerBinding"}]
    cluster.put(listener("listener", inline(bindings=refs)), template(), binding(kind="ClusterTriggerBinding"))
    assert problems(cluster.current()[PATH]) == {"inline": ""}
