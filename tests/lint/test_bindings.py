"""PH303 to PH306: bindings that find nothing, or hand over their own text, whatever the event, and those that may."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lint.support import found, ids, listed, only, with_params
from tests.support.sources import cel, github, inline, listener, manifest

PUSH = github(eventTypes=["push"])
HOOK: dict[str, Any] = {
    "webhook": {"url": "https://hooks.example.com/x", "objectRef": {"apiVersion": "v1", "kind": "Service", "name": "x"}}
}
CUSTOM: dict[str, Any] = {"ref": {"name": "ours"}}
OURS: dict[str, Any] = {
    "apiVersion": "triggers.tekton.dev/v1alpha1",
    "kind": "ClusterInterceptor",
    "metadata": {"name": "ours"},
    "spec": {"clientConfig": {"url": "https://interceptors.example.com/ours"}},
}
OUT = frozenset({"hooks.example.com", "interceptors.example.com"})


def binding(value: str, *chain: dict[str, Any], default: str = "") -> list[str]:
    """The rules that a binding of the param p breaks."""
    template = with_params(p=default) if default else with_params("p")
    return ids(listed(*(chain or (PUSH,)), params={"p": value}), template, OURS, outbound_hosts=OUT)


@pytest.mark.parametrize(
    "value",
    [
        "$(event.body.after)",
        "$(request.body.after)",
        "$(payload.after)",
        "$(tt.params.w)",
        "$(params.w)",
        "$(uid)",
        "$( body.after )",
        "$(context.eventid)",
        "$(context.event_id)",
        "$(context.time)",
        "$(extensions.nothing)",
        "$(extensions.nothing.at.all)",
        "$(body.ref.split('/')[2])",
        '$(body.ref.split("/")[2])',
        "$(body.after.truncate(7))",
        "$(header['x-github-event'])",
        "$(header['X-GitHub-Event'])",  # Go spells it X-Github-Event
        "v-$(body.after)-$(event.x)",
    ],
)
def test_a_binding_that_finds_nothing_in_any_event(value: str) -> None:
    assert binding(value) == ["PH303"]
    assert binding(value, default="x") == ["PH306"]


@pytest.mark.parametrize("value", ["$(body.a == 'x')", "$(body.a ? 1 : 2)", "$(body.a + body.b)", "$(body.a[)"])
def test_an_expression_that_does_not_parse_never_runs(value: str) -> None:
    assert binding(value) == ["PH002"]


@pytest.mark.parametrize(
    "value",
    [
        "$(body.after",
        "v-$(body.after",
        "${body.after}",
        "${ body.after }",
        "$[body.after]",
        "{{ body.after }}",
        "{{.body.after}}",
        "$body.after",
        "$($(body.after))",
        "body.after",
        "extensions.short",
        "header.X-GitHub-Event",
    ],
)
def test_a_binding_that_hands_over_its_own_text(value: str) -> None:
    assert binding(value) == ["PH305"]


@pytest.mark.parametrize(
    "value",
    [
        "$(body.after)",
        "$(.body.after)",
        "$({.body.after})",
        "$(Body.after)",
        "$(body['after'])",
        "$(body)",
        "$(body.repository.topics[*])",
        "$(body.repository.custom_properties.a\\.b)",
        "$(header)",
        "$(header.x-github-event)",
        "$(header['X-Github-Event'])",
        "$(header.Content-Type)",
        "$(context.eventID)",
        "$(context.EventID)",
        "$(context)",
        "$(extensions)",
        "$(body.after)-$(body.before)",
        "main",
        "",
        "costs 5$ (about)",
        "a body.after of text",
        "body.json",
        "header.tar.gz",
        "https://example.com/body.html",
    ],
)
def test_a_binding_that_finds_something(value: str) -> None:
    assert binding(value) == []


@pytest.mark.parametrize(
    ("chain", "value", "rules"),
    [
        ([PUSH, cel(short="body.after.truncate(7)")], "$(extensions.short)", []),
        ([PUSH, cel(short="body.after.truncate(7)")], "$(extensions.shrt)", ["PH303"]),
        ([PUSH, cel(**{"git.short": "body.after"})], "$(extensions.git.short)", []),
        ([PUSH, cel(**{"git.short": "body.after"})], "$(extensions.git)", []),
        ([PUSH, cel(**{"git.short": "body.after"})], "$(extensions.git.long)", ["PH303"]),
        ([PUSH, cel(git="body.head_commit")], "$(extensions.git.id)", []),
        ([PUSH, cel(**{"ids.0": "body.after"})], "$(extensions.ids[0])", []),
        # the prefix is taken for a part of the name (tektoncd/website#282)
        ([PUSH, cel(**{"extensions.short": "body.after"})], "$(extensions.short)", ["PH303"]),
        ([PUSH, cel(**{"extensions.short": "body.after"})], "$(extensions.extensions.short)", []),
        ([github(eventTypes=["push"], addChangedFiles={"enabled": True})], "$(extensions.changed_files)", []),
        ([PUSH], "$(extensions.changed_files)", ["PH303"]),
        ([PUSH, CUSTOM], "$(extensions.anything)", []),
        ([PUSH, HOOK], "$(extensions.anything)", ["PH303"]),
        ([PUSH, cel(a="body.after"), HOOK], "$(extensions.a)", []),
    ],
)
def test_extensions_that_the_chain_makes(chain: list[dict[str, Any]], value: str, rules: list[str]) -> None:
    assert binding(value, *chain) == rules


@pytest.mark.parametrize("between", [HOOK, CUSTOM])
@pytest.mark.parametrize("value", ["$(body.pull_request.number)", "$(body.anything)", "$(body.head_commit.id)"])
def test_behind_what_may_replace_the_body_no_field_is_missing(between: dict[str, Any], value: str) -> None:
    assert binding(value, PUSH, between) == []
    assert binding(value, between, PUSH) == []
    assert binding(value, PUSH) != []


@pytest.mark.parametrize("between", [HOOK, CUSTOM])
def test_behind_what_may_replace_the_body_no_filter_is_wrong(between: dict[str, Any]) -> None:
    asked = cel("body.issue.state == 'open' && header.match('X-GitHub-Event', 'issues')", a="body.issue.title")
    assert binding("$(extensions.a)", PUSH, between, asked) == []
    assert binding("$(extensions.a)", PUSH, asked) == ["PH301"]


def test_a_group_is_a_part_of_the_chain() -> None:
    group = {
        "name": "all",
        "interceptors": [PUSH, cel(short="body.after.truncate(7)")],
        "triggerSelector": {"labelSelector": {"matchLabels": {"a": "b"}}},
    }
    bindings = [{"name": "p", "value": "$(extensions.short)"}]
    spec = {"bindings": bindings, "template": {"ref": "template"}}
    selected = manifest("Trigger", "one", spec, labels={"a": "b"})
    assert ids(listener(triggerGroups=[group]), selected, with_params("p")) == []
    spec["bindings"] = [{"name": "p", "value": "$(extensions.long)"}]
    assert ids(
        listener(triggerGroups=[group]), manifest("Trigger", "one", spec, labels={"a": "b"}), with_params("p")
    ) == ["PH303"]


def test_a_shared_binding_is_one_finding() -> None:
    shared = manifest("TriggerBinding", "shared", {"params": [{"name": "p", "value": "$(event.after)"}]})
    triggers = [inline(name, PUSH, bindings=[{"ref": "shared"}]) for name in ("a", "b", "c")]
    (finding,) = found(listener(*triggers), shared, with_params("p"))
    assert (finding.rule.id, finding.path) == ("PH303", "spec.params[0].value")


def events(name: str) -> dict[str, Any]:
    return github(eventTypes=[name])


HOLES = [
    ("push", "$(body.head_commit.id)", "!body.deleted"),
    ("push", "$(body.head_commit.author.name)", "body.deleted == false && body.ref != ''"),
    ("push", "$(body.head_commit.id)", "has(body.head_commit) && body.head_commit != null"),
    ("push", "$(body.head_commit.id)", "body.after != '0000000000000000000000000000000000000000'"),
    ("push", "$(body.head_commit.id)", "body.ref == 'refs/heads/main'"),
    ("push", "$(body.commits[0].id)", "body.commits.size() > 0"),
    ("pull_request", "$(body.pull_request.head.repo.clone_url)", "body.pull_request.head.repo != null"),
    ("pull_request", "$(body.pull_request.merged_by.login)", "body.pull_request.merged"),
    ("pull_request", "$(body.pull_request.milestone.title)", "body.action == 'milestoned'"),
    ("pull_request", "$(body.pull_request.labels[0].name)", "body.action == 'labeled'"),
    ("pull_request", "$(body.label.name)", "body.action == 'labeled'"),
    ("issue_comment", "$(body.issue.pull_request.url)", "has(body.issue.pull_request)"),
    ("issue_comment", "$(body.issue.pull_request.url)", "'pull_request' in body.issue"),
    ("issue_comment", "$(body.issue.milestone.title)", "body.issue.milestone != null"),
    ("check_run", "$(body.check_run.pull_requests[0].number)", "body.check_run.pull_requests.size() > 0"),
    ("check_suite", "$(body.check_suite.pull_requests[0].number)", "body.check_suite.pull_requests.size() > 0"),
]


@pytest.mark.parametrize(("event", "value", "guard"), HOLES)
def test_what_github_leaves_null_out_or_empty(event: str, value: str, guard: str) -> None:
    assert binding(value, events(event)) == ["PH304"]
    assert binding(value, events(event), default="none") == []
    assert binding(value, events(event), cel(guard)) == []


@pytest.mark.parametrize(
    ("event", "value", "advice"),
    [
        ("push", "$(body.head_commit.id)", "filter with !body.deleted, or"),
        ("push", "$(body.commits[0].id)", "filter with !body.deleted, or"),
        ("push", "$(body.head_commit.added[0])", "filter with !body.deleted, or"),
        (
            "check_run",
            "$(body.check_run.pull_requests[0].number)",
            "filter with body.check_run.pull_requests.size() > 0",
        ),
        (
            "issue_comment",
            "$(body.issue.pull_request.url)",
            "has(body.issue.pull_request) && body.issue.pull_request != null",
        ),
    ],
)
def test_the_advice_is_a_filter_that_it_takes(event: str, value: str, advice: str) -> None:
    finding = only("PH304", listed(events(event), params={"p": value}), with_params("p"))
    assert advice in finding.hint
    filter_ = finding.hint.removeprefix("filter with ").partition(", or ")[0]
    assert binding(value, events(event), cel(filter_)) == []


@pytest.mark.parametrize(
    ("event", "value", "filter_"),
    [
        ("push", "$(body.head_commit.id)", "body.ref.startsWith('refs/heads/')"),
        ("push", "$(body.head_commit.id)", "body.repository.full_name == 'acme/shop'"),
        ("push", "$(body.commits[0].id)", "body.ref.startsWith('refs/heads/')"),
        ("issue_comment", "$(body.issue.pull_request.url)", "body.comment.body == '/test'"),
        ("issue_comment", "$(body.issue.pull_request.url)", "body.issue.state == 'open'"),
    ],
)
def test_a_filter_that_looks_elsewhere_is_none(event: str, value: str, filter_: str) -> None:
    assert binding(value, events(event), cel(filter_)) == ["PH304"]


@pytest.mark.parametrize(
    ("event", "value"),
    [
        ("push", "$(body.head_commit)"),
        ("push", "$(body.commits)"),
        ("push", "$(body.commits[*].id)"),
        ("push", "$(body.after)"),
        ("push", "$(body.organization.login)"),
        ("push", "$(body.installation.id)"),
        ("pull_request", "$(body.pull_request.body)"),
        ("pull_request", "$(body.pull_request.head.sha)"),
        ("pull_request", "$(body.pull_request.user.login)"),
    ],
)
def test_what_is_there_or_may_be_null_itself(event: str, value: str) -> None:
    assert binding(value, events(event)) == []


def test_a_push_is_known_by_its_head_commit_where_no_types_are_given() -> None:
    header = cel("header.match('X-GitHub-Event', 'push')")
    assert binding("$(body.head_commit.id)", github(), header) == ["PH304"]
    assert (
        binding("$(body.head_commit.id)", github(), cel("header.match('X-GitHub-Event', 'push') && !body.deleted"))
        == []
    )
    assert "PH304" in binding("$(body.head_commit.id)", github())


@pytest.mark.parametrize("chain", [[PUSH], []])
def test_what_an_overlay_makes_is_bound_as_an_extension(chain: list[dict[str, Any]]) -> None:
    overlay = cel("body.after.compareSecret('token', 'hook')", short="body.after.truncate(7)")
    (finding,) = found(listed(*chain, overlay, params={"p": "$(body.extensions.short)"}), with_params("p"))
    assert (finding.rule.id, finding.hint) == ("PH303", "write $(extensions.short)")
    assert binding("$(body.extensions.other)", overlay) == []


def test_an_old_spelling_of_an_overlay_is_told_the_new_one() -> None:
    # Triggers before 0.10 put overlays into the body
    chain = [PUSH, cel(branch="body.ref.split('/')[2]")]
    finding = only("PH303", listed(*chain, params={"p": "$(body.branch)"}), with_params("p"))
    assert finding.hint == "write $(extensions.branch)"
