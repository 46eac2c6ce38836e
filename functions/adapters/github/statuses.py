"""GitHub's commit statuses: https://docs.github.com/en/rest/commits/statuses."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TypeVar

from functions.adapters.github.answers import Question
from functions.adapters.github.pace import Pace
from functions.adapters.github.transport import GitHubTransport
from functions.common.errors import TokenRefusedError
from functions.common.ports import Deadline, GitHubIdentity
from functions.common.values import Json
from functions.status.values import Said, Standing, State, Statuses, Target, can_wait

T = TypeVar("T")

_PERMISSION = "Commit statuses: read and write, for this repository (classic: repo:status)"
_READ = Question("the statuses of the commit", _PERMISSION)
_WRITE = Question("a status of the commit", _PERMISSION)
_NEEDED = {"statuses": "write"}
_STATES: Mapping[State, str] = {
    State.QUEUED: "pending",
    State.PENDING: "pending",
    State.NEEDS_APPROVAL: "pending",
    State.SUCCESS: "success",
    State.FAILURE: "failure",
    State.TIMED_OUT: "failure",
    State.CANCELLED: "error",
    State.ERROR: "error",
}


def with_identity(
    identity: GitHubIdentity,
    target: Target,
    permissions: Mapping[str, str],
    deadline: Deadline,
    ask: Callable[[str], T],
) -> T:
    """Return what `ask` returns for a token of the target's repository, and once more for a renewed one after a 401."""
    token = identity.token(target.repository, target.installation, permissions, deadline=deadline)
    try:
        return ask(token)
    except TokenRefusedError:
        renewed = identity.token(target.repository, target.installation, permissions, deadline=deadline, renew=True)
        if renewed == token:
            raise
        return ask(renewed)


class GitHubStatuses(Statuses):
    """Shared by all threads. A commit and context take 1,000 statuses, each of which follows the last."""

    def __init__(self, transport: GitHubTransport, identity: GitHubIdentity, pace: Pace) -> None:
        self._transport = transport
        self._identity = identity
        self._pace = pace

    def standing(self, target: Target, deadline: Deadline) -> Standing | None:
        """Return the newest status of the context: GitHub lists them newest first."""

        def ask(token: str) -> Standing | None:
            path = f"/repos/{target.repository}/commits/{target.sha}/statuses"
            for page in self._transport.pages(path, _READ, token=token, deadline=deadline):
                for entry in page:
                    if isinstance(entry, dict) and entry.get("context") == target.context:
                        shown = tuple(text(entry, name) for name in ("state", "description", "target_url"))
                        return Standing(shown=shown, ended=shown[0] != "pending", link=shown[2])
            return None

        with self._pace.asking(target.repository):
            return with_identity(self._identity, target, _NEEDED, deadline, ask)

    def scarce(self, target: Target) -> bool:
        """Say whether only a reserve of the owner's calls is left."""
        return self._pace.scarce(target.repository)

    def shown(self, said: Said) -> tuple[str, ...]:
        """Return state, description and link."""
        return _STATES[said.state], said.description, said.link

    def tell(self, target: Target, said: Said, standing: Standing | None, deadline: Deadline) -> bool:
        """Post a status. Raises LastingError for a commit that the repository has not (422)."""
        if can_wait(said, standing) and self._pace.near(target.repository):
            return False
        body = {"state": _STATES[said.state], "context": target.context, "description": said.description}
        if said.link:
            body["target_url"] = said.link
        path = f"/repos/{target.repository}/statuses/{target.sha}"

        def ask(token: str) -> None:
            self._transport.post(path, _WRITE, token=token, deadline=deadline, body=json.dumps(body).encode())

        with self._pace.asking(target.repository, writes=True):
            with_identity(self._identity, target, _NEEDED, deadline, ask)
        return True


def text(entry: Mapping[str, Json], name: str) -> str:
    """Return a text of an answer, empty when it has none."""
    value = entry.get(name)
    return value if isinstance(value, str) else ""
