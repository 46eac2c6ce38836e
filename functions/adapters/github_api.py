"""The GitHubApi port over GitHub's REST API."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Set
from http import HTTPStatus
from urllib.parse import quote

from functions.adapters.github_answers import Question, unexpected
from functions.adapters.github_transport import NOTHING, GitHubTransport
from functions.errors import LastingError
from functions.patterns import pattern
from functions.ports import Deadline
from functions.values import Json

# https://docs.github.com/en/rest/authentication/permissions-required-for-fine-grained-personal-access-tokens
_FILES = Question(
    "the files of the pull request",
    "read access to the repository's pull requests (classic: the scope repo; public repositories need no token)",
)
_MEMBERS = Question("the members of the organization", "read access to the organization's members (classic: read:org)")
_COLLABORATORS = Question(
    "the collaborators of the repository",
    "read access to the repository's metadata, of a user who can push to it (classic: the scope repo)",
)
_FILE = Question("the file OWNERS", "read access to the repository's contents (classic: the scope repo)")

_NO_ORGANIZATION = frozenset({HTTPStatus.NOT_FOUND})
"""The owner of the repository is a user."""
_NOT_SHOWN = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN})
_NAME = pattern(r"[A-Za-z0-9_.-]{1,100}")


class RestGitHubApi:
    """The questions of the github interceptor, asked of one GitHub. Shared between threads."""

    def __init__(self, transport: GitHubTransport) -> None:
        """`transport` knows where GitHub is."""
        self._transport = transport

    def pull_request_files(self, repository: str, number: int, *, token: str, deadline: Deadline) -> Iterator[str]:
        """Yield the names of a pull request's files (GitHub lists 3,000 at most)."""
        path = f"/repos/{_repository(repository)}/pulls/{number:d}/files"
        return self._texts(path, "filename", _FILES, token=token, deadline=deadline)

    def organization_members(self, organization: str, *, token: str, deadline: Deadline) -> Iterator[str]:
        """Yield the logins of an organization's members: the public ones, then all that the token may see.

        Tekton asks for the public ones alone. For the others a token needs a permission that Tekton never asked
        for, so being refused them is no error.
        """
        for kind, empty in (("public_members", _NO_ORGANIZATION), ("members", _NOT_SHOWN)):
            path = f"/orgs/{_name(organization)}/{kind}"
            yield from self._texts(path, "login", _MEMBERS, token=token, deadline=deadline, empty=empty)

    def collaborators(self, repository: str, *, token: str, deadline: Deadline) -> Iterator[str]:
        """Yield the logins of a repository's collaborators."""
        path = f"/repos/{_repository(repository)}/collaborators"
        return self._texts(path, "login", _COLLABORATORS, token=token, deadline=deadline)

    def file(self, repository: str, path: str, *, token: str, deadline: Deadline) -> str | None:
        """Return a file's text, read as UTF-8. Raises LastingError when it is a directory or over 1 MB."""
        answer = self._transport.get(
            f"/repos/{_repository(repository)}/contents/{quote(path)}",
            _FILE,
            token=token,
            deadline=deadline,
            also={HTTPStatus.NOT_FOUND},
        )
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

    def _texts(
        self,
        path: str,
        field: str,
        question: Question,
        *,
        token: str,
        deadline: Deadline,
        empty: Set[int] = NOTHING,
    ) -> Iterator[str]:
        pages = self._transport.pages(path, question, token=token, deadline=deadline, empty=empty)
        for page in pages:
            for item in page:
                yield _text(item, field, question)


def _text(item: Json, field: str, question: Question) -> str:
    value = item.get(field) if isinstance(item, dict) else None
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
