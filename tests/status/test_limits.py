"""Statuses within GitHub's limits: over real sockets, against a GitHub that enforces them, by a clock moved by hand."""

from __future__ import annotations

import pytest

from functions.adapters.github.pace import MINUTE_SHARE, QUIET_SECONDS
from tests.adapters.secrets.support import LifeClock
from tests.status.support import Scene, commit, told
from tests.support.sources import run


def asked(scene: Scene) -> int:
    return len(scene.hub.requests)


def refused(scene: Scene) -> int:
    return sum(seen.status in (403, 429) for seen in scene.hub.requests)


def test_where_the_limit_is_near_pending_is_left_out_and_every_end_is_told(scene: Scene, clock: LifeClock) -> None:
    shas = [commit() for _ in range(3 * MINUTE_SHARE)]
    names = [scene.push(sha) for sha in shas]
    for name in names:
        scene.end(name)
    assert [scene.posted(sha) for sha in shas] == [["pending"]] * MINUTE_SHARE + [[]] * 2 * MINUTE_SHARE
    for name in names:
        assert scene.hint(name).json["outcome"] == "told"
    assert [scene.posted(sha)[-1] for sha in shas] == ["success"] * len(shas)
    assert len([seen for seen in scene.hub.requests if seen.method == "POST"]) == 4 * MINUTE_SHARE, "a minute's limit"
    assert refused(scene) == 0


def test_a_new_run_is_told_of_where_the_end_of_an_older_one_stands(scene: Scene, clock: LifeClock) -> None:
    sha = commit()
    scene.end(scene.push(sha))
    scene.hint(scene.runs()[-1]["metadata"]["name"])
    for _ in range(MINUTE_SHARE):
        scene.push(commit())
    fresh = commit()
    scene.push(fresh)
    scene.push(sha, time=1_790_000_900, before="1" * 40)
    assert scene.posted(sha) == ["pending", "success", "pending"]
    assert scene.posted(fresh) == []


def test_what_stands_of_another_run_is_not_left_pending_when_both_are_deleted(scene: Scene, clock: LifeClock) -> None:
    sha = commit()
    older = scene.push(sha)
    for _ in range(MINUTE_SHARE):
        scene.push(commit())
    newer = scene.push(sha, time=1_790_000_900, before="1" * 40)
    assert scene.shown(sha) == ("pending", "Running", scene.link(newer))
    for name in (older, newer):
        gone = scene.run(name)
        scene.delete(name)
        scene.hint(name, kind="failed", run=gone)
    assert scene.posted(sha) == ["pending", "pending", "error"]


def test_of_a_run_that_is_deleted_when_nothing_was_told_of_it_the_hint_alone_tells_nothing(
    scene: Scene, clock: LifeClock
) -> None:
    for _ in range(MINUTE_SHARE):
        scene.push(commit())
    sha = commit()
    name = scene.push(sha)
    gone = scene.run(name)
    scene.delete(name)
    assert scene.hint(name, kind="failed", run=gone).json["outcome"] == "unchanged"
    assert scene.posted(sha) == [], "whoever has the key could write errors on any commit"


def test_what_was_left_out_is_told_by_the_sweep_while_the_run_goes_on(scene: Scene, clock: LifeClock) -> None:
    for _ in range(MINUTE_SHARE):
        scene.push(commit())
    sha = commit()
    scene.push(sha)
    assert scene.posted(sha) == []
    clock.pass_by(60)
    assert scene.reconcile()["told"] == 1
    assert scene.posted(sha) == ["pending"]


@pytest.mark.parametrize("status", [403, 429])
def test_github_is_not_asked_again_before_it_wants_to(scene: Scene, clock: LifeClock, status: int) -> None:
    shas = [commit() for _ in range(3)]
    names = [scene.push(sha) for sha in shas]
    for name in names:
        scene.end(name)
    scene.hub.secondary_limit(retry_after=90, status=status)
    assert scene.hint(names[0]).status == 503
    before = asked(scene)
    for seconds in (0, 60, 29):
        clock.pass_by(seconds)
        assert scene.hint(names[1]).status == 503
    assert asked(scene) == before
    clock.pass_by(1)
    assert [scene.hint(name).json["outcome"] for name in names] == ["told"] * 3


