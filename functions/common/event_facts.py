"""What a verified body says of its event: repository, commit, time, order. Pure; from the body as it was delivered.

Nothing of it comes from a header or from what interceptors made of the body, but for `pull_request`: the pull request
of an issue_comment, whose body names no commit, as the github interceptor fetched it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from functions.common.lenient import at, object_at, text_at
from functions.common.numbers import whole
from functions.common.values import Json, Provider

EVENTS = frozenset(
    {
        *("push", "issue_comment", "status", "deployment", "deployment_status"),
        *("check_run", "check_suite", "workflow_job", "workflow_run"),
        *(f"pull_request{kind}" for kind in ("", "_review", "_review_comment", "_review_thread")),
    }
)
"""GitHub's events that are about a commit."""

_COMMIT = re.compile(r"[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64}")
_SHORT_COMMIT = re.compile(r"[0-9A-Fa-f]{12,64}")
_GITHUB_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")
_GITLAB_NAME = re.compile(r"[A-Za-z0-9_.-]{1,255}(/[A-Za-z0-9_.-]{1,255}){1,20}")
_SERVER_NAME = re.compile(r"~?[A-Za-z0-9_.-]{1,127}/[A-Za-z0-9_.-]{1,128}")
"""A project's key, or somebody's own, and the repository's slug."""
_UTC = " UTC"


class EventFacts(Struct, frozen=True, kw_only=True):
    """The facts of one event; what a body does not say is empty or 0."""

    provider: Provider = ""
    repository: str = ""
    """`owner/name`, as the provider's API takes it: GitLab's path with groups, Bitbucket Data Center's KEY/slug."""
    sha: str = ""
    """The commit that the event is about, lower-case hexadecimal; empty for deleted refs and events of no commit."""
    time: float
    """Seconds since 1970, by the sender's clock where the body has it (`timed`), else of the receipt."""
    timed: bool = False
    before: str = ""
    """Of a push, the commit that the ref had before; with `sha` it tells the newer of two pushes of one second."""
    installation: int = 0
    """Of the GitHub App that the delivery is for, 0 for other webhooks."""
    deleted: bool = False
    """A ref is gone: nothing is told of it."""
    about: str = ""
    """Of an event about a status or check, its context or name."""
    app: str = ""
    """The id of the GitHub App whose check an event is about."""


def event_facts(
    body: Json, *, provider: Provider, event: str, received_at: float, pull_request: Json = None
) -> EventFacts:
    """Return the facts of a body that `provider` vouched for; `event` is its name as the body bears it out.

    Never raises: a field of another shape is one that is missing.
    """
    fields = object_at(body)
    if provider == "github":
        return _github(fields, event, received_at, object_at(pull_request))
    if provider == "gitlab":
        return _gitlab(fields, received_at)
    if provider == "bitbucket":  # whose interceptor is for both; no body of the Cloud has an eventKey
        return _bitbucket_server(fields, received_at) if "eventKey" in fields else _bitbucket(fields, received_at)
    return EventFacts(time=received_at)


def _github(body: Mapping[str, Json], event: str, received_at: float, fetched: Mapping[str, Json]) -> EventFacts:
    check = object_at(body, event) if event in ("check_run", "check_suite") else {}
    time, timed = _time(_github_time(body, event), received_at)
    deleted = body.get("deleted") is True if event == "push" else event == "delete"
    sha = "" if deleted else _commit(_github_commit(body, event, fetched))
    return EventFacts(
        provider="github",
        repository=_name(at(body, "repository", "full_name"), _GITHUB_NAME),
        sha=sha,
        time=time,
        timed=timed,
        before=_commit(body.get("before")) if event == "push" else "",
        installation=whole(at(body, "installation", "id")) or 0,
        deleted=deleted,
        about=text_at(body, "context") if event == "status" else text_at(check, "name"),
        app=str(whole(at(check, "app", "id")) or ""),
    )


def _github_commit(body: Mapping[str, Json], event: str, fetched: Mapping[str, Json]) -> Json:
    match event:
        case "push":
            return body.get("after")
        case "check_run" | "check_suite" | "workflow_run" | "workflow_job":
            return at(body, event, "head_sha")
        case "status":
            return body.get("sha")
        case "deployment" | "deployment_status":
            return at(body, "deployment", "sha")
        case "issue_comment":
            return at(fetched, "head", "sha")
        case _ if event.startswith("pull_request"):
            return at(body, "pull_request", "head", "sha")
        case _:
            return None


