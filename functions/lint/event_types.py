"""The names of events in `eventTypes`, which are compared as they are: what is nearly one lets nothing through.

Sources: octokit's schemas (`events`), https://docs.gitlab.com/user/project/integrations/webhook_events/,
https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/ and
https://confluence.atlassian.com/bitbucketserver/event-payload-938025882.html.
"""

from __future__ import annotations

import re

from functions.lint import events
from functions.model.findings import did_you_mean

_HOOKS = (
    "Confidential Issue,Confidential Note,Deployment,Emoji,Feature Flag,Issue,Job,Member,Merge Request,Milestone,"
    "Note,Pipeline,Project,Push,Release,Resource Access Token,Subgroup,System,Tag Push,Vulnerability,Wiki Page"
)
_KEYS = """
diagnostics:ping issue:comment_created issue:created issue:updated mirror:repo_synchronized pr:comment:added
pr:comment:deleted pr:comment:edited pr:declined pr:deleted pr:from_ref_updated pr:merged pr:modified pr:opened
pr:reviewer:approved pr:reviewer:needs_work pr:reviewer:unapproved pr:reviewer:updated project:modified project:updated
pullrequest:approved pullrequest:changes_request_created pullrequest:changes_request_removed
pullrequest:comment_created pullrequest:comment_deleted pullrequest:comment_reopened pullrequest:comment_resolved
pullrequest:comment_updated pullrequest:created pullrequest:fulfilled pullrequest:rejected pullrequest:unapproved
pullrequest:updated repo:comment:added repo:comment:deleted repo:comment:edited repo:commit_comment_created
repo:commit_status_created repo:commit_status_updated repo:deleted repo:fork repo:forked repo:imported repo:modified
repo:push repo:refs_changed repo:transfer repo:updated
"""
_GITLAB = tuple(f"{name} Hook" for name in _HOOKS.split(","))
_BITBUCKET = tuple(_KEYS.split())
_OF_OTHERS = {
    "pull_request_target": "pull_request",  # of GitHub Actions alone
    "pullrequest:declined": "pullrequest:rejected",
    "pullrequest:merged": "pullrequest:fulfilled",
}
_ENDING = re.compile(r"(?:events?|hooks?|s)$")


def meant(provider: str, name: str) -> str | None:
    """Return what a name that lets no event through may mean, perhaps ""; None for one that may be an event's."""
    known = {"github": events.names(), "gitlab": _GITLAB, "bitbucket": _BITBUCKET}[provider]
    if name in known:
        return None
    if "*" in name:
        return "list the events one by one, or leave eventTypes out"
    alike = {_bare(word): word for word in reversed(known)}
    alike |= {_bare(word.partition(":")[2]): word for word in reversed(_BITBUCKET) if provider == "bitbucket"}
    if found := _OF_OTHERS.get(name) or alike.get(_bare(name)):
        return f'write "{found}"'
    return did_you_mean(name, known) if provider == "gitlab" and not name.endswith(" Hook") else None


def _bare(name: str) -> str:
    """Return a name without what people leave out, add or write in another case."""
    return _ENDING.sub("", _ENDING.sub("", re.sub(r"[^a-z]", "", name.lower())))
