"""The github interceptor's addChangedFiles: the files that a push or pull request changes, as extensions."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import chain

from msgspec import Struct

from functions.common.errors import ExhaustedError, LastingError, PassingError, TokenRefusedError
from functions.common.lenient import at
from functions.common.ports import ChangedFile
from functions.common.values import SecretRef
from functions.interceptors.base import Call, explained
from functions.interceptors.changed_files import asked_for, extensions, is_nothing
from functions.interceptors.github.body import Fields, number_in, repository_in
from functions.interceptors.github.tokens import Own, with_token
from functions.interceptors.params import Params

MAX_COMMITS = 2048
"""Commits that a push lists: https://docs.github.com/en/webhooks/webhook-events-and-payloads#push"""
MAX_FILES = 3000
"""Files that the API lists of a pull request."""

_COMMIT = re.compile(r"[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64}")
_BRANCH = "refs/heads/"
_ONWARDS = frozenset({"ahead", "identical"})
_PERMISSIONS = {"contents": "read", "pull_requests": "read"}


class GitHubFiles(Struct, frozen=True):
    """Compiled from `addChangedFiles`, when enabled."""

    token: SecretRef | None
    own: bool = False
    """As in `Owners`."""

    def extensions(self, event: str, body: Fields, call: Call) -> Fields:
        """Return the extensions for a push or pull_request, nothing for other events.

        Raises LastingError when the body is none of GitHub's, and what the API raises.
        """
        if event == "push":
            repository = repository_in(body)  # Tekton asks for it here too
            names = _pushed(body)
            if _says_all(body):
                return extensions(names, truncated=False)
            with explained("error getting changed files"):
                found = self._compared(repository, body, call)
            return extensions(names, _names(found or ()), truncated=found is None)
        if event == "pull_request":
            return self._of_pull_request(body, call)
        return {}

    def _of_pull_request(self, body: Fields, call: Call) -> Fields:
        number = number_in(body, "pull_request body missing 'number' field")
        repository = repository_in(body)

        def ask(token: str) -> list[ChangedFile]:
            return list(
                call.services.github.pull_request_files(repository, number, token=token, deadline=call.deadline)
            )

        with explained("error getting changed files"):
            files = with_token(call, self.token, ask, Own(repository, _PERMISSIONS) if self.own else None)
        count = at(body, "pull_request", "changed_files")
        truncated = len(files) < count if isinstance(count, int) else len(files) >= MAX_FILES
        return extensions([file.name for file in files], _names(files), truncated=truncated)

    def _compared(self, repository: str, body: Fields, call: Call) -> list[ChangedFile] | None:
        """Return the files between what was there before and what is there now; None when they are not all known.

        A comparison has the files of one side since the two parted, so of a push that takes commits back the other
        side's are asked for, too. What GitHub cannot answer now fails nothing: the list is truncated then, and a
        filter that reads it lets the push through.
        """
        base, head = _ends(body)
        own = Own(repository, _PERMISSIONS) if self.own and call.services.identity else None
        if (self.token is None and own is None) or not base or not head:
            return None

        def ask(token: str) -> list[ChangedFile] | None:
            found: list[ChangedFile] = []
            for one, other in ((base, head), (head, base)):
                compared = call.services.github.compared(repository, one, other, token=token, deadline=call.deadline)
                if compared is None or not compared.whole:
                    return None
                found += compared.files
                if compared.status in _ONWARDS or _is_new(body):
                    break
            return found

        def answered(token: str) -> list[ChangedFile] | None:
            try:
                return ask(token)
            except (TokenRefusedError, ExhaustedError):
                raise
            except (PassingError, LastingError):
                return None

        return with_token(call, self.token, answered, own)


def _pushed(body: Fields) -> list[str]:
    # as Tekton's parseBodyForChangedFiles: commit by commit, duplicates and all
    names: list[str] = []
    commits = body.get("commits")
    for commit in commits if isinstance(commits, list) else ():
        for change in ("added", "modified", "removed"):
            files = at(commit, change)
            if not isinstance(files, list):
                raise LastingError(f"error parsing body: payload body missing 'commits.*.{change}' field")
            names += [name for name in files if isinstance(name, str)]
    return names


def _says_all(body: Fields) -> bool:
    """Say whether the commits of a push are all that it changes: of what is deleted, nothing is."""
    if body.get("deleted") is True or is_nothing(body.get("after")):
        return True
    commits = body.get("commits")
    return isinstance(commits, list) and 0 < len(commits) < MAX_COMMITS and body.get("forced") is not True


def _is_new(body: Fields) -> bool:
    return body.get("created") is True or is_nothing(body.get("before"))


def _ends(body: Fields) -> tuple[str, str]:
    """Return what to compare, empty where it is not known: a new branch with the default one, but no new tag."""
    after, before, ref = body.get("after"), body.get("before"), body.get("ref")
    if _is_new(body):
        default = at(body, "repository", "default_branch")
        known = isinstance(ref, str) and ref.startswith(_BRANCH) and isinstance(default, str) and ".." not in default
        before = default if known and ref != f"{_BRANCH}{default}" else ""
    elif not _is_commit(before):
        before = ""
    return (before if isinstance(before, str) else "", after if isinstance(after, str) and _is_commit(after) else "")


def _is_commit(value: object) -> bool:
    return isinstance(value, str) and _COMMIT.fullmatch(value) is not None


def _names(files: Iterable[ChangedFile]) -> Iterable[str]:
    """Return the names of files, before and after."""
    return filter(None, chain.from_iterable((file.name, file.previous) for file in files))


def read_changed_files(params: Params, namespace: str, *, own: bool) -> GitHubFiles | None:
    """Compile the param `addChangedFiles`; None when it is missing or not enabled. `own` as in `GitHubFiles`."""
    section = asked_for(params)
    return GitHubFiles(section.secret_ref("personalAccessToken", namespace), own) if section else None
