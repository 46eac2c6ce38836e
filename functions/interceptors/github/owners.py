"""The github interceptor's githubOwners: whose pull requests run, and whose `/ok-to-test` lets a stranger's run."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from functions.common.errors import LastingError
from functions.common.values import Refusal, SecretRef
from functions.interceptors.base import Call, explained, filtered, rejected
from functions.interceptors.event_shapes import unknown
from functions.interceptors.github.body import Fields, number_in, repository_in, section_in, wrong
from functions.interceptors.github.ok_to_test import approved_commits
from functions.interceptors.github.owners_file import expanded, owners_named
from functions.interceptors.github.tokens import Own, with_token
from functions.interceptors.params import Params
from functions.model.annotations import Judged

NOT_MET = "owners check requirements not met"
PULL_REQUEST_EVENTS = frozenset(
    {"pull_request", "pull_request_review", "pull_request_review_comment", "pull_request_review_thread"}
)
COMMENT_EVENT = "issue_comment"
COMMIT_EVENTS = frozenset({"check_run", "check_suite", "commit_comment", "status", "workflow_job", "workflow_run"})
"""Events of a commit that may be a fork's, and that anybody causes: GitHub runs workflows on strangers' heads, too."""

_PERMISSIONS = {"contents": "read", "members": "read", "pull_requests": "read"}
_NO_NUMBER = "'number' field missing in the issue section of issue_comment body"
_TEKTONS_EVENTS = frozenset({"pull_request", COMMENT_EVENT})
_TEKTONS_COMMAND = re.compile(r"(^|\n)/ok-to-test(\r\n|\r|\n|$)")


class _Claim(Struct, frozen=True):
    """Somebody who must be allowed for the event to pass, and for which commits it passes then."""

    login: str
    repository: str
    number: int = 0
    commits: frozenset[str] = frozenset()
    """One of these must be the pull request's head; none: whatever it is."""


class Owners(Struct, frozen=True):
    """Compiled from `githubOwners`, when enabled.

    Allowed are members of the organization (`orgMembers`, `all`), collaborators of the repository (`repoMembers`,
    `all`), and the approvers and reviewers in OWNERS on the default branch (always); Tekton's
    checkOwnershipAndMembership. Judged is the author of a pull request, whoever labels, edits or reviews it, or the
    writer of a new comment `/ok-to-test` on one that is open: what runs is the author's code. Of an event that is about
    a commit it is the sender, and the owner of the fork where it names one. With `judged` sender it is whoever sent the
    event, as in Tekton, on comments of every kind.
    """

    check_type: str
    token: SecretRef | None
    judged: Judged = "author"
    own: bool = False
    """A secretRef verifies the delivery: without a token of its own it asks as ourselves."""

    def refusal(self, event: str, body: Fields, call: Call) -> Refusal | None:
        """Return the refusal when the event may not start a run, None when it may or is one that is not checked.

        An event that nobody knows is refused, unless its body shows whom to judge.

        Raises LastingError when the body is none of GitHub's or the token does not suffice, and what the API raises.
        """
        by_sender = self.judged == "sender"
        kind = _tektons_kind(event) if by_sender else _kind(event, body)
        if not kind:
            # nothing signs the name: under a made-up one, or none, a captured event would pass unjudged
            reason = unknown(event)
            return rejected(f"githubOwners goes by the event, but {reason}") if reason else None
        if self.token is None and self.check_type != "none" and not (self.own and call.services.identity):
            raise LastingError(
                "checkType is set to check org or repo members but no personalAccessToken was supplied: "
                "give githubOwners one, set GITHUB_TOKEN_SECRET or GITHUB_APP_ID, or set checkType to none"
            )
        claim = _sender_claim(kind, body) if by_sender else _CLAIMS[kind](event, body)
        if isinstance(claim, Refusal):
            return claim
        own = Own(claim.repository, _PERMISSIONS) if self.own else None
        with explained("error checking owner verification"):
            refusal = with_token(call, self.token, lambda token: self._refusal(claim, token, call), own)
        # to a comment that says nothing there is nothing to say either
        return replace(refusal, unapproved=True) if refusal and kind == "pull_request" else refusal

    def _refusal(self, claim: _Claim, token: str, call: Call) -> Refusal | None:
        if not self._allows(claim.login, claim.repository, token, call):
            return filtered(NOT_MET)
        if not claim.commits:
            return None
        head = call.services.github.head(claim.repository, claim.number, token=token, deadline=call.deadline)
        if head.lower() in claim.commits:
            return None
        return filtered(f"{NOT_MET}: /ok-to-test names a commit that is not the head of an open pull request")

    def _allows(self, login: str, repository: str, token: str, call: Call) -> bool:
        github, deadline = call.services.github, call.deadline
        owner = repository.partition("/")[0]
        if self.check_type in ("orgMembers", "all") and github.is_member(owner, login, token=token, deadline=deadline):
            return True
        if self.check_type in ("repoMembers", "all") and github.is_collaborator(
            repository, login, token=token, deadline=deadline
        ):
            return True
        text = github.file(repository, "OWNERS", token=token, deadline=deadline)
        names = owners_named(text) if text else frozenset()
        if not names:
            return False
        aliases = github.file(repository, "OWNERS_ALIASES", token=token, deadline=deadline)
        return login.lower() in expanded(names, aliases or "")


