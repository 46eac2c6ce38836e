"""GitHub's commit statuses: https://docs.github.com/en/rest/commits/statuses."""

from __future__ import annotations

from collections.abc import Mapping

from functions.adapters.github.answers import Question
from functions.adapters.github.forge import Forge
from functions.adapters.github.pace import Pace
from functions.adapters.github.transport import GitHubTransport
from functions.common.lenient import text_at
from functions.common.ports import Deadline, GitHubIdentity
from functions.common.values import Json
from functions.status.values import Said, Standing, State, Statuses, Target, can_wait

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


class GitHubStatuses(Statuses):
    """Shared by all threads. A commit and context take 1,000 statuses, each of which follows the last."""

    def __init__(self, transport: GitHubTransport, identity: GitHubIdentity, pace: Pace) -> None:
        self._forge = Forge(transport, identity, _NEEDED, pace)
        self._pace = pace

    def standing(self, target: Target, deadline: Deadline) -> Standing | None:
        """Return the newest status of the context: GitHub lists them newest first."""
        path = f"/repos/{target.repository}/commits/{target.sha}/statuses"
        entry = self._forge.first(target, deadline, path, _READ, field="context")
        if entry is None:
            return None
        shown = tuple(text_at(entry, name) for name in ("state", "description", "target_url"))
        return Standing(shown=shown, ended=shown[0] != "pending", link=shown[2])

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
        body: dict[str, Json] = {
            "state": _STATES[said.state],
            "context": target.context,
            "description": said.description,
        }
        if said.link:
            body["target_url"] = said.link
        self._forge.send(target, deadline, f"/repos/{target.repository}/statuses/{target.sha}", _WRITE, body)
        return True
