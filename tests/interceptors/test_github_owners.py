"""githubOwners: who may start a run by a pull request or by /ok-to-test, in Tekton's order of checks."""

from __future__ import annotations

from typing import Any

import pytest

from functions.errors import LastingError, PassingError
from functions.values import Json
from tests.interceptors.running import Bench, built, event_of, filtering

NOT_MET = "owners check requirements not met"
TOKEN: Json = {"secretName": "pat", "secretKey": "token"}
PULL_REQUEST: dict[str, Any] = {
    "action": "opened",
    "number": 7,
    "pull_request": {},
    "repository": {"full_name": "octo-org/hello-world"},
    "sender": {"login": "alice"},
}


def comment(text: str) -> dict[str, Any]:
    return {
        "action": "created",
        "issue": {"number": 7},
        "comment": {"body": text},
        "repository": {"full_name": "octo-org/hello-world"},
        "sender": {"login": "alice"},
    }


def checking(check_type: str | None, *, token: Json = TOKEN, **more: Json) -> Any:
    owners: dict[str, Json] = {"enabled": True, "personalAccessToken": token}
    if check_type is not None:
        owners["checkType"] = check_type
    return built("github", {"githubOwners": owners, **more})


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
        assert made.github.asked == [("members octo-org", "pat-token")]

    @pytest.mark.parametrize("check_type", ["repoMembers", "all"])
    def test_collaborators_of_the_repository_pass(self, check_type: str) -> None:
        made = shown("pull_request")
        made.github.collaborator_logins = ["alice"]
        event_of(made.intercept(checking(check_type), PULL_REQUEST))
        assert made.github.asked[-1] == ("collaborators octo-org/hello-world", "pat-token")

    @pytest.mark.parametrize("check_type", ["orgMembers", "repoMembers", "all", "none", "", None])
    @pytest.mark.parametrize("owners", ["approvers:\n- alice\n", "reviewers:\n- bob\n- ALICE # on leave\n"])
    def test_approvers_and_reviewers_pass_whatever_is_checked(self, check_type: str | None, owners: str) -> None:
        made = shown("pull_request")
        made.github.owners = owners
        event_of(made.intercept(checking(check_type), PULL_REQUEST))
        assert made.github.asked[-1] == ("file octo-org/hello-world OWNERS", "pat-token")

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
        assert made.github.asked == [("file octo-org/hello-world OWNERS", "")]

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


class TestOtherEvents:
    @pytest.mark.parametrize("event", ["push", "release", "", "pull_request_review"])
    def test_they_are_not_checked(self, event: str) -> None:
        made = shown(event)
        event_of(made.intercept(checking("all"), {"ref": "refs/heads/main"}))
        assert not made.github.asked

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
        assert event_of(made.intercept(both, PULL_REQUEST)).extensions == {"changed_files": "a"}

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
        event_of(made.intercept(checking("none"), PULL_REQUEST | {"sender": {"login": login}}))

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("approvers: [", "the OWNERS file is no YAML"),
            ("[" * 5_000, "the OWNERS file is no YAML"),
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
            ("pull_request", PULL_REQUEST | {"sender": None}, "payload body missing 'sender' field"),
            ("pull_request", PULL_REQUEST | {"sender": {}}, "payload body missing 'sender.login' field"),
            ("pull_request", PULL_REQUEST | {"sender": {"login": ""}}, "payload body missing 'sender.login' field"),
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
