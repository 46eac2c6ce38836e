"""Who we are at GitHub for one repository: the configured token, or tokens of the App that reach no further."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime
from urllib.parse import quote

from functions.adapters.github.answers import Question, unexpected
from functions.adapters.github.app import Fetch, private_key, signed_web_token
from functions.adapters.github.transport import GitHubTransport
from functions.common.errors import LastingError, PassingError
from functions.common.numbers import whole
from functions.common.ports import Deadline
from functions.common.values import Json

BEFORE_END_SECONDS = 300.0
"""How long before its end a token is used no more: GitHub gives it for an hour."""
_UNKNOWN_SECONDS = 60.0
"""How long one is used whose end is not said."""
_KEPT = 1_000
_SENDABLE = re.compile(r"[!-~]+")
_INSTALLATION = Question("the App's installation", "to be that of an App that is installed there")


class TokenIdentity:
    """The one token of GITHUB_TOKEN_SECRET, whatever it is for."""

    def __init__(self, fetch: Fetch, resource: str) -> None:
        self._fetch = fetch
        self._resource = resource

    def token(
        self,
        repository: str,  # noqa: ARG002 -- the port's signature
        installation: int,  # noqa: ARG002 -- likewise
        permissions: Mapping[str, str],  # noqa: ARG002 -- likewise
        *,
        deadline: Deadline,
        renew: bool = False,
    ) -> str:
        """Return the newest version of the secret. Raises what reading it raises, LastingError when it is no token."""
        token = self._fetch(self._resource, deadline, renew).strip().decode("ascii", "replace")
        if not _SENDABLE.fullmatch(token):
            raise LastingError(f"{self._resource} holds no token: it must be printable ASCII without spaces")
        return token


class AppIdentity:
    """Tokens of the App's installations, each for one repository and the permissions asked for. Shared by all threads.

    Two that want the same token at a time get one: the second waits for the first.
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
        self._given: OrderedDict[tuple[str, str], _Given] = OrderedDict()

    def token(
        self,
        repository: str,
        installation: int,
        permissions: Mapping[str, str],
        *,
        deadline: Deadline,
        renew: bool = False,
    ) -> str:
        """Return a token for `owner/name`; `installation` 0 is looked up. Raises PassingError and LastingError."""
        wanted = json.dumps(dict(sorted(permissions.items())))
        given = self._entry((repository.lower(), wanted))
        if not given.lock.acquire(timeout=deadline.require("get a token of the App's installation")):
            raise PassingError("a token of the App's installation could not be had in time")
        try:
            if renew or self._now() >= given.until:
                given.token, given.until = self._made(repository, installation, permissions, deadline, renew=renew)
            return given.token
        finally:
            given.lock.release()

    def _entry(self, key: tuple[str, str]) -> _Given:
        with self._lock:
            given = self._given.setdefault(key, _Given())
            self._given.move_to_end(key)
            if len(self._given) > _KEPT:
                self._given.popitem(last=False)
            return given

    def _made(
        self, repository: str, installation: int, permissions: Mapping[str, str], deadline: Deadline, *, renew: bool
    ) -> tuple[str, float]:
        key = private_key(self._fetch(self._key_resource, deadline, renew), self._key_resource)
        web_token = signed_web_token(key, app_id=self._app_id, now=self._now())
        if installation:
            try:
                return self._asked(repository, installation, permissions, web_token, deadline)
            except LastingError:  # the App may have been installed anew since
                pass
        answer = self._transport.get(
            f"/repos/{quote(repository)}/installation", _INSTALLATION, token=web_token, deadline=deadline
        )
        number = whole(_field(answer.json(), "id"))
        if not number:
            raise unexpected(_INSTALLATION)
        return self._asked(repository, number, permissions, web_token, deadline)

    def _asked(
        self, repository: str, installation: int, permissions: Mapping[str, str], web_token: str, deadline: Deadline
    ) -> tuple[str, float]:
        named = ", ".join(f"{name}: {level}" for name, level in permissions.items())
        question = Question("a token of the App's installation", f"the App's permissions {named}")
        wanted = {"repositories": [repository.rpartition("/")[2]], "permissions": dict(permissions)}
        path = f"/app/installations/{installation:d}/access_tokens"
        body = json.dumps(wanted).encode()
        answer = self._transport.post(path, question, token=web_token, deadline=deadline, body=body).json()
        token = _field(answer, "token")
        if not isinstance(token, str) or not _SENDABLE.fullmatch(token):
            raise unexpected(question)
        ends = _end(answer)
        return token, ends - BEFORE_END_SECONDS if ends else self._now() + _UNKNOWN_SECONDS


class _Given:
    """One token, and until when it is used."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.token = ""
        self.until = 0.0


def _end(answer: Json) -> float:
    text = _field(answer, "expires_at")
    try:
        return datetime.fromisoformat(text).timestamp() if isinstance(text, str) else 0.0
    except ValueError:
        return 0.0


def _field(document: Json, name: str) -> Json:
    return document.get(name) if isinstance(document, dict) else None
