"""PH006: what Tekton does not know, wherever it stands, and what is known of what these params add."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lint.support import ids, pinned
from tests.support.sources import cel, github, inline, listener

PUSH = github(eventTypes=["push"], addChangedFiles={"enabled": True})
GITLAB = {"ref": {"name": "gitlab"}, "params": [{"name": "addChangedFiles", "value": {"enabled": True}}]}
BODY = github(eventTypes=["issue_comment"], addPRBody={"enabled": True})


def noted(*chain: dict[str, Any]) -> bool:
    template = {"spec": {"resourcetemplates": [pinned()]}}
    return "PH006" in ids(listener(inline("t", *chain, template=template)))


@pytest.mark.parametrize(
    ("chain", "ours"),
    [
        ([PUSH, cel("paths.match(extensions.changed_files_list, ['a'])")], True),
        ([PUSH, cel("body.ref == 'a' && !('docs/**'.pathChanged() || paths.only(['a'], ['b']))")], True),
        ([PUSH, cel(name="comment.command(body.comment.body).name", plain="body.ref")], True),
        ([PUSH, cel("[1].all(x, 'a'.pathChanged())")], True),
        ([BODY], True),
        ([github(eventTypes=["issue_comment"], addFailedContexts=True)], True),
        ([github(), GITLAB], True),
        ([PUSH, cel("extensions.changed_files.matches('(^|,)src/')")], False),
        ([PUSH, cel("header.match('paths', 'only')")], False),
    ],
)
def test_what_is_ours_is_noted(chain: list[dict[str, Any]], *, ours: bool) -> None:
    assert noted(*chain) is ours


@pytest.mark.parametrize(
    ("value", "rules"),
    [
        ("$(extensions.pr_body.head.sha)", []),
        ("$(extensions.pr_body.number)", []),
        ("$(extensions.pr_body.title)", ["PH202"]),
        ("$(extensions.pr_body.head.ref)", ["PH202"]),
    ],
)
def test_a_fetched_pull_request_is_judged_as_one_of_an_event(value: str, rules: list[str]) -> None:
    run = {
        "apiVersion": "tekton.dev/v1",
        "kind": "TaskRun",
        "metadata": {"generateName": "t-"},
        "spec": {
            "serviceAccountName": "a",
            "taskSpec": {"steps": [{"image": "bash", "script": "echo $(tt.params.n)"}]},
        },
    }
    template = {"spec": {"params": [{"name": "n"}], "resourcetemplates": [run]}}
    bound = inline("t", BODY, template=template, bindings=[{"name": "n", "value": value}])
    assert [rule for rule in ids(listener(bound)) if rule != "PH006"] == rules
