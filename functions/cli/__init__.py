"""The command line. Never part of a deployed function."""

from __future__ import annotations


def main() -> None:
    """Run the command line with the process's arguments; exits with the codes that `pipehook --help` lists."""
    from functions.cli.app import cli  # noqa: PLC0415 -- importing the package costs nothing

    cli.main(prog_name="pipehook")
