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


def sender(provider: str, *types: object, secret: object = "hook") -> dict[str, Any]:
    ref = {"secretName": secret, "secretKey": "token"} if secret else None
    params = [{"name": "secretRef", "value": ref}, {"name": "eventTypes", "value": list(types)}]
    return {"ref": {"name": provider}, "params": params}


RUN = template(pinned())
RUN["spec"].pop("params")
ONE = manifest("Trigger", "one", {"interceptors": [PUSH], "template": {"ref": "template"}}, labels={"a": "b"})
GROUP: dict[str, Any] = {
    "name": "g",
    "interceptors": [cel("body.ref != ''")],
    "triggerSelector": {"labelSelector": {"matchLabels": {"a": "b"}}, "namespaceSelector": {"matchNames": ["*"]}},
}

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
        ["PH002", "PH308"],
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
        ["PH202", "PH207"],
    ),
    "tektoncd/triggers#741": ([listed(PUSH, cel("body.ref.startsWith('refs/heads/')")), RUN], []),
    "tektoncd/triggers#630": ([listed(PULL), RUN], ["PH207"]),
    "tektoncd/triggers#637": ([listed(PULL, cel("body.action in ['opened', 'synchronize', 'reopened']")), RUN], []),
    "tektoncd/triggers#1092": ([listed(sender("gitlab", "Merge Request Hook")), RUN], ["PH207"]),
    "tektoncd/triggers#243": ([listed(sender("github", {"push": {"branch": "main"}})), RUN], ["PH002"]),
    "tektoncd/triggers#1607": ([listed(sender("bitbucket", "repo:refs_changed", secret=None)), RUN], ["PH201"]),
    "tektoncd/triggers#1597": (
        [listed(sender("bitbucket", "repo:refs_changed"), params={"p": "$(body.changes[0].ref.id)"}), with_params("p")],
        [],
    ),
    "tektoncd/triggers#1634": (
        [
            listed(
                sender("gitlab", "Push Hook", "Tag Push Hook"),
                cel("body.ref in ['refs/heads/master']", branch="body.ref.split('/')[2]"),
                params={"p": "$(extensions.branch)"},
            ),
            with_params("p"),
        ],
        [],
    ),
    "redhat-developer/kam#320": (
        [listed(PUSH, cel(branch="body.ref.split('/')[2]"), params={"p": "$(extensions.branch)"}), with_params("p")],
        ["PH309"],
    ),
    "tektoncd/triggers#644": (
        [listed(cel("header.match('x-h1', 'v1') && header.canonical('x-h2').compareSecret('k', 's')")), RUN],
        [],
    ),
    "tektoncd/triggers#1621": (
        [
            listed(
                cel("header.canonical('X-Token').compareSecret('k', 's')", event="header['X-Gitea-Event'][0]"),
                params={"p": "$(extensions.event)"},
            ),
            with_params("p"),
        ],
        [],
    ),
    "tektoncd/triggers#573": (
        [
            listener(
                inline("a", PUSH, cel(sha="body.after"), bindings=[{"ref": "shared"}]),
                inline("b", PUSH, cel(branch="body.ref"), bindings=[{"ref": "shared"}]),
            ),
            manifest("TriggerBinding", "shared", {"params": [{"name": "p", "value": "$(body.extensions.sha)"}]}),
            with_params("p"),
        ],
        ["PH303", "PH308"],
    ),
    "tektoncd/triggers#890": (
        [
            listed(PUSH, cel(sha="body.pull_request.head.sha.truncate(7)"), params={"p": "$(extensions.sha)"}),
            with_params(p="main"),
        ],
        ["PH302"],
    ),
    "tektoncd/triggers#568": ([listed(params={"p": "$(body.dockertag.version)"}), with_params(p="latest")], []),
    "tektoncd/triggers#841": ([listed(params={"p": "$(body)", "q": "$(header)"}), with_params("p", "q")], []),
    "tektoncd/triggers#942": ([listed(params={"p": "a\nb\n"}), with_params(p="c\nd\n")], []),
    "tektoncd/triggers#777": (
        [
            listed(PULL, cel("body.action == 'opened'"), params={"p": "$(body.pull_request.title)"}),
            with_params("p"),
        ],
        [],
    ),
    "tektoncd/triggers#1617": (
        [
            manifest("EventListener", "l", {"triggerGroups": [GROUP], "namespaceSelector": {"matchNames": ["*"]}}),
            ONE,
            RUN,
        ],
        ["PH502"],
    ),
    "tektoncd/triggers#1841": (
        [
            manifest(
                "EventListener",
                "l",
                {"triggers": [{"triggerRef": "one"}], "namespaceSelector": {"matchNames": ["*"]}},
            ),
            ONE,
            RUN,
        ],
        ["PH502"],
    ),
    "tektoncd/triggers#1652": ([manifest("EventListener", "l", {"triggerGroups": [GROUP]}), ONE, RUN], []),
    "tektoncd/triggers#545": (
        [manifest("TriggerBinding", "b", {"params": [{"name": "p", "value": ["a"]}]})],
        ["PH001"],
    ),
    "tektoncd/triggers#255": (
        [listed(params={"p": "$(body.after)"}), template(pinned(p="$(tt.params.p)"), "q")],
        ["PH101", "PH102"],
    ),
    "tektoncd/triggers#801": (
        [
            listed(),
            manifest(
                "TriggerTemplate", "template", {"resourcetemplates": [pinned(), task_run({"steps": [{"image": "i"}]})]}
            ),
        ],
        [],
    ),
}


@pytest.mark.parametrize("report", REPORTS)
def test_a_report(report: str) -> None:
    manifests, rules = REPORTS[report]
    assert ids(*(yaml.safe_dump(entry) for entry in manifests), beside=True) == rules


def test_the_table_names_every_report() -> None:
    table = (ROOT / "tests" / "README.md").read_text(encoding="utf-8")
    assert [report for report in REPORTS if report not in table] == []
