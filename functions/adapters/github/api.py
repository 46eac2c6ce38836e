"""The GitHubApi port over GitHub's REST API."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping, Set
from functools import partial
from http import HTTPStatus
from itertools import chain
from urllib.parse import quote

from functions.adapters.clocks import LIFE_CLOCK, Clock
from functions.adapters.github.answers import Question, unexpected
from functions.adapters.github.kept import KeptAnswers
from functions.adapters.github.transport import GitHubTransport
from functions.common.errors import LastingError
from functions.common.lenient import at, text_at
from functions.common.ports import ChangedFile, Comparison, Deadline, head_of
from functions.common.values import Json

# https://docs.github.com/en/rest/authentication/permissions-required-for-fine-grained-personal-access-tokens
_FILES = Question(
    "the files of the pull request",
    "read access to the repository's pull requests (classic: the scope repo; public repositories need no token)",
)
_MEMBER = Question(
    "the membership of the organization", "read access to the organization's members (classic: read:org)"
)
_COLLABORATOR = Question(
    "the collaborators of the repository",
    "read access to the repository's metadata, of a user who can push to it (classic: the scope repo)",
)
_FILE = Question("the file OWNERS", "read access to the repository's contents (classic: the scope repo)")
_PULL_REQUEST = Question(
    "the pull request",
    "read access to the repository's pull requests (classic: the scope repo; public repositories need no token)",
)
_COMPARED = Question(
    "the files of the push",
    "read access to the repository's contents (classic: the scope repo; public repositories need no token)",
)
_STATUSES = Question(
    "the statuses of the commit",
    "read access to the repository's commit statuses (classic: the scope repo; public repositories need no token)",
)
_CHECKS = Question(
    "the check runs of the commit",
    "read access to the repository's checks (classic: the scope repo; public repositories need no token)",
)

MAX_COMPARED = 300
"""Files that a comparison lists."""
_FAILED_STATES = frozenset({"error", "failure"})
_FAILED_CONCLUSIONS = frozenset({"cancelled", "failure", "startup_failure", "timed_out"})

_NOT_FOUND = frozenset({HTTPStatus.NOT_FOUND})
_NOT_SHOWN = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN})
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_LOGIN = re.compile(r"[A-Za-z0-9_-]{1,100}")
"""An account's; those of Apps have brackets in theirs, and are members of nothing."""


