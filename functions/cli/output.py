"""What commands print: tables, JSON or YAML on standard output, progress on standard error, colours on terminals."""

from __future__ import annotations

import json
import os
import re
import secrets
import sys
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, TypeVar

import click

from functions.common.shown import printable

OK, FAILED, USAGE, UNREACHABLE = 0, 1, 2, 3
"""The exit codes: fine; findings or a failure; a wrong command line; a server that cannot be reached."""

FORMATS = ("table", "json", "yaml")

F = TypeVar("F", bound=Callable[..., Any])


def options(*several: Callable[[F], F]) -> Callable[[F], F]:
    """Return a decorator that adds several options, which --help lists in this order."""
    return lambda command: reduce(lambda found, option: option(found), reversed(several), command)


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


_ESCAPE = secrets.token_hex(16)
"""Stands for the escape character of our own styles until the text is written: no text from outside can hold it."""


def say(text: str = "", *, nl: bool = True) -> None:
    """Write to standard output."""
    click.echo(visible(text).replace(_ESCAPE, "\x1b"), nl=nl, color=_coloured(sys.stdout))


def progress(text: str) -> None:
    """Write to standard error, which a pipe does not carry."""
    click.echo(visible(text).replace(_ESCAPE, "\x1b"), err=True, color=_coloured(sys.stderr))


def visible(text: str) -> str:
    """Return text as every print has it, since some of it may come from outside: no escapes, nothing that hides."""
    return printable(text, keep="\n\t")


def _coloured(stream: Any) -> bool:
    # https://no-color.org: any value but an empty one means none
    return bool(stream.isatty()) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def coloured(text: str, colour: str, *, bold: bool = False) -> str:
    """Return text that terminals show in a colour; `say` and `progress` take it off elsewhere."""
    return click.style(visible(text), fg=colour, bold=bold).replace("\x1b", _ESCAPE)


def _unstyled(text: str) -> str:
    return click.unstyle(text.replace(_ESCAPE, "\x1b"))


STATUS_COLOURS = {
    "created": "green",
    "extended": "green",
    "would create": "green",
    "ok": "green",
    "passed": "green",
    "assumed": "cyan",
    "duplicate": "cyan",
    "superseded": "cyan",
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
    """Return a value as JSON or YAML text, what cannot be seen in escapes."""
    if form == "json":
        text = json.dumps(value, indent=2, ensure_ascii=False)
        return _HIDDEN.sub(lambda found: found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1], text)
    return yaml_text(value)


def yaml_text(value: Any, *, many: bool = False) -> str:
    """Return a value, or with `many` a stream of values, as YAML; texts of several lines as blocks."""
    import yaml  # noqa: PLC0415 -- not every command writes YAML

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 -- PyYAML's signature
            return True

    def text(dumper: yaml.SafeDumper, data: str) -> yaml.ScalarNode:
        # what cannot be seen is escaped afterwards, which only this style allows
        style = '"' if visible(data) != data else "|" if "\n" in data else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", data, style=style)

    Dumper.add_representer(str, text)
    written: str = yaml.dump_all(
        value if many else [value], Dumper=Dumper, sort_keys=False, allow_unicode=True, width=110
    )
    return _HIDDEN.sub(_escaped, written.rstrip("\n"))


_HIDDEN = re.compile(r"[^\n\t -~]")


def _escaped(found: re.Match[str]) -> str:
    """Return a character as it stands in YAML's double quotes, where it cannot be seen."""
    character = found[0]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004 -- YAML's three forms


def table(rows: Sequence[Sequence[str]], headings: Sequence[str]) -> str:
    """Return rows under headings, columns two blanks apart; the last column may be as long as it is."""
    rows = [[cell.replace("\n", " ") for cell in row] for row in rows]
    widths = [max(len(_unstyled(row[column])) for row in [headings, *rows]) for column in range(len(headings))]

    def line(row: Sequence[str]) -> str:
        cells = [cell + " " * (width - len(_unstyled(cell))) for cell, width in zip(row, widths, strict=True)]
        return "  ".join(cells).rstrip()

    head = coloured(line([heading.upper() for heading in headings]), "white", bold=True)
    return "\n".join([head, *map(line, rows)])


def finish(code: int) -> None:
    """End the command with an exit code."""
    click.get_current_context().exit(code)
