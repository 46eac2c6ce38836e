"""The command line as a whole: help with examples everywhere, light imports, exit codes, colours."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from functions.cli.app import cli
from tests.cli.support import clean, pipehook
from tests.support.function import ROOT


def commands(group: click.Group = cli, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


@pytest.mark.parametrize("path", [path for path, _ in commands()], ids=" ".join)
def test_every_command_has_help_and_examples(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(cli, [*path, "--help"], prog_name="pipehook")
    assert result.exit_code == 0, result.output
    command = dict(commands())[path]
    if not isinstance(command, click.Group):
        assert "Examples:" in result.output
        assert f"pipehook {' '.join(path)}" in result.output
    for param in command.params:
        if isinstance(param, click.Option):
            assert param.help, (path, param.opts)


def test_the_list_of_commands_says_what_each_does_and_which_codes_they_end_with() -> None:
    done = pipehook("--help")
    assert done.code == 0
    for path, _ in commands():
        assert path[0] in done.out
    for code in ("0  fine", "1  findings", "2  the command line is wrong", "3  a server cannot be reached"):
        assert code in done.out


def test_help_imports_nothing_heavy() -> None:
    heavy = [
        "google.auth",
        "grpc",
        "kubernetes",
        "flask",
        "urllib3",
        "yaml",
        "functions.cel.program",
        "functions.pipeline",
    ]
    code = (
        "import sys; from functions.cli.app import cli\n"
        "try: cli.main(['--help'], prog_name='pipehook')\n"
        "except SystemExit: pass\n"
        f"found = [name for name in {heavy} if name in sys.modules]; sys.exit(f'imported {{found}}' if found else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_deployed_function_imports_nothing_of_the_command_line() -> None:
    code = (
        "import sys, functions.entrypoints.webhook, functions.entrypoints.dispatch, functions.entrypoints.redeliver\n"
        "found = [name for name in sys.modules if name.startswith(('functions.cli', 'functions.lint', 'click'))]\n"
        "sys.exit(f'imported {found}' if found else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "args",
    [["nothing"], ["render"], ["render", "--event", "nothing"], ["send"], ["validate", "-o", "xml"], ["eval", "cel"]],
)
def test_a_wrong_command_line_ends_with_2_and_says_what_is_wrong(args: list[str]) -> None:
    done = pipehook(*args)
    assert done.code == 2
    assert "Error:" in done.err
    assert not done.out


def test_mistakes_in_the_settings_are_all_named() -> None:
    done = pipehook("render", "--event", "push", environment={"DRY_RUN": "perhaps", "NAMESPACE": "Lab"})
    assert done.code == 1
    assert "DRY_RUN: must be true or false" in done.err
    assert "NAMESPACE: must be" in done.err


def coloured(environment: dict[str, str]) -> bytes:
    """Run `validate` on a terminal and return what it wrote there."""
    leader, follower = pty.openpty()
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "functions", "validate", "infra/triggers"],
            cwd=ROOT,
            env=clean({"TERM": "xterm-256color", **environment}),
            stdin=follower,
            stdout=follower,
            stderr=follower,
        )
        os.close(follower)
        text = b""
        while True:
            try:
                chunk = os.read(leader, 4096)
            except OSError:  # the other side is closed
                break
            if not chunk:
                break
            text += chunk
        assert process.wait(30) == 0
        return text
    finally:
        os.close(leader)


def test_colours_are_for_terminals_and_for_those_who_want_them() -> None:
    assert b"\x1b[33m" in coloured({})
    assert b"\x1b[" not in coloured({"NO_COLOR": "1"})
    assert b"\x1b[" not in coloured({"TERM": "dumb"})
    assert "\x1b[" not in pipehook("validate", "infra/triggers").out


def test_the_console_script_is_the_same_program() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["scripts"] == {"pipehook": "functions.cli:main"}
    patterns = project["tool"]["setuptools"]["package-data"]["functions"]
    for file in (ROOT / "functions").rglob("*"):
        if file.is_file() and file.suffix not in (".py", ".pyc"):
            relative = Path(file.relative_to(ROOT / "functions"))
            assert any(relative.match(pattern) for pattern in patterns) or relative.suffix == ".json", relative
