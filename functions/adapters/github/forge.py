"""What statuses ask of a forge, GitHub, GitLab or Bitbucket: each question as an identity of its own repository."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import TypeVar

from functions.adapters.github.answers import Question
from functions.adapters.github.pace import Pace
from functions.adapters.github.transport import GitHubTransport
from functions.common.errors import TokenRefusedError
from functions.common.ports import Deadline, GitHubIdentity
from functions.common.values import Json
from functions.status.values import Target

NOTHING: Mapping[str, str] = {}

T = TypeVar("T")


class Forge:
    """One forge, asked with the permissions that its statuses need. Shared by all threads."""

    def __init__(
        self,
        transport: GitHubTransport,
        identity: GitHubIdentity,
        permissions: Mapping[str, str] = NOTHING,
        pace: Pace | None = None,
    ) -> None:
        """`pace` knows the limits of who is asked, where there are any."""
        self.transport = transport
        self._identity = identity
        self._permissions = permissions
        self._pace = pace

    def ask(self, target: Target, deadline: Deadline, ask: Callable[[str], T], *, writes: bool = False) -> T:
        """Return what `ask` returns for a token of the target's repository, and for a renewed one after a 401."""
        where = target.repository, target.installation, self._permissions
        with self._pace.asking(target.repository, writes=writes) if self._pace else nullcontext():
            token = self._identity.token(*where, deadline=deadline)
            try:
                return ask(token)
            except TokenRefusedError:
                renewed = self._identity.token(*where, deadline=deadline, renew=True)
                if renewed == token:
                    raise
                return ask(renewed)

    def first(
        self, target: Target, deadline: Deadline, path: str, question: Question, *, field: str
    ) -> Mapping[str, Json] | None:
        """Return the first entry of a list whose `field` is the target's context, None when there is none."""

        def ask(token: str) -> Mapping[str, Json] | None:
            for page in self.transport.pages(path, question, token=token, deadline=deadline):
                for entry in page:
                    if isinstance(entry, dict) and entry.get(field) == target.context:
                        return entry
            return None

        return self.ask(target, deadline, ask)

    def send(
        self,
        target: Target,
        deadline: Deadline,
        path: str,
        question: Question,
        body: Mapping[str, Json],
        *,
        method: str = "POST",
    ) -> None:
        """Write something, once."""
        sent = json.dumps(body).encode()

        def ask(token: str) -> None:
            self.transport.send(method, path, question, token=token, deadline=deadline, body=sent)

        self.ask(target, deadline, ask, writes=True)
