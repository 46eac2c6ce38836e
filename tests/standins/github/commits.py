"""Commit statuses and check runs, as GitHub keeps and refuses them."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.standins.github.answers import ApiError, answer, page

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.standins.exchange import Request, Response
    from tests.standins.github.credentials import Grant

MAX_STATUSES = 1000
MAX_DESCRIPTION = 140
STATES = ("error", "failure", "pending", "success")
CONCLUSIONS = ("action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out")
HOME = "https://github.com/apps/standin"
NONE = "0" * 40
"""Git's id of nothing, which no commit has."""
_SHA = re.compile(r"[0-9a-f]{40}")


@dataclass(slots=True)
class Commits:
    """The commits of repositories by lower-case `OWNER/REPO`, with what is shown of them."""

    known: dict[str, set[str]] = field(default_factory=dict)
    """The commits of a repository; one that is not named here has every commit that is asked for."""
    repositories: set[str] = field(default_factory=set)
    """The only ones that exist, if there are any."""
    statuses: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)
    """Oldest first."""
    looked: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """How many statuses of a commit stood when the bearer of a token last looked, by the token's header."""
    posted: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    """For each status of a commit how many stood when whoever posted it had last looked."""
    checks: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)
    app_id: int = 0
    _ids: Any = field(default_factory=lambda: itertools.count(1))

    def serve(self, request: Request, base: str, grant: Grant) -> Response | None:
        """Answer a request, or None when its path is none of ours."""
        for method, pattern, route, permission in ROUTES:
            found = pattern.fullmatch(request.path)
            if found and method == request.method:
                repository = found[1].lower()
                self._admit(repository, grant, permission, write=method != "GET")
                return route(self, request, base, repository, *found.groups()[1:])
        return None

    def latest(self, repository: str, sha: str, context: str) -> dict[str, Any] | None:
        """What stands of a context: the newest status, or check run."""
        key = (repository.lower(), sha)
        found = [one for one in self.statuses.get(key, []) if one["context"] == context]
        found += [one for one in self.checks.get(key, []) if one["name"] == context]
        return found[-1] if found else None

    def _admit(self, repository: str, grant: Grant, permission: str, *, write: bool) -> None:
        if self.repositories and repository not in self.repositories:
            raise ApiError(404)
        if grant.repositories is not None and repository.rpartition("/")[2] not in grant.repositories:
            raise ApiError(404)
        if permission == "checks" and write and not grant.app:
            raise ApiError(403, "You must authenticate via a GitHub App.")
        level = "write" if grant.permissions is None else grant.permissions.get(permission, "")
        if not level or (write and level != "write"):
            who = "integration" if grant.app else "personal access token"
            raise ApiError(403, f"Resource not accessible by {who}")

    def commit(self, repository: str, sha: str) -> str:
        """Return a commit that there is."""
        if not _SHA.fullmatch(sha) or sha == NONE or sha not in self.known.get(repository, {sha}):
            raise ApiError(422, f"No commit found for SHA: {sha}")
        return sha

    def show(self, repository: str, sha: str, context: str, state: str) -> None:
        """Add a status of somebody else's."""
        made = {"id": self.number(), "state": state, "context": context, "description": None, "target_url": None}
        self.statuses.setdefault((repository.lower(), sha), []).append(made)

    def check(self, repository: str, sha: str, name: str, conclusion: str | None) -> None:
        """Add a check run, completed when there is a conclusion."""
        made = self.new_check(sha, name)
        made |= {"status": "completed" if conclusion else "in_progress", "conclusion": conclusion}
        self.checks.setdefault((repository.lower(), sha), []).append(made)

    def new_check(self, sha: str, name: str) -> dict[str, Any]:
        """Return a check run as it is before anything is said of it."""
        return {
            "id": self.number(),
            "app": {"id": self.app_id},
            "name": name,
            "head_sha": sha,
            "status": "queued",
            "conclusion": None,
            "details_url": HOME,
            "external_id": "",
            "output": {"title": None, "summary": None},
        }

    def number(self) -> int:
        """Return an id that nothing else has."""
        return int(next(self._ids))


def _list_statuses(commits: Commits, request: Request, base: str, repository: str, sha: str) -> Response:
    commits.commit(repository, sha)
    found = commits.statuses.get((repository, sha), [])[::-1]
    commits.looked[_bearer(request), repository, sha] = len(found)
    return page(request, found, base)


def _combined(commits: Commits, request: Request, base: str, repository: str, sha: str) -> Response:
    commits.commit(repository, sha)
    latest = {one["context"]: one for one in commits.statuses.get((repository, sha), [])}
    return page(request, list(latest.values()), base, under="statuses")


