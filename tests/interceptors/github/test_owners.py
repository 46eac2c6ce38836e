"""githubOwners: whose pull requests run and whose /ok-to-test lets a stranger's run, and Tekton's own way."""

from __future__ import annotations

from typing import Any

import pytest

from functions.common.errors import LastingError, PassingError
from functions.common.values import Json, Refusal, Status
from functions.interceptors.base import Passed
from functions.model.annotations import Judged
from tests.interceptors.running import Bench, built, event_of, filtering

NOT_MET = "owners check requirements not met"
TOKEN: Json = {"secretName": "pat", "secretKey": "token"}
PULL_REQUEST: dict[str, Any] = {
    "action": "opened",
    "number": 7,
    "pull_request": {"number": 7, "user": {"login": "alice"}},
    "repository": {"full_name": "octo-org/hello-world"},
    "sender": {"login": "alice"},
}
HEAD = "1f0c2b9e7d4a3c5b6e8f9012a3b4c5d6e7f80912"
OTHER = "9b8a7c6d5e4f30211203f4e5d6c7b8a99081726f"


def comment(text: str) -> dict[str, Any]:
    return {
        "action": "created",
        "issue": {"number": 7, "state": "open", "user": {"login": "stranger"}, "pull_request": {"url": "u"}},
        "comment": {"body": text, "user": {"login": "alice"}},
        "repository": {"full_name": "octo-org/hello-world"},
        "sender": {"login": "alice"},
    }


def checking(check_type: str | None, *, token: Json = TOKEN, judged: Judged = "author", **more: Json) -> Any:
    owners: dict[str, Json] = {"enabled": True, "personalAccessToken": token}
    if check_type is not None:
        owners["checkType"] = check_type
    return built("github", {"githubOwners": owners, **more}, judged=judged)


def by(login: str, body: dict[str, Any], *, author: str) -> dict[str, Any]:
    """A pull request's event that somebody else sent."""
    pull_request = {**body["pull_request"], "user": {"login": author}}
    return body | {"sender": {"login": login}, "pull_request": pull_request}


def shown(event: str) -> Bench:
    made = Bench(headers=[("X-GitHub-Event", event)])
    made.keep("pat", "token", b"pat-token")
    return made


class TestPullRequests:
    @pytest.mark.parametrize("check_type", ["orgMembers", "all"])
    def test_members_of_the_organization_pass(self, check_type: str) -> None:
        made = shown("pull_request")
        made.github.members = ["bob", "alice"]
        event_of(made.intercept(checking(check_type), PULL_REQUEST))
        assert made.github.asked == [("member octo-org alice", "pat-token")]

    @pytest.mark.parametrize("check_type", ["repoMembers", "all"])
    def test_collaborators_of_the_repository_pass(self, check_type: str) -> None:
        made = shown("pull_request")
        made.github.collaborator_logins = ["alice"]
        event_of(made.intercept(checking(check_type), PULL_REQUEST))
        assert made.github.asked[-1] == ("collaborator octo-org/hello-world alice", "pat-token")

    @pytest.mark.parametrize("check_type", ["orgMembers", "repoMembers", "all", "none", "", None])
    @pytest.mark.parametrize("owners", ["approvers:\n- alice\n", "reviewers:\n- bob\n- ALICE # on leave\n"])
    def test_approvers_and_reviewers_pass_whatever_is_checked(self, check_type: str | None, owners: str) -> None:
        made = shown("pull_request")
        made.github.owners = owners
        event_of(made.intercept(checking(check_type), PULL_REQUEST))
        assert made.github.asked[-2:] == [
            ("file octo-org/hello-world OWNERS", "pat-token"),
            ("file octo-org/hello-world OWNERS_ALIASES", "pat-token"),
        ]

    @pytest.mark.parametrize("check_type", ["orgMembers", "repoMembers", "all", "none"])
    def test_all_others_are_filtered(self, check_type: str) -> None:
        made = shown("pull_request")
        made.github.members = made.github.collaborator_logins = ["bob", "Alice", "alice2"]
        made.github.owners = "approvers: [bob]\nreviewers: []\nlabels: [alice]\n"
        assert filtering(made.intercept(checking(check_type), PULL_REQUEST)) == NOT_MET

    def test_a_check_type_asks_only_its_own_list(self) -> None:
        made = shown("pull_request")
        made.github.members = ["alice"]
        assert filtering(made.intercept(checking("repoMembers"), PULL_REQUEST))
        assert filtering(made.intercept(checking("none"), PULL_REQUEST))

    def test_a_repository_without_owners_has_none(self) -> None:
        assert filtering(shown("pull_request").intercept(checking("none"), PULL_REQUEST)) == NOT_MET

    def test_owners_alone_need_no_token(self) -> None:
        made = shown("pull_request")
        made.github.owners = "approvers: [alice]"
        event_of(made.intercept(checking("none", token=None), PULL_REQUEST))
        assert made.github.asked[0] == ("file octo-org/hello-world OWNERS", "")

    @pytest.mark.parametrize("check_type", ["all", None])
    def test_member_checks_need_a_token(self, check_type: str | None) -> None:
        with pytest.raises(LastingError, match="no personalAccessToken was supplied"):
            shown("pull_request").intercept(checking(check_type, token=None), PULL_REQUEST)