def _github_time(body: Mapping[str, Json], event: str) -> Json:
    """Return the time of an event by GitHub's clock: whole seconds or RFC 3339, as its body has it.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads; the times in commits are their authors'.
    """
    match event:
        case "push":
            return at(body, "repository", "pushed_at")
        case "issue_comment" | "commit_comment":
            return at(body, "comment", "created_at")
        case "check_run" | "workflow_job":
            return at(body, event, "completed_at") or at(body, event, "started_at")
        case "deployment_status" | "check_suite" | "workflow_run" | "deployment":
            return at(body, event, "updated_at")
        case "status":
            return body.get("updated_at")
        case _:
            return at(body, "pull_request", "updated_at")


def _gitlab(body: Mapping[str, Json], received_at: float) -> EventFacts:
    """https://docs.gitlab.com/user/project/integrations/webhook_events/: pushes carry no time of GitLab's own."""
    attributes = object_at(body, "object_attributes")
    kind = body.get("object_kind")
    deleted = kind in ("push", "tag_push") and set(str(body.get("after") or "0")) == {"0"}
    match kind:
        case "push" | "tag_push":
            sha = body.get("checkout_sha") or body.get("after")
        case "merge_request":
            sha = at(attributes, "last_commit", "id")
        case "note":
            sha = at(body, "merge_request", "last_commit", "id") or at(body, "commit", "id")
        case "pipeline":
            sha = attributes.get("sha")
        case "build":
            sha = body.get("sha")
        case _:
            sha = None
    time, timed = _time(attributes.get("updated_at") or attributes.get("created_at"), received_at)
    return EventFacts(
        provider="gitlab",
        repository=_name(at(body, "project", "path_with_namespace"), _GITLAB_NAME),
        sha="" if deleted else _commit(sha),
        time=time,
        timed=timed,
        before=_commit(body.get("before")) if kind == "push" else "",
        deleted=deleted,
    )


def _bitbucket(body: Mapping[str, Json], received_at: float) -> EventFacts:
    """https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/: a push may be one of several refs.

    The head of a pull request stands there with its first twelve digits.
    """
    request = object_at(body, "pullrequest")
    listed = at(body, "push", "changes")
    changes = listed if isinstance(listed, list) else []
    targets = [at(change, "new", "target", "hash") for change in changes]
    deleted = bool(changes) and not any(targets)
    sha = at(request, "source", "commit", "hash") if request else targets[0] if len(targets) == 1 else None
    time, timed = _time(request.get("updated_on"), received_at)
    old = at(changes[0], "old", "target", "hash") if len(changes) == 1 else None
    return EventFacts(
        provider="bitbucket",
        repository=_name(at(body, "repository", "full_name"), _GITHUB_NAME),
        sha=_commit(sha, _SHORT_COMMIT),
        time=time,
        timed=timed,
        before=_commit(old),
        deleted=deleted,
    )


def _bitbucket_server(body: Mapping[str, Json], received_at: float) -> EventFacts:
    """https://confluence.atlassian.com/bitbucketserver/event-payload-938025882.html: a push may be one of several refs.

    What is said of a pull request is said to the repository that it is for, whose hook has signed the body.
    """
    request = object_at(body, "pullRequest")
    repository = object_at(request, "toRef", "repository") if request else object_at(body, "repository")
    listed = body.get("changes")
    changes = listed if isinstance(listed, list) and not request else []
    project, slug = text_at(repository, "project", "key"), text_at(repository, "slug")
    alone = changes[0] if len(changes) == 1 else None
    head = at(request, "fromRef", "latestCommit") if request else body.get("commit")
    time, timed = _time(body.get("date"), received_at)
    return EventFacts(
        provider="bitbucket-server",
        repository=_name(f"{project}/{slug}", _SERVER_NAME),
        sha=_commit(at(alone, "toHash") if changes else head),
        time=time,
        timed=timed,
        before=_commit(at(alone, "fromHash")),
        deleted=bool(changes) and all(at(change, "type") == "DELETE" for change in changes),
    )


def _name(value: Json, legal: re.Pattern[str]) -> str:
    found = value if isinstance(value, str) else ""
    return found if legal.fullmatch(found) and not {".", ".."} & set(found.split("/")) else ""


def _commit(value: Json, legal: re.Pattern[str] = _COMMIT) -> str:
    """Return a commit's id; empty for none, which GitHub and GitLab write as zeros."""
    found = value.lower() if isinstance(value, str) else ""
    return found if legal.fullmatch(found) and set(found) != {"0"} else ""


def _time(value: Json, received_at: float) -> tuple[float, bool]:
    if (seconds := whole(value, digits=11)) is not None:
        return float(seconds), True
    if not isinstance(value, str) or len(value) > 40:  # noqa: PLR2004 -- RFC 3339 with nanoseconds has 35
        return received_at, False
    text = f"{value.removesuffix(_UTC).replace(' ', 'T')}Z" if value.endswith(_UTC) else value
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return received_at, False
    return (read.timestamp(), True) if read.tzinfo is not None else (received_at, False)
