"""The options that say which delivery a command is about."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import click
from msgspec import Struct
from msgspec.structs import replace

from functions.cli.output import options
from functions.cli.recorded import Recorded, made_up, read_file, read_recorded, sample
from functions.cli.types import PATH

F = TypeVar("F", bound=Callable[..., Any])
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")
"""What an HTTP header may be: https://www.rfc-editor.org/rfc/rfc9110#section-5.5"""


class Given(Struct, frozen=True):
    """What the request options say."""

    request: Path | None
    event: str
    payload: Path | None
    headers: tuple[tuple[str, str], ...]
    path: str

    def recorded(self, *, default: str = "") -> Recorded:
        """Return the delivery that the options mean. Raises click.UsageError."""
        event = self.event or (default if not self.request else "")
        if self.request and (self.event or self.payload):
            raise click.UsageError("--request is a whole delivery: leave --event and --payload out")
        if self.request:
            found = read_recorded(self.request)
        elif self.payload and event:
            found = made_up(event, read_file(self.payload))
        elif event:
            found = sample(event)
        else:
            raise click.UsageError("which delivery? Give --request FILE, --event NAME or --event NAME --payload FILE")
        return replace(found.with_headers(self.headers), path=self.path or found.path)


def _header(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    pairs = []
    for value in values:
        name, colon, text = value.partition(":")
        if not colon or not _NAME.fullmatch(name.strip()) or not _VALUE.fullmatch(text.strip()):
            raise click.BadParameter("must be NAME: VALUE, the name of letters, digits and -, the value Latin text")
        pairs.append((name.strip(), text.strip()))
    return tuple(pairs)


def names_in(text: str) -> tuple[str, ...]:
    """Return what stands between commas."""
    return tuple(filter(None, map(str.strip, text.split(","))))


def _file_names(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...] | None:
    if not values:
        return None
    lists = (sys.stdin.read().splitlines() if value == "-" else names_in(value) for value in values)
    return tuple(filter(None, chain.from_iterable(lists)))


changed_files_option: Callable[[F], F] = click.option(
    "--changed-files",
    multiple=True,
    callback=_file_names,
    metavar="NAMES",
    help="The files that the event changes, with commas between; - is stdin, one a line.",
)
"""Adds --changed-files: None when it is not given, and no names for an empty value."""


def request_options(command: F) -> F:
    """Add --request, --event, --payload, --header and --path; the command gets them as one `given`."""

    def wrapped(
        *,
        request: Path | None,
        event: str,
        payload: Path | None,
        header: tuple[tuple[str, str], ...],
        path: str,
        **more: Any,
    ) -> None:
        command(given=Given(request, event, payload, header, path), **more)

    wrapped.__doc__ = command.__doc__
    wrapped.__name__ = command.__name__
    file = click.Path(path_type=Path, dir_okay=False)
    add = options(
        click.option("--request", type=file, help="A delivery that `pipehook record` kept."),
        click.option("--event", default="", metavar="NAME", help="Event: push, gitlab:push, bitbucket:repo:push, …"),
        click.option("--payload", type=file, help="JSON body for --event; without it a built-in one."),
        click.option("--header", multiple=True, callback=_header, metavar="'NAME: VALUE'", help="One more header."),
        click.option("--path", type=PATH, default="", help="Path and query of the request."),
    )
    result: Any = add(wrapped)
    # options below the decorator on the command itself
    result.__click_params__ = [*getattr(command, "__click_params__", []), *result.__click_params__]
    return result  # type: ignore[no-any-return] # the wrapper takes one more argument and gives the same
