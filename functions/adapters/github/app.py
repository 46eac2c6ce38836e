"""Tokens for GitHub's API: one from Secret Manager, or those of a GitHub App, whose key signs for them."""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from functions.adapters.github.answers import Question, unexpected
from functions.adapters.github.hooks import APP, Tokens
from functions.adapters.github.transport import GitHubTransport
from functions.common.errors import LastingError
from functions.common.numbers import whole
from functions.common.ports import Deadline
from functions.common.values import Json

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

SKEW_SECONDS = 60
"""GitHub refuses a web token from the future: clocks differ."""
LIFE_SECONDS = 540
"""Of a web token; GitHub allows ten minutes."""
INSTALLATION_SECONDS = 50 * 60.0
"""How long an installation's token is used; GitHub gives it for an hour."""

_PERMISSIONS = {"repos": "repository_hooks", "orgs": "organization_hooks"}
_INSTALLATION = Question("the App's installation", "to be that of an App that is installed there")
_TOKEN = Question("a token of the App's installation", "the App's Webhooks permission, read and write")

_SENDABLE = re.compile(r"[!-~]+")
"""What may stand in a header."""

Fetch = Callable[[str, Deadline, bool], bytes]
"""Fetches a secret's payload by its resource's name; with True, not from a cache."""


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
        if not _SENDABLE.fullmatch(token):
            raise LastingError(f"{self._resource} is no GitHub token: it holds spaces or other characters than ASCII's")
        return token


class AppTokens:
    """The tokens of a GitHub App: web tokens for its own hook, installation tokens for those of repositories.

    An installation token is asked for with the one permission that the sweep needs, whatever the App may do.
    """

    def __init__(
        self,
        fetch: Fetch,
        *,
        app_id: str,
        key_resource: str,
        transport: GitHubTransport,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`now` gives seconds since 1970."""
        self._fetch = fetch
        self._app_id = app_id
        self._key_resource = key_resource
        self._transport = transport
        self._now = now
        self._lock = threading.Lock()
        self._given: dict[str, tuple[str, float]] = {}

    def token(self, hook: str, *, deadline: Deadline, renew: bool = False) -> str:
        """Return a token for a hook. Raises PassingError and LastingError, naming what is wrong."""
        if hook == APP:
            return self._web_token(deadline, renew=renew)
        with self._lock:
            given, until = self._given.get(hook, ("", 0.0))
        if given and not renew and self._now() < until:
            return given
        token = self._installation_token(hook, self._web_token(deadline, renew=renew), deadline)
        with self._lock:
            self._given[hook] = (token, self._now() + INSTALLATION_SECONDS)
        return token

    def _installation_token(self, hook: str, web_token: str, deadline: Deadline) -> str:
        scope, _, _ = hook.partition("/hooks/")
        kind = scope.partition("/")[0]
        answer = self._transport.get(f"/{scope}/installation", _INSTALLATION, token=web_token, deadline=deadline)
        number = whole(_field(answer.json(), "id"))
        if number is None:
            raise unexpected(_INSTALLATION)
        wanted: dict[str, Json] = {"permissions": {_PERMISSIONS[kind]: "write"}}
        if kind == "repos":
            wanted["repositories"] = [scope.rpartition("/")[2]]
        path = f"/app/installations/{number:d}/access_tokens"
        body = json.dumps(wanted).encode()
        token = _field(
            self._transport.post(path, _TOKEN, token=web_token, deadline=deadline, body=body).json(), "token"
        )
        if not isinstance(token, str) or not _SENDABLE.fullmatch(token):
            raise unexpected(_TOKEN)
        return token

    def _web_token(self, deadline: Deadline, *, renew: bool) -> str:
        pem = self._fetch(self._key_resource, deadline, renew)
        return signed_web_token(private_key(pem, self._key_resource), app_id=self._app_id, now=self._now())


@dataclass(frozen=True, slots=True)
class _Either:
    """A token for repositories and organisations, and the App for its own hook."""

    token_of_hooks: Tokens
    token_of_app: Tokens

    def token(self, hook: str, *, deadline: Deadline, renew: bool = False) -> str:
        tokens = self.token_of_app if hook == APP else self.token_of_hooks
        return tokens.token(hook, deadline=deadline, renew=renew)


def open_tokens(
    fetch: Fetch, transport: GitHubTransport, *, token_resource: str, app_id: str, key_resource: str
) -> Tokens:
    """Return the tokens of a configuration: one secret's where it names one, and else the App's."""
    app = AppTokens(fetch, app_id=app_id, key_resource=key_resource, transport=transport)
    return _Either(StaticToken(fetch, token_resource), app) if token_resource else app


def signed_web_token(key: RSAPrivateKey, *, app_id: str, now: float) -> str:
    """Return the JSON web token (RS256) by which an App says who it is, from one minute ago, for nine minutes."""
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 -- see private_key
    from cryptography.hazmat.primitives.asymmetric import padding  # noqa: PLC0415

    claims = {"iat": int(now) - SKEW_SECONDS, "exp": int(now) + LIFE_SECONDS, "iss": app_id}
    signed = ".".join(_encoded(json.dumps(part).encode()) for part in ({"alg": "RS256", "typ": "JWT"}, claims))
    return f"{signed}.{_encoded(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def private_key(pem: bytes, resource: str) -> RSAPrivateKey:
    """Return the App's key. Raises LastingError when the secret holds none."""
    # 40 ms to import, and only an App needs it
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey):
        # without the cause, whose text might quote the key
        raise LastingError(f"{resource} is no private key of a GitHub App: put the .pem file there as GitHub gave it")
    return key


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _field(document: Json, name: str) -> Json:
    return document.get(name) if isinstance(document, dict) else None
