"""Bitbucket's build statuses, of the Cloud and of Data Center, behind the same port.

https://developer.atlassian.com/cloud/bitbucket/rest/api-group-commit-statuses/
https://developer.atlassian.com/server/bitbucket/how-tos/updating-build-status-for-commits
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from http import HTTPStatus

from functions.adapters.github.answers import Question, unexpected
from functions.adapters.github.forge import Forge
from functions.adapters.github.transport import GitHubTransport
from functions.common.lenient import text_at
from functions.common.ports import Deadline, GitHubIdentity
from functions.common.values import Json
from functions.status.values import Said, Standing, State, Statuses, Target

REST = "/rest/api/"
"""What the base of Data Center's API has in its path."""
MAX_KEY = 40
"""Characters of a status's key."""
_KEY = re.compile(rf"[A-Za-z0-9._-]{{1,{MAX_KEY}}}")

_PERMISSION = "the scope repository:write (Data Center: to read the repository)"
_READ = Question("the status of the commit", _PERMISSION, "Bitbucket")
_WRITE = Question("a status of the commit", _PERMISSION, "Bitbucket")
_NOT_FOUND = frozenset({HTTPStatus.NOT_FOUND})
_STATES: Mapping[State, str] = {
    State.QUEUED: "INPROGRESS",
    State.PENDING: "INPROGRESS",
    State.NEEDS_APPROVAL: "INPROGRESS",
    State.SUCCESS: "SUCCESSFUL",
    State.FAILURE: "FAILED",
    State.TIMED_OUT: "FAILED",
    State.CANCELLED: "STOPPED",
    State.ERROR: "FAILED",
}


class BitbucketStatuses(Statuses):
    """Shared by all threads. A status stands under a key, and another under the same key takes its place."""

    _states = _STATES

    def __init__(self, transport: GitHubTransport, identity: GitHubIdentity) -> None:
        self._forge = Forge(transport, identity)

    def standing(self, target: Target, deadline: Deadline) -> Standing | None:
        """Return the status under the context's key."""

        def ask(token: str) -> Standing | None:
            path = self._build(target, _key(target))
            answer = self._forge.transport.get(path, _READ, token=token, deadline=deadline, also=_NOT_FOUND)
            if answer.status == HTTPStatus.NOT_FOUND:
                return None
            entry = answer.json()
            if not isinstance(entry, dict):
                raise unexpected(_READ)
            link = "" if text_at(entry, "url") == self._page(target) else text_at(entry, "url")
            shown = (text_at(entry, "state"), text_at(entry, "description"), link)
            return Standing(shown=shown, ended=shown[0] != "INPROGRESS", link=link)

        return self._forge.ask(target, deadline, ask)

    def shown(self, said: Said) -> tuple[str, ...]:
        """Return state, description and link."""
        return self._states[said.state], said.description, said.link

    def tell(self, target: Target, said: Said, standing: Standing | None, deadline: Deadline) -> bool:  # noqa: ARG002 -- as the port has it
        """Post a status, which must have a link: without one of ours, to the commit itself."""
        body: dict[str, Json] = {
            "key": _key(target),
            "name": target.context,
            "state": self._states[said.state],
            "description": said.description,
            "url": said.link or self._page(target),
        }
        self._forge.send(target, deadline, self._builds(target), _WRITE, body)
        return True

    def _builds(self, target: Target) -> str:
        return f"/repositories/{target.repository}/commit/{target.sha}/statuses/build"

    def _build(self, target: Target, key: str) -> str:
        return f"{self._builds(target)}/{key}"

    def _page(self, target: Target) -> str:
        return f"https://bitbucket.org/{target.repository}/commits/{target.sha}"


class DataCenterStatuses(BitbucketStatuses):
    """The same of a server of one's own, whose API is at `https://HOST/rest/api/latest`."""

    _states: Mapping[State, str] = {**_STATES, State.CANCELLED: "CANCELLED"}

    def __init__(self, transport: GitHubTransport, identity: GitHubIdentity, api_url: str) -> None:
        super().__init__(transport, identity)
        self._home = api_url.partition(REST)[0]

    def _commit(self, target: Target) -> str:
        project, _, slug = target.repository.partition("/")
        return f"/projects/{project}/repos/{slug}/commits/{target.sha}"

    def _builds(self, target: Target) -> str:
        return f"{self._commit(target)}/builds"

    def _build(self, target: Target, key: str) -> str:
        return f"{self._builds(target)}?key={key}"

    def _page(self, target: Target) -> str:
        return f"{self._home}{self._commit(target)}"


def _key(target: Target) -> str:
    """Return the context where it can be a part of a path and a key, else a hash of it."""
    if _KEY.fullmatch(target.context) and target.context.strip("."):
        return target.context
    return hashlib.sha256(target.context.encode("utf-8", "surrogatepass")).hexdigest()[:MAX_KEY]