def _post_status(commits: Commits, request: Request, _base: str, repository: str, sha: str) -> Response:
    body = _body(request)
    context = body.get("context") or "default"
    if body.get("state") not in STATES:
        raise ApiError(422, errors=[{"resource": "Status", "code": "custom", "field": "state"}])
    if len(body.get("description") or "") > MAX_DESCRIPTION or len(context) > 255:
        raise ApiError(422, errors=[{"resource": "Status", "code": "custom", "message": "description is too long"}])
    link = body.get("target_url")
    if link is not None and not link.startswith(("http://", "https://")):
        raise ApiError(422, errors=[{"resource": "Status", "code": "custom", "message": "target_url must use http(s)"}])
    commits.commit(repository, sha)
    listed = commits.statuses.setdefault((repository, sha), [])
    if sum(one["context"] == context for one in listed) >= MAX_STATUSES:
        raise ApiError(422, "This SHA and context has reached the maximum number of statuses.")
    made = {
        "id": commits.number(),
        "state": body["state"],
        "context": context,
        "description": body.get("description"),
        "target_url": link,
        "created_at": _now(),
    }
    listed.append(made)
    looked = commits.looked.get((_bearer(request), repository, sha), 0)
    commits.posted.setdefault((repository, sha), []).append(looked)
    return answer(made, 201)


def _bearer(request: Request) -> str:
    return request.headers.get("authorization", "")


def _list_checks(commits: Commits, request: Request, base: str, repository: str, sha: str) -> Response:
    commits.commit(repository, sha)
    found = commits.checks.get((repository, sha), [])[::-1]
    name, app = request.query.get("check_name"), request.query.get("app_id")
    found = [one for one in found if name in (None, one["name"]) and app in (None, str(one["app"]["id"]))]
    if request.query.get("filter", "latest") == "latest":
        found = list({one["name"]: one for one in found[::-1]}.values())
    return page(request, found, base, under="check_runs")


def _post_check(commits: Commits, request: Request, _base: str, repository: str) -> Response:
    body = _body(request)
    sha = str(body.get("head_sha"))
    commits.commit(repository, sha)
    made = commits.new_check(sha, body["name"])
    _change(made, body)
    commits.checks.setdefault((repository, sha), []).append(made)
    return answer(made, 201)


def _patch_check(commits: Commits, request: Request, _base: str, repository: str, number: str) -> Response:
    for (where, _), listed in commits.checks.items():
        for one in listed:
            if where == repository and one["id"] == int(number):
                _change(one, _body(request))
                return answer(one)
    raise ApiError(404)


def _change(one: dict[str, Any], body: dict[str, Any]) -> None:
    if body.get("status", "queued") not in ("queued", "in_progress", "completed"):
        raise ApiError(422, "Invalid request. status is not included in the list")
    if body.get("status") == "completed" and body.get("conclusion") not in CONCLUSIONS:
        raise ApiError(422, "Invalid request. completed check runs must have a conclusion")
    if one["status"] == "completed" and body.get("status", "completed") != "completed":
        raise ApiError(422, "a completed check run cannot be changed back")
    output = body.get("output", {"title": "", "summary": ""})
    if "title" not in output or "summary" not in output:
        raise ApiError(422, "Invalid request. output needs title and summary")
    actions = body.get("actions", [])
    limits = {"label": 20, "description": 40, "identifier": 20}
    if len(actions) > 3 or any(len(action[name]) > limit for action in actions for name, limit in limits.items()):
        raise ApiError(422, "Invalid request. actions are too many or too long")
    for name in ("status", "conclusion", "details_url", "external_id", "output", "actions"):
        if name in body:
            one[name] = body[name]


def _body(request: Request) -> dict[str, Any]:
    try:
        found = json.loads(request.body)
    except ValueError as error:
        raise ApiError(400, "Problems parsing JSON") from error
    if not isinstance(found, dict):
        raise ApiError(400, "Body should be a JSON object")
    return found


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


REPOSITORY = r"/repos/([^/]+/[^/]+)"
ROUTES: tuple[tuple[str, re.Pattern[str], Callable[..., Response], str], ...] = (
    ("GET", re.compile(rf"{REPOSITORY}/commits/([^/]+)/statuses"), _list_statuses, "statuses"),
    ("GET", re.compile(rf"{REPOSITORY}/commits/([^/]+)/status"), _combined, "statuses"),
    ("POST", re.compile(rf"{REPOSITORY}/statuses/([^/]+)"), _post_status, "statuses"),
    ("GET", re.compile(rf"{REPOSITORY}/commits/([^/]+)/check-runs"), _list_checks, "checks"),
    ("POST", re.compile(rf"{REPOSITORY}/check-runs"), _post_check, "checks"),
    ("PATCH", re.compile(rf"{REPOSITORY}/check-runs/(\d+)"), _patch_check, "checks"),
)