class TestComments:
    @pytest.mark.parametrize(
        "text", ["/ok-to-test", "Looks good\n/ok-to-test", "/ok-to-test\r\nthanks", "a\r\n/ok-to-test\r\n"]
    )
    def test_an_owners_ok_to_test_passes(self, text: str) -> None:
        made = shown("issue_comment")
        made.github.owners = "approvers: [alice]"
        event_of(made.intercept(checking("none"), comment(text)))

    @pytest.mark.parametrize(
        "text", ["", "ok-to-test", "/ok-to-test please", " /ok-to-test", "say /ok-to-test", "/ok-to-test/"]
    )
    def test_an_owners_other_comments_are_filtered_without_asking(self, text: str) -> None:
        made = shown("issue_comment")
        made.github.owners = "approvers: [alice]"
        assert filtering(made.intercept(checking("none"), comment(text))) == NOT_MET
        assert not made.github.asked

    def test_a_strangers_ok_to_test_is_filtered(self) -> None:
        made = shown("issue_comment")
        made.github.owners = "approvers: [bob]"
        assert filtering(made.intercept(checking("all"), comment("/ok-to-test"))) == NOT_MET

    def test_a_members_ok_to_test_passes(self) -> None:
        made = shown("issue_comment")
        made.github.members = ["alice"]
        event_of(made.intercept(checking("orgMembers"), comment("/ok-to-test")))


class TestWhoIsJudged:
    @pytest.mark.parametrize("action", ["labeled", "edited", "assigned", "synchronize", "reopened", "ready_for_review"])
    def test_an_owner_who_touches_a_strangers_pull_request_starts_nothing(self, action: str) -> None:
        made = shown("pull_request")
        made.github.members = ["alice"]
        body = by("alice", PULL_REQUEST | {"action": action}, author="stranger")
        assert filtering(made.intercept(checking("all"), body)) == NOT_MET

    def test_an_owners_pull_request_runs_whoever_touches_it(self) -> None:
        made = shown("pull_request")
        made.github.members = ["alice"]
        event_of(made.intercept(checking("orgMembers"), by("bot", PULL_REQUEST, author="alice")))

    @pytest.mark.parametrize(
        "event", ["pull_request_review", "pull_request_review_comment", "pull_request_review_thread"]
    )
    def test_reviews_and_comments_on_code_are_judged_by_the_author_too(self, event: str) -> None:
        made = shown(event)
        made.github.members = ["alice"]
        assert filtering(made.intercept(checking("all"), by("alice", PULL_REQUEST, author="stranger"))) == NOT_MET
        event_of(made.intercept(checking("all"), by("stranger", PULL_REQUEST, author="alice")))

    @pytest.mark.parametrize("event", ["push", "", "made_up"])
    def test_a_pull_request_under_another_name_is_judged_all_the_same(self, event: str) -> None:
        made = shown(event)
        assert filtering(made.intercept(checking("all"), by("alice", PULL_REQUEST, author="stranger"))) == NOT_MET
        assert filtering(made.intercept(checking("all"), comment("hello"))) == NOT_MET

    @pytest.mark.parametrize("login", ["dependabot[bot]", "Dependabot[bot]"])
    def test_an_apps_pull_request_runs_where_owners_names_it(self, login: str) -> None:
        made = shown("pull_request")
        body = by("alice", PULL_REQUEST, author=login)
        assert filtering(made.intercept(checking("none"), body)) == NOT_MET
        made.github.owners = "reviewers: ['dependabot[bot]']"
        event_of(made.intercept(checking("none"), body))


