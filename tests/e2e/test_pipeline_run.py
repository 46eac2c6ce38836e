"""What a team sees on its cluster: one PipelineRun a push, none for anything else."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import yaml

from tests.e2e.conftest import Lab, Other
from tests.support.deliveries import PING, PUSH, encoded, headers
from tests.support.function import ServedFunction
from tests.support.sources import github, inline, listener, run, template

Serve = Callable[..., ServedFunction]
SECRET_REF = {"secretName": "github-webhook", "secretKey": "secretkey"}


def test_a_push_starts_one_run_however_often_it_is_sent(lab: Lab, serve: Serve) -> None:
    function = serve()
    body = encoded(PUSH | {"marker": uuid.uuid4().hex})
    answers = [function.post(body, headers("push", body)) for _ in range(3)]
    assert [answer.status for answer in answers] == [202, 202, 202]
    assert [answer.statuses for answer in answers] == [["created"], ["duplicate"], ["duplicate"]]
    [run] = lab.runs()
    assert run["metadata"]["name"] == answers[0].json["triggers"][0]["resources"][0]["name"]
    assert run["metadata"]["labels"]["triggers.tekton.dev/triggers-eventid"] == answers[0].json["eventID"]
    assert run["spec"]["pipelineRef"]["name"] == "build-deploy-pipeline"


def test_parallel_copies_start_one_run(lab: Lab, serve: Serve) -> None:
    function = serve()
    body = encoded(PUSH | {"marker": uuid.uuid4().hex})
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: function.post(body, headers("push", body)), range(16)))
    assert sorted(answer.statuses[0] for answer in answers) == ["created"] + ["duplicate"] * 15
    assert len(lab.runs()) == 1


def test_pings_and_forgeries_start_nothing(lab: Lab, serve: Serve) -> None:
    function = serve()
    push, ping = encoded(PUSH), encoded(PING)
    assert function.post(ping, headers("ping", ping)).statuses == ["filtered"]
    assert function.post(push, headers("push", push, secret=b"forged")).status == 401
    assert function.post(push, headers("push", push, secret=None)).status == 401
    assert lab.runs() == []


def test_a_dry_run_creates_nothing(lab: Lab, serve: Serve) -> None:
    body = encoded(PUSH)
    assert serve(DRY_RUN="true").post(body, headers("push", body)).status == 202
    assert lab.runs() == []


def test_each_of_two_contexts_gets_what_names_it(lab: Lab, other: Other, serve: Serve) -> None:
    elsewhere = run()
    elsewhere["metadata"] |= {"namespace": other.namespace, "annotations": {"pipehook.dev/cluster": "other"}}
    trigger = inline("both", github("github-webhook", secretRef=SECRET_REF))
    manifests = listener(trigger), template("template", run(), elsewhere)
    for path in (lab.directory / "triggers").iterdir():
        path.unlink()
    (lab.directory / "triggers" / "both.yaml").write_text(yaml.safe_dump_all(manifests))
    function = serve(CLUSTERS=f"other={other.kubeconfig}")
    body = encoded(PUSH | {"marker": uuid.uuid4().hex})
    answers = [function.post(body, headers("push", body)) for _ in range(2)]
    assert [answer.statuses for answer in answers] == [["created"], ["duplicate"]]
    here, there = answers[0].json["triggers"][0]["resources"]
    assert ("cluster" in here, there["cluster"]) == (False, "other")
    assert [found["metadata"]["name"] for found in lab.runs()] == [here["name"]]
    assert [found["metadata"]["name"] for found in other.runs()] == [there["name"]]
