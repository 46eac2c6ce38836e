"""Whether a signed GitHub body can be the event that the unsigned X-GitHub-Event header calls it.

GitHub signs the body alone, so whoever captured one could show it under another event's name. The table says by which
fields at the top of the body GitHub's events are known. A name is refused only when both hold:

- the body lacks what the named event always has (or has what it never has), and
- the body has the shape of another event in the table.

So a body that somebody wrote by hand, with two or three fields, passes under any name unless it looks like another
event; names that are not in the table pass always. Event names without a shape of their own (`BARE`: nothing stands
in their bodies but `action`, `repository` and the like) are refused when the body looks like any event of the table.

Source: https://docs.github.com/en/webhooks/webhook-events-and-payloads, checked against the schemas and the 726
example payloads (github.com and GitHub Enterprise Server 3.1 to 3.5) that octokit publishes (@octokit/webhooks-schemas
and -examples 7.6.1).
"""

from __future__ import annotations

from collections.abc import Mapping, Set

from functions.dataclass import dataclass
from functions.values import Json


@dataclass(frozen=True, slots=True)
class Shape:
    """Fields at the top of a body: those it has, those of which it has one at least, and those it never has."""

    has: frozenset[str]
    one_of: frozenset[str]
    lacks: frozenset[str]

    def fits(self, fields: Set[str]) -> bool:
        """Say whether a body with these fields has this shape."""
        return self.has <= fields and (not self.one_of or bool(self.one_of & fields)) and not self.lacks & fields


def _shape(has: str, *, one_of: str = "", lacks: str = "") -> Shape:
    return Shape(frozenset(has.split()), frozenset(one_of.split()), frozenset(lacks.split()))


SHAPES: Mapping[str, Shape] = {
    "branch_protection_rule": _shape("rule"),
    "check_run": _shape("check_run", lacks="deployment_status"),
    "check_suite": _shape("check_suite"),
    "code_scanning_alert": _shape("alert commit_oid"),
    "commit_comment": _shape("comment", lacks="issue pull_request discussion workflow_run"),
    "create": _shape("ref ref_type master_branch"),
    "custom_property": _shape("definition"),
    "custom_property_values": _shape("new_property_values"),
    "delete": _shape("ref ref_type", lacks="master_branch"),
    "dependabot_alert": _shape("alert", lacks="commit_oid location"),
    "deploy_key": _shape("key"),
    "deployment": _shape("deployment", lacks="deployment_status workflow_job deployment_callback_url"),
    "deployment_protection_rule": _shape("deployment_callback_url"),
    "deployment_review": _shape("workflow_run since"),
    "deployment_status": _shape("deployment deployment_status"),
    "discussion": _shape("discussion", lacks="comment"),
    "discussion_comment": _shape("discussion comment"),
    "fork": _shape("forkee"),
    "gollum": _shape("pages"),
    "installation_repositories": _shape("repositories_added"),
    "issue_comment": _shape("issue comment"),
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
    "security_advisory": _shape("security_advisory"),
    "sponsorship": _shape("sponsorship"),
    "status": _shape("sha state context"),
    "team": _shape("team action", lacks="member"),
    "team_add": _shape("team", lacks="action"),
    "workflow_dispatch": _shape("ref workflow inputs"),
    "workflow_job": _shape("workflow_job"),
    "workflow_run": _shape("workflow_run", lacks="deployment deployment_status since"),
}
"""GitHub's events by name, each with the shape that all its bodies have."""

BARE = frozenset(
    {
        "branch_protection_configuration",
        "github_app_authorization",
        "installation",
        "installation_target",
        "organization",
        "public",
        "repository",
        "repository_import",
        "star",
        "watch",
    }
)
"""GitHub's events whose bodies have no field by which they could be known."""


def another_event(name: str, body: Json) -> str:
    """Return the event whose body was signed, when it cannot be one of event `name`; else an empty string."""
    if not isinstance(body, dict):
        return ""
    fields = body.keys()
    own = SHAPES.get(name)
    if own is None and name not in BARE:
        return ""
    if own is not None and own.fits(fields):
        return ""
    return next((other for other, shape in SHAPES.items() if shape.fits(fields)), "")


def told_by_body(name: str, body: Json, names: Set[str]) -> str:
    """Return the event among `names` that a body shows, unless it fits `name`, or none of them: then `name`."""
    fields = body.keys() if isinstance(body, dict) else frozenset[str]()
    own = SHAPES.get(name)
    if own is not None and own.fits(fields):
        return name
    return next((other for other in sorted(names) if SHAPES[other].fits(fields)), name)
