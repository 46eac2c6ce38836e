"""`pipehook record` and `pipehook replay`: deliveries kept as files without their secrets, and sent again."""

from __future__ import annotations

import os
from pathlib import Path

import click
from msgspec.structs import replace

from functions.cli.app import Command
from functions.cli.local import Arrival
from functions.cli.manifests import triggers_option
from functions.cli.output import FAILED, coloured, finish, progress, say, status
from functions.cli.recorded import Recorded, read_recorded
from functions.cli.sending import post, show
from functions.cli.serving import Place, local_function, wait_for_end
from functions.cli.signing import read_secret, secret_options, signed
from functions.cli.types import URL

_RECORD = """
Examples:
  pipehook record deliveries
  pipehook record deliveries --port 9000 --triggers infra/triggers

A tunnel (ngrok, cloudflared, gh webhook forward) brings GitHub's deliveries here. What signs or authenticates a
delivery is left out of the files, so that they can be kept beside the manifests; the body is kept whole.
"""
_REPLAY = """
Examples:
  WEBHOOK_SECRET=… pipehook replay http://localhost:8080 deliveries/*.json
  pipehook replay https://staging.example.com deliveries --secret projects/acme/secrets/github-webhook
  pipehook replay http://localhost:8080 deliveries --new-id           as deliveries that were never seen

Exits with 1 when one of the replies is no 2xx, with 3 when there is none.
"""


class Keeper:
    """Writes deliveries to files, without their secrets."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise click.UsageError(f"{directory} cannot be made: {error.strerror}") from error

    def keep(self, arrival: Arrival) -> Path:
        """Write one."""
        path = self._directory / arrival.recorded.file_name(arrival.number)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(arrival.recorded.without_secrets().text())
        return path


def said(arrival: Arrival) -> str:
    """Return a delivery's line."""
    ends = ", ".join(dict.fromkeys(trace.outcome.status.value for trace in arrival.traces))
    code = coloured(str(arrival.status), "green" if arrival.status < 300 else "red", bold=True)  # noqa: PLR2004 -- success
    told = [f"\n    would tell {due}" for trace in arrival.traces for due in trace.told]
    return f"{code} {arrival.event} {arrival.repository} {ends}".rstrip() + "".join(told)


@click.command(cls=Command, epilog=_RECORD)
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0: any that is free.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where the function listens.")
@triggers_option
@click.option("--logs", is_flag=True, help="Write the function's log as it is: a JSON line each.")
def record(directory: Path, *, port: int, host: str, triggers: str, logs: bool) -> None:
    """Serve the function on this machine and keep every delivery as a file in DIRECTORY."""
    keeper = Keeper(directory)

    def arrived(arrival: Arrival) -> None:
        progress(f"{said(arrival)}  {keeper.keep(arrival)}")

    with local_function(triggers, Place(host, port), on_arrival=arrived, raw_logs=logs) as (_, url):
        wait_for_end(f"Serving at {url}, keeping deliveries in {directory}. Ctrl-C ends it.")


@click.command(cls=Command, epilog=_REPLAY)
@click.argument("url", type=URL)
@click.argument("paths", nargs=-1, required=True, metavar="FILE|DIRECTORY...", type=click.Path(path_type=Path))
@secret_options
@click.option("--unsigned", is_flag=True, help="Send them without a signature.")
@click.option("--new-id", is_flag=True, help="Make each a delivery that was never seen: a new id, other bytes.")
def replay(
    url: str,
    paths: tuple[Path, ...],
    *,
    secret_env: str,
    secret_file: Path | None,
    secret: str,
    secret_key: str,
    unsigned: bool,
    new_id: bool,
) -> None:
    """Sign recorded deliveries anew and send them to URL, in the order of their names."""
    key = None
    if not unsigned:
        key = read_secret(secret_env=secret_env, secret_file=secret_file, secret=secret, secret_key=secret_key)
    refused = 0
    for file in _files(paths):
        recorded = read_recorded(file)
        if new_id:
            recorded = renumbered(recorded)
        if key is not None:
            recorded = signed(recorded, key)
        say(coloured(file.name, "white", bold=True))
        answer = post(url, recorded)
        show(answer)
        refused += not answer.fine
    if refused:
        progress(f"{status('failed')} {refused} deliveries were not taken")
        finish(FAILED)


def renumbered(recorded: Recorded) -> Recorded:
    """Return a delivery as one that was never sent before, to be signed anew: its id and its body's bytes are others.

    The function knows some events by their signed body alone. White space after JSON changes the bytes and nothing
    that anybody reads.
    """
    import secrets  # noqa: PLC0415 -- for this option alone
    import uuid  # noqa: PLC0415 -- as above

    from functions.delivery import FORM, ID_HEADERS, canonical_name  # noqa: PLC0415 -- as above

    form = any(canonical_name(name) == "Content-Type" and value.startswith(FORM) for name, value in recorded.headers)
    blank, other = ("+", "%09") if form else (" ", "\t")
    more = "".join(secrets.choice((blank, other)) for _ in range(64))
    if form and (b"&" in recorded.body or not recorded.body.startswith(b"payload=")):
        more = f"&replay={secrets.token_hex(8)}"  # fields of a sender's own, Slack's say, stay as they are
    return replace(
        recorded.with_headers(
            [(name, str(uuid.uuid4())) for name, _ in recorded.headers if canonical_name(name) in ID_HEADERS]
        ),
        body=recorded.body + more.encode(),
    )


def _files(paths: tuple[Path, ...]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        found += sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not found:
        raise click.UsageError("there is no recorded delivery (*.json) there")
    return found
