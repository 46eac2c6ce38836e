"""The github interceptor's addChangedFiles: the files that a push or pull request changes, as an extension."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from functions.common.errors import LastingError
from functions.common.values import Json, SecretRef
from functions.interceptors.base import Call, explained
from functions.interceptors.github_body import Fields, number_in, repository_in
from functions.interceptors.params import Params
from functions.interceptors.tokens import with_token

EXTENSION = "changed_files"
"""The names, joined by commas that are not escaped: as Tekton has it."""


@dataclass(frozen=True, slots=True)
class ChangedFiles:
    """Compiled from `addChangedFiles`, when enabled."""

    token: SecretRef | None

    def extensions(self, event: str, body: Fields, call: Call) -> Mapping[str, Json]:
        """Return the extension for a push or pull_request, nothing for other events.

        Raises LastingError when the body is none of GitHub's, and what the API raises.
        """
        if event == "push":
            repository_in(body)  # Tekton asks for it here too
            return {EXTENSION: ",".join(_pushed(body))}
        if event == "pull_request":
            return {EXTENSION: ",".join(self._of_pull_request(body, call))}
        return {}

    def _of_pull_request(self, body: Fields, call: Call) -> list[str]:
        number = number_in(body, "pull_request body missing 'number' field")
        repository = repository_in(body)

        def ask(token: str) -> list[str]:
            return list(
                call.services.github.pull_request_files(repository, number, token=token, deadline=call.deadline)
            )

        with explained("error getting changed files"):
            return with_token(call, self.token, ask)


def _pushed(body: Fields) -> list[str]:
    # as Tekton's parseBodyForChangedFiles: commit by commit, duplicates and all
    names: list[str] = []
    commits = body.get("commits")
    for commit in commits if isinstance(commits, list) else ():
        for change in ("added", "modified", "removed"):
            files = commit.get(change) if isinstance(commit, dict) else None
            if not isinstance(files, list):
                raise LastingError(f"error parsing body: payload body missing 'commits.*.{change}' field")
            names += [name for name in files if isinstance(name, str)]
    return names


def read_changed_files(params: Params, namespace: str) -> ChangedFiles | None:
    """Compile the param `addChangedFiles`; None when it is missing or not enabled."""
    section = params.section("addChangedFiles")
    if section is None or not section.boolean("enabled"):
        return None
    return ChangedFiles(section.secret_ref("personalAccessToken", namespace))
