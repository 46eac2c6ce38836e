"""GitLab's commit statuses, behind the same port: https://docs.gitlab.com/api/commits/#commit-status."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from functions.adapters.github.answers import Question
from functions.adapters.github.forge import Forge
from functions.adapters.github.transport import GitHubTransport
from functions.common.lenient import text_at
from functions.common.ports import Deadline, GitHubIdentity
from functions.common.values import Json
from functions.status.values import Said, Standing, State, Statuses, Target

_PERMISSION = "the scope api, of a Developer of the project"
_READ = Question("the statuses of the commit", _PERMISSION, "GitLab")
_WRITE = Question("a status of the commit", _PERMISSION, "GitLab")
_STATES: Mapping[State, str] = {
    State.QUEUED: "pending",
    State.PENDING: "running",
    State.NEEDS_APPROVAL: "pending",
    State.SUCCESS: "success",
    State.FAILURE: "failed",
    State.TIMED_OUT: "failed",
    State.CANCELLED: "canceled",
    State.ERROR: "failed",
}


class GitLabStatuses(Statuses):
    """Shared by all threads."""

    def __init__(self, transport: GitHubTransport, identity: GitHubIdentity) -> None:
        self._forge = Forge(transport, identity)

    def standing(self, target: Target, deadline: Deadline) -> Standing | None:
        """Return the latest status under the name."""
        path = f"{_project(target)}/repository/commits/{target.sha}/statuses?name={quote(target.context, safe='')}"
        entry = self._forge.first(target, deadline, path, _READ, field="name")
        if entry is None:
            return None
        shown = tuple(text_at(entry, name) for name in ("status", "description", "target_url"))
        return Standing(shown=shown, ended=shown[0] not in ("pending", "running"), link=shown[2])

    def shown(self, said: Said) -> tuple[str, ...]:
        """Return state, description and link."""
        return _STATES[said.state], said.description, said.link

    def tell(self, target: Target, said: Said, standing: Standing | None, deadline: Deadline) -> bool:  # noqa: ARG002 -- as the port has it
        """Post a status."""
        body: dict[str, Json] = {"state": _STATES[said.state], "name": target.context, "description": said.description}
        if said.link:
            body["target_url"] = said.link
        self._forge.send(target, deadline, f"{_project(target)}/statuses/{target.sha}", _WRITE, body)
        return True


def _project(target: Target) -> str:
    return f"/projects/{quote(target.repository, safe='')}"
