"""How often one delivery may call out: a bound over all its triggers, beside the time that they share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from functions.common.errors import LastingError
from functions.common.ports import ChangedFile, Comparison, Deadline, GitHubApi, Outbound, Reply, Services
from functions.common.values import Headers, Json

MAX_CALLS = 500
"""Calls of interceptors and questions to GitHub's API in one delivery; a list of many pages is one question."""


def bounded(services: Services, *, calls: int = MAX_CALLS) -> Services:
    """Return the services for one delivery, which refuse to call out more than `calls` times with a LastingError."""
    count = _Count(calls)
    outbound, github = _Outbound(services.outbound, count), _GitHubApi(services.github, count)
    return Services(services.secrets, outbound, github, services.identity)


class _Count:
    __slots__ = ("_left", "_limit")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._left = limit

    def one(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise LastingError(f"the triggers of one delivery may call out {self._limit} times together, not more")


class _Outbound:
    __slots__ = ("_count", "_outbound")

    def __init__(self, outbound: Outbound, count: _Count) -> None:
        self._outbound = outbound
        self._count = count

    def post(self, url: str, *, body: bytes, headers: Headers, seconds: float, ca_pem: str = "") -> Reply:
        self._count.one()
        return self._outbound.post(url, body=body, headers=headers, seconds=seconds, ca_pem=ca_pem)


class _GitHubApi:
    __slots__ = ("_api", "_count")

    def __init__(self, api: GitHubApi, count: _Count) -> None:
        self._api = api
        self._count = count

    def pull_request_files(
        self, repository: str, number: int, *, token: str, deadline: Deadline
    ) -> Iterable[ChangedFile]:
        self._count.one()
        return self._api.pull_request_files(repository, number, token=token, deadline=deadline)

    def compared(self, repository: str, base: str, head: str, *, token: str, deadline: Deadline) -> Comparison | None:
        self._count.one()
        return self._api.compared(repository, base, head, token=token, deadline=deadline)

    def pull_request(self, repository: str, number: int, *, token: str, deadline: Deadline) -> Mapping[str, Json]:
        self._count.one()
        return self._api.pull_request(repository, number, token=token, deadline=deadline)

    def failed_contexts(self, repository: str, sha: str, *, token: str, deadline: Deadline) -> Sequence[str]:
        self._count.one()
        return self._api.failed_contexts(repository, sha, token=token, deadline=deadline)

    def is_member(self, organization: str, login: str, *, token: str, deadline: Deadline) -> bool:
        self._count.one()
        return self._api.is_member(organization, login, token=token, deadline=deadline)

    def is_collaborator(self, repository: str, login: str, *, token: str, deadline: Deadline) -> bool:
        self._count.one()
        return self._api.is_collaborator(repository, login, token=token, deadline=deadline)

    def head(self, repository: str, number: int, *, token: str, deadline: Deadline) -> str:
        self._count.one()
        return self._api.head(repository, number, token=token, deadline=deadline)

    def file(self, repository: str, path: str, *, token: str, deadline: Deadline) -> str | None:
        self._count.one()
        return self._api.file(repository, path, token=token, deadline=deadline)