def test_after_a_refusal_what_can_wait_is_left_out_for_a_while(scene: Scene, clock: LifeClock) -> None:
    scene.hub.secondary_limit(retry_after=30, path="/statuses/")
    first, second, third = (commit() for _ in range(3))
    scene.push(first)
    clock.pass_by(30)
    scene.push(second)
    assert (scene.posted(first), scene.posted(second)) == ([], [])
    clock.pass_by(QUIET_SECONDS)
    scene.push(third)
    assert scene.posted(third) == ["pending"]


@pytest.mark.parametrize("kind", ["running", "unknown"])
def test_that_a_run_goes_on_is_no_question_to_anybody(scene: Scene, clock: LifeClock, kind: str) -> None:
    name = scene.push(commit())
    before = asked(scene), len(scene.workspace.cluster.requests)
    answer = scene.hint(name, kind=kind)
    assert (answer.status, answer.json["outcome"]) == (202, "dropped")
    assert (asked(scene), len(scene.workspace.cluster.requests)) == before


def test_a_sweep_asks_no_more_about_what_it_has_found_to_stand(scene: Scene, clock: LifeClock) -> None:
    shas = [commit() for _ in range(3)]
    names = [scene.push(sha) for sha in shas]
    for name in names:
        scene.end(name)
        scene.hint(name)
    before = asked(scene)
    assert scene.reconcile()["looked"] == 3
    assert asked(scene) == before + 3, "so soon after its end something may still be under way"
    clock.pass_by(1000)
    before = asked(scene)
    assert scene.reconcile()["looked"] == 3
    assert asked(scene) == before + 3
    before = asked(scene)
    assert scene.reconcile() | {"summary": []} == {
        "outcome": "done",
        "looked": 3,
        "told": 0,
        "failed": 0,
        "left": 0,
        "summary": [],
    }
    assert asked(scene) == before
    scene.end(names[0], "Failed", childReferences=[])
    assert scene.reconcile()["told"] == 1, "a run that has changed is compared"
    assert scene.posted(shas[0])[-1] == "failure"
    before = asked(scene)
    clock.pass_by(6 * 3600)
    scene.reconcile()
    assert asked(scene) == before + 3, "once in six hours all the same"


def test_a_sweep_reaches_the_newest_runs_when_there_are_more_than_one_sweep_can_compare(
    scene: Scene, clock: LifeClock
) -> None:
    shas = [commit() for _ in range(9)]
    for sha in shas:
        scene.push(sha)
    clock.pass_by(1000)
    scene.hub.secondary.points = 4
    found = [scene.reconcile()]
    for _ in range(3):
        clock.pass_by(600)
        found.append(scene.reconcile())
    assert [(summary["outcome"], summary["left"]) for summary in found] == [
        ("limited", 5),
        ("limited", 1),
        ("done", 0),
        ("done", 0),
    ]


def test_a_sweep_leaves_the_last_calls_of_the_hour_to_deliveries(scene: Scene, clock: LifeClock) -> None:
    names = {sha: scene.push(sha) for sha in (commit() for _ in range(3))}
    for name in names.values():
        scene.end(name)
    scene.function("reconcile")
    scene.hub.exhaust(remaining=1001)
    before = asked(scene)
    summary = scene.reconcile()
    assert (summary["outcome"], summary["looked"], summary["left"]) == ("limited", 1, 2)
    assert "left to deliveries" in summary["summary"][1]
    assert asked(scene) - before <= 4
    left = next(name for sha, name in names.items() if scene.posted(sha) == ["pending"])
    assert scene.hint(left).json["outcome"] == "told", "an end takes of them"


def test_several_runs_of_a_commit_have_their_own_contexts(scene: Scene, clock: LifeClock) -> None:
    scene.write(told(run(generateName="a-"), "ci/a"), told(run(generateName="b-"), "ci/b"))
    for _ in range(MINUTE_SHARE // 2):
        assert scene.deliver().status == 202
    sha = commit()
    scene.push(sha)
    assert (scene.posted(sha, "ci/a"), scene.posted(sha, "ci/b")) == ([], [])
