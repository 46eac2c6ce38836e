"""Tokens, GitHub App keys, and rate limits."""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.standins.certificates import rsa_key
from tests.standins.github.answers import ApiError, answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.standins.exchange import Request, Response

_CONTENT = re.compile(r"/(statuses/|check-runs|issues|comments|pulls)")
MAX_JWT_SECONDS = 600
TOKEN_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token may do; None is everything."""

    repositories: frozenset[str] | None = None
    """Names without their owner."""
    permissions: Mapping[str, str] | None = None
    app: bool = False


class Credentials:
    """Who may ask: tokens, and JSON web tokens signed with the App's key."""

    def __init__(self, tokens: set[str], app_id: str) -> None:
        self.tokens = tokens
        self.app_id = app_id
        self.grants: dict[str, Grant] = {}
        """Of tokens that may not do everything."""
        self.app_permissions: dict[str, str] | None = None
        """What the App was given; None is everything."""
        self.token_seconds = TOKEN_SECONDS
        self.given: list[Grant] = []
        """The grants of the tokens that were made, in order."""

    @property
    def _key(self) -> rsa.RSAPrivateKey:
        return rsa_key("GitHub App")

    @property
    def app_key_pem(self) -> str:
        """The App's private key, as GitHub gives it out (PKCS #1 PEM)."""
        return self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        ).decode()

    def check(self, request: Request) -> None:
        """Refuse with 401 who has no token that is known; paths of the App want its JSON web token."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if not token:
            raise ApiError(401, "Requires authentication")
        if scheme.lower() not in ("bearer", "token"):
            raise ApiError(401)
        if request.path == "/app" or request.path.startswith("/app/") or request.path.endswith("/installation"):
            self._check_app(token)
        elif token not in self.tokens:
            raise ApiError(401)

    def grant(self, request: Request) -> Grant:
        """Return what the token of a request may do."""
        return self.grants.get(request.headers.get("authorization", "").partition(" ")[2], Grant())

    def new_installation_token(self, request: Request) -> Response:
        """Answer with a token of an installation, good for an hour; 422 for permissions that the App has not."""
        wanted = json.loads(request.body or b"{}")
        permissions = wanted.get("permissions")
        for name, level in (permissions or {}).items():
            has = "write" if self.app_permissions is None else self.app_permissions.get(name, "")
            if not has or (level == "write" and has != "write"):
                raise ApiError(422, "The permissions requested are not granted to this installation.")
        repositories = wanted.get("repositories")
        grant = Grant(
            frozenset(name.lower() for name in repositories) if repositories else None,
            permissions if permissions is not None else self.app_permissions,
            app=True,
        )
        self.given.append(grant)
        token = f"ghs_{secrets.token_hex(18)}"
        self.tokens.add(token)
        self.grants[token] = grant
        until = datetime.now(UTC) + timedelta(seconds=self.token_seconds)
        return answer(
            {
                "token": token,
                "expires_at": until.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "permissions": permissions
                or {"contents": "read", "pull_requests": "read", "repository_hooks": "write"},
                "repository_selection": "selected" if repositories else "all",
            },
            201,
        )

    def _check_app(self, token: str) -> None:
        parts = token.split(".")
        if len(parts) != 3:
            raise ApiError(401, "A JSON web token could not be decoded")
        try:
            self._key.public_key().verify(
                _decoded(parts[2]), f"{parts[0]}.{parts[1]}".encode(), padding.PKCS1v15(), hashes.SHA256()
            )
            claims: dict[str, Any] = json.loads(_decoded(parts[1]))
        except (InvalidSignature, ValueError, binascii.Error) as error:
            raise ApiError(401, "A JSON web token could not be decoded") from error
        now = time.time()
        if str(claims.get("iss")) != self.app_id:
            raise ApiError(401, "'Issuer' claim ('iss') must be the App's ID")
        if claims.get("exp", 0) <= now:
            raise ApiError(401, "'Expiration time' claim ('exp') must be a numeric value representing the future time")
        if claims["exp"] > now + MAX_JWT_SECONDS + 1:
            raise ApiError(401, "'Expiration time' claim ('exp') is too far in the future")


class SecondaryLimitError(Exception):
    """Too much within a minute or an hour."""


class SecondaryLimits:
    """Points a minute, content a minute and an hour; of all owners together, which is the strictest reading.

    https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits
    """

    def __init__(self) -> None:
        self.points = 900
        self.content_a_minute = 80
        self.content_an_hour = 500
        self.clock: Callable[[], float] = time.monotonic
        self.retry_after = 60
        self._points: deque[tuple[float, int]] = deque()
        self._content: deque[float] = deque()

    def spend(self, request: Request) -> None:
        """Count a request. Raises SecondaryLimitError when a limit is used up."""
        now = self.clock()
        while self._points and now - self._points[0][0] >= 60:
            self._points.popleft()
        while self._content and now - self._content[0] >= 3600:
            self._content.popleft()
        self._points.append((now, 1 if request.method in ("GET", "HEAD", "OPTIONS") else 5))
        content = request.method in ("POST", "PATCH") and _CONTENT.search(request.path) is not None
        if (
            sum(points for _, points in self._points) > self.points
            or (content and len(self._content) >= self.content_an_hour)
            or (content and sum(now - when < 60 for when in self._content) >= self.content_a_minute)
        ):
            raise SecondaryLimitError
        if content:
            self._content.append(now)


class RateLimit:
    """The primary limit: so many requests until the reset."""

    def __init__(self) -> None:
        self.limit = 5000
        self.remaining = 5000
        self.reset = int(time.time()) + 3600

    def spend(self) -> None:
        """Count one request; 403 when none is left."""
        if time.time() >= self.reset:
            self.remaining, self.reset = self.limit, int(time.time()) + 3600
        if self.remaining <= 0:
            raise ApiError(403, "API rate limit exceeded for user ID 1.")
        self.remaining -= 1

    def give_back(self) -> None:
        """Take a request back: an authorized one that is answered 304 does not count."""
        self.remaining += 1

    def headers(self) -> dict[str, str]:
        """The headers that every answer carries."""
        return {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(self.remaining),
            "x-ratelimit-used": str(self.limit - self.remaining),
            "x-ratelimit-reset": str(self.reset),
            "x-ratelimit-resource": "core",
        }


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
