"""Whether GitHub itself sent a delivery again: asked for REDELIVERY=rerun, where a token is configured."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from functions.adapters.github.hooks import APP
from functions.common.errors import PipehookError
from functions.common.ports import Deadline, Origin

SECONDS = 3.0
"""What asking may take of a delivery's time."""
MAX_HOOKS = 3

_REPOSITORY = re.compile(r"(?!\.\.?/)[\w.-]+/(?!\.\.?$)[\w.-]+", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,18}")


class Hooks(Protocol):
    """What GitHub records of its hooks."""

    def redelivered(self, hook: str, guid: str, *, deadline: Deadline) -> list[int]:
        """Return the redeliveries of a GUID, newest first."""

    def signature(self, hook: str, attempt: int, *, deadline: Deadline) -> str:
        """Return the X-Hub-Signature-256 that was sent with an attempt."""


class GitHubRedeliveries:
    """Fulfils `ports.Redeliveries`: asks the hook that sent a delivery, at most MAX_HOOKS of them, for SECONDS."""

    def __init__(self, hooks: Hooks, named: Sequence[str]) -> None:
        """`named` are the hooks of GITHUB_HOOKS."""
        self._hooks = hooks
        self._named = named

    def doubt(self, origin: Origin, *, runs: int, deadline: Deadline) -> str:
        """Return why a delivery may not run so many times more, empty when GitHub lists as many redeliveries of it."""
        until = Deadline(min(deadline.expires, deadline.clock() + SECONDS), deadline.clock)
        hooks = hooks_of(origin, self._named)
        doubts = [self._doubt(hook, origin, runs, until) for hook in hooks]
        return "" if "" in doubts else "; ".join(doubts) or "no hook is known to ask GitHub about: set GITHUB_HOOKS"

    def _doubt(self, hook: str, origin: Origin, runs: int, deadline: Deadline) -> str:
        try:
            attempts = self._hooks.redelivered(hook, origin.guid, deadline=deadline)
            if len(attempts) < runs:
                return (
                    f"GitHub lists {len(attempts)} redeliveries of it, each of which may start one run, and lists them "
                    "once they are answered: redeliver it again"
                )
            # the GUID is not signed: it might be that of another delivery, which was redelivered
            if self._hooks.signature(hook, attempts[0], deadline=deadline) != origin.signature:
                return "GitHub has sent another body, or another signature, under its GUID"
        except PipehookError as error:
            return f"GitHub does not say whether it was redelivered: {error.reason}"
        return ""


def hooks_of(origin: Origin, named: Sequence[str]) -> list[str]:
    """Return the hooks that may have sent a delivery: those named for its repository or owner, and its own.

    The header that names the hook is not signed, so it chooses among hooks of the repository that the body names.
    """
    if not _REPOSITORY.fullmatch(origin.repository):
        return []
    repository = f"repos/{origin.repository}".lower()
    scopes = {repository, f"orgs/{origin.repository.partition('/')[0]}".lower(), APP}
    own = f"{repository}/hooks/{origin.hook}"
    found = [hook for hook in named if hook.partition("/hooks/")[0].lower() in scopes and hook.lower() != own]
    found.sort(key=lambda hook: not hook.endswith(f"/hooks/{origin.hook}"))
    if _NUMBER.fullmatch(origin.hook) and not any(hook.endswith(f"/hooks/{origin.hook}") for hook in found):
        found.insert(0, f"repos/{origin.repository}/hooks/{origin.hook}")
    return found[:MAX_HOOKS]
