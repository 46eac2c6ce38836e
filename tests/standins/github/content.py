"""What repositories and organisations hold: pull requests and their files, people, contents, comments."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from tests.standins.exchange import Request, Response
from tests.standins.github.answers import ApiError, answer, answer_nothing, page

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_FILES = 3000
"""Files that GitHub lists of a pull request."""
MOST_COMPARED = 300
"""Files that GitHub lists of a comparison."""
RAW_TYPES = ("application/vnd.github.raw", "application/vnd.github.v3.raw", "application/vnd.github.raw+json")


@dataclass(slots=True)
class Content:
    """The content by lower-case `OWNER/REPO` or organisation; fill it before or while the server runs."""

    files: dict[tuple[str, int], list[dict[str, Any]]] = field(default_factory=dict)
    collaborators: dict[str, list[str]] = field(default_factory=dict)
    members: dict[str, list[str]] = field(default_factory=dict)
    public: dict[str, list[str]] = field(default_factory=dict)
    """The members of an organisation that everybody sees."""
    outside: set[str] = field(default_factory=set)
    """Organisations of which the token's user is no member."""
    pulls: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    contents: dict[tuple[str, str], bytes] = field(default_factory=dict)
    comments: dict[tuple[str, int], list[dict[str, Any]]] = field(default_factory=dict)
    comparisons: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    """By repository and `BASE...HEAD`."""

    def serve(self, request: Request, base: str) -> Response | None:
        """Answer a request, or None when its path is none of ours."""
        for pattern, route in ROUTES:
            if found := pattern.fullmatch(request.path):
                if request.method != "GET":
                    raise ApiError(404)
                return route(self, request, base, *found.groups())
        return None


def _files(content: Content, request: Request, base: str, repository: str, number: str) -> Response:
    found = content.files.get((repository.lower(), int(number)))
    if found is None:
        raise ApiError(404)
    return page(request, found[:MOST_FILES], base)


def _comments(content: Content, request: Request, base: str, repository: str, number: str) -> Response:
    return page(request, content.comments.get((repository.lower(), int(number)), []), base)


def _collaborators(content: Content, request: Request, base: str, repository: str) -> Response:
    return _people(request, base, content.collaborators.get(repository.lower()))


def _pull(content: Content, _request: Request, _base: str, repository: str, number: str) -> Response:
    found = content.pulls.get((repository.lower(), int(number)))
    if found is None:
        raise ApiError(404)
    return answer(found)


def _compared(content: Content, request: Request, _base: str, repository: str, ends: str) -> Response:
    found = content.comparisons.get((repository.lower(), unquote(ends)))
    if found is None:
        raise ApiError(404)
    files = found["files"] if request.query.get("page", "1") == "1" else []
    return answer({**found, "files": files[:MOST_COMPARED]})


def _members(content: Content, request: Request, base: str, organisation: str) -> Response:
    if organisation.lower() in content.outside:
        return _public_members(content, request, base, organisation)
    return _people(request, base, content.members.get(organisation.lower()))


def _public_members(content: Content, request: Request, base: str, organisation: str) -> Response:
    known = organisation.lower() in content.members
    return _people(request, base, content.public.get(organisation.lower(), []) if known else None)


def _collaborator(content: Content, _request: Request, _base: str, repository: str, login: str) -> Response:
    return _known(login, content.collaborators.get(repository.lower()))


def _member(content: Content, _request: Request, base: str, organisation: str, login: str) -> Response:
    if organisation.lower() in content.outside:
        # to who is no member itself GitHub does not say more than everybody may know
        return Response(302, b"", headers={"Location": f"{base}/orgs/{organisation}/public_members/{login}"})
    return _known(login, content.members.get(organisation.lower()))


def _public_member(content: Content, _request: Request, _base: str, organisation: str, login: str) -> Response:
    return _known(login, content.public.get(organisation.lower()))


def _contents(content: Content, request: Request, _base: str, repository: str, path: str) -> Response:
    data = content.contents.get((repository.lower(), path))
    if data is None:
        raise ApiError(404)
    if any(kind in request.headers.get("accept", "") for kind in RAW_TYPES):
        return Response(200, data, "application/vnd.github.raw+json; charset=utf-8")
    return answer(
        {
            "type": "file",
            "encoding": "base64",
            "size": len(data),
            "name": path.rpartition("/")[2],
            "path": path,
            "content": base64.encodebytes(data).decode(),
        }
    )


def _people(request: Request, base: str, logins: list[str] | None) -> Response:
    if logins is None:
        raise ApiError(404)
    people = [{"login": login, "id": number, "type": "User"} for number, login in enumerate(logins, 1)]
    return page(request, people, base)


def _known(login: str, logins: list[str] | None) -> Response:
    if login.lower() not in [known.lower() for known in logins or ()]:
        raise ApiError(404)
    return answer_nothing()


REPOSITORY = r"/repos/([^/]+/[^/]+)"
ROUTES: tuple[tuple[re.Pattern[str], Callable[..., Response]], ...] = (
    (re.compile(rf"{REPOSITORY}/pulls/(\d+)"), _pull),
    (re.compile(rf"{REPOSITORY}/pulls/(\d+)/files"), _files),
    (re.compile(rf"{REPOSITORY}/compare/(.+)"), _compared),
    (re.compile(rf"{REPOSITORY}/issues/(\d+)/comments"), _comments),
    (re.compile(rf"{REPOSITORY}/collaborators"), _collaborators),
    (re.compile(rf"{REPOSITORY}/collaborators/([^/]+)"), _collaborator),
    (re.compile(rf"{REPOSITORY}/contents/(.+)"), _contents),
    (re.compile(r"/orgs/([^/]+)/members"), _members),
    (re.compile(r"/orgs/([^/]+)/members/([^/]+)"), _member),
    (re.compile(r"/orgs/([^/]+)/public_members"), _public_members),
    (re.compile(r"/orgs/([^/]+)/public_members/([^/]+)"), _public_member),
)
