"""The github interceptor's githubOwners: who may start a run by a pull request, or by `/ok-to-test` on one."""

from __future__ import annotations

from functions.dataclass import dataclass
from functions.errors import LastingError
from functions.interceptors.base import Call, explained, filtered
from functions.interceptors.github_body import Fields, number_in, repository_in, section_in, wrong
from functions.interceptors.params import Params
from functions.interceptors.tokens import with_token
from functions.patterns import pattern
from functions.values import Refusal, SecretRef

EVENTS = frozenset({"pull_request", "issue_comment"})
"""The events that are checked; all others pass."""
MAX_OWNERS = 256 * 1024
"""Characters of an OWNERS file."""

_OK_TO_TEST = pattern(r"(^|\n)/ok-to-test(\r\n|\r|\n|$)")


@dataclass(frozen=True, slots=True)
class Owners:
    """Compiled from `githubOwners`, when enabled. Tekton's checkOwnershipAndMembership and okToTestFromAnOwner.

    The sender of a pull request, or of a comment with a line `/ok-to-test` (whoever opened the pull request), must
    be a member of the organization (`orgMembers`, `all`), a collaborator of the repository (`repoMembers`,
    `all`), or an approver or reviewer in the file OWNERS of the default branch (always).
    """

    check_type: str
    token: SecretRef | None

    def refusal(self, event: str, body: Fields, call: Call) -> Refusal | None:
        """Return the refusal when the sender may not start a run, None when it may or the event is not checked.

        Raises LastingError when the body is none of GitHub's or the token does not suffice, and what the API raises.
        """
        if event not in EVENTS:
            return None
        if self.token is None and self.check_type != "none":
            raise LastingError(
                "checkType is set to check org or repo members but no personalAccessToken was supplied: "
                "give githubOwners one, or set checkType to none"
            )
        sender, repository = _sender(body), repository_in(body)
        if event == "pull_request":
            number_in(body, "pull_request body missing 'number' field")
        elif not _OK_TO_TEST.search(_comment(body)):
            return filtered("owners check requirements not met")
        with explained("error checking owner verification"):
            allowed = with_token(call, self.token, lambda token: self._allows(sender, repository, token, call))
        return None if allowed else filtered("owners check requirements not met")

    def _allows(self, sender: str, repository: str, token: str, call: Call) -> bool:
        github, deadline = call.services.github, call.deadline
        owner = repository.partition("/")[0]
        # the lists are read page by page, no further than to the page that has the sender
        if self.check_type in ("orgMembers", "all") and sender in github.organization_members(
            owner, token=token, deadline=deadline
        ):
            return True
        if self.check_type in ("repoMembers", "all") and sender in github.collaborators(
            repository, token=token, deadline=deadline
        ):
            return True
        text = github.file(repository, "OWNERS", token=token, deadline=deadline)
        return text is not None and sender.lower() in {owner.lower() for owner in _owners(text)}


def _sender(body: Fields) -> str:
    login = section_in(body, "sender", "payload body missing 'sender' field").get("login")
    if not isinstance(login, str) or not login:
        raise wrong("payload body missing 'sender.login' field")
    return login


def _comment(body: Fields) -> str:
    issue = section_in(body, "issue", "issue_comment body missing 'issue' section")
    number_in(issue, "'number' field missing in the issue section of issue_comment body")
    text = section_in(body, "comment", "issue_comment body missing 'comment' section").get("body")
    if not isinstance(text, str):
        raise wrong("'body' field missing in the comment section of issue_comment body")
    return text


def _owners(text: str) -> set[str]:
    """Return the approvers and reviewers in an OWNERS file. Raises LastingError when it is not as Tekton reads it."""
    if len(text) > MAX_OWNERS:
        raise LastingError(f"the OWNERS file is longer than {MAX_OWNERS // 1024} KiB")
    # only these checks need YAML, whose import a cold start should not pay for
    import yaml  # noqa: PLC0415

    try:
        # every scalar stays text: a login may be all digits
        document = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 -- the loader that makes text, lists and maps only
    except (yaml.YAMLError, RecursionError) as error:
        raise LastingError("the OWNERS file is no YAML") from error
    if document is None or document == "":
        return set()
    if not isinstance(document, dict):
        raise LastingError("the OWNERS file is no YAML object with approvers and reviewers")
    owners: set[str] = set()
    for name in ("approvers", "reviewers"):
        logins = document.get(name) or []
        if not isinstance(logins, list) or not all(isinstance(login, str) for login in logins):
            raise LastingError(f"in the OWNERS file, {name} is no list of logins")
        owners.update(logins)
    return owners


def read_owners(params: Params, namespace: str) -> Owners | None:
    """Compile the param `githubOwners`; None when it is missing or not enabled."""
    section = params.section("githubOwners")
    if section is None or not section.boolean("enabled"):
        return None
    return Owners(section.text("checkType"), section.secret_ref("personalAccessToken", namespace))
