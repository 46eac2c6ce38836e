"""Google's tokens of the process's own identity for clusters that trust it: made here, kept, and renewed in time.

Imported when a kubeconfig asks for such a token.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any

from google.auth import default, transport
from google.auth.credentials import Credentials
from google.auth.exceptions import GoogleAuthError, TransportError
from google.auth.transport.requests import Request
from google.oauth2.id_token import fetch_id_token_credentials
from msgspec import Struct

from functions.adapters.jitter import pause
from functions.adapters.kubernetes.kubeconfig.access import EARLY_SECONDS
from functions.adapters.kubernetes.kubeconfig.plugins import Credential
from functions.common.errors import LastingError, PassingError, PipehookError
from functions.common.ports import Deadline

ATTEMPTS = 3
ATTEMPT_SECONDS = 2.0
"""What one question may take: the metadata server stands on the same machine."""
_SCOPES = ("https://www.googleapis.com/auth/cloud-platform", "https://www.googleapis.com/auth/userinfo.email")
"""What gke-gcloud-auth-plugin asks for: a cluster knows the account by its e-mail address."""
_TOKEN = re.compile(r"[\x21-\x7e]+")
_AWAY = (
    "Google's metadata server gives no token now; outside Google Cloud, log in: gcloud auth application-default login"
)
_NONE = (
    "there is no Google token for the cluster: give the function a service account (outside Google Cloud, log in; an "
    "identity token needs a service account, which may be impersonated)"
)


class Token(Struct, frozen=True):
    """A token and when it ends, in seconds since 1970."""

    text: str
    ends: float

    def __repr__(self) -> str:
        """Return nothing of the text."""
        return f"Token(ends={self.ends})"


class GoogleTokens:
    """The tokens of one process, shared by its clusters and threads; one that is made is waited for by all."""

    def __init__(self, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep
        self._lock = threading.Lock()
        self._kept: dict[Credential, _Kept] = {}

    def __call__(self, credential: Credential, deadline: Deadline, *, refresh: bool) -> Token:
        """Return a token that lasts; with `refresh`, another one than the cluster refused.

        Raises PassingError when none can be had now, LastingError when there is no identity to have one of.
        """
        with self._lock:
            kept = self._kept.setdefault(credential, _Kept(credential))
        return kept.token(deadline, self._sleep, refresh=refresh)


class _Kept:
    """One kind of token: Google's credentials that make it, and the last one made."""

    def __init__(self, credential: Credential) -> None:
        self._credential = credential
        self._lock = threading.Lock()
        self._credentials: Credentials | None = None
        self._token: Token | None = None

    def token(self, deadline: Deadline, sleep: Callable[[float], None], *, refresh: bool) -> Token:
        seen = self._token
        with deadline.holding(self._lock, "get a Google token", _AWAY):
            token = self._token
            renewed = token is not seen  # by somebody who was before us
            if token is None or time.time() > token.ends - EARLY_SECONDS or (refresh and not renewed):
                token = self._token = self._made(deadline, sleep)
            return token

    def _made(self, deadline: Deadline, sleep: Callable[[float], None]) -> Token:
        reason = _AWAY
        for attempt in range(ATTEMPTS):
            if attempt:
                sleep(min(deadline.remaining(), pause(attempt)))
            if deadline.remaining() <= 0:
                break
            try:
                return self._asked(deadline)
            except PassingError as error:
                reason = error.reason
        raise PassingError(reason)

    def _asked(self, deadline: Deadline) -> Token:
        request = _Bounded(deadline)
        try:
            if self._credentials is None:
                self._credentials = _credentials(self._credential, request)
            self._credentials.refresh(request)
        except (GoogleAuthError, ValueError) as error:  # ValueError: an identity token that is none
            self._credentials = None
            problem: PipehookError = LastingError(_NONE)
            if isinstance(error, ValueError) or error.retryable:
                problem = PassingError(_AWAY)
            raise problem from None  # the library's text quotes what the server said
        text, expiry = self._credentials.token, self._credentials.expiry
        if not isinstance(text, str) or not _TOKEN.fullmatch(text) or expiry is None:
            raise PassingError(_AWAY)
        return Token(text, expiry.replace(tzinfo=UTC).timestamp())


def _credentials(credential: Credential, request: Request) -> Credentials:
    if credential.kind == "identity":
        found: Credentials = fetch_id_token_credentials(  # type: ignore[no-untyped-call] # it has no types
            credential.audience, request=request
        )
        return found
    return default(scopes=_SCOPES, request=request)[0]


class _Bounded(Request):
    """What asks for the library: within the deadline, and without the library's own waits between attempts."""

    def __init__(self, deadline: Deadline) -> None:
        super().__init__()
        self._deadline = deadline

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **more: Any,
    ) -> transport.Response:
        seconds = min(timeout or ATTEMPT_SECONDS, ATTEMPT_SECONDS, self._deadline.require("get a Google token"))
        try:
            answer: transport.Response = super().__call__(  # type: ignore[no-untyped-call] # as above
                url, method, body, headers, seconds, **more
            )
        except TransportError:
            raise PassingError(_AWAY) from None
        if answer.status in transport.DEFAULT_RETRYABLE_STATUS_CODES:
            raise PassingError(_AWAY)
        return answer
