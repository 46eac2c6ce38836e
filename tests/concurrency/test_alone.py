"""A concurrency group alone, without cancelling or a limit: late deliveries start nothing, and nothing ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.concurrency.test_queue import worked
from tests.standins.faults import Fault
from tests.standins.kubernetes.access import Rule, User
from tests.support.deliveries import headers
from tests.support.production import KEY, NAMESPACE, Production, open_production
from tests.support.pubsub import open_pubsub
from tests.support.sources import github, inline, listener, template
from tests.test_concurrency import CANCEL, GROUP, commit, grouped, named, push, pushed, states, written

ALONE = grouped(group="build-$(tt.params.ref)")
MAY = (Rule(verbs=("create", "get"), groups=("tekton.dev",)), Rule(verbs=("list",), groups=("tekton.dev",)))


@pytest.fixture
def production(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Production]:
    with open_production(tmp_path, monkeypatch, tekton_webhooks=True) as found:
        found.write(*written(ALONE))
        yield found


def asked(production: Production) -> list[str]:
    """Return the methods of what was asked of runs, in order."""
    return [seen.method for seen in production.cluster.requests if "/pipelineruns" in seen.path]


@pytest.mark.parametrize("redelivery", ["deduplicate", "rerun"])
def test_what_comes_late_starts_nothing_and_what_goes_on_goes_on(production: Production, redelivery: str) -> None:
    function = production.application(REDELIVERY=redelivery)
    push(function, 0)
    push(function, 2)
    answer = push(function, 1)
    assert (answer.status, answer.statuses) == (202, ["superseded"])
    assert answer.json["triggers"][0]["resources"] == []
    assert named(production, 2) in answer.reasons[0]
    assert states(production) == {0: "", 2: ""}
    production.cluster.finish("PipelineRun", NAMESPACE, named(production, 0))
    ended = push(function, 0).statuses
    assert ended == (["duplicate"] if redelivery == "deduplicate" else ["superseded"]), "it would run again"
    production.cluster.finish("PipelineRun", NAMESPACE, named(production, 2))
    assert push(function, 1).statuses == ["superseded"], "also when the newer run has ended"
    assert push(function, 2).statuses == (["duplicate"] if redelivery == "deduplicate" else ["created"])
    assert "PATCH" not in asked(production)


@pytest.mark.parametrize("redelivery", ["deduplicate", "rerun"])
def test_what_comes_again_finds_its_own_run_in_the_list_that_shows_a_newer_one(
    production: Production, redelivery: str
) -> None:
    function = production.application(REDELIVERY=redelivery)
    push(function, 0)
    push(function, 1)
    before = len(asked(production))
    answer = push(function, 0)
    assert (answer.status, answer.statuses) == (202, ["duplicate"])
    assert [ref["name"] for ref in answer.json["triggers"][0]["resources"]] == [named(production, 0)]
    assert "had been created before" in answer.reasons[0]
    assert named(production, 1) in answer.reasons[0]
    assert asked(production)[before:] == ["GET"]


@pytest.mark.parametrize("there", [1, 2])
def test_what_had_not_been_created_whole_is_superseded(production: Production, there: int) -> None:
    beside = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "beside-"}}
    production.write(*written(ALONE, ALONE if there == 2 else beside))
    function = production.application()
    push(function, 0)
    if there == 2:
        production.cluster.delete_object("PipelineRun", NAMESPACE, named(production, 0))
    push(function, 1)
    answer = push(function, 0)
    assert (answer.statuses, answer.json["triggers"][0]["resources"]) == (["superseded"], [])


def test_what_somebody_else_has_made_under_its_name_is_not_its_own(production: Production) -> None:
    fixed = grouped(group="g")
    fixed["metadata"] |= {"name": "the-one"}
    production.write(*written(fixed))
    push(production.application(), 1)
    assert push(production.application(), 1).statuses == ["duplicate"]
    assert push(production.application(), 0).statuses == ["superseded"]


def test_it_costs_one_list_however_many_triggers_share_the_group(production: Production) -> None:
    bindings = [{"name": "ref", "value": "$(body.ref)"}, {"name": "revision", "value": "$(body.after)"}]
    _, made = written(ALONE)
    triggers = [inline(name, github(KEY), bindings=bindings) for name in ("unit", "lint", "docs")]
    production.write(listener(*triggers), made)
    assert push(production.application(), 0).statuses == ["created"] * 3, "runs of one event are not newer"
    assert sorted(asked(production)) == ["GET", "POST", "POST", "POST"]


def test_of_what_is_not_newer_both_run(production: Production) -> None:
    function = production.application()
    push(function, 8, second=7)
    assert push(function, 20, second=7).statuses == ["created"], "nothing tells which of the two is newer"
    assert push(function, 7, second=7).statuses == ["superseded"], "the commits tell it"
    assert push(function, 0, ref="refs/heads/other").statuses == ["created"], "another group"


@pytest.mark.parametrize("newer", [{"group": "g"}, {"group": "g", "limit": "1"}, {"group": "g", "cancel": "true"}])
def test_what_the_newer_run_asks_for_does_not_matter(production: Production, newer: dict[str, str]) -> None:
    production.write(*written(grouped(**newer)))
    push(production.application(), 1)
    production.write(*written(grouped(group="g")))
    assert push(production.application(), 0).statuses == ["superseded"]


def test_what_waits_for_its_turn_is_wanted_though_a_newer_one_has_started(production: Production) -> None:
    production.write(*written(grouped(group="g")))
    push(production.application(), 1)
    production.write(*written(grouped(group="g", limit="3")))
    assert push(production.application(), 0).statuses == ["created"]


def test_false_is_a_group_alone(production: Production) -> None:
    production.write(*written(grouped(group="g", cancel="false"), annotations={CANCEL: "true", GROUP: "all"}))
    function = production.application()
    push(function, 1)
    assert push(function, 0).statuses == ["superseded"]
    assert push(function, 2).statuses == ["created"]
    assert states(production) == {1: "", 2: ""}


def test_a_run_without_a_time_outdates_nothing(production: Production) -> None:
    function = production.application()
    push(function, 9)
    (found,) = production.objects()
    del found["metadata"]["annotations"]["pipehook.dev/event-time"]
    production.cluster.put_object(found)
    assert push(function, 0).statuses == ["created"]


def test_of_two_listeners_with_one_text_each_has_its_own_group(production: Production) -> None:
    one, made = written(grouped(group="all"))
    production.write(one, {**one, "metadata": {**one["metadata"], "name": "second"}}, made)
    function = production.application()
    for path, number in ((f"/{NAMESPACE}/listener", 1), (f"/{NAMESPACE}/second", 0)):
        body = pushed(number)
        assert function.post(body, headers("push", body), path=path).statuses == ["created"]


def test_what_fails_between_the_look_and_the_run_is_outdated_when_it_comes_again(production: Production) -> None:
    function = production.application()
    production.cluster.faults.add(
        Fault(method="POST", kind="PipelineRun", status=503, times=1, headers={"Retry-After": "600"})
    )
    assert push(function, 0).status == 503
    assert push(function, 1).statuses == ["created"]
    assert push(function, 0).statuses == ["superseded"]
    production.cluster.faults.add(Fault(method="GET", kind="PipelineRun", status=503))
    answer = push(function, 2)
    assert (answer.status, answer.statuses) == (503, ["failed"]), "nobody can see whether a newer one has started"
    assert states(production) == {1: ""}


def test_what_waited_in_the_queue_is_outdated_as_well(production: Production, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_pubsub() as pubsub:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub.host)
        topic = pubsub.topic()
        subscription = pubsub.subscription(topic)
        function = production.application(QUEUE_TOPIC=topic, QUEUE_MODE="always")
        assert [push(function, number).statuses for number in (0, 1)] == [["queued"], ["queued"]]
        older, newer = pubsub.take(subscription, most=2)
    assert worked(production, newer.data).json["outcome"] == "created"
    done = worked(production, older.data)
    assert (done.status, done.json["outcome"]) == (200, "superseded")
    assert states(production) == {1: ""}


def limited(production: Production, *rules: Rule) -> None:
    """Let the function be an account that may do what the rules say."""
    production.cluster.add_token("limited", User(name="function", rules=rules))
    production.add_kubeconfig(production.cluster.kubeconfig(namespace=NAMESPACE, token="limited"))


def test_it_takes_the_right_to_list_and_no_other(production: Production, capsys: pytest.CaptureFixture[str]) -> None:
    limited(production, *MAY)
    function = production.application()
    assert "concurrency" not in capsys.readouterr().out
    assert [push(function, number).statuses for number in (0, 2, 1)] == [["created"], ["created"], ["superseded"]]


def test_without_it_the_load_says_so_and_nothing_starts(
    production: Production, capsys: pytest.CaptureFixture[str]
) -> None:
    limited(production, MAY[0])
    function = production.application()
    said = capsys.readouterr().out
    assert f"trigger {NAMESPACE}/build asks for concurrency groups, and the account may not list pipelineruns" in said
    answer = push(function, 0)
    assert (answer.status, answer.statuses) == (422, ["failed"])
    assert "concurrency groups need list on pipelineruns" in answer.reasons[0]
    assert production.objects() == []


def test_of_two_triggers_the_load_names_whose_group_lacks_a_right(
    production: Production, capsys: pytest.CaptureFixture[str]
) -> None:
    limited(production, *MAY)
    triggers = [inline(name, github(KEY), template={"ref": name}) for name in ("orders", "ends")]
    runs = template("orders", grouped(group="g")), template("ends", grouped(group="g", cancel="true"))
    for one in runs:
        one["spec"]["params"] = [{"name": "revision", "default": commit(1)}]
    production.write(listener(*triggers), *runs)
    production.application()
    said = capsys.readouterr().out
    assert f"trigger {NAMESPACE}/ends asks for concurrency groups, and the account may not patch pipelineruns" in said
    assert f"{NAMESPACE}/orders" not in said
