"""What addChangedFiles adds to the extensions, whoever sent the event; and GitLab's and Bitbucket's part of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from msgspec import Struct

from functions.common.lenient import at
from functions.common.values import Json
from functions.interceptors.base import Call
from functions.interceptors.params import Params

Fields = Mapping[str, Json]

TEXT, LIST, TRUNCATED = "changed_files", "changed_files_list", "changed_files_truncated"


class ChangedFiles(Protocol):
    """Where the changed files of an event come from. Those who ask alike are answered once."""

    def __hash__(self) -> int:
        """Equal ones are one question."""

    def extensions(self, event: str, body: Fields, call: Call) -> Fields:
        """Return the extensions, none for an event that changes no files. Raises errors of the family."""


def extensions(names: Iterable[str], more: Iterable[str] = (), *, truncated: bool) -> Fields:
    """Return the extensions of files.

    `changed_files` are the `names`, joined by commas that are not escaped: as Tekton has it, duplicates and all. The
    list has them and `more`, each path once.
    """
    listed = list(names)
    return {TEXT: ",".join(listed), LIST: list(dict.fromkeys([*listed, *more])), TRUNCATED: truncated}


class GivenFiles(Struct, frozen=True):
    """Files that somebody says are changed, as `--changed-files` does."""

    names: tuple[str, ...]

    def extensions(self, event: str, body: Fields, call: Call) -> Fields:  # noqa: ARG002 -- the protocol's form
        """Return them, whatever the event."""
        return extensions(self.names, truncated=False)


class GitLabFiles(Struct, frozen=True):
    """A push lists 20 commits at most, and says how many there are; a merge request lists no files at all.

    That a push was forced is not said, so files which it takes back are not among them.
    https://docs.gitlab.com/user/project/integrations/webhook_events/
    """

    def extensions(self, event: str, body: Fields, call: Call) -> Fields:  # noqa: ARG002 -- the protocol's form
        """Return the extensions of pushes, tags and merge requests."""
        kind = body.get("object_kind")
        if kind == "merge_request":
            return extensions((), truncated=True)
        if kind not in ("push", "tag_push"):
            return {}
        listed = body.get("commits")
        commits = listed if isinstance(listed, list) else []
        total = body.get("total_commits_count")
        whole = bool(commits) and isinstance(total, int) and total <= len(commits)
        return extensions(lenient(commits), truncated=not whole and not is_nothing(body.get("after")))


class BitbucketFiles(Struct, frozen=True):
    """Neither Cloud nor Data Center says which files a push or a pull request changes.

    https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/
    """

    def extensions(self, event: str, body: Fields, call: Call) -> Fields:  # noqa: ARG002 -- the protocol's form
        """Return an empty list that is truncated, unless the push does nothing but delete."""
        if "pullrequest" in body or "pullRequest" in body:
            return extensions((), truncated=True)
        push = body.get("push")
        listed = push.get("changes") if isinstance(push, dict) else body.get("changes")
        if not isinstance(listed, list):
            return {}
        changes = [change for change in listed if isinstance(change, dict)]
        gone = all(change.get("type") == "DELETE" or change.get("new", change) is None for change in changes)
        return extensions((), truncated=not changes or not gone)


def lenient(commits: Iterable[Json]) -> list[str]:
    """Return the names in `added`, `modified` and `removed` of commits, commit by commit."""
    found: list[str] = []
    for commit in commits:
        for change in ("added", "modified", "removed"):
            files = at(commit, change)
            found += [name for name in files if isinstance(name, str)] if isinstance(files, list) else []
    return found


def is_nothing(commit: Json) -> bool:
    """Say whether this is the commit of what is not there: zeros."""
    return isinstance(commit, str) and set(commit) == {"0"}


def asked_for(params: Params) -> Params | None:
    """Return the param `addChangedFiles`; None when it is missing or not enabled."""
    section = params.section("addChangedFiles")
    return section if section is not None and section.boolean("enabled") else None
