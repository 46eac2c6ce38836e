"""The words of a status, by what the cluster says of a run."""

from __future__ import annotations

from typing import Any

import pytest

from functions.status.values import State
from functions.status.words import said_of, span

CHILDREN = [{"kind": "TaskRun", "name": f"r-{name}", "pipelineTaskName": name} for name in ("fetch", "build", "test")]
TIMES = {"startTime": "2026-11-22T10:00:00Z", "completionTime": "2026-11-22T11:00:00Z"}


def run(status: str = "", reason: str = "", *, message: str = "", spec: Any = None, **more: Any) -> dict[str, Any]:
    condition = {"type": "Succeeded", "status": status, "reason": reason, "message": message}
    return {
        "metadata": {"name": "r", "namespace": "team"},
        "spec": spec or {},
        "status": {"conditions": [{"type": "Other", "status": "True"}, condition] if status else [], **more},
    }


def task(reason: str, *steps: tuple[str, int]) -> dict[str, Any]:
    listed = [{"name": name, "terminated": {"exitCode": code}} for name, code in steps]
    return run("True" if reason == "Succeeded" else "False", reason, steps=listed, **TIMES)


@pytest.mark.parametrize(
    ("found", "state", "words"),
    [
        (run(), State.PENDING, "Running"),
        (run("Unknown", "Running", childReferences=CHILDREN), State.PENDING, "Running"),
        (run("Unknown", "CancelledRunFinally"), State.PENDING, "Running"),
        (
            run("Unknown", "PipelineRunPending", spec={"status": "PipelineRunPending"}),
            State.QUEUED,
            "Waiting for its turn",
        ),
        (run("True", "Succeeded", childReferences=CHILDREN, **TIMES), State.SUCCESS, "Succeeded in 1h: 3 tasks"),
        (run("True", "Completed", childReferences=CHILDREN[:1], **TIMES), State.SUCCESS, "Succeeded in 1h: 1 task"),
        (run("True", "Succeeded"), State.SUCCESS, "Succeeded"),
        (
            run("True", "Succeeded", message="Tasks Completed: 4 (Failed: 0, Cancelled 0), Skipped: 0"),
            State.SUCCESS,
            "Succeeded: 4 tasks",
        ),
        (run("False", "Cancelled", **TIMES), State.CANCELLED, "Cancelled"),
        (run("False", "CancelledRunFinally"), State.CANCELLED, "Cancelled"),
        (run("False", "StoppedRunFinally"), State.CANCELLED, "Cancelled"),
        (run("False", "PipelineRunCancelled"), State.CANCELLED, "Cancelled"),
        (run("False", "PipelineRunTimeout", **TIMES), State.TIMED_OUT, "Timed out after 1h"),
        (
            run("False", "PipelineRunTimeout", spec={"timeouts": {"pipeline": "1h30m0s"}}, **TIMES),
            State.TIMED_OUT,
            "Timed out after 1h 30m",
        ),
        (run("False", "PipelineRunTimeout"), State.TIMED_OUT, "Timed out"),
        (
            run("False", "CouldntGetPipeline", message="Pipeline team/s3cret can't be found"),
            State.ERROR,
            "Could not start: the Pipeline was not found, or could not be read",
        ),
        (run("False", "ParameterMissing"), State.ERROR, "Could not start: a parameter is missing"),
        (run("False", "SomethingNewOfTekton"), State.ERROR, "Could not start: something new of tekton"),
        (run("False", "Failed", childReferences=CHILDREN, **TIMES), State.FAILURE, "Failed after 1h"),
        (run("False", "Failed"), State.FAILURE, "Failed"),
        (
            run("False", "Failed", message="Tasks Completed: 3 (Failed: 1, Cancelled 0), Skipped: 2"),
            State.FAILURE,
            "Failed: 1 of 3 tasks",
        ),
    ],
)
def test_conditions_without_task_runs(found: dict[str, Any], state: State, words: str) -> None:
    said = said_of(found, {}, "https://x.example/r")
    assert (said.state, said.description, said.run) == (state, words, "team/r")
    assert said.link == "https://x.example/r"


@pytest.mark.parametrize(
    ("tasks", "words"),
    [
        ({"r-build": task("Failed", ("fetch", 0), ("compile", 2))}, "Failed: task build, step compile: exit code 2"),
        ({"r-build": task("TaskRunTimeout")}, "Failed: task build: timed out"),
        ({"r-build": task("TaskRunImagePullFailed")}, "Failed: task build: task run image pull failed"),
        ({"r-build": task("Failed")}, "Failed: task build"),
        (
            {
                "r-fetch": task("TaskRunCancelled"),
                "r-build": task("Failed", ("a", 1)),
                "r-test": task("Failed", ("b", 3)),
            },
            "Failed: task build, step a: exit code 1 (and 1 more)",
        ),
        ({"r-build": task("Succeeded")}, "Failed after 1h"),
    ],
)
def test_task_runs_say_more(tasks: dict[str, Any], words: str) -> None:
    found = run("False", "Failed", childReferences=CHILDREN, **TIMES)
    assert said_of(found, tasks, "").description == words


def test_the_table_has_every_task() -> None:
    found = run("False", "Failed", childReferences=CHILDREN, **TIMES)
    rows = said_of(found, {"r-build": task("Failed"), "r-test": task("TaskRunCancelled")}, "").tasks
    assert [(row.name, row.state, row.duration) for row in rows] == [
        ("fetch", "unknown", ""),
        ("build", "failed", "1h"),
        ("test", "cancelled", "1h"),
    ]


def test_words_are_bounded_and_printable() -> None:
    name = "x\n\u202e" * 200
    children = [{"kind": "TaskRun", "name": "r-x", "pipelineTaskName": name}]
    found = run("False", "Failed", childReferences=children)
    words = said_of(found, {"r-x": task("Failed", (name, 1))}, "").description
    assert len(words) <= 140
    assert words.isprintable()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0s"),
        (45, "45s"),
        (60, "1m"),
        (192, "3m 12s"),
        (3600, "1h"),
        (3661, "1h 1m"),
        (7500, "2h 5m"),
        (90000, "25h"),
    ],
)
def test_spans(seconds: int, words: str) -> None:
    assert span(seconds) == words


@pytest.mark.parametrize("strange", [[], "x", 7, None, {"conditions": 7}, {"conditions": [7], "childReferences": [1]}])
def test_no_object_is_too_strange(strange: Any) -> None:
    found = {"metadata": {"name": "r", "namespace": "team"}, "spec": strange, "status": strange}
    assert said_of(found, {}, "").description == "Running"
