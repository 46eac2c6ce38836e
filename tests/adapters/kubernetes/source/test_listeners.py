"""Triggers read from the cluster: how fresh, how often, and what serves while it cannot be asked."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from functions.adapters.kubernetes.source.listeners import Freshness
from functions.common.errors import LastingError, PassingError
from tests.adapters.kubernetes.source.support import (
    RUN,
    Cluster,
    binding,
    inline,
    listener,
    problems,
    template,
    trigger,
)
from tests.adapters.kubernetes.support import NAMESPACE
from tests.standins.apiserver import ApiServer
from tests.standins.faults import Fault
from tests.support.hanging import cut_short

PATH = f"{NAMESPACE}/listener"
OTHER = RUN | {"spec": {"pipelineRef": {"name": "other"}}}


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer(namespaces=(NAMESPACE, "other")) as running:
        yield running


@pytest.fixture
def cluster(server: ApiServer) -> Cluster:
    found = Cluster(server)
    found.put(listener(), template())
    return found


def named(found: Cluster) -> list[str]:
    return [one.name for one in found.current()[PATH].triggers]


def test_a_listener_comes_with_its_uid(cluster: Cluster) -> None:
    [stored] = cluster.server.objects("EventListener")
    found = cluster.current()[PATH]
    assert (found.name, found.namespace, found.uid) == ("listener", NAMESPACE, stored["metadata"]["uid"])
    assert problems(found) == {"inline": ""}


def test_what_was_read_is_used_without_asking(cluster: Cluster) -> None:
    first = cluster.current()[PATH]
    asked = len(cluster.server.requests)
    assert cluster.later(14)[PATH] is first
    assert len(cluster.server.requests) == asked


def test_a_change_is_seen_within_30_seconds(cluster: Cluster) -> None:
    cluster.current()
    cluster.put(listener("listener", inline("one"), inline("two")), listener("new"))
    found = cluster.later(15)
    assert list(found) == [PATH, f"{NAMESPACE}/new"]
    assert [one.name for one in found[PATH].triggers] == ["one", "two"]
    cluster.delete("eventlisteners", "new")
    assert list(cluster.later(15)) == [PATH]


def test_only_listeners_that_a_change_concerns_are_compiled_anew(cluster: Cluster) -> None:
    cluster.put(
        listener("by-label", labelSelector={"matchLabels": {"app": "a"}}),
        listener("waiting", inline(bindings=[{"ref": "binding"}])),
        listener("apart", inline(template={"ref": "apart"})),
        template("apart"),
        trigger(labels={"app": "a"}),
    )
    first = cluster.current()
    second = cluster.later()
    assert all(second[path] is first[path] for path in first)

    def anew() -> set[str]:
        before = cluster.current()
        after = cluster.later()
        return {path.partition("/")[2] for path in after if after[path] is not before.get(path)}

    cluster.put(template("apart", run=OTHER))
    assert anew() == {"apart"}
    cluster.put(binding())
    assert anew() == {"waiting"}
    cluster.put(trigger("further"))
    assert anew() == {"by-label"}
    cluster.put(template(run=OTHER), listener("another"))
    assert anew() == {"listener", "by-label", "waiting", "another"}
    assert anew() == set()


def test_while_one_request_reads_the_others_go_on_for_25_seconds_and_then_wait(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Cluster(server, freshness=Freshness(warm_seconds=60))
    cluster.put(listener(), template())
    first = cluster.current()[PATH]
    listed, go_on = cluster.side.api.list, threading.Event()

    def slow(*asked: Any, **more: Any) -> Iterator[dict[str, Any]]:
        assert go_on.wait(60)
        return listed(*asked, **more)

    monkeypatch.setattr(cluster.side.api, "list", slow)
    cluster.put(listener("listener", inline("changed")))
    asked = cluster.lists
    cluster.clock.pass_by(15)
    with ThreadPoolExecutor(64) as pool:
        reader = pool.submit(cluster.current, 60)
        while cluster.source._reading is None:
            assert not reader.done()
        others = [pool.submit(cluster.current) for _ in range(32)]
        assert all(other.result()[PATH] is first for other in others)
        assert not reader.done()
        cluster.clock.pass_by(10)
        late = [pool.submit(cluster.current, 60) for _ in range(32)]
        go_on.set()
        assert all(other.result()[PATH].triggers[0].name == "changed" for other in late)
        assert reader.result()[PATH].triggers[0].name == "changed"
    assert cluster.lists == asked + 1


def test_64_requests_of_a_cold_instance_read_once(cluster: Cluster) -> None:
    start = threading.Barrier(64)

    def ask(_: int) -> str:
        start.wait()
        return cluster.current()[PATH].uid

    with ThreadPoolExecutor(64) as pool:
        assert len(set(pool.map(ask, range(64)))) == 1
    assert cluster.lists == 1


def test_an_outage_is_bridged_for_an_hour_and_said_once(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    first = cluster.current()[PATH]
    cluster.server.faults.add(Fault(status=503))
    caplog.set_level(logging.INFO)
    caplog.clear()
    for _ in range(3):
        assert cluster.later()[PATH] is first
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "cannot be read from the cluster" in caplog.messages[0]
    assert "until it is 3600 s old" in caplog.messages[0]
    assert cluster.later(3530)[PATH] is first
    with pytest.raises(PassingError, match="503"):
        cluster.later(20)
    cluster.server.faults.clear()
    caplog.clear()
    assert cluster.later(10)[PATH] is first
    assert caplog.messages == ["the triggers can be read from the cluster again"]


def test_after_a_failed_read_nobody_asks_for_ten_seconds(cluster: Cluster) -> None:
    cluster.current()
    cluster.server.faults.add(Fault(status=403, body='{"kind": "Status", "reason": "Invalid", "message": "no"}'))
    cluster.later()
    asked = len(cluster.server.requests)
    cluster.later(9)
    assert len(cluster.server.requests) == asked
    cluster.later(1)
    assert len(cluster.server.requests) > asked


def test_a_cluster_that_hangs_costs_two_seconds_at_most(cluster: Cluster) -> None:
    first = cluster.current()[PATH]
    cluster.server.faults.add(Fault(action="hang"))
    before = cluster.side.clock()
    with cut_short(cluster.side.clock, method="GET"):
        assert cluster.later(100)[PATH] is first
    assert cluster.side.clock() - before <= 2.1


def test_a_cold_instance_that_cannot_read_says_that_it_passes(cluster: Cluster) -> None:
    with cluster.server.refusing(), pytest.raises(PassingError, match="the triggers cannot be read from the cluster"):
        cluster.current(2)
    asked = len(cluster.server.requests)
    with pytest.raises(PassingError, match="cannot be reached"):
        cluster.current()
    assert len(cluster.server.requests) == asked, "a flood asks nothing for a second"
    assert named_after_a_second(cluster) == ["inline"]


def named_after_a_second(cluster: Cluster) -> list[str]:
    cluster.clock.pass_by(1)
    return named(cluster)


def test_a_fault_of_our_own_leaves_nobody_waiting(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(cluster.source._compiler, "compile", broken)
        with pytest.raises(ZeroDivisionError):
            cluster.current()
    assert named(cluster) == ["inline"]


def test_an_object_that_becomes_wrong_keeps_its_last_good_state(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    first = cluster.current()[PATH]
    wrong = listener("listener", inline("changed", bindngs=[]))
    broken = template()
    broken["spec"] = {"resourcetemplates": []}
    cluster.put(wrong, broken)
    assert cluster.later()[PATH] is first
    said = [message for message in caplog.messages if "last good state" in message]
    assert [message.partition(" has")[0] for message in said] == [
        f"EventListener {PATH}",
        f"TriggerTemplate {NAMESPACE}/template",
    ]
    assert any("bindngs" in message and 'did you mean "bindings"?' in message for message in caplog.messages)
    caplog.clear()
    cluster.later()
    assert caplog.messages == []
    cluster.put(listener("listener", inline("mended")), template())
    cluster.later()
    assert named(cluster) == ["mended"]


def test_another_object_of_the_same_name_inherits_nothing(cluster: Cluster) -> None:
    cluster.current()
    cluster.delete("triggertemplates", "template")
    broken = template()
    broken["spec"] = {}
    cluster.put(broken)
    [problem] = problems(cluster.later()[PATH]).values()
    assert problem.startswith(
        f"TriggerTemplate {PATH.partition('/')[0]}/template, which template.ref names, is not valid"
    )


def test_what_is_wrong_from_the_start_fails_the_triggers_that_need_it(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    wrong_binding, wrong_trigger = binding(), trigger("wrong", labels={"app": "a"})
    wrong_binding["spec"] = {"params": [{"name": 1, "value": "x"}]}
    wrong_trigger["spec"]["templte"] = {}
    cluster.put(
        listener(
            "listener",
            inline("bound", bindings=[{"ref": "binding"}]),
            {"triggerRef": "wrong"},
            {"triggerRef": "absent"},
            inline("fine"),
        ),
        listener("by-label", labelSelector={"matchLabels": {"app": "a"}}),
        wrong_binding,
        wrong_trigger,
    )
    found = cluster.current()
    told = problems(found[PATH])
    assert told["fine"] == ""
    assert told["bound"].startswith(f"TriggerBinding {NAMESPACE}/binding, which bindings[0].ref names, is not valid: ")
    assert told["wrong"].startswith(f"Trigger {NAMESPACE}/wrong is not valid: spec.templte: ")
    assert told["absent"].endswith("does not exist")
    assert list(problems(found[f"{NAMESPACE}/by-label"])) == ["wrong"]
    for named in ("TriggerBinding goldstine-lab/binding", "Trigger goldstine-lab/wrong"):
        assert any(named in record.message and record.levelname == "ERROR" for record in caplog.records)


def test_a_listener_that_is_wrong_from_the_start_keeps_its_path(cluster: Cluster) -> None:
    broken = listener("broken")
    broken["spec"] = {"trigers": []}
    cluster.put(broken)
    found = cluster.current()
    [told] = problems(found[f"{NAMESPACE}/broken"]).values()
    assert told.startswith(f"EventListener {NAMESPACE}/broken is not valid: ")
    assert problems(found[PATH]) == {"inline": ""}


def test_a_listener_that_is_not_there_is_said_once(server: ApiServer, caplog: pytest.LogCaptureFixture) -> None:
    cluster = Cluster(server, event_listener="listener")
    cluster.put(listener("other"))
    assert list(cluster.current()) == [f"{NAMESPACE}/other"]
    cluster.later()
    assert [message for message in caplog.messages if "EVENT_LISTENER" in message] == [
        f"EVENT_LISTENER: listener: there is no such listener (there are: {NAMESPACE}/other)"
    ]


def test_namespaces_are_those_of_all_listeners_and_triggers(cluster: Cluster) -> None:
    assert cluster.source.namespaces() == frozenset()
    cluster.put(trigger(namespace="other"))
    cluster.current()
    assert cluster.source.namespaces() == {NAMESPACE, "other"}


def test_a_kubeconfig_that_is_wrong_is_lasting(server: ApiServer) -> None:
    cluster = Cluster(server)
    cluster.side.source._arguments = {"insecure": True}
    with pytest.raises(LastingError, match="the kubeconfig is refused"):
        cluster.current()


def test_a_cloud_event_uri_that_can_never_be_called_is_said_once(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    cluster.put(listener("listener", inline(), cloudEventURI="http://10.0.0.1/events"))
    cluster.current()
    cluster.put(template(run=OTHER))
    cluster.later()
    [said] = [message for message in caplog.messages if "CloudEvents" in message]
    assert said.startswith(f"listener {PATH}: no CloudEvents are sent: cloudEventURI: ")


def test_a_trigger_that_verifies_nothing_is_said_when_it_is_read(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    cluster.put(listener(), template())
    cluster.current()
    [said] = [record for record in caplog.records if "can never run: the trigger verifies nothing" in record.message]
    assert (said.levelname, f"trigger {NAMESPACE}/inline" in said.message) == ("ERROR", True)
    caplog.clear()
    cluster.later()
    assert "can never run" not in caplog.text, "once is enough"