class TestWhichCommentsCount:
    """Each of these would start a run of a stranger's head in Tekton."""

    def allowed(self) -> Bench:
        made = shown("issue_comment")
        made.github.members = ["alice"]
        return made

    @pytest.mark.parametrize("action", ["edited", "deleted", "", None])
    def test_only_a_new_one(self, action: str | None) -> None:
        made = self.allowed()
        refused = filtering(made.intercept(checking("all"), comment("/ok-to-test") | {"action": action}))
        assert refused == f"{NOT_MET}: only a new comment counts"
        assert not made.github.asked

    def test_not_one_on_an_issue(self) -> None:
        made, body = self.allowed(), comment("/ok-to-test")
        del body["issue"]["pull_request"]
        assert filtering(made.intercept(checking("all"), body)) == f"{NOT_MET}: the comment is on no pull request"

    @pytest.mark.parametrize("state", ["closed", None, "OPEN"])
    def test_only_one_on_an_open_pull_request(self, state: str | None) -> None:
        made, body = self.allowed(), comment("/ok-to-test")
        body["issue"]["state"] = state
        assert filtering(made.intercept(checking("all"), body)) == f"{NOT_MET}: the pull request is not open"

    def test_not_the_authors_own(self) -> None:
        made, body = self.allowed(), comment("/ok-to-test")
        body["comment"]["user"] = body["sender"] = {"login": "stranger"}
        assert filtering(made.intercept(checking("all"), body)) == NOT_MET

    def test_the_writer_counts_and_not_who_sent_the_event(self) -> None:
        made, body = self.allowed(), comment("/ok-to-test")
        body["comment"]["user"] = {"login": "stranger"}
        assert filtering(made.intercept(checking("all"), body)) == NOT_MET

    @pytest.mark.parametrize(
        "text",
        [
            "> /ok-to-test",
            ">/ok-to-test\n\nno",
            "```\n/ok-to-test\n```",
            "```sh\r\n/ok-to-test\r\n```\r\n",
            "  ~~~\n/ok-to-test\n  ~~~",
            "````\n```\n/ok-to-test\n````",
            "```\n~~~\n/ok-to-test",
            "```\n/ok-to-test\n``` no end",
            "    /ok-to-test",
            "`/ok-to-test`",
        ],
    )
    def test_in_a_quote_or_code_it_is_no_command(self, text: str) -> None:
        made = self.allowed()
        assert filtering(made.intercept(checking("all"), comment(text))) == NOT_MET

    @pytest.mark.parametrize(
        "text",
        [
            "> what does it do?\n\n/ok-to-test",
            "```\ncode\n```\n/ok-to-test",
            "```not a fence```\n/ok-to-test",
            "> ```\n/ok-to-test",
            "~~~\n```\n~~~\n/ok-to-test",
        ],
    )
    def test_after_a_quote_or_code_it_is_one(self, text: str) -> None:
        event_of(self.allowed().intercept(checking("all"), comment(text)))


class TestNamedCommits:
    def asking(self, head: str) -> Bench:
        made = shown("issue_comment")
        made.github.members = ["alice"]
        made.github.pull_request_head = head
        return made

    @pytest.mark.parametrize("text", [f"/ok-to-test {HEAD}", f"/ok-to-test \t{HEAD.upper()}\nthanks"])
    def test_it_counts_for_that_head(self, text: str) -> None:
        made = self.asking(HEAD)
        event_of(made.intercept(checking("all"), comment(text)))
        assert made.github.asked[-1] == ("head octo-org/hello-world 7", "pat-token")

    @pytest.mark.parametrize("head", [OTHER, ""])
    @pytest.mark.parametrize("text", [f"/ok-to-test {HEAD}", f"/ok-to-test {HEAD}\n/ok-to-test"])
    def test_it_counts_for_no_other(self, text: str, head: str) -> None:
        made = self.asking(head)
        assert filtering(made.intercept(checking("all"), comment(text))).startswith(f"{NOT_MET}: /ok-to-test names")

    def test_of_several_one_must_be_the_head(self) -> None:
        made = self.asking(HEAD)
        event_of(made.intercept(checking("all"), comment(f"/ok-to-test {OTHER}\n/ok-to-test {HEAD}")))

    @pytest.mark.parametrize("word", [HEAD[:7], HEAD[:39], f"{HEAD}0", f"{HEAD} please", "main"])
    def test_a_commit_is_named_whole(self, word: str) -> None:
        made = self.asking(HEAD)
        assert filtering(made.intercept(checking("all"), comment(f"/ok-to-test {word}"))) == NOT_MET

    def test_a_strangers_is_not_even_looked_up(self) -> None:
        made = self.asking(HEAD)
        made.github.members = []
        assert filtering(made.intercept(checking("all"), comment(f"/ok-to-test {HEAD}"))) == NOT_MET
        assert not [question for question, _ in made.github.asked if question.startswith("head")]


