"""Who we are at GitHub, put together from the settings; imported where somebody is asked as ourselves."""

from __future__ import annotations

from functions.adapters.github.app import App, Fetch
from functions.adapters.github.identity import AppIdentity, TokenIdentity
from functions.adapters.github.transport import GitHubTransport
from functions.adapters.secrets.sources import SecretStore
from functions.common.ports import GitHubIdentity
from functions.settings import Settings


def github_identity(settings: Settings, secrets: SecretStore, *, app_only: bool = False) -> GitHubIdentity | None:
    """Return who we are at GitHub: the token before the App, unless only an App will do; None where neither is set."""
    fetch = fetch_of(secrets)
    if settings.github_token_secret and not app_only:
        return TokenIdentity(fetch, settings.github_token_secret)
    if not settings.github_app_id:
        return None
    app_id, key_resource = settings.github_app_id, settings.github_app_key_secret
    transport = GitHubTransport(settings.github_api_url)
    return AppIdentity(App(fetch, app_id=app_id, key_resource=key_resource, transport=transport))


def fetch_of(secrets: SecretStore) -> Fetch:
    """Return what fetches the secrets of tokens and keys."""
    return lambda resource, deadline, refresh: secrets.fetch_secret(resource, deadline, refresh=refresh)
