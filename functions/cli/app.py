"""The root command: its table of commands, each imported when it is used, and what errors become."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click
from msgspec import Struct

from functions.cli.output import UNREACHABLE, visible
from functions.common.errors import ConfigurationError, PassingError, PipehookError


class Lazy(Struct, frozen=True):
    """A command by the module and name that it is imported from, and its line in --help."""

    module: str
    name: str
    help: str


class LazyGroup(click.Group):
    """A group whose commands are imported when they are run, so that --help stays quick."""

    def __init__(self, *args: Any, lazy: Mapping[str, Lazy], **more: Any) -> None:
        super().__init__(*args, **more)
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's signature
        """Return the names, in the table's order."""
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 -- the same
        """Import a command."""
        found = self._lazy.get(cmd_name)
        if found is None:
            return None
        command: click.Command = getattr(import_module(found.module), found.name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 -- the same
        """Write the table without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in self._lazy.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run; faults of the family become one line on standard error and an exit code."""
        try:
            return super().invoke(ctx)
        except PassingError as error:
            raise _Unreachable(visible(error.reason)) from error
        except PipehookError as error:
            mistakes = error.mistakes if isinstance(error, ConfigurationError) else ()
            text = "\n".join([error.reason, *(f"  {mistake}" for mistake in mistakes if mistake != error.reason)])
            raise click.ClickException(visible(text)) from error
        except click.ClickException as error:
            vars(error).update(message=visible(error.message))
            raise


class _Unreachable(click.ClickException):
    exit_code = UNREACHABLE


class Command(click.Command):
    """A command whose help ends with the examples in its `epilog`, line by line as they are written."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 -- click's
        """Write the examples."""
        if self.epilog:
            formatter.write("\n" + self.epilog.strip("\n") + "\n")


class Group(click.Group):
    """As Command, for a command with sub-commands."""

    command_class = Command
    format_epilog = Command.format_epilog


_CODES = """
Exit codes:
  0  fine
  1  findings, a refusal, or something failed
  2  the command line is wrong
  3  a server cannot be reached; trying again may help

Examples:
  pipehook validate infra/triggers
  pipehook render --event push --payload push.json
  pipehook dev

Settings come from the environment variables that the function has (TRIGGERS_SOURCE, SECRETS_SOURCE, KUBECONFIG, …).
Colours appear on a terminal only, and never with NO_COLOR set.
"""


class _Root(LazyGroup):
    format_epilog = Command.format_epilog


def _entry(module: str, name: str, text: str) -> Lazy:
    return Lazy(f"functions.cli.commands.{module}", name, text)


def _show_version(ctx: click.Context, _param: click.Parameter, asked: bool) -> None:  # noqa: FBT001 -- click's form
    if asked:
        from functions.cli.version import version  # noqa: PLC0415 -- for this option alone

        click.echo(f"pipehook {version()}")
        ctx.exit()


@click.group(
    cls=_Root,
    epilog=_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    lazy={
        "validate": _entry("validate", "validate", "Load manifests as the function would, and lint them."),
        "render": _entry("render", "render", "Run one delivery without a cluster and show every stage."),
        "eval": _entry("evaluate", "evaluate", "Evaluate CEL expressions and binding values on a delivery."),
        "send": _entry("send", "send", "Sign and send a recorded or built-in event."),
        "record": _entry("record", "record", "Serve on this machine and keep the deliveries as files."),
        "replay": _entry("record", "replay", "Send recorded deliveries again, signed anew."),
        "dev": _entry("dev", "dev", "Serve on this machine with reload, and an inspector page."),
        "kubeconfig": _entry("kubeconfig", "kubeconfig", "Write the service account's kubeconfig."),
        "hooks": _entry("hooks", "hooks", "Create, list and test the webhooks at GitHub."),
        "doctor": _entry("doctor", "doctor", "Check a deployment from the inside out."),
        "dead-letters": _entry("dead_letters", "dead_letters", "List and replay what could never be created."),
        "redeliver": _entry("redeliver", "redeliver", "Ask GitHub to send failed deliveries again."),
        "migrate": _entry("migrate", "migrate", "Turn a cluster's Triggers objects into manifests and variables."),
    },
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_show_version,
    help="Show the version and end.",
)
def cli() -> None:
    """Tekton Triggers' EventListener as a cloud function: for those who write its triggers."""
    for stream in (sys.stdout, sys.stderr):
        # a terminal that knows less than UTF-8 shows a question mark rather than ending the command
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(errors="replace")