class TestTektonsWay:
    """Annotated `pipehook.dev/owners: sender`."""

    def test_the_sender_of_a_pull_requests_event_is_judged(self) -> None:
        made = shown("pull_request")
        made.github.members = ["alice"]
        checked = checking("all", judged="sender")
        event_of(made.intercept(checked, by("alice", PULL_REQUEST | {"action": "labeled"}, author="stranger")))
        assert filtering(made.intercept(checked, by("stranger", PULL_REQUEST, author="alice"))) == NOT_MET

    @pytest.mark.parametrize("action", ["created", "edited", "deleted"])
    def test_comments_count_whatever_their_action_and_place(self, action: str) -> None:
        made, body = shown("issue_comment"), comment("/ok-to-test") | {"action": action}
        body["issue"] = {"number": 7, "state": "closed"}
        made.github.members = ["alice"]
        event_of(made.intercept(checking("all", judged="sender"), body))

    def test_reviews_are_not_checked(self) -> None:
        made = shown("pull_request_review")
        event_of(made.intercept(checking("all", judged="sender"), by("stranger", PULL_REQUEST, author="stranger")))

    @pytest.mark.parametrize(
        ("sender", "reason"),
        [(None, "'sender' field"), ({}, "'sender.login' field"), ({"login": ""}, "'sender.login' field")],
    )
    def test_a_body_without_a_sender_fails(self, sender: Json, reason: str) -> None:
        with pytest.raises(LastingError, match=f"payload body missing {reason}"):
            shown("pull_request").intercept(checking("all", judged="sender"), PULL_REQUEST | {"sender": sender})


COMMITS: dict[str, dict[str, Any]] = {
    "check_run": {"check_run": {"head_sha": HEAD}},
    "check_suite": {"check_suite": {"head_sha": HEAD}},
    "commit_comment": {"action": "created", "comment": {"commit_id": HEAD, "body": "/ok-to-test"}},
    "status": {"sha": HEAD, "state": "success", "context": "ci"},
    "workflow_job": {"workflow_job": {"head_sha": HEAD}},
    "workflow_run": {"workflow_run": {"head_repository": {"full_name": "octo-org/hello-world"}}},
}


def about_a_commit(event: str, *, by: str) -> dict[str, Any]:
    return COMMITS[event] | {"repository": {"full_name": "octo-org/hello-world"}, "sender": {"login": by}}


class TestCommits:
    @pytest.mark.parametrize("event", COMMITS)
    def test_what_a_stranger_causes_on_a_commit_starts_nothing(self, event: str) -> None:
        made = shown(event)
        made.github.members = ["alice"]
        assert filtering(made.intercept(checking("all"), about_a_commit(event, by="stranger"))) == NOT_MET
        event_of(made.intercept(checking("all"), about_a_commit(event, by="alice")))
        event_of(made.intercept(checking("all", judged="sender"), about_a_commit(event, by="stranger")))

    def test_a_forks_workflow_is_judged_by_the_forks_owner(self) -> None:
        made = shown("workflow_run")
        made.github.members = ["alice", "bob"]
        body = about_a_commit("workflow_run", by="alice")  # who let a stranger's workflow run
        for owner, passes in (("stranger", False), ("bob", True)):
            fork = {"full_name": f"{owner}/hello-world", "owner": {"login": owner}}
            step = made.intercept(checking("orgMembers"), body | {"workflow_run": {"head_repository": fork}})
            assert isinstance(step, Passed) is passes
        with pytest.raises(LastingError, match=r"missing 'workflow_run.head_repository'"):  # the fork is gone
            made.intercept(checking("orgMembers"), body | {"workflow_run": {"head_repository": None}})