def _tektons_kind(event: str) -> str:
    return event if event in _TEKTONS_EVENTS else ""


def _kind(event: str, body: Fields) -> str:
    """Return which check an event needs, whatever the unsigned header calls it; empty for none."""
    if event == COMMENT_EVENT or ("issue" in body and "comment" in body):
        return COMMENT_EVENT
    if event in PULL_REQUEST_EVENTS or isinstance(body.get("pull_request"), dict):
        return "pull_request"
    return "commit" if event in COMMIT_EVENTS else ""


def _author_claim(event: str, body: Fields) -> _Claim:
    if event == "pull_request":
        number_in(body, "pull_request body missing 'number' field")
    pull_request = section_in(body, "pull_request", "payload body missing 'pull_request' field")
    return _Claim(_login(pull_request, "user", "pull_request.user"), repository_in(body))


def _commit_claim(_event: str, body: Fields) -> _Claim:
    repository = repository_in(body)
    run = body.get("workflow_run")
    if isinstance(run, dict):
        head = section_in(run, "head_repository", "payload body missing 'workflow_run.head_repository' field")
        if head.get("full_name") != repository:
            return _Claim(_login(head, "owner", "workflow_run.head_repository.owner"), repository)
    return _Claim(_login(body, "sender", "sender"), repository)


def _comment_claim(_event: str, body: Fields) -> _Claim | Refusal:
    issue, comment = _comment(body)
    repository, number = repository_in(body), number_in(issue, _NO_NUMBER)
    commits = approved_commits(_text(comment))
    if not commits:
        return filtered(NOT_MET)
    if body.get("action") != "created":
        return filtered(f"{NOT_MET}: only a new comment counts")
    if not isinstance(issue.get("pull_request"), dict):
        return filtered(f"{NOT_MET}: the comment is on no pull request")
    if issue.get("state") != "open":
        return filtered(f"{NOT_MET}: the pull request is not open")
    # who creates a comment is who sends the event
    login = _login(comment, "user", "comment.user") if "user" in comment else _login(body, "sender", "sender")
    return _Claim(login, repository, number, frozenset(commits) - {""})


_CLAIMS: Mapping[str, Callable[[str, Fields], _Claim | Refusal]] = {
    "pull_request": _author_claim,
    COMMENT_EVENT: _comment_claim,
    "commit": _commit_claim,
}


def _sender_claim(kind: str, body: Fields) -> _Claim | Refusal:
    login, repository = _login(body, "sender", "sender"), repository_in(body)
    if kind == "pull_request":
        number_in(body, "pull_request body missing 'number' field")
        return _Claim(login, repository)
    issue, comment = _comment(body)
    number_in(issue, _NO_NUMBER)
    return _Claim(login, repository) if _TEKTONS_COMMAND.search(_text(comment)) else filtered(NOT_MET)


def _comment(body: Fields) -> tuple[Fields, Fields]:
    issue = section_in(body, "issue", "issue_comment body missing 'issue' section")
    return issue, section_in(body, "comment", "issue_comment body missing 'comment' section")


def _text(comment: Fields) -> str:
    text = comment.get("body")
    if not isinstance(text, str):
        raise wrong("'body' field missing in the comment section of issue_comment body")
    return text


def _login(fields: Fields, name: str, path: str) -> str:
    login = section_in(fields, name, f"payload body missing '{path}' field").get("login")
    if not isinstance(login, str) or not login:
        raise wrong(f"payload body missing '{path}.login' field")
    return login


def read_owners(params: Params, namespace: str, judged: Judged, *, own: bool) -> Owners | None:
    """Compile the param `githubOwners`; None when it is missing or not enabled. `own` as in `Owners`."""
    section = params.section("githubOwners")
    if section is None or not section.boolean("enabled"):
        return None
    return Owners(section.text("checkType"), section.secret_ref("personalAccessToken", namespace), judged, own)
