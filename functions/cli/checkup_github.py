"""What `pipehook doctor` looks at with GitHub: the last deliveries of the hooks, and the clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from functions.cli.findings import FAIL, OK, WARN, Check, clock
from functions.cli.github import Hooks, read_token
from functions.common.errors import PipehookError
from functions.common.numbers import whole
from functions.settings import Settings


def hook_checks(settings: Settings, names: Sequence[str], token_secret: str) -> Iterator[Check]:
    """Check each hook (`repos/OWNER/REPO/hooks/ID`), if there are any."""
    if not names:
        return
    try:
        token = read_token(token_secret or settings.github_token_secret)
    except (click.UsageError, PipehookError) as error:
        text = error.message if isinstance(error, click.UsageError) else error.reason
        yield Check("GitHub", WARN, text, "export GITHUB_TOKEN=$(gh auth token)")
        return
    for name in names:
        yield from _hook(settings, name, token)


def _hook(settings: Settings, name: str, token: str) -> Iterator[Check]:
    scope, _, number = name.rpartition("/hooks/")
    github = Hooks(settings.github_api_url, scope, token)
    try:
        found = github.deliveries(int(number))
    except (PipehookError, ValueError) as error:
        text = error.reason if isinstance(error, PipehookError) else "a hook is named repos/OWNER/REPO/hooks/ID"
        yield Check(name, FAIL, text, "give the token read access to webhooks")
        return
    failed = [entry for entry in found if not 200 <= (whole(entry.get("status_code")) or 0) < 300]  # noqa: PLR2004 -- success
    if not found:
        remedy = f"pipehook hooks test {scope.removeprefix('repos/')} --id {number}"
        yield Check(name, WARN, "GitHub has delivered nothing in three days", remedy)
    elif failed:
        codes = ", ".join(sorted({str(entry.get("status_code")) for entry in failed}))
        text = f"{len(failed)} of the last {len(found)} deliveries failed, with {codes}"
        remedy = f"pipehook redeliver --hook {name}  # once its page at GitHub has said why, and that is mended"
        yield Check(name, FAIL if found[0] in failed else WARN, text, remedy)
    else:
        yield Check(name, OK, f"the last {len(found)} deliveries were taken")
    yield clock("GitHub", github.date)
