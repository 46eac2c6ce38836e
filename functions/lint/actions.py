"""Events of many actions, of which a chain chooses none, so that each label and closing starts a run: PH207."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from functions.lint import trees
from functions.lint.events import gitlab
from functions.lint.hits import Hit
from functions.lint.known import Known, is_core, trees_of
from functions.lint.texts import parts_of, path_of
from functions.lint.views import View
from functions.lint.wanted import CORE_WITH_TYPES
from functions.rendering.bindings import Expression

_SURPRISING: Mapping[str, tuple[str, str]] = {
    "check_run": ("created, requested_action and rerequested", "body.action == 'completed'"),
    "check_suite": ("requested and rerequested", "body.action == 'completed'"),
    "issue_comment": ("edited and deleted", "body.action == 'created'"),
    "pull_request": ("labeled, edited and closed", "body.action in ['opened', 'reopened', 'synchronize']"),
    "pull_request_review": ("edited and dismissed", "body.action == 'submitted'"),
    "pull_request_review_comment": ("edited and deleted", "body.action == 'created'"),
    "release": ("created, published and released (for the same release)", "body.action == 'published'"),
    "workflow_run": ("requested and in_progress", "body.action == 'completed'"),
    "Merge Request Hook": (
        "approved, merge and close",
        "body.object_attributes.action in ['open', 'reopen'] || has(body.object_attributes.oldrev)",
    ),
}
_TELLING = frozenset(
    {"action", "after", "before", "changes", "conclusion", "draft", "label", "merge_commit_sha", "merged", "oldrev"}
    | {"prerelease", "published_at", "state", "status", "work_in_progress"}
)
"""Fields that differ from one action to the next."""
_HEADERS = ("X-GitHub-Event", "X-Gitlab-Event")
_ONLY_NEW_COMMENTS = ("githubOwners", "addPRBody")
"""With these the github interceptor lets no edited and no deleted comment through."""


def check(view: View, known: Known) -> Iterator[Hit]:
    """Check one trigger's chain."""
    if known.replaced or _chosen(view):
        return
    new_comments = any(entry.param(name) for entry in view.interceptors for name in _ONLY_NEW_COMMENTS)
    for name in known.events or ():
        if name in _SURPRISING and not (new_comments and name == "issue_comment"):
            actions, filtering = _SURPRISING[name]
            message = f"every action of {name} starts this, {actions} among them"
            if known.events != [name]:  # the filter lets the others through
                filtering = f"!header.match('{_HEADERS[gitlab([name])]}', '{name}') || {filtering}"
            place = next((e.param_place("eventTypes") for e in view.interceptors if is_core(e, *CORE_WITH_TYPES)), None)
            yield Hit("PH207", place or view.place, message, f"filter with {filtering}")
            return


def _chosen(view: View) -> bool:
    """Say whether a filter, an overlay or a binding looks at what tells actions from each other."""
    read = (path for entry in view.interceptors for tree in trees_of(entry) for path in trees.paths(tree))
    if any(map(_TELLING.intersection, read)):
        return True
    paths = [path_of(part) for bound in view.bound for part in parts_of(bound.param) if isinstance(part, Expression)]
    return any(path == ("body",) or (path and "action" in path) for path in paths)