class TestOtherEvents:
    @pytest.mark.parametrize("event", ["push", "release", "star"])
    def test_they_are_not_checked(self, event: str) -> None:
        made = shown(event)
        event_of(made.intercept(checking("all"), {"ref": "refs/heads/main"}))
        assert not made.github.asked

    @pytest.mark.parametrize("judged", ["author", "sender"])
    @pytest.mark.parametrize(("event", "why"), [("", "no X-GitHub-Event header"), ("x", "no event of GitHub's")])
    def test_one_that_nobody_knows_is_refused(self, event: str, why: str, judged: Judged) -> None:
        step = shown(event).intercept(checking("all", judged=judged), {"ref": "refs/heads/main"})
        assert isinstance(step, Refusal)
        assert step.status is Status.REJECTED
        assert why in step.reason

    @pytest.mark.parametrize("event", ["", "x", "PULL_REQUEST", "pull_request "])
    def test_by_its_sender_a_pull_request_without_its_name_is_refused(self, event: str) -> None:
        made = shown(event)
        made.github.members = ["maintainer"]
        body = by("maintainer", PULL_REQUEST, author="stranger")
        assert isinstance(made.intercept(checking("all", judged="sender"), body), Refusal)

    def test_it_is_off_unless_enabled(self) -> None:
        off = built("github", {"githubOwners": {"checkType": "all"}})
        event_of(shown("pull_request").intercept(off, PULL_REQUEST))


class TestWithChangedFiles:
    def test_changed_files_do_not_bypass_the_check(self) -> None:
        made = shown("pull_request")
        both = checking("none", addChangedFiles={"enabled": True})
        assert filtering(made.intercept(both, PULL_REQUEST)) == NOT_MET
        assert made.github.asked == [("file octo-org/hello-world OWNERS", "pat-token")]

    def test_an_owner_gets_the_changed_files(self) -> None:
        made = shown("pull_request")
        made.github.owners = "approvers: [alice]"
        made.github.files = ["a"]
        both = checking("none", addChangedFiles={"enabled": True})
        assert event_of(made.intercept(both, PULL_REQUEST)).extensions["changed_files"] == "a"

    def test_comments_are_checked_though_they_have_no_changed_files(self) -> None:
        both = checking("none", addChangedFiles={"enabled": True})
        assert filtering(shown("issue_comment").intercept(both, comment("hello"))) == NOT_MET


class TestOwnersFile:
    @pytest.mark.parametrize("text", ["", "# nobody\n", "approvers:\n", "labels: [x]\n", "approvers: ['']\n"])
    def test_a_file_without_names_lets_nobody_pass(self, text: str) -> None:
        made = shown("pull_request")
        made.github.owners = text
        assert filtering(made.intercept(checking("none"), PULL_REQUEST)) == NOT_MET

    @pytest.mark.parametrize("login", ["123", "007", "null", "true", "yes", "1e3", "2026-11-22"])
    def test_a_login_that_yaml_would_take_for_something_else_is_a_login(self, login: str) -> None:
        made = shown("pull_request")
        made.github.owners = f"approvers: [{login}]\n"
        event_of(made.intercept(checking("none"), by("bob", PULL_REQUEST, author=login)))

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("approvers: [", "the OWNERS file is no YAML"),
            ("[" * 200_000, "the OWNERS file nests deeper than 20 levels"),
            ("{a: " * 60_000, "the OWNERS file nests deeper than 20 levels"),
            ("- " * 100_000, "the OWNERS file nests deeper than 20 levels"),
            ("approvers: *nobody", "the OWNERS file is no YAML"),
            ("approvers: [a]\n---\napprovers: [b]", "the OWNERS file is no YAML"),
            ("[a]: b", "the OWNERS file is no YAML object"),
            ("- alice", "the OWNERS file is no YAML object"),
            ("approvers: alice", "in the OWNERS file, approvers is no list of logins"),
            ("reviewers: [[alice]]", "in the OWNERS file, reviewers is no list of logins"),
            ("!!python/object/apply:os.system [x]", "the OWNERS file is no YAML"),
            ("#" * 300_000, "the OWNERS file is longer than 256 KiB"),
        ],
    )
    def test_a_file_that_cannot_be_read_fails_the_trigger(self, text: str, reason: str) -> None:
        made = shown("pull_request")
        made.github.owners = text
        with pytest.raises(LastingError) as caught:
            made.intercept(checking("none"), PULL_REQUEST)
        assert caught.value.reason.startswith(f"error checking owner verification: {reason}")


