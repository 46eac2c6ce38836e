"""Whether a signed GitHub body can be the event that the unsigned X-GitHub-Event header calls it.

GitHub signs the body alone, so whoever captured one could show it under another event's name. The table says by which
fields at the top of the body GitHub's events are known. A body that does not fit the shape of the event that it is
called is refused when

- it has the shape of another event in the table, or
- it is GitHub's own, which its `sender` tells.

So a body that somebody wrote by hand, with two or three fields, passes under any name unless it looks like another
event, and those of Gitea and Forgejo, which send GitHub's headers, pass under their own. Names that are not in the
tables pass always, but not a check that goes by the event (`unknown`). Events without a field of their own (`BARE`:
nothing stands in their bodies but `action`, `repository` and the like) are told from each other by their actions, which
says something of GitHub's own bodies only; any body that looks like an event of the first table is refused under their
names.

Source: https://docs.github.com/en/webhooks/webhook-events-and-payloads, checked against the schemas and the 726
example payloads (github.com and GitHub Enterprise Server 3.1 to 3.5) that octokit publishes (@octokit/webhooks-schemas
and -examples 7.6.1) and, for the newer events, its OpenAPI description (@octokit/openapi-webhooks 12.1.0: github.com
and GitHub Enterprise Server 3.14 to 3.19). All example payloads but those of `marketplace_purchase` and a few without
any sender have an account with login, id and node_id there.
"""

from __future__ import annotations

from collections.abc import Mapping, Set

from msgspec import Struct

from functions.common.shown import shown
from functions.common.values import Json


class Shape(Struct, frozen=True):
    """Fields at the top of a body: those it has, those of which it has one at least, and those it never has (or null).

    `actions` are the values that the field `action` may have, when there are any.
    """

    has: frozenset[str]
    one_of: frozenset[str]
    lacks: frozenset[str]
    actions: frozenset[str]

    def fits(self, body: Mapping[str, Json]) -> bool:
        """Say whether a body has this shape."""
        if not self.fields_fit(body):
            return False
        action = body.get("action")
        return not self.actions or (isinstance(action, str) and action in self.actions)

    def fields_fit(self, body: Mapping[str, Json]) -> bool:
        """Say whether a body has this shape but for its action, to which GitHub may have added."""
        fields = body.keys()
        if not self.has <= fields or (self.one_of and not self.one_of & fields):
            return False
        return not any(body[name] is not None for name in self.lacks & fields)


def _shape(has: str, *, one_of: str = "", lacks: str = "", actions: str = "") -> Shape:
    return Shape(*(frozenset(names.split()) for names in (has, one_of, lacks, actions)))


SHAPES: Mapping[str, Shape] = {
    "branch_protection_rule": _shape("rule"),
    "cache_sync": _shape("cache_location"),
    "check_run": _shape("check_run", lacks="deployment_status"),
    "check_suite": _shape("check_suite"),
    "code_scanning_alert": _shape("alert commit_oid"),
    "commit_comment": _shape("comment", lacks="issue pull_request discussion workflow_run"),
    "create": _shape("ref ref_type", one_of="master_branch sha"),
    "custom_property": _shape("definition"),
    "custom_property_values": _shape("new_property_values"),
    "delete": _shape("ref ref_type", lacks="master_branch sha"),
    "dependabot_alert": _shape("alert", lacks="commit_oid location"),
    "deploy_key": _shape("key"),
    "deployment": _shape("deployment", lacks="deployment_status workflow_job deployment_callback_url"),
    "deployment_protection_rule": _shape("action", lacks="check_run check_suite workflow_run", actions="requested"),
    "deployment_review": _shape("workflow_run since"),
    "deployment_status": _shape("deployment deployment_status"),
    "discussion": _shape("discussion", lacks="comment"),
    "discussion_comment": _shape("discussion comment"),
    "dismissal_request_code_scanning": _shape("exemption_request"),
    "dismissal_request_secret_scanning": _shape("exemption_request"),
    "exemption_request_push_ruleset": _shape("exemption_request"),
    "exemption_request_secret_scanning": _shape("exemption_request"),
    "fork": _shape("forkee"),
    "gollum": _shape("pages"),
    "installation_repositories": _shape("repositories_added"),
    "issue_comment": _shape("issue comment"),
    "issue_dependencies": _shape("blocked_issue blocking_issue"),
    "installation_target": _shape("account target_type"),
    "issues": _shape("issue", lacks="comment"),
    "label": _shape("label", lacks="issue pull_request discussion"),
    "marketplace_purchase": _shape("marketplace_purchase"),
    "member": _shape("member", lacks="team"),
    "membership": _shape("member team"),
    "merge_group": _shape("merge_group"),
    "meta": _shape("hook_id", lacks="zen"),
    "milestone": _shape("milestone", lacks="issue pull_request"),
    "org_block": _shape("blocked_user"),
    "package": _shape("package"),
    "page_build": _shape("build"),
    "personal_access_token_request": _shape("personal_access_token_request"),
    "ping": _shape("zen"),
    "project": _shape("project"),
    "project_card": _shape("project_card"),
    "project_column": _shape("project_column"),
    "projects_v2": _shape("projects_v2"),
    "projects_v2_item": _shape("projects_v2_item"),
    "projects_v2_status_update": _shape("projects_v2_status_update"),
    "pull_request": _shape("pull_request", lacks="comment review thread"),
    "pull_request_review": _shape("pull_request review"),
    "pull_request_review_comment": _shape("pull_request comment"),
    "pull_request_review_thread": _shape("pull_request thread"),
    "push": _shape("ref", one_of="before after commits head_commit pusher", lacks="cache_location"),
    "registry_package": _shape("registry_package"),
    "release": _shape("release"),
    "repository_advisory": _shape("repository_advisory"),
    "repository_dispatch": _shape("client_payload"),
    "repository_ruleset": _shape("repository_ruleset"),
    "repository_vulnerability_alert": _shape("alert", lacks="commit_oid location"),
    "secret_scanning_alert": _shape("alert", lacks="commit_oid location"),
    "secret_scanning_alert_location": _shape("alert location"),
    "secret_scanning_scan": _shape("source started_at completed_at"),
    "security_and_analysis": _shape("changes repository", lacks="action"),
    "security_advisory": _shape("security_advisory"),
    "sponsorship": _shape("sponsorship"),
    "star": _shape("starred_at"),
    "status": _shape("sha state context"),
    "sub_issues": _shape("sub_issue parent_issue"),
    "team": _shape("team action", lacks="member"),
    "team_add": _shape("team", lacks="action"),
    "workflow_dispatch": _shape("ref workflow inputs"),
    "workflow_job": _shape("workflow_job"),
    "workflow_run": _shape("workflow_run", lacks="deployment deployment_status since"),
}
"""GitHub's events by name, each with the shape that all its bodies have."""

