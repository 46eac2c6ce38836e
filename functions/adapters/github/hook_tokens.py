"""Tokens for the deliveries of hooks: one from Secret Manager, or those of a GitHub App."""

from __future__ import annotations

import threading

from msgspec import Struct

from functions.adapters.github.answers import Question
from functions.adapters.github.app import App, Fetch, is_sendable
from functions.adapters.github.hooks import APP, GitHubHooks, Tokens
from functions.adapters.github.transport import GitHubTransport
from functions.common.errors import LastingError
from functions.common.ports import Deadline
from functions.common.values import Json
from functions.settings import Settings

INSTALLATION_SECONDS = 50 * 60.0
"""How long an installation's token is used; GitHub gives it for an hour."""

_PERMISSIONS = {"repos": "repository_hooks", "orgs": "organization_hooks"}
_TOKEN = Question("a token of the App's installation", "the App's Webhooks permission, read and write")


class StaticToken:
    """One token for every hook, from Secret Manager."""

    def __init__(self, fetch: Fetch, resource: str) -> None:
        self._fetch = fetch
        self._resource = resource

    def token(self, hook: str, *, deadline: Deadline, renew: bool = False) -> str:
        """Return the secret's newest version. Raises what reading it raises, and LastingError when it is no token."""
        if hook == APP:
            raise LastingError("the hook app needs GITHUB_APP_ID and GITHUB_APP_KEY_SECRET: no token may read it")
        text = self._fetch(self._resource, deadline, renew).strip()
        token = text.decode("ascii", "replace")
        if not is_sendable(token):
            raise LastingError(f"{self._resource} is no GitHub token: it holds spaces or other characters than ASCII's")
        return token


class AppTokens:
    """The tokens of a GitHub App: web tokens for its own hook, installation tokens for those of repositories.

    An installation token is asked for with the one permission that the sweep needs, whatever the App may do.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._given: dict[str, tuple[str, float]] = {}

    def token(self, hook: str, *, deadline: Deadline, renew: bool = False) -> str:
        """Return a token for a hook. Raises PassingError and LastingError, naming what is wrong."""
        if hook == APP:
            return self._app.web_token(deadline, renew=renew)
        with self._lock:
            given, until = self._given.get(hook, ("", 0.0))
        if given and not renew and self._app.now() < until:
            return given
        token = self._installation_token(hook, self._app.web_token(deadline, renew=renew), deadline)
        with self._lock:
            self._given[hook] = (token, self._app.now() + INSTALLATION_SECONDS)
        return token

    def _installation_token(self, hook: str, web_token: str, deadline: Deadline) -> str:
        scope, _, _ = hook.partition("/hooks/")
        kind = scope.partition("/")[0]
        wanted: dict[str, Json] = {"permissions": {_PERMISSIONS[kind]: "write"}}
        if kind == "repos":
            wanted["repositories"] = [scope.rpartition("/")[2]]
        number = self._app.installation(scope, web_token=web_token, deadline=deadline)
        token, _ = self._app.access(number, wanted, _TOKEN, web_token=web_token, deadline=deadline)
        return token


class _Either(Struct, frozen=True):
    """A token for repositories and organisations, and the App for its own hook."""

    token_of_hooks: Tokens
    token_of_app: Tokens

    def token(self, hook: str, *, deadline: Deadline, renew: bool = False) -> str:
        tokens = self.token_of_app if hook == APP else self.token_of_hooks
        return tokens.token(hook, deadline=deadline, renew=renew)


def open_hooks(settings: Settings, fetch: Fetch) -> GitHubHooks:
    """Return the hooks' deliveries, asked for with one secret's token where the settings name one, else the App's."""
    transport = GitHubTransport(settings.github_api_url)
    app_id, key_resource = settings.github_app_id, settings.github_app_key_secret
    tokens: Tokens = AppTokens(App(fetch, app_id=app_id, key_resource=key_resource, transport=transport))
    if settings.github_token_secret:
        tokens = _Either(StaticToken(fetch, settings.github_token_secret), tokens)
    return GitHubHooks(transport, tokens)