class TestAliases:
    def passes(self, owners: str, aliases: str | None, login: str = "alice") -> bool:
        made = shown("pull_request")
        made.github.owners, made.github.aliases = owners, aliases
        step = made.intercept(checking("none"), by("bob", PULL_REQUEST, author=login))
        return isinstance(step, Passed)

    def test_the_members_of_an_alias_are_owners(self) -> None:
        aliases = "aliases:\n  Web-Team:\n  - ALICE\n  - bob\n  others: [carol]\n"
        assert self.passes("approvers: [web-team]", aliases)
        assert not self.passes("approvers: [web-team]", aliases, "carol")
        assert self.passes("approvers: [dave]\nreviewers: [others]", aliases, "carol")

    def test_who_takes_an_aliass_name_at_github_is_no_owner(self) -> None:
        assert not self.passes("approvers: [web-team]", "aliases: {web-team: [alice]}", "web-team")

    @pytest.mark.parametrize("aliases", [None, "", "aliases:", "# none"])
    def test_without_aliases_every_name_is_a_login(self, aliases: str | None) -> None:
        assert self.passes("approvers: [alice]", aliases)

    @pytest.mark.parametrize(
        ("aliases", "reason"),
        [
            ("aliases: [", "the OWNERS_ALIASES file is no YAML"),
            ("- a", "the OWNERS_ALIASES file is no YAML object"),
            ("aliases: [a]", "in the OWNERS_ALIASES file, aliases is no object"),
            ("aliases: {a: alice}", "in the OWNERS_ALIASES file, an alias is no list of logins"),
            ("#" * 300_000, "the OWNERS_ALIASES file is longer"),
        ],
    )
    def test_a_file_that_cannot_be_read_fails_the_trigger(self, aliases: str, reason: str) -> None:
        with pytest.raises(LastingError, match=reason):
            self.passes("approvers: [alice]", aliases)


class TestFaults:
    def test_an_outage_is_passing(self) -> None:
        made = shown("pull_request")
        made.github.fault = PassingError("GitHub's API answered 502")
        with pytest.raises(PassingError, match="error checking owner verification: GitHub's API answered 502"):
            made.intercept(checking("all"), PULL_REQUEST)

    def test_a_renewed_token_is_tried(self) -> None:
        made = shown("pull_request")
        made.github.good_token = "renewed"
        made.github.members = ["alice"]
        made.rotate("pat", "token", b"renewed")
        event_of(made.intercept(checking("orgMembers"), PULL_REQUEST))

    @pytest.mark.parametrize(
        ("event", "body", "reason"),
        [
            (
                "pull_request",
                PULL_REQUEST | {"pull_request": None},
                "payload body missing 'pull_request' field",
            ),
            (
                "pull_request",
                PULL_REQUEST | {"pull_request": {"user": None}},
                "payload body missing 'pull_request.user' field",
            ),
            (
                "pull_request_review",
                PULL_REQUEST | {"pull_request": {"user": {"login": ""}}},
                "payload body missing 'pull_request.user.login' field",
            ),
            (
                "issue_comment",
                comment("/ok-to-test") | {"comment": {"body": "/ok-to-test", "user": None}},
                "payload body missing 'comment.user' field",
            ),
            (
                "issue_comment",
                comment("/ok-to-test") | {"comment": {"body": "/ok-to-test"}, "sender": {}},
                "payload body missing 'sender.login' field",
            ),
            ("pull_request", PULL_REQUEST | {"repository": 1}, "payload body missing 'repository' field"),
            ("pull_request", PULL_REQUEST | {"number": None}, "pull_request body missing 'number' field"),
            ("issue_comment", comment("x") | {"issue": None}, "issue_comment body missing 'issue' section"),
            (
                "issue_comment",
                comment("x") | {"issue": {}},
                "'number' field missing in the issue section of issue_comment body",
            ),
            ("issue_comment", comment("x") | {"comment": None}, "issue_comment body missing 'comment' section"),
            (
                "issue_comment",
                comment("x") | {"comment": {}},
                "'body' field missing in the comment section of issue_comment body",
            ),
        ],
    )
    def test_a_body_that_lacks_what_is_needed_fails_in_tektons_words(
        self, event: str, body: dict[str, Any], reason: str
    ) -> None:
        made = shown(event)
        with pytest.raises(LastingError) as caught:
            made.intercept(checking("all"), body)
        assert caught.value.reason == f"error parsing body: {reason}"
        assert not made.github.asked
