"""One delivery over HTTP, and the reply as a table."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import click
from msgspec import Struct

from functions.adapters.bounded import NoAnswerError, whole
from functions.cli.output import coloured, say, status, table
from functions.cli.recorded import Recorded
from functions.common.errors import PassingError
from functions.common.ports import Deadline
from functions.go.status_texts import status_line

SECONDS = 10.0
"""What GitHub waits for an answer."""
MAX_ANSWER = 8 * 1024**2
_HOP = frozenset({"Host", "Content-Length", "Connection", "Transfer-Encoding", "Accept-Encoding"})


class Answer(Struct, frozen=True):
    """What came back."""

    status: int
    body: bytes

    @property
    def fine(self) -> bool:
        """Whether the delivery was taken."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def document(self) -> Mapping[str, Any] | None:
        """The reply's JSON object, None when it is something else."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return None
        return found if isinstance(found, dict) else None


def post(url: str, recorded: Recorded) -> Answer:
    """POST a delivery to an http or https URL.

    Raises click.UsageError for a header that cannot be sent, PassingError when nobody answers.
    """
    import urllib3  # noqa: PLC0415 -- the two commands that send need it

    parts = urlsplit(url)
    target = url.rstrip("/") + recorded.path if recorded.path != "/" else url
    headers = {name: value for name, value in recorded.headers if name.title() not in _HOP}
    try:
        with urllib3.PoolManager(retries=False, timeout=SECONDS) as pool:
            ask = partial(pool.request, "POST", target, body=recorded.body, headers=headers, redirect=False)
            deadline = Deadline(time.monotonic() + SECONDS, time.monotonic)
            reply, body = whole(partial(ask, preload_content=False), deadline=deadline, size=MAX_ANSWER)
            return Answer(reply.status, body)
    except ValueError as error:
        raise click.UsageError("the delivery has a header that HTTP has no way to send") from error
    except NoAnswerError as error:
        raise PassingError(f"{parts.scheme}://{parts.netloc} cannot be reached: {error.text}") from error


def show(answer: Answer) -> None:
    """Print the reply: status, and a line for each trigger."""
    code, _, words = status_line(answer.status).partition(" ")
    say(f"HTTP {coloured(code, 'green' if answer.fine else 'red', bold=True)} {words}".rstrip())
    found = answer.document
    if found is None:
        say(answer.body[:2000].decode("utf-8", "replace").rstrip())
        return
    if found.get("errorMessage"):
        say(str(found["errorMessage"]))
    triggers = found.get("triggers")
    rows = [_row(entry) for entry in triggers if isinstance(entry, dict)] if isinstance(triggers, list) else []
    if rows:
        say(table(rows, ["trigger", "status", "resources", "reason"]))


def _row(entry: Mapping[str, Any]) -> list[str]:
    name = "/".join(part for part in (str(entry.get("namespace", "")), str(entry.get("name", ""))) if part)
    made = [f"{ref.get('kind')} {ref.get('namespace')}/{ref.get('name')}" for ref in entry.get("resources") or []]
    return [name or "-", status(str(entry.get("status", ""))), ", ".join(made) or "-", str(entry.get("reason", ""))]
