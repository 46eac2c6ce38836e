"""Concurrency groups through the real function: one run where one is wanted, whatever comes late, twice or fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from functions.adapters.kubernetes.api import KubernetesApi
from functions.adapters.kubernetes.groups import ClusterGroups
from functions.adapters.kubernetes.kubeconfig.reader import parse_kubeconfig
from functions.adapters.kubernetes.lanes import Lanes
from functions.common.ports import Deadline
from functions.concurrency.marks import Group, group_key
from tests.standins.apiserver import ApiServer
from tests.standins.faults import Fault
from tests.standins.kubernetes.access import User
from tests.support.application import Application
from tests.support.deliveries import PUSH, encoded, headers
from tests.support.function import ROOT, Answer
from tests.support.production import KEY, NAMESPACE, PROJECT, Production, open_production
from tests.support.sources import cel, github, inline, listener, run, template

PREFIX = "pipehook.dev/"
GROUP, CANCEL, LIMIT = (f"{PREFIX}{name}" for name in ("concurrency-group", "cancel-in-progress", "max-in-progress"))
BASE = 1_790_000_000


@pytest.fixture
def production(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Production]:
    with open_production(tmp_path, monkeypatch, tekton_webhooks=True) as found:
        yield found


def grouped(*, name: str = "run-", **asked: str) -> dict[str, Any]:
    """Return a PipelineRun that asks for what is given, and shows the commit that it is for."""
    names = {"group": GROUP, "cancel": CANCEL, "limit": LIMIT}
    annotations = {names[key]: value for key, value in asked.items()}
    found = run(name, revision="$(tt.params.revision)")
    return {**found, "metadata": {**found["metadata"], "annotations": annotations}}


def written(*resources: dict[str, Any], annotations: dict[str, str] | None = None) -> list[dict[str, Any]]:
    """Return a listener whose trigger takes pushes and creates the resources."""
    bindings = [{"name": "ref", "value": "$(body.ref)"}, {"name": "revision", "value": "$(body.after)"}]
    made = template("template", *resources)
    made["spec"]["params"] = [{"name": "ref"}, {"name": "revision"}]
    found = listener(inline("build", github(KEY), bindings=bindings))
    found["metadata"]["annotations"] = annotations or {}
    return [found, made]


def commit(number: int) -> str:
    return f"{number:040x}"


def pushed(number: int, *, second: int | None = None, ref: str = "refs/heads/main", **more: Any) -> bytes:
    """Return push number `number` of a branch, each a second after the one before unless `second` is given."""
    repository = PUSH["repository"] | {"pushed_at": BASE + (number if second is None else second)}
    found = {"ref": ref, "before": commit(number), "after": commit(number + 1), "repository": repository}
    return encoded(PUSH | found | more)


def push(function: Application, number: int, **more: Any) -> Answer:
    body = pushed(number, **more)
    return function.post(body, headers("push", body))


def states(production: Production) -> dict[int, str]:
    """Return `spec.status` of all runs by the number of their push; empty where nothing stands there."""
    return {
        int(found["spec"]["params"][0]["value"], 16) - 1: found["spec"].get("status", "")
        for found in production.objects()
    }


def named(production: Production, number: int) -> str:
    """Return the name of the run of a push."""
    return next(
        str(found["metadata"]["name"])
        for found in production.objects()
        if int(found["spec"]["params"][0]["value"], 16) - 1 == number
    )


CANCELLING = grouped(group="build-$(tt.params.ref)", cancel="true")


def test_of_five_pushes_one_run_goes_on(production: Production) -> None:
    production.write(*written(CANCELLING))
    function = production.application()
    for number in range(5):
        answer = push(function, number)
        assert (answer.status, answer.statuses) == (202, ["created"]), answer.text
    gone = answer.json["triggers"][0]["cancelled"]
    assert [ref["name"] for ref in gone] == [named(production, 3)]
    assert gone[0] == {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "namespace": NAMESPACE,
        "name": named(production, 3),
    }
    assert states(production) == {**dict.fromkeys(range(4), "CancelledRunFinally"), 4: ""}


@pytest.mark.parametrize("redelivery", ["deduplicate", "rerun"])
def test_late_deliveries_never_win(production: Production, redelivery: str) -> None:
    production.write(*written(CANCELLING))
    function = production.application(REDELIVERY=redelivery)
    push(function, 0)
    push(function, 2)
    for _ in range(2):
        answer = push(function, 1)
        assert (answer.status, answer.statuses) == (202, ["superseded"])
        assert answer.json["triggers"][0]["resources"] == []
        assert named(production, 2) in answer.reasons[0]
    assert push(function, 0).statuses == ["duplicate"], "its own run exists"
    assert states(production) == {0: "CancelledRunFinally", 2: ""}
    production.cluster.finish("PipelineRun", NAMESPACE, named(production, 2))
    assert push(function, 1).statuses == ["superseded"], "also when the newer run has ended"
    again = push(function, 2).statuses
    assert again == (["duplicate"] if redelivery == "deduplicate" else ["created"])


def test_pushes_of_one_second_are_told_by_their_commits(production: Production) -> None:
    production.write(*written(CANCELLING))
    function = production.application()
    push(function, 8, second=7)
    assert push(function, 7, second=7).statuses == ["superseded"]
    assert push(function, 9, second=7).statuses == ["created"]
    assert states(production) == {8: "CancelledRunFinally", 9: ""}
    other = push(function, 20, second=7)
    assert other.statuses == ["created"]
    assert "cancelled" not in other.json["triggers"][0], "nothing tells which of the two is newer"


@pytest.mark.parametrize(
    ("cancel", "status"),
    [
        ("true", "CancelledRunFinally"),
        ("CancelledRunFinally", "CancelledRunFinally"),
        ("Cancelled", "Cancelled"),
        ("StoppedRunFinally", "StoppedRunFinally"),
        ("false", ""),
    ],
)
def test_how_runs_end_is_said(production: Production, cancel: str, status: str) -> None:
    production.write(*written(grouped(group="g", cancel=cancel)))
    function = production.application()
    push(function, 0)
    push(function, 1)
    assert states(production) == {0: status, 1: ""}


def test_other_groups_and_ended_runs_are_left_alone(production: Production) -> None:
    production.write(*written(grouped(group="$(tt.params.ref)", cancel="true")))
    function = production.application()
    push(function, 0)
    production.cluster.finish("PipelineRun", NAMESPACE, named(production, 0))
    push(function, 1, ref="refs/heads/other")
    assert "cancelled" not in push(function, 2).json["triggers"][0]
    assert set(states(production).values()) == {""}


def test_what_ends_while_it_is_looked_at_is_left_alone(production: Production) -> None:
    production.write(*written(CANCELLING))
    function = production.application()
    push(function, 0)
    api = KubernetesApi(lambda **_: parse_kubeconfig(production.cluster.kubeconfig(), trusted_local=False))
    groups, deadline = ClusterGroups(Lanes(api, {})), Deadline(60.0, lambda: 0.0)
    key = group_key(f"{NAMESPACE}/listener", NAMESPACE, "build-refs/heads/main")
    group = Group(key=key, namespace=NAMESPACE)
    (read,) = groups.of(group, deadline)
    production.cluster.finish("PipelineRun", NAMESPACE, read.name)
    assert not groups.change(group, read, {"spec": {"status": "Cancelled"}}, deadline)
    assert states(production) == {0: ""}
    assert list(groups.groups(lambda _: frozenset(), deadline)) == [group]


def test_a_failed_cancellation_fails_no_delivery_and_the_next_one_makes_up_for_it(
    production: Production, capsys: pytest.CaptureFixture[str]
) -> None:
    production.write(*written(CANCELLING))
    function = production.application()
    push(function, 0)
    production.cluster.faults.add(Fault(method="PATCH", status=503))
    answer = push(function, 1)
    assert (answer.status, answer.statuses) == (202, ["created"])
    assert "not settled yet" in answer.reasons[0]
    assert "refs/heads" not in answer.text + capsys.readouterr().out, "the group's text is the event's"
    assert states(production) == {0: "", 1: ""}
    production.cluster.faults.clear()
    answer = push(function, 1)
    assert answer.statuses == ["duplicate"]
    assert [ref["name"] for ref in answer.json["triggers"][0]["cancelled"]] == [named(production, 0)]


def test_a_cancellation_that_fails_in_passing_is_tried_again(production: Production) -> None:
    production.write(*written(CANCELLING))
    function = production.application()
    push(function, 0)
    production.cluster.faults.add(Fault(method="PATCH", status=503, times=2))
    push(function, 1)
    production.cluster.faults.add(Fault(method="PATCH", action="lose", times=1))
    push(function, 2)
    assert states(production) == {0: "CancelledRunFinally", 1: "CancelledRunFinally", 2: ""}


def test_while_nobody_can_see_whether_a_newer_run_has_started_none_starts(production: Production) -> None:
    production.write(*written(CANCELLING))
    function = production.application()
    production.cluster.faults.add(Fault(method="GET", kind="PipelineRun", status=503))
    answer = push(function, 0)
    assert (answer.status, answer.statuses) == (503, ["failed"])
    assert production.objects() == []


def test_as_many_run_as_may_and_the_oldest_goes_on_first(production: Production) -> None:
    production.write(*written(grouped(group="deploy", limit="2")))
    function = production.application()
    for number in (0, 1, 3, 2):
        assert push(function, number).statuses == ["created"]
    assert states(production) == {0: "", 1: "", 3: "PipelineRunPending", 2: "PipelineRunPending"}
    production.cluster.finish("PipelineRun", NAMESPACE, named(production, 1))
    push(function, 4)  # whatever looks at the group lets the next one begin
    assert states(production) == {0: "", 1: "", 2: "", 3: "PipelineRunPending", 4: "PipelineRunPending"}


CANCELLATION: dict[str, Any] = {
    "apiVersion": "pipehook.dev/v1",
    "kind": "Cancellation",
    "spec": {"concurrencyGroup": "pr-$(tt.params.number)"},
}


def pull_requests() -> list[dict[str, Any]]:
    """Return a listener that builds pull requests and cancels the builds of closed ones."""
    bindings = [
        {"name": "number", "value": "$(body.number)"},
        {"name": "revision", "value": "$(body.pull_request.head.sha)"},
    ]
    closed = inline("closed", github(KEY), cel("body.action == 'closed'"), bindings=bindings, template={"ref": "stop"})
    build = inline("build", github(KEY), cel("body.action != 'closed'"), bindings=bindings)
    found = []
    for name, resource in (
        ("template", grouped(group="pr-$(tt.params.number)", cancel="true")),
        ("stop", CANCELLATION),
    ):
        made = template(name, resource)
        made["spec"]["params"] = [{"name": "number"}, {"name": "revision", "default": "0"}]
        found.append(made)
    return [listener(build, closed), *found]


def pull_request(function: Application, action: str, number: int, second: int) -> Answer:
    body = encoded(
        {
            "action": action,
            "number": number,
            "pull_request": {
                "number": number,
                "updated_at": f"2026-11-26T00:00:{second:02}Z",
                "head": {"sha": commit(second + 1)},
            },
            "repository": PUSH["repository"],
        }
    )
    return function.post(body, headers("pull_request", body))


def test_a_cancellation_is_done_and_not_created(production: Production) -> None:
    production.write(*pull_requests())
    function = production.application()
    pull_request(function, "opened", 7, 10)
    pull_request(function, "opened", 8, 10)
    answer = pull_request(function, "closed", 7, 20)
    assert (answer.status, answer.statuses) == (202, ["filtered", "created"])
    done = answer.json["triggers"][1]
    assert done["resources"] == []
    (cancelled,) = done["cancelled"]
    assert cancelled["name"] in done["reason"]
    assert sorted(found["spec"].get("status", "") for found in production.objects()) == ["", "CancelledRunFinally"]
    assert "no older run" in pull_request(function, "closed", 7, 20).reasons[1], "a second time"
    assert pull_request(function, "reopened", 7, 30).statuses == ["created", "filtered"]
    pull_request(function, "closed", 7, 20)
    assert states(production)[30] == "", "a late one ends nothing that is newer"


def test_a_cancellation_that_cannot_be_done_now_is_to_be_sent_again(production: Production) -> None:
    production.write(*pull_requests())
    function = production.application()
    pull_request(function, "opened", 7, 10)
    production.cluster.faults.add(Fault(method="PATCH", status=503))
    answer = pull_request(function, "closed", 7, 20)
    assert (answer.status, answer.statuses) == (503, ["filtered", "failed"])


def test_what_the_listener_says_holds_for_all_its_runs(production: Production) -> None:
    production.write(*written(run(revision="$(tt.params.revision)"), annotations={GROUP: "all", CANCEL: "true"}))
    function = production.application()
    push(function, 0)
    push(function, 1)
    assert states(production) == {0: "CancelledRunFinally", 1: ""}
    own = grouped(cancel="false")
    production.write(*written(own, annotations={GROUP: "all", CANCEL: "true"}))
    push(production.application(), 2)
    assert states(production)[1] == "", "what the resource says goes before"


@pytest.mark.parametrize(
    ("resource", "said"),
    [
        (grouped(cancel="true"), f"{CANCEL} means nothing without {GROUP}"),
        (grouped(group="g", cancel="yes"), f"{CANCEL} must be"),
        (grouped(group="g", cancel="$(tt.params.ref)"), f"{CANCEL} must be"),
        (grouped(group="g", limit="0"), f"{LIMIT} must be a number"),
        (grouped(group="g", limit="$(tt.params.ref)"), f"{LIMIT} must be a number"),
        (grouped(group=" "), f"{GROUP} is empty"),
        ({**grouped(group="g"), "kind": "TaskRun"}, f"{GROUP} means nothing on a TaskRun"),
        ({**CANCELLATION, "spec": {}}, "must be concurrencyGroup"),
        ({**CANCELLATION, "spec": {"concurrencyGroup": "g", "more": 1}}, "must be concurrencyGroup"),
        ({**CANCELLATION, "kind": "Cancelation"}, "has nothing but kind Cancellation"),
        ({**CANCELLATION, "apiVersion": "pipehook.dev/v2"}, "has nothing but kind Cancellation"),
        ({**CANCELLATION, "metadata": {"annotations": {GROUP: "g"}}}, "spec.concurrencyGroup"),
        ({**CANCELLATION, "metadata": {"annotations": {CANCEL: "false"}}}, "must not be false"),
    ],
)
def test_a_slip_is_a_mistake_inside_its_trigger(production: Production, resource: dict[str, Any], said: str) -> None:
    production.write(*written(resource))
    answer = push(production.application(), 0)
    assert (answer.status, answer.statuses) == (422, ["failed"])
    assert said in answer.reasons[0]


def test_a_group_that_an_event_leaves_empty_fails_the_trigger(production: Production) -> None:
    production.write(*written(grouped(group="$(tt.params.ref)", cancel="true")))
    answer = push(production.application(), 0, ref="")
    assert (answer.status, answer.statuses) == (422, ["failed"])
    assert "empty for this event" in answer.reasons[0]


def test_the_group_is_kept_as_a_hash_and_as_text(production: Production) -> None:
    production.write(*written(grouped(group="build-$(tt.params.ref)")))
    push(production.application(), 0, ref="x" * 500)
    (found,) = production.objects()
    metadata = found["metadata"]
    assert metadata["labels"][GROUP] == group_key(f"{NAMESPACE}/listener", NAMESPACE, "build-" + "x" * 500)
    assert metadata["annotations"][GROUP].startswith("build-xxx")
    assert len(metadata["annotations"][GROUP]) <= 201
    assert metadata["annotations"][f"{PREFIX}event-time"] == str(BASE)


ACCOUNT = "system:serviceaccount:goldstine-lab:pipehook"


def _shipped(production: Production, *directories: str) -> None:
    """Put the roles of infra/cluster into the cluster, and let the function be their account."""
    for directory in directories:
        for file in sorted((ROOT / "infra" / "cluster" / directory).glob("*.yaml")):
            for found in yaml.safe_load_all(file.read_text()):
                if found["kind"] not in ("Component", "Kustomization"):
                    production.cluster.put_object(found)
    production.cluster.add_token("limited", User(name=ACCOUNT))
    production.add_kubeconfig(production.cluster.kubeconfig(namespace=NAMESPACE, token="limited"))


@pytest.fixture
def guarded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Production]:
    with open_production(tmp_path, monkeypatch, rbac=True) as found:
        found.write(*written(CANCELLING))
        yield found


def test_the_component_gives_all_the_rights_that_groups_need(
    guarded: Production, capsys: pytest.CaptureFixture[str]
) -> None:
    _shipped(guarded, "base", "components/concurrency")
    function = guarded.application()
    assert "concurrency" not in capsys.readouterr().out
    push(function, 0)
    assert push(function, 1).statuses == ["created"]
    assert states(guarded) == {0: "CancelledRunFinally", 1: ""}


def test_without_the_rights_the_load_says_so_and_no_run_starts_unordered(
    guarded: Production, capsys: pytest.CaptureFixture[str]
) -> None:
    _shipped(guarded, "base")
    function = guarded.application()
    said = capsys.readouterr().out
    assert "trigger goldstine-lab/build asks for concurrency groups, and the account may not list or patch" in said
    assert "infra/cluster/components/concurrency" in said
    answer = push(function, 0)
    assert answer.statuses == ["failed"]
    assert guarded.objects() == []


def test_whoever_asks_for_no_group_asks_the_cluster_nothing_more(production: Production) -> None:
    production.write(*written(run(revision="$(tt.params.revision)")))
    function = production.application()
    assert list(production.cluster.requests) == []
    push(function, 0)
    assert [seen.method for seen in production.cluster.requests] == ["POST"]


def test_a_clusters_triggers_are_asked_about_when_they_are_read(
    guarded: Production, capsys: pytest.CaptureFixture[str]
) -> None:
    _shipped(guarded, "base", "components/read-triggers")
    for found in written(CANCELLING):
        place = {"namespace": NAMESPACE}
        guarded.cluster.put_object({**found, "metadata": {**place, **found["metadata"]}})
    function = guarded.application(TRIGGERS_SOURCE="cluster", EVENT_LISTENER=f"{NAMESPACE}/listener")
    push(function, 0)
    assert "the account may not list or patch pipelineruns in goldstine-lab" in capsys.readouterr().out
    _shipped(guarded, "components/concurrency")
    push(guarded.application(TRIGGERS_SOURCE="cluster", EVENT_LISTENER=f"{NAMESPACE}/listener"), 0)
    assert "asks for concurrency groups" not in capsys.readouterr().out


def test_a_group_is_looked_at_in_the_cluster_of_its_runs(production: Production) -> None:
    with ApiServer(namespaces=[NAMESPACE]) as other:
        production.manager.add(PROJECT, "eu", other.kubeconfig(namespace=NAMESPACE).encode())
        found = grouped(group="g", cancel="true")
        found["metadata"]["annotations"] |= {f"{PREFIX}cluster": "eu"}
        production.write(*written(found))
        function = production.application(CLUSTERS=f"eu=projects/{PROJECT}/secrets/eu")
        push(function, 0)
        answer = push(function, 1)
        assert [ref["cluster"] for ref in answer.json["triggers"][0]["cancelled"]] == ["eu"]
        again = push(function, 0)
        assert again.statuses == ["duplicate"]
        assert [ref["cluster"] for ref in again.json["triggers"][0]["resources"]] == ["eu"]
        told = [one["spec"].get("status", "") for one in other.objects("PipelineRun", NAMESPACE)]
        assert sorted(told) == ["", "CancelledRunFinally"]
        assert production.objects() == []
