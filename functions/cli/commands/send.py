"""`pipehook send`: a recorded or built-in event, signed and sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from functions.cli.app import Command
from functions.cli.output import FAILED, document, finish, output_option, progress, say
from functions.cli.recorded import sample_names
from functions.cli.requests import Given, request_options
from functions.cli.sending import post, show
from functions.cli.signing import read_secret, secret_options, signed
from functions.cli.types import URL

_EXAMPLES = """
Examples:
  WEBHOOK_SECRET=… pipehook send http://localhost:8080 --event push
  pipehook send https://hooks.example.com --event pull_request --secret projects/acme/secrets/github-webhook
  pipehook send http://localhost:8080 --event gitlab:merge_request --secret-file token
  pipehook send http://localhost:8080 --event push --payload push.json --unsigned
  pipehook send --list                                        the built-in events

The key comes from a variable, a file or Secret Manager, never from the command line, where others see it.
Exits with 1 when the reply is no 2xx, with 3 when there is none.
"""


@click.command(cls=Command, epilog=_EXAMPLES)
@click.argument("url", required=False, type=URL)
@request_options
@secret_options
@click.option("--unsigned", is_flag=True, help="Send it without a signature.")
@click.option("--list", "show_list", is_flag=True, help="List the built-in events and end.")
@output_option()
def send(
    given: Given,
    *,
    url: str | None,
    secret_env: str,
    secret_file: Path | None,
    secret: str,
    secret_key: str,
    unsigned: bool,
    show_list: bool,
    output: str,
) -> None:
    """Sign an event as its sender does, send it to URL and show the reply."""
    if show_list:
        say("\n".join(sample_names()) if output == "table" else document(sample_names(), output))
        return
    if not url:
        raise click.UsageError("where to? Give the URL")
    recorded = given.recorded()
    if not unsigned:
        key = read_secret(secret_env=secret_env, secret_file=secret_file, secret=secret, secret_key=secret_key)
        recorded = signed(recorded, key)
    answer = post(url, recorded)
    if output == "table":
        show(answer)
    else:
        found: Any = answer.document
        say(document({"status": answer.status, "reply": found}, output))
    if not answer.fine:
        progress("The delivery was not taken.")
        finish(FAILED)
