"""The github interceptor's addPRBody and addFailedContexts: what a comment's body does not say of its pull request.

The names are those of https://github.com/tektoncd/triggers/pull/2136; addFailedContexts is Pipehook's own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from functions.common.commands import Command, command_in
from functions.common.lenient import object_at
from functions.common.ports import head_of
from functions.common.values import Json, Refusal, SecretRef
from functions.interceptors.base import Call, explained, filtered
from functions.interceptors.github.body import Fields, number_in, repository_in
from functions.interceptors.github.tokens import Own, with_token
from functions.interceptors.params import Params

BODY, FAILED = "pr_body", "failed_contexts"

_HOLDING = frozenset({"ok-to-test", "retest", "test"})
"""Commands whose commit must be the pull request's head; others may mean any commit."""
_PERMISSIONS = {"pull_requests": "read"}
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHORT = re.compile(r"(?=[a-f]*[0-9])[0-9a-f]{7,63}")
_NO_NUMBER = "'number' field missing in the issue section of issue_comment body"


class PullRequest(Struct, frozen=True):
    """Compiled from `addPRBody` and `addFailedContexts`."""

    token: SecretRef | None
    body: bool
    failed: bool
    own: bool = False
    """As in `Owners`."""

    def extensions(self, body: Fields, call: Call) -> Mapping[str, Json] | Refusal:
        """Return the extensions for a pull_request and for a new comment on one, nothing for other events.

        A pull_request has itself in its body; of a comment it is read, so that its head is the one at this moment. A
        comment that is edited or deleted is refused, and one whose command names another commit than that head.
        Raises LastingError when the body is none of GitHub's, and what secrets and the API raise.
        """
        own = body.get("pull_request")
        if isinstance(own, dict):
            return {BODY: own} if self.body else {}
        issue, comment = object_at(body, "issue"), object_at(body, "comment")
        if not isinstance(issue.get("pull_request"), dict) or not comment:
            return {}
        if body.get("action") != "created":
            return filtered("only a new comment on a pull request counts")
        text = comment.get("body")
        command = command_in(text) if isinstance(text, str) else None
        repository, number = repository_in(body), number_in(issue, _NO_NUMBER)
        if not self.body and command is None:
            return {}

        def ask(token: str) -> Mapping[str, Json] | Refusal:
            return self._asked(repository, number, command, token, call)

        with explained("error getting the pull request"):
            needed = _PERMISSIONS | ({"checks": "read", "statuses": "read"} if self.failed else {})
            return with_token(call, self.token, ask, Own(repository, needed) if self.own else None)

    def _asked(
        self, repository: str, number: int, command: Command | None, token: str, call: Call
    ) -> Mapping[str, Json] | Refusal:
        github, deadline = call.services.github, call.deadline
        found = github.pull_request(repository, number, token=token, deadline=deadline)
        head = head_of(found)
        if command and (reason := _other_commit(command, head)):
            return filtered(reason)
        added: dict[str, Json] = {BODY: dict(found)} if self.body else {}
        if self.failed and command:
            added[FAILED] = list(github.failed_contexts(repository, head, token=token, deadline=deadline))
        return added


def _other_commit(command: Command, head: str) -> str:
    """Return why a command does not hold for this head; empty when it does."""
    if command.name not in _HOLDING:
        return ""
    for arg in map(str.lower, command.args):
        if _COMMIT.fullmatch(arg):
            if arg != head.lower():
                return f"/{command.name} names a commit that is not the head of the pull request"
        elif _SHORT.fullmatch(arg):
            return f"/{command.name} names a commit by its first digits: another one may have them, so name it whole"
    return ""


def read_pull_request(params: Params, namespace: str, *, own: bool) -> PullRequest | None:
    """Compile `addPRBody` and `addFailedContexts`; None when neither is asked for.

    The token is addPRBody's; without one githubOwners', then addChangedFiles'. `own` as in `PullRequest`.
    """
    section = params.section("addPRBody")
    body = section is not None and section.boolean("enabled")
    failed = params.boolean("addFailedContexts")
    if not body and not failed:
        return None
    others = (params.section("githubOwners"), params.section("addChangedFiles"))
    refs = (part.secret_ref("personalAccessToken", namespace) for part in (section, *others) if part)
    return PullRequest(next(filter(None, refs), None), body, failed, own)