class RestGitHubApi:
    """The questions of the github interceptor, asked of one GitHub. Shared between threads.

    Who is a member and what OWNERS says is kept for some minutes; files and heads of pull requests are asked each time.
    """

    def __init__(self, transport: GitHubTransport, *, clock: Clock = LIFE_CLOCK) -> None:
        """`transport` knows where GitHub is; `clock` is monotonic and in seconds."""
        self._transport = transport
        self._kept = KeptAnswers(transport, clock=clock)

    def pull_request_files(
        self, repository: str, number: int, *, token: str, deadline: Deadline
    ) -> Iterator[ChangedFile]:
        """Yield a pull request's files (GitHub lists 3,000 at most)."""
        path = f"/repos/{_repository(repository)}/pulls/{number:d}/files"
        for page in self._transport.pages(path, _FILES, token=token, deadline=deadline):
            for item in page:
                yield _file(item, _FILES)

    def compared(self, repository: str, base: str, head: str, *, token: str, deadline: Deadline) -> Comparison | None:
        """Ask for a comparison; 404 says that a commit is gone, or that the two have nothing in common.

        GitHub lists 300 files at most, all of them on the first page.
        https://docs.github.com/en/rest/commits/commits#compare-two-commits
        """
        path = f"/repos/{_repository(repository)}/compare/{quote(base)}...{quote(head)}?per_page=1"
        answer = self._transport.get(path, _COMPARED, token=token, deadline=deadline, also=_NOT_FOUND)
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        document = answer.json()
        status, files = at(document, "status"), at(document, "files")
        if not isinstance(status, str) or not isinstance(files, list):
            raise unexpected(_COMPARED)
        listed = tuple(_file(item, _COMPARED) for item in files)
        return Comparison(status, listed, whole=len(listed) < MAX_COMPARED)

    def is_member(self, organization: str, login: str, *, token: str, deadline: Deadline) -> bool:
        """Ask for one membership: 204 for a member, 404 for none, and for an owner that is a user.

        Who is no member itself is redirected to the public members, which the transport follows, and a token that
        may not see the others (Tekton asks for the public ones alone) is refused: then those are asked.
        https://docs.github.com/en/rest/orgs/members#check-organization-membership-for-a-user
        """
        if not _LOGIN.fullmatch(login):
            return False
        for kind in ("members", "public_members"):
            path = f"/orgs/{_name(organization)}/{kind}/{login}"
            answer = self._kept.get(path, _MEMBER, token=token, deadline=deadline, also=_NOT_SHOWN)
            if answer.status != HTTPStatus.FORBIDDEN:
                return answer.status == HTTPStatus.NO_CONTENT
        return False

    def is_collaborator(self, repository: str, login: str, *, token: str, deadline: Deadline) -> bool:
        """Ask for one collaborator: 204, or 404 for none.

        https://docs.github.com/en/rest/collaborators/collaborators#check-if-a-user-is-a-repository-collaborator
        """
        if not _LOGIN.fullmatch(login):
            return False
        path = f"/repos/{_repository(repository)}/collaborators/{login}"
        answer = self._kept.get(path, _COLLABORATOR, token=token, deadline=deadline, also=_NOT_FOUND)
        return answer.status == HTTPStatus.NO_CONTENT

    def head(self, repository: str, number: int, *, token: str, deadline: Deadline) -> str:
        """Ask for the pull request. Raises LastingError when it is none."""
        found = self.pull_request(repository, number, token=token, deadline=deadline)
        return head_of(found) if found.get("state") == "open" else ""

    def pull_request(self, repository: str, number: int, *, token: str, deadline: Deadline) -> Mapping[str, Json]:
        """Ask for the pull request, each time. Raises LastingError when it is none."""
        path = f"/repos/{_repository(repository)}/pulls/{number:d}"
        document = self._transport.get(path, _PULL_REQUEST, token=token, deadline=deadline).json()
        if not isinstance(document, dict) or not head_of(document):
            raise unexpected(_PULL_REQUEST)
        return document

    def failed_contexts(self, repository: str, sha: str, *, token: str, deadline: Deadline) -> list[str]:
        """Ask for the newest status of each context and the newest check run of each name.

        A token that may not read checks sees the statuses alone.
        https://docs.github.com/en/rest/commits/statuses#get-the-combined-status-for-a-specific-reference and
        https://docs.github.com/en/rest/checks/runs#list-check-runs-for-a-git-reference
        """
        commit = f"/repos/{_repository(repository)}/commits/{_name(sha)}"
        pages = partial(self._transport.pages, token=token, deadline=deadline)
        statuses = pages(f"{commit}/status", _STATUSES, items="statuses")
        checks = pages(f"{commit}/check-runs", _CHECKS, items="check_runs", empty=_NOT_SHOWN)
        found = [
            *(_text(item, "context", _STATUSES) for item in _items(statuses, "state", _FAILED_STATES)),
            *(_text(item, "name", _CHECKS) for item in _items(checks, "conclusion", _FAILED_CONCLUSIONS)),
        ]
        return list(dict.fromkeys(found))

    def file(self, repository: str, path: str, *, token: str, deadline: Deadline) -> str | None:
        """Return a file's text, read as UTF-8. Raises LastingError when it is a directory or over 1 MB."""
        where = f"/repos/{_repository(repository)}/contents/{quote(path)}"
        answer = self._kept.get(where, _FILE, token=token, deadline=deadline, also=_NOT_FOUND)
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        document = answer.json()
        if isinstance(document, list):
            raise LastingError(f"referenced file inside the Github Repository {path} is a directory")
        if not isinstance(document, dict) or not isinstance(document.get("content"), str):
            raise unexpected(_FILE)
        if document.get("encoding") != "base64":
            raise LastingError(f"the file {path} is too large for GitHub's API to give its contents")
        try:
            return base64.b64decode(str(document["content"])).decode("utf-8", "replace")
        except binascii.Error as error:
            raise unexpected(_FILE) from error


def _file(item: Json, question: Question) -> ChangedFile:
    return ChangedFile(_text(item, "filename", question), text_at(item, "previous_filename"))


def _items(pages: Iterable[list[Json]], field: str, values: Set[str]) -> Iterator[Json]:
    """Yield the objects on pages whose field has one of the values."""
    for item in chain.from_iterable(pages):
        if at(item, field) in values:
            yield item


def _text(item: Json, field: str, question: Question) -> str:
    value = at(item, field)
    if not isinstance(value, str):
        raise unexpected(question)
    return value


def _name(text: str) -> str:
    # the names come from the delivery's body: nothing but a name may become part of a path
    if not _NAME.fullmatch(text) or text in (".", ".."):
        raise LastingError("the name of an owner or repository in the body is none that GitHub gives")
    return text


def _repository(full_name: str) -> str:
    owner, separator, name = full_name.partition("/")
    if not separator:
        raise LastingError("the name of the repository in the body is not OWNER/NAME")
    return f"{_name(owner)}/{_name(name)}"
