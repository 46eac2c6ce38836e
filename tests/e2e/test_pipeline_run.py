"""What a team sees on its cluster: one PipelineRun a push, none for anything else."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.e2e.conftest import Lab
from tests.support.deliveries import PING, PUSH, encoded, headers
from tests.support.function import ServedFunction

Serve = Callable[..., ServedFunction]


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
