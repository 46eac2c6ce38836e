"""The types of options' values: a wrong one ends the command before it begins, with the option's name and code 2."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click

from functions.settings.parsers import NAME_PATTERN, PARSERS, PROJECT_ID, matching


def taken_by(parse: Callable[[str], object]) -> Callable[[str], str]:
    """Return the type of a text that a parser takes, which is handed on as it was given; an empty one is as none.

    `parse` raises ValueError, which says what the text must be.
    """

    def text(value: str) -> str:
        try:
            if value:
                parse(value)
        except ValueError as error:
            raise click.BadParameter(str(error)) from error
        return value

    return text


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(text: str) -> None:
        parts = urlsplit(text)
        if parts.scheme not in schemes or not parts.hostname or parts.port == 0:
            raise ValueError(f"must be a URL such as {schemes[-1]}://example.com")

    return taken_by(parse)


def _there(text: str) -> None:
    if not Path(text).exists():
        raise ValueError(f"{text} does not exist")


THERE: Final = taken_by(_there)
"""A file or directory."""
LISTENER: Final = taken_by(PARSERS["EVENT_LISTENER"])
NAMESPACE: Final = taken_by(PARSERS["NAMESPACE"])
HOOK: Final = taken_by(PARSERS["GITHUB_HOOKS"])
TOPIC: Final = taken_by(PARSERS["QUEUE_TOPIC"])
SECRET: Final = taken_by(PARSERS["KUBECONFIG_SECRET"])
URL: Final = _url("http", "https")
HTTPS_URL: Final = _url("https")
WRITTEN_SECRET: Final = taken_by(
    matching(rf"projects/{PROJECT_ID}/secrets/[A-Za-z0-9_-]{{1,255}}", "projects/PROJECT/secrets/SECRET")
)
PROJECT: Final = taken_by(matching(f"{PROJECT_ID}|PROJECT", "a project's ID"))
NAME: Final = taken_by(matching(NAME_PATTERN, "a name as Kubernetes takes it"))
PATH: Final = taken_by(matching(r"/[^\s\x00-\x1f\x7f]*", "a path that begins with /, and perhaps a query"))
SUBSCRIPTION: Final = taken_by(
    matching(
        rf"projects/{PROJECT_ID}/subscriptions/[A-Za-z][A-Za-z0-9._~+%-]{{2,254}}",
        "projects/PROJECT/subscriptions/SUBSCRIPTION",
    )
)
