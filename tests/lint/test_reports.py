"""Public reports of manifests that did something else than was meant: each rebuilt small, and what the lint says of it.

tests/README.md has the table with their sources.
"""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.lint.support import ids, listed, pinned, pipeline_run, task_run, with_params
from tests.support.function import ROOT
from tests.support.sources import cel, github, inline, listener, manifest

PUSH = github(eventTypes=["push"])
PULL = github(eventTypes=["pull_request"])


def template(resource: dict[str, Any], *names: str) -> dict[str, Any]:
    return manifest(
        "TriggerTemplate", "template", {"params": [{"name": name} for name in names], "resourcetemplates": [resource]}
    )


def named(**metadata: Any) -> dict[str, Any]:
    return {**pinned(p="$(tt.params.p)"), "metadata": metadata}


def in_pipeline_ref() -> dict[str, Any]:
    resource = pinned(p="$(tt.params.p)")
    resource["spec"]["pipelineRef"] = {"name": "$(params.p)"}
    return resource


REPORTS: dict[str, tuple[list[dict[str, Any]], list[str]]] = {
    "tektoncd/triggers#1045": (
        [listed(params={"p": "$(body.after)"}), template(named(generateName="deploy-$(params.p)-"), "p")],
        ["PH103"],
    ),
    "tektoncd/triggers#1486": ([listed(params={"p": "x"}), template(in_pipeline_ref(), "p")], ["PH103"]),
    "tektoncd/triggers#525": (
        [
            listed(params={"bucket": "$(body.after)"}),
            template(
                pipeline_run(
                    {
                        "tasks": [
                            {"name": "t", "taskRef": {"name": "t"}, "params": [{"name": "at", "value": "$(params.b)"}]}
                        ]
                    },
                    b="$(tt.params.bucket)",
                ),
                "bucket",
            ),
        ],
        [],
    ),
    "tektoncd/triggers#1124": (
        [
            listed(params={"p": "production", "app": "storefront-backend"}),
            template({**pinned(), "metadata": {"name": "$(tt.params.p)-$(tt.params.app)-$(uid)"}}, "p", "app"),
        ],
        ["PH401"],
    ),
    "janus-idp/software-templates#102": (
        [listed(), template({**pinned(), "metadata": {"name": "my-new-quarkus-app-on-push-$(uid)"}})],
        [],  # 63 with this name; one character more is PH401
    ),
    "tektoncd/triggers#1183": (
        [listed(), template({**pinned(), "metadata": {"generateName": "Simple-run-"}})],
        ["PH401"],
    ),
    "tektoncd/triggers#382": (
        [listener(inline("github.example.com/acme/shop", PUSH)), template(pinned())],
        ["PH001"],
    ),
    "tektoncd/triggers#928": (
        [manifest("EventListener", "l" * 61, {"triggers": [inline("t", PUSH)]}), template(pinned())],
        ["PH001"],
    ),
    "tektoncd/triggers#1269": ([manifest("EventListener", "l", {})], ["PH001"]),
    "tektoncd/triggers#746": (
        [listed(PUSH, cel("body.comment.text == 'ok-to-test')")), template(pinned())],
        ["PH002"],
    ),
    "tektoncd/triggers#518": (
        [listed(PUSH, cel(branch="truncate(body.ref, split, '/')[2]")), template(pinned())],
        ["PH002"],
    ),
    "tektoncd/triggers#711": ([listed(params={"p": "$(body.ref.split('/')[2])"}), with_params("p")], ["PH303"]),
    "tektoncd/triggers#367": (
        [listed(params={"p": "$(body.after.truncate(8))"}), with_params("p")],
        ["PH303"],
    ),
    "tektoncd/website#282": (
        [listed(PUSH, cel(**{"extensions.b": "body.ref"}), params={"p": "$(extensions.b)"}), with_params("p")],
        ["PH303"],
    ),
    "tektoncd/triggers#347": (
        [
            listed(
                {
                    "ref": {"name": "bitbucket"},
                    "params": [
                        {"name": "secretRef", "value": {"secretName": "s", "secretKey": "k"}},
                        {"name": "eventTypes", "value": ["repo:push"]},
                    ],
                },
                params={"p": "$(body.push.changes[0].new.name)"},
            ),
            with_params("p"),
        ],
        [],
    ),
    "tektoncd/triggers#306": ([listed(params={"p": "body.commits[0].id"}), with_params("p")], ["PH305"]),
    "tektoncd/triggers#1049": ([listed(params={"p": "$($(body.after))"}), with_params("p")], ["PH305"]),
    "tektoncd/pipeline#3226": (
        [
            listed(params={"p": "$(body.pusher.email)"}),
            with_params(
                "p", resource=task_run({"steps": [{"script": 'echo "$(params.name)"'}]}, name="$(tt.params.p)")
            ),
        ],
        ["PH202"],
    ),
    "tektoncd/pipeline#3458": (
        [
            listed(params={"p": "$(body.pusher.email)"}),
            with_params(
                "p",
                resource=task_run(
                    {"steps": [{"script": 'echo "$NAME"', "env": [{"name": "NAME", "value": "$(params.name)"}]}]},
                    name="$(tt.params.p)",
                ),
            ),
        ],
        [],
    ),
    "tektoncd/triggers#675": (
        [
            listed(PULL, params={"p": "$(body.pull_request.title)"}),
            with_params("p", resource=task_run({"steps": [{"script": "echo $(tt.params.p)"}]})),
        ],
        ["PH202"],
    ),
}


@pytest.mark.parametrize("report", REPORTS)
def test_a_report(report: str) -> None:
    manifests, rules = REPORTS[report]
    assert ids(*(yaml.safe_dump(entry) for entry in manifests)) == rules


def test_the_table_names_every_report() -> None:
    table = (ROOT / "tests" / "README.md").read_text(encoding="utf-8")
    assert [report for report in REPORTS if report not in table] == []
