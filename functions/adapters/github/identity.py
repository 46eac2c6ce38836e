"""Who we are at GitHub for one repository: the configured token, or tokens of the App that reach no further."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

from functions.adapters.github.answers import Question
from functions.adapters.github.app import App, Fetch, is_sendable
from functions.common.errors import LastingError
from functions.common.lenient import text_at
from functions.common.ports import Deadline
from functions.common.values import Json

BEFORE_END_SECONDS = 300.0
"""How long before its end a token is used no more: GitHub gives it for an hour."""
_UNKNOWN_SECONDS = 60.0
"""How long one is used whose end is not said."""
_KEPT = 1_000


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
        if not is_sendable(token):
            raise LastingError(f"{self._resource} holds no token: it must be printable ASCII without spaces")
        return token


class AppIdentity:
    """Tokens of the App's installations, each for one repository and the permissions asked for. Shared by all threads.

    Two that want the same token at a time get one: the second waits for the first.
    """

    def __init__(self, app: App) -> None:
        self._app = app
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
        what = "a token of the App's installation"
        with deadline.holding(given.lock, f"get {what}", f"{what} could not be had in time"):
            if renew or self._app.now() >= given.until:
                given.token, given.until = self._made(repository, installation, permissions, deadline, renew=renew)
            return given.token

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
        web_token = self._app.web_token(deadline, renew=renew)
        if installation:
            try:
                return self._asked(repository, installation, permissions, web_token, deadline)
            except LastingError:  # the App may have been installed anew since
                pass
        number = self._app.installation(f"repos/{quote(repository)}", web_token=web_token, deadline=deadline)
        return self._asked(repository, number, permissions, web_token, deadline)

    def _asked(
        self, repository: str, installation: int, permissions: Mapping[str, str], web_token: str, deadline: Deadline
    ) -> tuple[str, float]:
        named = ", ".join(f"{name}: {level}" for name, level in permissions.items())
        question = Question("a token of the App's installation", f"the App's permissions {named}")
        wanted: dict[str, Json] = {"repositories": [repository.rpartition("/")[2]], "permissions": dict(permissions)}
        token, answer = self._app.access(installation, wanted, question, web_token=web_token, deadline=deadline)
        ends = _end(answer)
        return token, ends - BEFORE_END_SECONDS if ends else self._app.now() + _UNKNOWN_SECONDS


class _Given:
    """One token, and until when it is used."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.token = ""
        self.until = 0.0


def _end(answer: Json) -> float:
    try:
        return datetime.fromisoformat(text_at(answer, "expires_at")).timestamp()
    except ValueError:
        return 0.0
