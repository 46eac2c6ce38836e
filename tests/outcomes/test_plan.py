"""The pure part of creating: plans, owners, ended runs, and what several results make of a trigger."""

from __future__ import annotations

from typing import Any

import pytest

from functions.common.errors import LastingError, PassingError
from functions.common.ports import Work
from functions.common.values import ResourceRef, Status
from functions.model.annotations import KEY_ANNOTATION
from functions.outcomes.naming import stamp
from functions.outcomes.plan import Planned, Result, Run, State, may_rerun, outcome, plan, run_of, stranger
from tests.adapters.kubernetes.support import NAMESPACE, config_map, pipeline_run, work

REF = ResourceRef("v1", "ConfigMap", "team", "x")
CREATED = Result(state=State.CREATED, ref=REF)
EXISTED = Result(state=State.EXISTED, ref=REF)
ENDED = Result(state=State.EXISTED, ref=REF, run=Run.ENDED)
RUNNING = Result(state=State.EXISTED, ref=REF, run=Run.RUNNING)
PASSING = Result.failed(PassingError("busy", retry_after=7), "ConfigMap team/x")
LASTING = Result.failed(LastingError("ConfigMap team/x: no"), "ConfigMap team/x")


@pytest.mark.parametrize(
    ("results", "status", "passing", "retry_after", "reason"),
    [
        ([CREATED, CREATED], Status.CREATED, False, None, ""),
        ([CREATED, EXISTED], Status.CREATED, False, None, "1 of 2 resources existed from this delivery"),
        ([EXISTED, ENDED], Status.DUPLICATE, False, None, "this delivery had been created before"),
        ([RUNNING], Status.DUPLICATE, False, None, "this delivery had been created before, which has not ended"),
        ([CREATED, PASSING], Status.FAILED, True, 7, "ConfigMap team/x: busy"),
        ([LASTING, CREATED], Status.FAILED, False, None, "ConfigMap team/x: no"),
        ([LASTING, PASSING], Status.FAILED, True, 7, "ConfigMap team/x: no; ConfigMap team/x: busy"),
    ],
)
def test_results_make_one_outcome(
    results: list[Result], status: Status, passing: bool, retry_after: float | None, reason: str
) -> None:
    found = outcome(work(verified=False), results, milliseconds=2.0)
    assert (found.status, found.passing, found.retry_after, found.reason) == (status, passing, retry_after, reason)
    assert found.resources == tuple(REF for result in results if result.state is not State.FAILED)
    assert (found.verified, found.milliseconds) == (False, 2.0)


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([ENDED], True),
        ([ENDED, EXISTED], True),
        ([ENDED, RUNNING], False),
        ([ENDED, CREATED], False),
        ([ENDED, LASTING], False),
        ([EXISTED], False),
        ([], False),
    ],
)
def test_a_delivery_may_run_again_when_all_exists_and_every_run_has_ended(
    results: list[Result], expected: bool
) -> None:
    assert may_rerun(results) is expected


@pytest.mark.parametrize(
    ("kind", "group", "conditions", "expected"),
    [
        ("PipelineRun", "tekton.dev", [{"type": "Succeeded", "status": "True"}], Run.ENDED),
        ("PipelineRun", "tekton.dev", [{"type": "Succeeded", "status": "False"}], Run.ENDED),
        ("PipelineRun", "tekton.dev", [{"type": "Succeeded", "status": "Unknown"}], Run.RUNNING),
        ("PipelineRun", "tekton.dev", [{"type": "Ready", "status": "True"}, "?"], Run.RUNNING),
        ("PipelineRun", "tekton.dev", None, Run.RUNNING),
        ("CustomRun", "tekton.dev", [], Run.RUNNING),
        ("Job", "batch", [{"type": "Failed", "status": "True"}], Run.ENDED),
        ("Job", "batch", [{"type": "Complete", "status": "False"}], Run.RUNNING),
        ("Job", "example.com", [], Run.NONE),
        ("ConfigMap", "", "?", Run.NONE),
    ],
)
def test_conditions_tell_whether_a_run_has_ended(kind: str, group: str, conditions: Any, expected: Run) -> None:
    assert run_of({"kind": kind, "status": {"conditions": conditions}}, group) is expected


def test_what_a_trigger_made_itself_is_no_strangers() -> None:
    assert stranger(stamp(work(), 0), stamp(work(), 0)) == ""
    assert stranger(stamp(work(), 0), stamp(work(key="other"), 0)) == "another delivery has made it"
    assert stranger({"metadata": None}, stamp(work(), 0)).startswith("it carries no annotation")


ALIKE = {
    "unnamed": ({"trigger": "", "identity": f"{NAMESPACE}/#1"}, {"trigger": "", "identity": f"{NAMESPACE}/#2"}),
    "named alike": ({}, {"identity": f"{NAMESPACE}/github-trigger#2"}),
    "in a group": ({}, {"identity": f"namespaces/{NAMESPACE}/triggerGroups/g/{NAMESPACE}/github-trigger"}),
    "in another namespace": ({}, {"trigger_namespace": "other", "identity": "other/github-trigger"}),
    "of a listener in another namespace": (
        {},
        {"listener_namespace": "other", "trigger_namespace": "other", "identity": "other/github-trigger"},
    ),
    "with names that labels cut off": (
        {"trigger": "t" * 63 + "1", "identity": f"{NAMESPACE}/{'t' * 63}1"},
        {"trigger": "t" * 63 + "2", "identity": f"{NAMESPACE}/{'t' * 63}2"},
    ),
    "with names that labels spell alike": (
        {"trigger": "a/b", "identity": f"{NAMESPACE}/a/b"},
        {"trigger": "a-b", "identity": f"{NAMESPACE}/a-b"},
    ),
    "of a listener whose name labels cut off": ({"listener": "l" * 64}, {"listener": "l" * 63}),
}


@pytest.mark.parametrize("case", ALIKE)
def test_triggers_that_labels_spell_alike_are_strangers_to_each_other(case: str) -> None:
    settings = config_map(name="settings", namespace=NAMESPACE)
    one, two = (stamp(work(settings, **more), 0) for more in ALIKE[case])
    assert stranger(one, one) == stranger(two, two) == ""
    assert stranger(one, two) == stranger(two, one) == "another trigger has made it from the same delivery"


def test_names_that_tell_the_trigger_need_no_more_than_the_key() -> None:
    unnamed = work(pipeline_run(), config_map(name="settings"), trigger="", identity=f"{NAMESPACE}/#1")
    keys = [metadata_of(unnamed, position)["annotations"][KEY_ANNOTATION] for position in (0, 1)]
    assert keys[0] == unnamed.key
    assert keys[1].startswith(f"{unnamed.key}.")
    settings = work(config_map(name="settings"))
    assert metadata_of(settings, 0)["annotations"][KEY_ANNOTATION] == settings.key


def metadata_of(item: Work, position: int) -> Any:
    return stamp(item, position)["metadata"]


def test_a_plan_keeps_the_order_and_says_what_can_never_be() -> None:
    ((first, second, third),) = plan([work(config_map(name="x"), {"kind": "X"}, pipeline_run())])
    assert isinstance(first, Planned)
    assert str(first) == "ConfigMap goldstine-lab/x"
    assert isinstance(second, Result)
    assert second.reason == "resource 2 of the template has no apiVersion"
    assert isinstance(third, Planned)
    assert third.group == "tekton.dev"
