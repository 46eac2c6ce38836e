"""`pipehook redeliver`: the sweep of failed deliveries, by hand."""

from __future__ import annotations

import os

import click
from msgspec.structs import replace

from functions.adapters.github.app import Fetch
from functions.cli.app import Command
from functions.cli.output import FAILED, UNREACHABLE, document, finish, output_option, progress, say, status
from functions.cli.types import HOOK
from functions.common.ports import Deadline
from functions.entrypoints.redeliver import open_sweep
from functions.settings import Settings, read_settings

_EXAMPLES = """
Examples:
  pipehook redeliver --dry-run                            what would be asked for
  pipehook redeliver --hook repos/acme/shop/hooks/521340097 --hours 6
  pipehook redeliver --limit 20 --no-wait

GITHUB_HOOKS and GITHUB_TOKEN_SECRET (or GITHUB_APP_ID and GITHUB_APP_KEY_SECRET) are read as the function reads them;
GITHUB_TOKEN does where they are not set.
Exits with 1 when the function still fails, with 3 when GitHub could not be asked.
"""
_OWN = "projects/environment/secrets/GITHUB_TOKEN"


@click.command(cls=Command, epilog=_EXAMPLES)
@click.option("--dry-run", is_flag=True, help="Say what would be asked for, and ask for nothing.")
@click.option(
    "--hook", "hooks", type=HOOK, multiple=True, metavar="repos/O/R/hooks/ID", help="Hook to sweep [GITHUB_HOOKS]."
)
@click.option("--hours", type=click.IntRange(1, 72), help="How far back [REDELIVER_LOOKBACK_HOURS].")
@click.option("--limit", type=click.IntRange(1, 10_000), help="How many at most [REDELIVER_LIMIT].")
@click.option("--no-wait", is_flag=True, help="Ask also for what failed again a moment ago.")
@output_option()
def redeliver(
    *, dry_run: bool, hooks: tuple[str, ...], hours: int | None, limit: int | None, no_wait: bool, output: str
) -> None:
    """Find the deliveries that failed for a passing reason, and ask GitHub to send them again, oldest first."""
    given = {
        "GITHUB_HOOKS": ",".join(hooks),
        "REDELIVER_LOOKBACK_HOURS": str(hours or ""),
        "REDELIVER_LIMIT": str(limit or ""),
    }
    settings = read_settings({**os.environ, **{name: value for name, value in given.items() if value}})
    fetch = _own_token(settings)
    if fetch:
        settings = replace(settings, github_token_secret=_OWN)
    summary = open_sweep(settings, patient=not no_wait, fetch=fetch).run(dry_run=dry_run, progress=progress)
    if output == "table":
        say("\n".join(summary.sentences()))
    else:
        say(document(summary.json(), output))
    if summary.failed:
        finish(UNREACHABLE)
    if summary.outcome == "stopped":
        progress(f"{status('failed')} the function still fails: pipehook doctor")
        finish(FAILED)


def _own_token(settings: Settings) -> Fetch | None:
    """Return what hands over GITHUB_TOKEN in place of a secret, None when a secret or an App is configured."""
    token = os.environ.get("GITHUB_TOKEN", "").strip()
    if settings.github_token_secret or settings.github_app_id or not token:
        return None

    def fetch(resource: str, deadline: Deadline, refresh: bool) -> bytes:  # noqa: ARG001, FBT001 -- the form of a Fetch
        return token.encode()

    return fetch
