"""What commands print: tables, JSON or YAML on standard output, progress on standard error, colours on terminals."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

OK, FAILED, USAGE, UNREACHABLE = 0, 1, 2, 3
"""The exit codes: fine; findings or a failure; a wrong command line; a server that cannot be reached."""

FORMATS = ("table", "json", "yaml")

F = TypeVar("F", bound=Callable[..., Any])


def output_option(*more: str) -> Callable[[F], F]:
    """Return the option --output; `more` formats stand beside table, json and yaml."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice([*FORMATS, *more]),
        default="table",
        show_default=True,
        help="How the result is written.",
    )


def say(text: str = "", *, nl: bool = True) -> None:
    """Write to standard output."""
    click.echo(text, nl=nl, color=_coloured(sys.stdout))


def progress(text: str) -> None:
    """Write to standard error, which a pipe does not carry."""
    click.echo(text, err=True, color=_coloured(sys.stderr))


def _coloured(stream: Any) -> bool:
    # https://no-color.org: any value but an empty one means none
    return bool(stream.isatty()) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def coloured(text: str, colour: str, *, bold: bool = False) -> str:
    """Return text that terminals show in a colour; `say` and `progress` take it off elsewhere."""
    return click.style(text, fg=colour, bold=bold)


STATUS_COLOURS = {
    "created": "green",
    "extended": "green",
    "would create": "green",
    "ok": "green",
    "passed": "green",
    "assumed": "cyan",
    "duplicate": "cyan",
    "queued": "cyan",
    "filtered": "yellow",
    "stopped": "yellow",
    "warning": "yellow",
    "rejected": "red",
    "failed": "red",
    "error": "red",
    "note": "cyan",
}


def status(word: str, *, width: int = 0) -> str:
    """Return a status word in its colour, padded to `width`."""
    return coloured(word.ljust(width), STATUS_COLOURS.get(word, "white"))


def document(value: Any, form: str) -> str:
    """Return a value as JSON or YAML text."""
    if form == "json":
        return json.dumps(value, indent=2, ensure_ascii=False)
    return yaml_text(value)


def yaml_text(value: Any, *, many: bool = False) -> str:
    """Return a value, or with `many` a stream of values, as YAML; texts of several lines as blocks."""
    import yaml  # noqa: PLC0415 -- not every command writes YAML

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 -- PyYAML's signature
            return True

    def text(dumper: yaml.SafeDumper, data: str) -> yaml.ScalarNode:
        style = "|" if "\n" in data else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", data, style=style)

    Dumper.add_representer(str, text)
    written: str = yaml.dump_all(
        value if many else [value], Dumper=Dumper, sort_keys=False, allow_unicode=True, width=110
    )
    return written.rstrip("\n")


def table(rows: Sequence[Sequence[str]], headings: Sequence[str]) -> str:
    """Return rows under headings, columns two blanks apart; the last column may be as long as it is."""
    widths = [max(len(click.unstyle(row[column])) for row in [headings, *rows]) for column in range(len(headings))]

    def line(row: Sequence[str]) -> str:
        cells = [cell + " " * (width - len(click.unstyle(cell))) for cell, width in zip(row, widths, strict=True)]
        return "  ".join(cells).rstrip()

    head = coloured(line([heading.upper() for heading in headings]), "white", bold=True)
    return "\n".join([head, *map(line, rows)])


def width() -> int:
    """Return the terminal's width in columns."""
    return shutil.get_terminal_size((100, 24)).columns


def finish(code: int) -> None:
    """End the command with an exit code."""
    click.get_current_context().exit(code)
