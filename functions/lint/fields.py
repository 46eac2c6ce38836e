"""The fields of events that hold nothing but what their provider fixes, by name: the alphabets, and their sources.

Sources: the types of octokit's published schemas (@octokit/webhooks-schemas 7.6.1: a name stands here when it is an
integer, a boolean, a date or an enum in all of them), GitHub's rules for names
(https://docs.github.com/en/enterprise-cloud@latest/admin/managing-iam/iam-configuration-reference/username-considerations-for-external-authentication,
https://docs.github.com/en/repositories/creating-and-managing-repositories: letters, digits, `-`, `_` and `.`), git's
object names (SHA-1 or SHA-256 in hexadecimal), GitLab's reserved and limited names
(https://docs.gitlab.com/user/reserved_names/#rules-for-usernames-project-and-group-names-and-slugs), and Bitbucket's
event payloads (https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import ascii_letters, digits

from functions.lint.events import PUSHES
from functions.lint.text import ANYTHING, FREE, Text, made_of

_ALNUM = ascii_letters + digits
_NUMBER = made_of(f"{digits}-.truefals")  # or a boolean
_WORD = made_of(f"{_ALNUM}-_")
_TIME = made_of(f"{digits}TZUC-:.+")
_HASH = made_of("0123456789abcdef", shortest=40)
_LOGIN = made_of(f"{_ALNUM}-_", known=False)  # a bot's is name[bot], which is the one that no label takes
_SLUG = made_of(f"{_ALNUM}-_.", dash=True, known=False)  # whoever owns the hook has named it, and sees whether it fits
_FULL_NAME = made_of(f"{_ALNUM}-_./", always="/")
_URL = made_of(f"{_ALNUM}-_./:@[]=%#+", always=":/", shortest=8)
_GUID = made_of("0123456789abcdef-", shortest=36)
_TOKEN = made_of(f"{_ALNUM}-_=:{{}}", known=False)  # base64, UUIDs in braces

_NUMBERS = """
additions allow_auto_merge allow_forking allow_merge_commit allow_rebase_merge allow_squash_merge annotations_count
app_id archived changed_files check_run_id check_suite_id comments commits created deleted deletions disabled
discussion_id download_count draft end_line fork forked forks forks_count forced has_downloads has_issues has_pages
has_projects has_wiki hook_id iid id in_reply_to_id is_template latest_check_runs_count line locked
maintainer_can_modify mergeable merged number open_issues open_issues_count original_line original_position position
prerelease private public pull_request_review_id rebaseable repository_id review_comments run_attempt run_id run_number
runner_group_id runner_id site_admin size stargazers_count start_line total_count total_commits_count
transient_environment production_environment user_id project_id author_id assignee_id target_project_id
source_project_id watchers
watchers_count work_in_progress workflow_id visibility_level verified
"""
_WORDS = """
action active_lock_reason author_association conclusion event_name event_type lock_reason merge_method
merge_status mergeable_state object_kind privacy ref_type repository_selection side state status subject_type
target_type type visibility
"""
_TIMES = """
closed_at completed_at created_at date dismissed_at due_on merged_at published_at pushed_at run_started_at
starred_at started_at submitted_at suspended_at timestamp updated_at
"""
_HASHES = """
after base_sha before checkout_sha commit_id commit_oid commit_sha head_sha latestCommit hash fromHash toHash
merge_commit_sha oid original_commit_id sha sha1 tree_id
"""
_LOGINS = "login username user_username"
_URLS = """
artifacts_url cancel_url check_run_url check_suite_url clone_url comments_url commits_url diff_url events_url
git_http_url git_ssh_url git_url http_url http_url_to_repo issue_url issues_url jobs_url logs_url member_url
patch_url pull_request_url repository_url rerun_url review_comments_url ssh_url ssh_url_to_repo statuses_url svn_url
workflow_url
"""
_SLUGS = "slug"
_FULL_NAMES = "full_name path_with_namespace"
_TOKENS = "node_id uuid account_id guid"

_BY_NAME: Mapping[str, Text] = {
    name: text
    for names, text in (
        (_NUMBERS, _NUMBER),
        (_WORDS, _WORD),
        (_TIMES, _TIME),
        (_HASHES, _HASH),
        (_LOGINS, _LOGIN),
        (_URLS, _URL),
        (_SLUGS, _SLUG),
        (_FULL_NAMES, _FULL_NAME),
        (_TOKENS, _TOKEN),
    )
    for name in names.split()
}
_HASH_OF = re.compile(r"(?:.*\.)?(?:head_commit|commits\.\*|last_commit|commit)\.id")
_NAMED_BY_OWNER = re.compile(
    r"(?:.*\.)?(?:repository\.name|repo\.name|repository\.owner\.name|project\.key)"
    r"|(?:repository|project)\.default_branch|master_branch"
)
# what the sender words although its name is in the table: payloads, and what holds the name of a branch
_WORDED = re.compile(
    r"(?:client_payload|inputs|deployment\.payload|alert|marketplace_purchase|workflow\.inputs|wiki)\..*"
    r"|(?:check_run|check_suite)\.output\..*|repository\.custom_properties\..*|(?:.*\.)?(?:ref|fromRef|toRef)\.id"
    r"|commits|comments|deployments"  # lists, where the table has the number of them
)
_LINKS = frozenset({"href", "html_url", "url", "web_url"})
_PARTS_OF_LINKS = frozenset({"*", "clone", "html", "links", "self"})
_LINKED = frozenset(
    {"assignee", "author", "check_run", "check_suite", "comment", "commit", "commits", "committer", "deployment"}
    | {"discussion", "forkee", "head_commit", "head_repository", "issue", "last_commit", "member", "merge_request"}
    | {"object_attributes", "organization", "owner", "project", "pullRequest", "pull_request", "pullrequest", "repo"}
    | {"repository", "review", "sender", "source", "target", "team", "user", "workflow_job", "workflow_run"}
)
"""Whose links hold names of accounts and repositories, numbers and hashes; a release's holds its tag."""
_TYPED_BY_SENDER = frozenset({"repository_dispatch"})
_ROOTS = frozenset(
    {"check_run", "comment", "commits", "discussion", "head_commit", "issue", "label", "milestone"}
).union({"object_attributes", "pullRequest", "pull_request", "pullrequest", "pusher", "ref", "release", "review"})
"""Fields by which GitHub's, GitLab's and Bitbucket's bodies are known where no interceptor says whose they are."""

