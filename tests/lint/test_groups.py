"""PH206: concurrency groups whose text a stranger chooses, and what is no such text."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lint.support import found, listed, pinned, with_params
from tests.support.sources import cel, github

GROUP, CANCEL, LIMIT = (
    f"pipehook.dev/{name}" for name in ("concurrency-group", "cancel-in-progress", "max-in-progress")
)
HEAD = "$(body.pull_request.head.ref)"
TITLE = "$(body.pull_request.title)"
COMMENT = "$(body.comment.body)"
OVERLAY = "$(extensions.name)"
PULL_REQUEST, COMMENTED, PUSH = (github(eventTypes=[name]) for name in ("pull_request", "issue_comment", "push"))
MEMBERS = "['OWNER', 'MEMBER']"


def grouped(text: str = "$(tt.params.p)", **more: str) -> dict[str, Any]:
    resource = pinned(p="$(tt.params.p)")
    resource["metadata"]["annotations"] = {GROUP: text, **more}
    return resource


def spelt(*chain: dict[str, Any], value: str, resource: dict[str, Any] | None = None) -> list[str]:
    """Return what PH206 says."""
    hits = found(listed(*chain, params={"p": value}), with_params("p", resource=resource or grouped()))
    told = [one for one in hits if one.rule.id == "PH206"]
    assert all(
        (one.rule.severity, one.hint.startswith("add what nobody else has")) == ("warning", True) for one in told
    )
    return [one.path + ": " + one.message for one in told]


@pytest.mark.parametrize(
    ("value", "chain"),
    [
        (HEAD, [PULL_REQUEST]),
        (f"$(body.repository.full_name)-{HEAD}", [PULL_REQUEST]),
        (f"$(body.organization.login)-$(body.installation.id)-{HEAD}", [PULL_REQUEST]),
        (f"$(body.pull_request.base.repo.id)-{HEAD}", [PULL_REQUEST]),
        (f"$(body.pull_request.milestone.number)-{TITLE}", [PULL_REQUEST]),
        (TITLE, [PULL_REQUEST]),
        ("$(body.pull_request.base.ref)", [PULL_REQUEST]),
        (COMMENT, [COMMENTED]),
        ("$(body.issue.title)", [COMMENTED]),
        ("$(body.review.body)", [github(eventTypes=["pull_request_review"])]),
        ("$(body.workflow_run.head_branch)", [github(eventTypes=["workflow_run"])]),
        (HEAD, [github()]),
        ("$(body.object_attributes.source_branch)", [{**github(), "ref": {"name": "gitlab"}}]),
        ("$(body.pullrequest.source.branch.name)", [{**github(), "ref": {"name": "bitbucket"}}]),
        (OVERLAY, [PULL_REQUEST, cel(name="body.pull_request.head.ref.replace('/', '-')")]),
        (OVERLAY, [PULL_REQUEST, cel(name="body.pull_request.head.ref"), cel(name="extensions.name.lowerAscii()")]),
        (OVERLAY, [PULL_REQUEST, cel(name="body.pull_request.draft ? 'x' : body.pull_request.title")]),
        ("$(extensions.pr_body.head.ref)", [github(eventTypes=["issue_comment"], addPRBody={"enabled": True})]),
        # whoever comments is known, whoever wrote the title is not
        ("$(body.issue.title)", [COMMENTED, cel(f"body.comment.author_association in {MEMBERS}")]),
        # a fork comes through as well
        (HEAD, [PULL_REQUEST, cel("body.pull_request.head.repo.fork || body.pull_request.title != ''")]),
    ],
)
def test_what_a_stranger_writes_alone_is_no_group(value: str, chain: list[dict[str, Any]]) -> None:
    (said,) = spelt(*chain, value=value)
    assert GROUP in said
    assert "$(tt.params.p)" in said


@pytest.mark.parametrize(
    ("value", "chain"),
    [
        ("pull-request-$(body.repository.id)-$(body.number)", [PULL_REQUEST]),
        ("$(body.pull_request.number)", [PULL_REQUEST]),
        (f"$(body.number)-{HEAD}", [PULL_REQUEST]),
        (f"$(body.pull_request.head.repo.full_name)-{HEAD}", [PULL_REQUEST]),
        (f"$(body.pull_request.user.login)/{HEAD}", [PULL_REQUEST]),
        (f"$(body.sender.login): {TITLE}", [PULL_REQUEST]),
        (f"{HEAD}#$(body.number)", [PULL_REQUEST]),
        (f"$(body.repository.full_name)$(body.number)-{HEAD}", [PULL_REQUEST]),
        (f"{HEAD}$(body.pull_request.head.sha)", [PULL_REQUEST]),
        ("$(body.number)$(body.action)", [PULL_REQUEST]),
        ("$(body.pull_request.head.label)", [PULL_REQUEST]),
        ("$(body.pull_request.head.sha)", [PULL_REQUEST]),
        ("pull-request-$(body.repository.id)-$(body.issue.number)", [COMMENTED]),
        ("$(body.repository.full_name)-$(body.ref)", [PUSH]),
        ("$(body.ref)", [PUSH]),
        ("$(body.head_commit.message)", [PUSH]),
        ("$(body.release.tag_name)", [github(eventTypes=["release"])]),
        ("$(body.repository.default_branch)", [PULL_REQUEST]),
        ("$(body.action)", [PULL_REQUEST]),
        ("build", [PULL_REQUEST]),
        ("$(body.anything)", [cel("compareSecret(header.canonical('x'), 'token', 's')")]),
        ("$(body.object_attributes.iid)-$(body.object_attributes.title)", [{**github(), "ref": {"name": "gitlab"}}]),
        (OVERLAY, [PUSH, cel(name="body.ref.split('/')[2]")]),
        (OVERLAY, [PULL_REQUEST, cel(name="string(body.number) + '-' + body.pull_request.head.ref")]),
        (OVERLAY, [PULL_REQUEST, cel(name="body.pull_request.title == 'x' ? 'a' : 'b'")]),
        ("$(extensions.pr_body.number)", [github(eventTypes=["issue_comment"], addPRBody={"enabled": True})]),
        (HEAD, [PULL_REQUEST, cel("body.pull_request.head.ref in ['main', 'next']")]),
        (HEAD, [PULL_REQUEST, cel("body.pull_request.head.repo.full_name == body.repository.full_name")]),
        (HEAD, [PULL_REQUEST, cel("!body.pull_request.head.repo.fork")]),
        (HEAD, [PULL_REQUEST, cel(f"body.pull_request.author_association in {MEMBERS}")]),
        (COMMENT, [COMMENTED, cel(f"body.comment.author_association in {MEMBERS} && body.action == 'created'")]),
    ],
)
def test_what_nobody_else_has_or_only_those_write_who_may_push_is_one(value: str, chain: list[dict[str, Any]]) -> None:
    assert spelt(*chain, value=value) == []


@pytest.mark.parametrize(
    ("resource", "wrong"),
    [
        (grouped(), True),
        (grouped(**{CANCEL: "false"}), True),
        (grouped(**{CANCEL: "true"}), True),
        (grouped(**{CANCEL: "true", LIMIT: "1"}), True),
        (grouped(**{LIMIT: "1"}), False),
        (grouped("build"), False),
    ],
)
def test_it_is_judged_by_what_becomes_of_others(resource: dict[str, Any], *, wrong: bool) -> None:
    assert bool(spelt(PULL_REQUEST, value=HEAD, resource=resource)) is wrong


@pytest.mark.parametrize(
    "value",
    [
        f"$(body.number){HEAD}",  # 1 and 2x, 12 and x
        f"{HEAD}$(body.number)",
        f"$(body.number)0{HEAD}",
        f"{HEAD}-$(body.number)-{TITLE}",
        f"$(body.pull_request.user.login)-{HEAD}",  # a and b-x, a-b and x
        f"{HEAD}-$(body.pull_request.head.repo.full_name)",
    ],
)
def test_what_runs_into_what_a_stranger_chooses_sets_nothing_apart(value: str) -> None:
    hits = found(listed(PULL_REQUEST, params={"p": value}), with_params("p", resource=grouped()))
    (one,) = [one for one in hits if one.rule.id == "PH206"]
    assert "runs into text that a stranger chooses" in one.message
    assert one.hint.startswith("set them apart")


def test_params_run_into_each_other_as_well() -> None:
    params = {"p": HEAD, "number": "$(body.number)"}
    for text, wrong in (("$(tt.params.number)$(tt.params.p)", True), ("$(tt.params.number).$(tt.params.p)", False)):
        hits = found(listed(PULL_REQUEST, params=params), with_params("p", "number", resource=grouped(text)))
        assert ("PH206" in {one.rule.id for one in hits}) is wrong


def test_a_cancellation_is_judged_as_well() -> None:
    stop = {"apiVersion": "pipehook.dev/v1", "kind": "Cancellation", "spec": {"concurrencyGroup": "$(tt.params.p)"}}
    (said,) = spelt(PULL_REQUEST, value=TITLE, resource=stop)
    assert "spec.concurrencyGroup" in said


def test_a_param_of_its_own_makes_up_for_another() -> None:
    resource = grouped("$(tt.params.p)-$(tt.params.number)")
    params = {"p": HEAD, "number": "$(body.number)"}
    hits = found(listed(PULL_REQUEST, params=params), with_params("p", "number", resource=resource))
    assert "PH206" not in {one.rule.id for one in hits}
