"""GitHub's check runs, which an App alone may write: https://docs.github.com/en/rest/checks/runs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from functions.adapters.github.answers import Question, unexpected
from functions.adapters.github.forge import Forge
from functions.adapters.github.pace import Pace
from functions.adapters.github.transport import PER_PAGE, GitHubTransport
from functions.common.lenient import at, text_at
from functions.common.numbers import whole
from functions.common.ports import Deadline, GitHubIdentity
from functions.common.values import Json
from functions.status.values import CANCEL, Said, Standing, State, Statuses, Target, Task, can_wait

_PERMISSION = "the App's permission Checks: read and write, for this repository"
_READ = Question("the check runs of the commit", _PERMISSION)
_WRITE = Question("a check run of the commit", _PERMISSION)
_NEEDED = {"checks": "write"}
_CONCLUSIONS: Mapping[State, str] = {
    State.NEEDS_APPROVAL: "action_required",
    State.SUCCESS: "success",
    State.FAILURE: "failure",
    State.TIMED_OUT: "timed_out",
    State.CANCELLED: "cancelled",
    State.ERROR: "failure",
}
_GOING_ON = {State.QUEUED: "queued", State.PENDING: "in_progress"}
_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#+!|~&@-])")


class GitHubChecks(Statuses):
    """Shared by all threads. A check run that is completed stays so: what comes after it is another one."""

    def __init__(self, transport: GitHubTransport, identity: GitHubIdentity, pace: Pace, *, app_id: str) -> None:
        self._forge = Forge(transport, identity, _NEEDED, pace)
        self._pace = pace
        self._app_id = app_id

    def standing(self, target: Target, deadline: Deadline) -> Standing | None:
        """Return the newest check run of the App's under the context."""

        def ask(token: str) -> Standing | None:
            mine = f"&app_id={self._app_id}" if self._app_id.isdecimal() else ""
            path = (
                f"/repos/{target.repository}/commits/{target.sha}/check-runs"
                f"?check_name={quote(target.context, safe='')}&filter=latest{mine}&per_page={PER_PAGE}"
            )
            answer = self._forge.transport.get(path, _READ, token=token, deadline=deadline).json()
            listed = at(answer, "check_runs")
            if not isinstance(listed, list):
                raise unexpected(_READ)
            found = [entry for entry in listed if isinstance(entry, dict) and entry.get("name") == target.context]
            return _standing(max(found, key=lambda entry: whole(entry.get("id")) or 0)) if found else None

        return self._forge.ask(target, deadline, ask)

    def scarce(self, target: Target) -> bool:
        """Say whether only a reserve of the owner's calls is left."""
        return self._pace.scarce(target.repository)

    def shown(self, said: Said) -> tuple[str, ...]:
        """Return status or conclusion, title and run: without a link of ours GitHub puts in one of the App."""
        return _CONCLUSIONS.get(said.state) or _GOING_ON[said.state], said.description, said.run

    def tell(self, target: Target, said: Said, standing: Standing | None, deadline: Deadline) -> bool:
        """Make a check run, or change the one that stands, if it is not completed or is about the same run."""
        if can_wait(said, standing) and self._pace.near(target.repository):
            return False
        conclusion = _CONCLUSIONS.get(said.state)
        body: dict[str, Json] = {
            "name": target.context,
            "external_id": said.run,
            "output": {"title": said.description, "summary": _summary(said)},
            "status": "completed" if conclusion else _GOING_ON[said.state],
            "actions": [CANCEL] if said.state is State.PENDING and said.run else [],
        }
        if conclusion:
            body["conclusion"] = conclusion
        if said.link:
            body["details_url"] = said.link
        method, path = "POST", f"/repos/{target.repository}/check-runs"
        if standing and (not standing.closed or (said.state.ended and said.run and said.run == standing.run)):
            method, path = "PATCH", f"{path}/{standing.number:d}"
        else:
            body["head_sha"] = target.sha
        self._forge.send(target, deadline, path, _WRITE, body, method=method)
        return True


def _standing(entry: Mapping[str, Json]) -> Standing:
    closed = entry.get("status") == "completed"
    state = text_at(entry, "conclusion" if closed else "status")
    title = text_at(entry, "output", "title")
    link, run = text_at(entry, "details_url"), text_at(entry, "external_id")
    return Standing(
        shown=(state, title, run),
        ended=closed and state != _CONCLUSIONS[State.NEEDS_APPROVAL],
        link=link,
        number=whole(entry.get("id")) or 0,
        run=run,
        closed=closed,
    )


def _summary(said: Said) -> str:
    """Return Markdown: the words, and a table of the tasks."""
    return "\n".join([_plain(said.description), *_table(said.tasks)])


def _table(tasks: Sequence[Task]) -> list[str]:
    if not tasks:
        return []
    rows = [f"| {_plain(task.name)} | {_plain(task.state)} | {_plain(task.duration)} |" for task in tasks]
    return ["", "| Task | State | Duration |", "|---|---|---|", *rows]


def _plain(words: str) -> str:
    return _MARKUP.sub(r"\\\1", words)