_HEADERS: Mapping[str, Text] = {
    "x-github-delivery": _GUID,
    "x-github-event": _WORD,
    "x-github-hook-id": _NUMBER,
    "x-github-hook-installation-target-id": _NUMBER,
    "x-github-hook-installation-target-type": _WORD,
    "x-gitlab-event-uuid": _GUID,
    "x-gitlab-webhook-uuid": _GUID,
    "x-request-uuid": _GUID,
    "x-hook-uuid": _GUID,
}
"""Headers that providers fill with ids and fixed words. They are not signed, which is a matter of its own."""
EVENT_ID = _GUID
NUMBER, BOOLEAN, TIME = _NUMBER, made_of("truefals"), _TIME


def of_body(steps: tuple[str, ...], *, provider: bool, events: list[str] | None) -> Text:
    """Return what a field of the body may hold; an item of a list is the step `*`.

    `provider` says that the body comes from GitHub, GitLab or Bitbucket, `events` which of the first two's they are.
    """
    path, name = ".".join(steps), steps[-1] if steps else ""
    if steps == ("ref",) and events and PUSHES.issuperset(events):
        return Text(always=frozenset("/"), shortest=len("refs/tags/a"), dash=False, known=True)
    if _HASH_OF.fullmatch(path):
        return _HASH
    if _NAMED_BY_OWNER.fullmatch(path):
        return _SLUG
    if steps == ("pusher", "name"):
        return _LOGIN
    typed = steps == ("action",) and events and _TYPED_BY_SENDER.intersection(events)
    if not typed and not _WORDED.fullmatch(path):
        if (
            name in _LINKS
            and next((step for step in reversed(steps[:-1]) if step not in _PARTS_OF_LINKS), "") in _LINKED
        ):
            return _URL
        if found := _BY_NAME.get(name):
            return found
    return FREE if provider or (steps and steps[0] in _ROOTS) else ANYTHING


def of_header(name: str) -> Text:
    """Return what a header may hold."""
    return _HEADERS.get(name.lower(), ANYTHING)
