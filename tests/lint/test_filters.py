"""PH301, PH302 and PH304 in CEL: filters that are never true, in whole or in a part, and overlays that may fail."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lint.support import found, ids, listed, only, pinned, with_params
from tests.support.sources import cel, github, template

PUSH = github(eventTypes=["push"])
PULL = github(eventTypes=["pull_request"])
RUN = template("template", pinned())


def types(provider: str, *names: str) -> dict[str, Any]:
    secret = {"name": "secretRef", "value": {"secretName": "hook", "secretKey": "token"}}
    return {"ref": {"name": provider}, "params": [secret, {"name": "eventTypes", "value": list(names)}]}


@pytest.mark.parametrize(
    ("chain", "expression", "why"),
    [
        (PUSH, "body.ref in ['main', 'develop']", 'written in full: "refs/heads/develop"'),
        (PUSH, "body.ref.startsWith('feature/')", 'written in full: "refs/heads/feature/"'),
        (PUSH, "body.ref == 'refs/head/main'", "begins with refs/heads/ or refs/tags/"),
        (PUSH, "'main' == body.ref && body.after != ''", "written in full"),
        (types("gitlab", "Push Hook"), "body.ref == 'main'", "written in full"),
        (types("gitlab", "Push Hook", "Tag Push Hook"), "body.ref == 'v1'", "written in full"),
        (PULL, "body.pull_request.base.ref == 'refs/heads/main'", "is the name of a branch"),
        (PULL, "body.pull_request.head.ref.startsWith('refs/')", "is the name of a branch"),
        (
            types("gitlab", "Merge Request Hook"),
            "body.object_attributes.target_branch == 'refs/heads/main'",
            "is the name of a branch",
        ),
        (PULL, "body.pull_request.merged == 'true'", "is a number, true or false"),
        (PULL, "body.number in ['1', '2']", "is a number, true or false"),
        (PUSH, "body.deleted == 'false' && body.ref != ''", "is a number, true or false"),
        (PUSH, "body.repository.full_name == 'shop'", "always holds /"),
        (PUSH, "body.repository.name == 'acme/shop'", "never holds /"),
        (PUSH, "body.sender.login == 'acme/hana'", "never holds /"),
        (PUSH, "header['X-Github-Event'] == 'push'", "a header is a list of texts"),
        (PUSH, "header['X-Github-Event'] in ['push']", "a header is a list of texts"),
        (PULL, "body.action == 'open' || body.action == 'sync'", 'has the action "open"'),
        (PULL, "body.action in ['open', 'reopen']", 'has the action "open"'),
    ],
)
def test_a_filter_that_is_never_true(chain: dict[str, Any], expression: str, why: str) -> None:
    finding = only("PH301", listed(chain, cel(expression)), RUN)
    assert finding.message.startswith("the filter can never be true: ")
    assert why in finding.message


@pytest.mark.parametrize(
    ("chain", "expression"),
    [
        (PULL, "body.action in ['opened', 'synchronized']"),
        (PULL, "body.action == 'opened' || body.action == 'synchronised'"),
        (PULL, "(body.action == 'open' && body.number > 1) || body.action == 'closed'"),
        (PULL, "body.action == 'closed' || body.pull_request.draft == 'false'"),
    ],
)
def test_a_part_that_is_never_true(chain: dict[str, Any], expression: str) -> None:
    (finding,) = found(listed(chain, cel(expression)), RUN)
    assert finding.rule.id == "PH301"
    assert finding.message.startswith("a part of the filter can never be true: ")


def test_an_action_is_told_how_it_is_written() -> None:
    (finding,) = found(listed(PULL, cel("body.action in ['opened', 'synchronized']")), RUN)
    assert finding.hint == 'did you mean "synchronize"?'


@pytest.mark.parametrize(
    ("chain", "expression"),
    [
        # shared by triggers of several events
        (PULL, "body.action == 'created' || body.action == 'opened'"),
        (PULL, "body.action in ['created', 'opened']"),
        (PUSH, "body.ref == 'main' || body.ref == 'refs/heads/main'"),
        (PUSH, "body.ref in ['main', 'refs/heads/main']"),
        (PUSH, "body.ref.startsWith('ref')"),
        (PUSH, "body.ref.startsWith('refs/tags/v')"),
        (PUSH, "body.sender.login == 'dependabot[bot]'"),
        (PUSH, "'push' in header['X-Github-Event']"),
        (PUSH, "header['X-Github-Event'][0] == 'push'"),
        (PULL, "body.pull_request.base.ref == 'release/1'"),
        (PULL, "body.repository.default_branch == 'release/1'"),
        (PULL, "body.action in ['synchronize', 'synchronized']"),  # Gitea's, beside GitHub's
        (PULL, "body.action == 'synchronized' || body.action == 'synchronize'"),
        (PULL, "body.action in ['labeled', 'label_updated', 'reviewed']"),
        (github(eventTypes=["repository_dispatch"]), "body.action == 'deploy/live'"),
        (PULL, "body.pull_request.merged != 'true'"),
        (github(eventTypes=["create"]), "body.ref == 'main'"),
        (types("gitlab", "Job Hook"), "body.ref == 'main'"),
        (types("gitlab", "Push Hook"), "body.project.name == 'A / B'"),
        (github(eventTypes=["repository_dispatch"]), "body.client_payload.number == '1'"),
    ],
)
def test_a_filter_that_may_be_true(chain: dict[str, Any], expression: str) -> None:
    assert ids(listed(chain, cel(expression)), RUN) == []


@pytest.mark.parametrize(
    ("expression", "rules"),
    [
        ("header['X-GitHub-Event'][0] == 'push'", ["PH302"]),
        ("header['x-github-event'][0] == 'push' && body.ref != ''", ["PH302"]),
        ("header['x-github-event'][0] == 'push' || body.ref != ''", []),
        ("header['Content-Type'][0] == 'application/json'", []),
        ("header.canonical('x-github-event') == 'push'", []),
        ("!('X-GitHub-Event' in header)", []),
    ],
)
def test_headers_are_called_as_go_calls_them(expression: str, rules: list[str]) -> None:
    assert ids(listed(PUSH, cel(expression)), RUN) == rules


def test_the_advice_on_a_header_is_taken() -> None:
    finding = only("PH302", listed(PUSH, cel(v="header['X-GitHub-Event'][0]")), RUN)
    assert finding.hint == "write header.canonical('X-GitHub-Event'), or spell it as Go does: X-Github-Event"


@pytest.mark.parametrize(
    ("expression", "guard"),
    [
        ("body.head_commit.id.truncate(7)", "!body.deleted"),
        ("'v-' + body.head_commit.message.split(' ')[0]", "body.ref == 'refs/heads/main'"),
        ("body.commits[0].author.name", "body.commits.size() > 0"),
        ("body.commits[body.commits.size() - 1].id", "!body.deleted"),
    ],
)
def test_an_overlay_that_a_deleted_branch_fails(expression: str, guard: str) -> None:
    finding = only("PH304", listed(PUSH, cel(v=expression)), RUN)
    assert finding.hint == "filter with !body.deleted"
    assert finding.path.endswith("interceptors[1].params[0].value[0].expression")
    assert ids(listed(PUSH, cel(guard, v=expression)), RUN) == []
    assert ids(listed(PUSH, cel(guard), cel(v=expression)), RUN) == []
    assert ids(listed(PUSH, cel(v=expression), cel(guard)), RUN) == ["PH304"], "it is computed before"


@pytest.mark.parametrize(
    "expression",
    [
        "body.head_commit != null ? body.head_commit.id : ''",
        "body.commits.map(c, c.id)",
        "body.head_commit",
        "body.after.truncate(7)",
    ],
)
def test_an_overlay_that_every_push_has(expression: str) -> None:
    assert ids(listed(PUSH, cel(v=expression)), RUN) == []


def test_a_body_of_ones_own_under_githubs_header() -> None:
    own = {"service": "$(body.service)", "port": "$(body.port)", "image": "$(body.image)"}
    chain = [PUSH, cel("body.deleted == 'no' || body.service != ''")]
    assert ids(listed(PUSH, params=own), with_params(*own)) == []
    assert ids(listed(PUSH, cel("body.kind == 'x'"), params=own), with_params(*own)) == []
    assert ids(listed(*chain, params=own), with_params(*own)) == ["PH301", "PH303"], "pushes have one of the fields"
    wrong = {"ref": "$(body.ref)", "sha": "$(body.after)", "pusher": "$(body.pusher)"}
    assert ids(listed(github(eventTypes=["issue_comment"]), params=wrong), with_params(*wrong)) == ["PH303"]
    some = {"service": "$(body.service)", "port": "$(body.port)"}
    assert ids(listed(PUSH, params=some), with_params(*some)) == ["PH303"]


def test_an_overlay_on_a_field_that_some_of_the_events_lack() -> None:
    both = github(eventTypes=["push", "pull_request"])
    overlay = {"v": "body.pull_request.head.sha"}
    assert only("PH304", listed(both, cel(**overlay)), RUN).hint == "filter with has(body.pull_request)"
    assert ids(listed(both, cel("has(body.pull_request)", **overlay)), RUN) == []
    pulls = cel("header.match('X-GitHub-Event', 'pull_request')", **overlay)
    assert ids(listed(both, pulls), RUN) == []
    each = "has(body.pull_request) ? body.pull_request.head.sha : "
    assert ids(listed(both, cel(v=each + "body.after")), RUN) == []
    deleted = only("PH304", listed(both, cel(v=each + "body.head_commit.id")), RUN)
    assert deleted.hint == "filter with !body.deleted"


@pytest.mark.parametrize(
    ("provider", "name", "hint"),
    [
        ("github", "Push", 'write "push"'),
        ("github", "pull-request", 'write "pull_request"'),
        ("github", "PullRequest", 'write "pull_request"'),
        ("github", "push_event", 'write "push"'),
        ("github", "Push Hook", 'write "push"'),
        ("github", "issue_comments", 'write "issue_comment"'),
        ("github", "pull_request_target", 'write "pull_request"'),
        ("gitlab", "push", 'write "Push Hook"'),
        ("gitlab", "merge_request", 'write "Merge Request Hook"'),
        ("gitlab", "Merge Request Events", 'write "Merge Request Hook"'),
        ("gitlab", "push hook", 'write "Push Hook"'),
        ("gitlab", "pull_request", ""),
        ("bitbucket", "push", 'write "repo:push"'),
        ("bitbucket", "repo:Push", 'write "repo:push"'),
        ("bitbucket", "repo:refs-changed", 'write "repo:refs_changed"'),
        ("bitbucket", "pullrequest:merged", 'write "pullrequest:fulfilled"'),
    ],
)
def test_a_name_that_is_nearly_an_events(provider: str, name: str, hint: str) -> None:
    finding = only("PH301", listed(types(provider, name)), RUN)
    assert finding.hint == hint
    assert finding.path.endswith("interceptors[0].params[1].value[0]")


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        ("github", "push"),
        ("github", "issues"),
        ("github", "of_next_year"),
        ("gitlab", "Tag Push Hook"),
        ("gitlab", "Next Year's Hook"),
        ("bitbucket", "repo:refs_changed"),
        ("bitbucket", "pr:merged"),
        ("bitbucket", "repo:of_next_year"),
    ],
)
def test_a_name_that_may_be_an_events(provider: str, name: str) -> None:
    assert ids(listed(types(provider, name)), RUN) == []


def test_a_name_beside_the_one_it_means() -> None:
    assert ids(listed(types("github", "Push Hook", "push")), RUN) == []
    assert ids(listed(types("github", "Push Hook", "create")), RUN) == ["PH301"]


@pytest.mark.parametrize(
    ("expression", "rules"),
    [
        ("header.match('ce-type', 'dev.tekton.event.pipelinerun.*')", ["PH301"]),
        ("header.match('ce-type', 'dev.tekton.*') || body.ref != ''", ["PH301"]),
        ("header.match('accept', '*/*')", []),
        ("header.match('ce-type', 'dev.tekton.event.pipelinerun.successful.v1')", []),
    ],
)
def test_a_header_is_compared_whole(expression: str, rules: list[str]) -> None:
    assert ids(listed(PUSH, cel(expression)), RUN) == rules
    if rules:
        hint = only("PH301", listed(PUSH, cel(expression)), RUN).hint
        assert ids(listed(PUSH, cel(hint.removeprefix("write "))), RUN) == []


@pytest.mark.parametrize("provider", ["github", "gitlab", "bitbucket"])
def test_event_types_are_no_patterns(provider: str) -> None:
    assert only("PH301", listed(types(provider, "*")), RUN).hint.startswith("list the events")


@pytest.mark.parametrize(
    ("hook", "value", "rules"),
    [
        ("Push Hook", "$(body.head_commit.id)", ["PH303"]),
        ("Push Hook", "$(body.repository.git_http_url)", []),
        ("Push Hook", "$(body.pusher.name)", ["PH303"]),
        ("Push Hook", "$(body.commits[0].id)", ["PH304"]),
        ("Push Hook", "$(body.checkout_sha)", []),
        ("Tag Push Hook", "$(body.message)", []),
        ("Merge Request Hook", "$(body.pull_request.head.sha)", ["PH303"]),
        ("Merge Request Hook", "$(body.object_attributes.last_commit.id)", []),
        ("Note Hook", "$(body.merge_request.last_commit.id)", ["PH304"]),
        ("Pipeline Hook", "$(body.anything)", []),
    ],
)
def test_gitlabs_events_have_fields_of_their_own(hook: str, value: str, rules: list[str]) -> None:
    assert ids(listed(types("gitlab", hook), params={"p": value}), with_params("p")) == rules


def test_no_event_of_gitlab_has_githubs_head_commit() -> None:
    secret = {"name": "secretRef", "value": {"secretName": "hook", "secretKey": "token"}}
    chain = {"ref": {"name": "gitlab"}, "params": [secret]}
    assert "PH303" in ids(listed(chain, params={"p": "$(body.head_commit.id)"}), with_params("p"))
    finding = only("PH302", listed(types("gitlab", "Push Hook"), cel("body.pull_request.state == 'open'")), RUN)
    assert finding.hint == "", "GitHub's events are no help"


@pytest.mark.parametrize(
    ("chain", "rules"),
    [
        ([cel(a="body.after", b="extensions.a.truncate(7)")], ["PH302"]),  # overlays do not see each other
        ([cel(b="extensions.a.truncate(7)"), cel(a="body.after")], ["PH302"]),
        ([cel("extensions.a == 'x'", a="body.after")], ["PH302"]),
        ([cel("extensions.changed_files.contains('x')")], ["PH302"]),
        ([cel("has(extensions.a) ? extensions.a == 'x' : body.ref != ''")], []),
        ([cel("extensions.a == 'x' || body.ref != ''")], []),
        ([cel(a="body.after"), cel("extensions.a != 'x'", b="extensions.a.truncate(7)")], []),
        ([cel(**{"a.b": "body.after"}), cel("extensions.a.b != 'x'")], []),
        ([cel(a="body.repository"), cel("extensions.a.name != 'x'")], []),
        ([{"ref": {"name": "ours"}}, cel("extensions.anything == 'x'")], ["PH002"]),  # which is not there
    ],
)
def test_extensions_are_read_behind_what_makes_them(chain: list[dict[str, Any]], rules: list[str]) -> None:
    assert ids(listed(PUSH, *chain), RUN) == rules


def test_files_that_are_asked_for_may_be_read() -> None:
    files = github(eventTypes=["push"], addChangedFiles={"enabled": True})
    assert ids(listed(files, cel("extensions.changed_files.contains('x')")), RUN) == []


@pytest.mark.parametrize(
    ("chain", "path"),
    [
        ([cel("body.ref = 'x'")], "interceptors[1].params[0].value"),
        ([cel("true", a="body.ref", b="body.(")], "interceptors[1].params[1].value[1].expression"),
        ([{"ref": {"name": "nowhere"}}], "spec.triggers[0]"),
    ],
)
def test_an_expression_that_does_not_compile_is_found_where_it_stands(chain: list[dict[str, Any]], path: str) -> None:
    assert only("PH002", listed(PUSH, *chain), RUN).path.endswith(path)


def test_an_extension_that_a_filter_reads_in_the_body_is_told_its_place() -> None:
    chain = [PUSH, cel(short="body.after.truncate(7)"), cel("body.extensions.short != ''")]
    assert only("PH302", listed(*chain), RUN).hint == "extensions stand beside the body: write extensions.NAME"


def test_gitlabs_events_are_known_by_their_header_too() -> None:
    header = "header.canonical('X-Gitlab-Token').compareSecret('k', 's') && header.match('X-Gitlab-Event', 'Push Hook')"
    assert ids(listed(cel(header), params={"p": "$(body.head_commit.id)"}), with_params("p")) == ["PH303"]
    assert only("PH301", listed(cel(f"{header} && body.ref == 'main'")), RUN).message.endswith('"refs/heads/main"')
    assert ids(listed(cel(f"{header} && body.repository.name == 'A / B'")), RUN) == []
    assert ids(listed(types("gitlab", "Push Hook"), cel("header.match('X-Gitlab-Event', 'Note Hook')")), RUN) == [
        "PH301"
    ]
