"""A stand-in of GitHub's REST API over plain HTTP: pull requests, people, contents, hooks and deliveries."""

from __future__ import annotations

import argparse
import re
import secrets
import time
from typing import TYPE_CHECKING, Any, Self

from tests.standins.exchange import App, Request, Response
from tests.standins.faults import ArmedFault, Fault, Faults
from tests.standins.github.answers import ApiError, answer, tagged
from tests.standins.github.commits import Commits
from tests.standins.github.content import Content
from tests.standins.github.credentials import Credentials, Grant, RateLimit, SecondaryLimitError, SecondaryLimits
from tests.standins.github.hook_routes import HookRoutes
from tests.standins.github.hooks import Delivery, Hook, Hooks
from tests.standins.journal import Journal, SeenRequest
from tests.standins.loops import LoopThread
from tests.standins.process import serve_until_told
from tests.standins.web import Listener

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

INSTALLATION_TOKENS = re.compile(r"/app/installations/(\d+)/access_tokens")
INSTALLATION = re.compile(r"/(?:repos/[^/]+/[^/]+|orgs/[^/]+)/installation")
SECONDARY = (
    '{"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.", '
    '"documentation_url": "https://docs.github.com/rest"}'
)


class GitHubApi:
    """GitHub's API while the context is open.

    `token` (or any of `tokens`) is let in; `app_key_pem` and `app_id` make JSON web tokens for `/app`. A
    delivery to a hook fails after `delivery_timeout` seconds, with GitHub 10. Without `limits` there are
    none, nor headers of them, which is how an Enterprise Server comes.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        tokens: Iterable[str] = (),
        app_id: str = "4242",
        installations: Iterable[int] = (1,),
        delivery_timeout: float = 10.0,
        limits: bool = True,
    ) -> None:
        known = list(tokens) or [f"ghp_{secrets.token_hex(18)}"]
        self.token = known[0]
        self.app_id = app_id
        self.content = Content()
        self.commits = Commits(app_id=int(app_id))
        self.faults = Faults()
        self.requests: Journal[SeenRequest] = Journal()
        self.rate = RateLimit()
        self.secondary = SecondaryLimits()
        self._port = port
        self._limits = limits
        self._installations = set(installations)
        self._timeout = delivery_timeout
        self._credentials = Credentials(set(known), app_id)

    def __enter__(self) -> Self:
        self._hooks = Hooks(timeout=self._timeout)
        self._routes = HookRoutes(self._hooks)
        self._loop = LoopThread("github-standin")
        app = App(handle=self._handle, fault=self._fault, fault_body=_fault_body, note=self._note)
        self._listener = Listener(self._loop, app, port=self._port)
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self._loop.stop()
        self._hooks.close()

    @property
    def url(self) -> str:
        """The base of the API, for GITHUB_API_URL; `URL/api/v3` answers too, as on Enterprise Server."""
        return f"http://127.0.0.1:{self._listener.port}"

    @property
    def app_key_pem(self) -> str:
        """The private key of the App."""
        return self._credentials.app_key_pem

    def add_hook(
        self, scope: str, url: str, *, secret: str = "", events: Iterable[str] = ("push",), form: bool = False
    ) -> Hook:
        """Add a hook; `scope`: `repos/OWNER/REPO`, `orgs/ORG` or `app`."""
        content_type = "form" if form else "json"
        return self._hooks.add(scope, url, secret=secret, events=list(events), content_type=content_type)

    def deliver(
        self,
        hook: Hook,
        event: str,
        payload: Any,
        *,
        secret: str | None = None,
        guid: str | None = None,
        delivered_at: datetime | None = None,
    ) -> Delivery:
        """Send an event to a hook, signed, wait for its answer, and record it."""
        return self._hooks.deliver(hook, event, payload, secret=secret, guid=guid, delivered_at=delivered_at)

    def deliveries(self, hook: Hook | None = None) -> list[Delivery]:
        """What was delivered to a hook, or to all, newest first."""
        return self._hooks.deliveries(hook)

    def forget_deliveries(self, before: datetime) -> None:
        """Forget what was delivered before a time."""
        self._hooks.forget(before)

    def wait_idle(self, timeout: float = 10.0) -> None:
        """Wait until all redeliveries that were asked for are recorded."""
        self._hooks.wait_idle(timeout)

    def set_files(self, repository: str, number: int, files: Iterable[str | dict[str, Any]]) -> None:
        """Set the files of a pull request: names, or whole objects of the API."""
        self.content.files[repository.lower(), number] = [
            {"filename": one, "status": "modified"} if isinstance(one, str) else one for one in files
        ]

    def set_collaborators(self, repository: str, logins: Iterable[str]) -> None:
        """Set the collaborators of a repository."""
        self.content.collaborators[repository.lower()] = list(logins)

    def set_members(
        self, organisation: str, logins: Iterable[str], *, public: Iterable[str] = (), from_outside: bool = False
    ) -> None:
        """Set the members of an organisation; `from_outside`: the token's user is none, and sees the `public` ones."""
        name = organisation.lower()
        self.content.members[name], self.content.public[name] = list(logins), list(public)
        (self.content.outside.add if from_outside else self.content.outside.discard)(name)

    def set_pull_request(
        self, repository: str, number: int, *, sha: str, author: str = "octocat", state: str = "open"
    ) -> None:
        """Set a pull request: its head, author and state."""
        self.content.pulls[repository.lower(), number] = {
            "number": number,
            "state": state,
            "user": {"login": author, "type": "User"},
            "head": {"sha": sha, "ref": "change"},
        }

    def set_comparison(
        self, repository: str, base: str, head: str, files: Iterable[str | dict[str, Any]], *, status: str = "ahead"
    ) -> None:
        """Set what a comparison of two commits (or of a branch and a commit) finds."""
        listed = [{"filename": one, "status": "modified"} if isinstance(one, str) else one for one in files]
        self.content.comparisons[repository.lower(), f"{base}...{head}"] = {"status": status, "files": listed}

    def set_statuses(self, repository: str, sha: str, states: Mapping[str, str]) -> None:
        """Set the newest status of each context of a commit: its state."""
        for context, state in states.items():
            self.commits.show(repository, sha, context, state)

    def set_checks(self, repository: str, sha: str, conclusions: Mapping[str, str | None]) -> None:
        """Set the newest check run of each name on a commit: its conclusion, None while it runs."""
        for name, conclusion in conclusions.items():
            self.commits.check(repository, sha, name, conclusion)

    def set_contents(self, repository: str, path: str, data: bytes) -> None:
        """Set the content of a file of a repository."""
        self.content.contents[repository.lower(), path] = data

    def set_comments(self, repository: str, number: int, comments: Iterable[dict[str, Any]]) -> None:
        """Set the comments of an issue or pull request (objects of the API)."""
        self.content.comments[repository.lower(), number] = list(comments)

    def set_commits(self, repository: str, shas: Iterable[str]) -> None:
        """Set the commits of a repository: others are unknown (422)."""
        self.commits.known[repository.lower()] = set(shas)

    def restrict(
        self, token: str, *, repositories: Iterable[str] | None = None, permissions: Mapping[str, str] | None = None
    ) -> None:
        """Restrict a token to some repositories (names without the owner) and permissions."""
        names = None if repositories is None else frozenset(name.lower() for name in repositories)
        self._credentials.grants[token] = Grant(names, permissions)

    def token_seconds(self, seconds: int) -> None:
        """Set for how long installation tokens are good."""
        self._credentials.token_seconds = seconds

    def give_app(self, permissions: Mapping[str, str]) -> None:
        """Set what the App may do."""
        self._credentials.app_permissions = dict(permissions)

    @property
    def given_tokens(self) -> list[Grant]:
        """What the installation tokens that were made may do, in order."""
        return self._credentials.given

    def shown(self, repository: str, sha: str, context: str) -> dict[str, Any] | None:
        """What GitHub shows of a context of a commit: its newest status or check run."""
        return self.commits.latest(repository, sha, context)

    def posted(self, repository: str, sha: str, context: str) -> list[tuple[str, str]]:
        """The statuses that were posted for a context of a commit, state and description, in order."""
        listed = self.commits.statuses.get((repository.lower(), sha), [])
        return [(one["state"], one["description"]) for one in listed if one["context"] == context]

    def exhaust(self, *, reset_in: float = 3600, remaining: int = 0) -> None:
        """Leave so many requests until the primary limit is reset."""
        self.rate.remaining = remaining
        self.rate.reset = int(time.time() + reset_in)

    def secondary_limit(
        self, *, times: int = 1, retry_after: int = 60, status: int = 403, path: str = ""
    ) -> ArmedFault:
        """Answer the next requests with the secondary limit."""
        headers = {"retry-after": str(retry_after)}
        return self.faults.add(Fault(status=status, body=SECONDARY, headers=headers, times=times, path=path))

    def add_token(self) -> str:
        """Return a further token that may do everything."""
        token = f"ghp_{secrets.token_hex(18)}"
        self._credentials.tokens.add(token)
        return token

    def revoke(self, token: str) -> None:
        """Let a token in no longer."""
        self._credentials.tokens.discard(token)

    def refuse(self) -> None:
        """Stop listening."""
        self._listener.refuse()

    def accept(self) -> None:
        """Listen again."""
        self._listener.accept()

    def _handle(self, request: Request) -> Response:
        request.path = request.path.removeprefix("/api/v3")
        try:
            self._credentials.check(request)
            if self._limits:
                self.rate.spend()
                self.secondary.spend(request)
            response = tagged(request, self._answer(request))
            if response.status == 304:
                self.rate.give_back()
        except ApiError as error:
            response = error.response()
        except SecondaryLimitError:
            response = Response(403, SECONDARY.encode(), headers={"retry-after": str(self.secondary.retry_after)})
        response.headers = {**(self.rate.headers() if self._limits else {}), **response.headers}
        return response

    def _answer(self, request: Request) -> Response:
        if found := INSTALLATION_TOKENS.fullmatch(request.path):
            if request.method != "POST" or int(found[1]) not in self._installations:
                raise ApiError(404)
            return self._credentials.new_installation_token(request)
        if INSTALLATION.fullmatch(request.path):
            return answer({"id": min(self._installations)})
        if request.path == "/app":
            return answer({"id": int(self.app_id), "slug": "standin"})
        response = (
            self._routes.serve(request, self.url)
            or self.commits.serve(request, self.url, self._credentials.grant(request))
            or self.content.serve(request, self.url)
        )
        if response is None:
            raise ApiError(404)
        return response

    def _fault(self, request: Request) -> Fault | None:
        return self.faults.take(method=request.method, target=request.target) if self.faults.any else None

    def _note(self, request: Request, status: int) -> None:
        query = request.target.partition("?")[2]
        self.requests.append(SeenRequest(method=request.method, path=request.path, query=query, status=status))


def _fault_body(fault: Fault) -> bytes:
    return ApiError(fault.status).response().body


def main() -> None:
    """Serve until SIGTERM, or until the pipe on standard input is closed."""
    parser = argparse.ArgumentParser(prog="python -m tests.standins.github_api", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port (default: a free one)")
    parser.add_argument("--token", action="append", default=[], help="token to let in (default: drawn)")
    parser.add_argument("--unlimited", action="store_true", help="without rate limits, as an Enterprise Server comes")
    given = parser.parse_args()
    with GitHubApi(port=given.port, tokens=given.token, limits=not given.unlimited) as server:
        serve_until_told(url=server.url, token=server.token, app_id=server.app_id)


if __name__ == "__main__":
    main()