BARE: Mapping[str, Shape] = {
    "branch_protection_configuration": _shape("action repository", actions="enabled disabled"),
    "github_app_authorization": _shape("action", actions="revoked"),
    "installation": _shape(
        "action installation",
        lacks="repository",
        actions="created deleted new_permissions_accepted suspend unsuspend",
    ),
    "organization": _shape(
        "action organization",
        lacks="repository",
        actions="deleted member_added member_invited member_removed renamed",
    ),
    "public": _shape("repository", lacks="action status"),
    "repository": _shape(
        "action repository",
        actions="archived created deleted edited privatized publicized renamed transferred unarchived "
        "anonymous_access_disabled anonymous_access_enabled",
    ),
    "repository_import": _shape("repository status", lacks="action"),
    "watch": _shape("action repository", actions="started"),
}
"""GitHub's events whose bodies have no field by which they could be known."""


def misfit(name: str, body: Json) -> str:
    """Return why a signed body cannot be that of event `name`; else an empty string."""
    if not isinstance(body, dict):
        return ""
    own = SHAPES.get(name) or BARE.get(name)
    if own is None or (name in SHAPES and own.fits(body)):
        return ""
    if other := _told(body, SHAPES):
        return f"the signed body is that of the event {other}, not {name}"
    if own.fits(body) or not _is_githubs(body):
        return ""
    other = _told(body, BARE)
    if name in BARE and not other and own.fields_fit(body):  # an action that came after this table
        return ""
    return f"the signed body is that of {f'the event {other}' if other else 'another event'}, not {name}"


def unknown(name: str) -> str:
    """Return why nothing can go by an event's name, which is in no table; else an empty string."""
    if name in SHAPES or name in BARE:
        return ""
    return f"no event of GitHub's is called {shown(name)}" if name else "no X-GitHub-Event header names the event"


def told_by_body(name: str, body: Json, names: Set[str]) -> str:
    """Return the event among `names` that a body shows, unless it fits `name`, or none of them: then `name`."""
    if not isinstance(body, dict):
        return name
    own = SHAPES.get(name)
    if own is not None and own.fits(body):
        return name
    return _told(body, {other: SHAPES[other] for other in sorted(names)}) or name


def _told(body: Mapping[str, Json], shapes: Mapping[str, Shape]) -> str:
    return next((name for name, shape in shapes.items() if shape.fits(body)), "")


def _is_githubs(body: Mapping[str, Json]) -> bool:
    """Say whether a body's sender is an account as GitHub writes it out, which nobody does by hand."""
    sender = body.get("sender")
    if not isinstance(sender, dict):
        return False
    return (
        isinstance(sender.get("login"), str)
        and isinstance(sender.get("node_id"), str)
        and type(sender.get("id")) is int
    )
