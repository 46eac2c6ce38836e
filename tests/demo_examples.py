"""The examples of docs/ as `make demo ARGS="--example NAME"` shows them: the same manifests, and real deliveries."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.standins.github_api import GitHubApi
from tests.support.deliveries import PUSH, SECRET, encoded, headers
from tests.support.demonstration import say, served, show_outcomes, show_runs
from tests.support.function import ROOT, Answer, ServedFunction

Event = tuple[str, dict[str, Any]]
"""Its name, and its body without the repository."""
REPOSITORY = {"id": 1296269, "full_name": "acme/shop", "clone_url": "https://github.com/acme/shop.git"}
OLD, HEAD = "a" * 40, "1f0c2b9e7d4a3c5b6e8f9012a3b4c5d6e7f80912"


def deliver(function: ServedFunction, event: Event) -> Answer:
    """Send a signed delivery."""
    name, body = event
    sent = encoded({"repository": REPOSITORY, **body})
    return function.post(sent, headers(name, sent))


def pull_request(action: str, second: int) -> Event:
    """Return what GitHub sends of a pull request at a second."""
    change = {"number": 7, "updated_at": f"2026-11-26T10:00:{second:02}Z", "head": {"sha": f"{second:040x}"}}
    return "pull_request", {"action": action, "number": 7, "pull_request": change}


def pushed(second: int = 0, *files: str, **more: Any) -> Event:
    """Return a push to main at a second, whose only commit has changed files."""
    repository = REPOSITORY | {"pushed_at": 1_790_000_000 + second, "default_branch": "main"}
    commits = [{"id": HEAD, "added": [], "modified": list(files), "removed": []}] if files else []
    changed = {"before": OLD, "after": HEAD, "commits": commits, "deleted": False, "repository": repository}
    return "push", PUSH | changed | more


def commented(text: str, second: int, association: str = "MEMBER") -> Event:
    """Return a comment on a pull request at a second."""
    who = {"login": "somebody", "id": 1, "node_id": "U_1", "type": "User"}
    said = {"id": second, "body": text, "user": who, "author_association": association}
    comment = {**said, "created_at": f"2026-11-26T10:00:{second:02}Z"}
    issue = {"number": 7, "state": "open", "pull_request": {"url": "https://api.github.com/"}}
    return "issue_comment", {"action": "created", "issue": issue, "comment": comment, "sender": who}


def concurrency() -> None:
    """docs/concurrency.md: pushes in disorder, a pull request that is closed, deployments one after another."""
    say("Serving the function on docs/concurrency.yaml: one build for each pull request, deployments one at a time …")
    secrets = {"github-webhook/token": SECRET}
    with (
        tempfile.TemporaryDirectory() as place,
        served(Path(place), "docs/concurrency.yaml", secrets=secrets) as (function, cluster),
    ):

        def show(title: str, event: Event, **expected: str) -> None:
            show_outcomes(title, deliver(function, event), **expected)

        show("a pull request is opened", pull_request("opened", 1), build="created")
        show("its third push comes before the second", pull_request("synchronize", 3), build="created")
        show("the second push comes late", pull_request("synchronize", 2), build="superseded")
        show("the first delivery comes again", pull_request("opened", 1), build="duplicate")
        show("the pull request is closed", pull_request("closed", 4), closed="created")
        show("a push to main", pushed(1), deploy="created")
        show("another one, while the first is deployed", pushed(2, before=HEAD, after=OLD), deploy="created")
        show_runs(cluster, {"CancelledRunFinally": 2, "running": 1, "PipelineRunPending": 1})
    say("\nOf three pushes in disorder only the newest was still wanted; deployments wait for each other.")


def paths() -> None:
    """docs/monorepo.md: a trigger for each project, by the files that a push has changed."""
    say("Serving the function on the manifests of docs/monorepo.md, with a stand-in for GitHub's API …")
    (manifests,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "monorepo.md").read_text(), re.DOTALL)
    with tempfile.TemporaryDirectory() as place, GitHubApi() as api:
        triggers = Path(place) / "triggers.yaml"
        triggers.write_text(manifests)
        secrets = {"github-webhook/secretkey": SECRET, "github-token/token": api.token.encode()}
        with served(Path(place), triggers, secrets=secrets, GITHUB_API_URL=api.url) as (function, cluster):

            def show(title: str, event: Event, **expected: str) -> None:
                show_outcomes(title, deliver(function, event), **expected)

            show("services/cart/main.go changes", pushed(1, "services/cart/main.go"), cart="created")
            show("libraries/money.go, for both", pushed(2, "libraries/money.go"), cart="created", billing="created")
            show("documents alone", pushed(3, "README.md", "services/cart/README.md"))
            api.set_comparison("acme/shop", OLD, HEAD, ["services/billing/main.go"])
            show("a forced push, whose files GitHub is asked for", pushed(4, forced=True), billing="created")
            api.refuse()
            show("another, while GitHub is away", pushed(5, forced=True), cart="created", billing="created")
            show_runs(cluster, {"running": 6})
    say("\nEach change has built what it touches, and where nobody knows the files, everything.")


def comments() -> None:
    """docs/comments.md: /test, /cancel and /retest, for those who may."""
    triggers = "infra/examples/comment-commands/triggers"
    say(f"Serving the function on {triggers}, with a stand-in for GitHub's API …")
    with tempfile.TemporaryDirectory() as place, GitHubApi() as api:
        api.set_pull_request("acme/shop", 7, sha=HEAD, author="somebody")
        api.set_members("acme", ["maintainer"])
        secrets = {"github-webhook/secretkey": SECRET, "github-token/token": api.token.encode()}
        with served(Path(place), triggers, secrets=secrets, GITHUB_API_URL=api.url) as (function, cluster):

            def show(title: str, event: Event, **expected: str) -> None:
                show_outcomes(title, deliver(function, event), **expected)

            show("/test, from a stranger", commented("/test", 1, "NONE"))
            show("Looks good, from a member", commented("Looks good", 2))
            show("/test, from a member", commented("/test", 3), test="created")
            show("the same comment once more", commented("/test", 3), test="duplicate")
            show("/cancel", commented("/cancel", 4), cancel="created")
            show("/retest, where nothing has failed", commented("/retest", 5))
            api.set_statuses("acme/shop", HEAD, {"ci/test": "failure"})
            show("/retest, where GitHub shows that ci/test has failed", commented("/retest", 6), retest="created")
            show_runs(cluster, {"CancelledRunFinally": 1, "running": 1})
    say("\nA member has started, cancelled and started again; a stranger, and what is no command, did nothing.")


EXAMPLES: Mapping[str, Callable[[], None]] = {"concurrency": concurrency, "paths": paths, "comments": comments}
