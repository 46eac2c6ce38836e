"""The command line as a whole: help with examples everywhere, light imports, exit codes, colours."""

from __future__ import annotations

import os
import pty
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from functions.cli.app import cli
from tests.cli.support import clean, pipehook
from tests.support.function import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


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


WRONG = {
    "validate nowhere": "nowhere does not exist",
    "validate --ignore PH404,PX9": "'--ignore': no rule begins with PX9; pipehook validate --rules lists them",
    "validate --namespace My_Lab": "'--namespace': must be a namespace's name",
    "render --event push --triggers nowhere": "'--triggers': nowhere does not exist",
    "render --event push --diff nowhere": "'--diff': nowhere does not exist",
    "render --event push --listener a/b/c": "'--listener': must be NAME or NAMESPACE/NAME",
    "render --event push --listener other": "EVENT_LISTENER: other: there is no such listener (there are: ",
    "render --event push --path here": "'--path': must be a path that begins with /",
    "render --event push --header 'No Name: x'": "'--header': must be NAME: VALUE",
    "send http://127.0.0.1:9 --event push --header 'X: one\ntwo'": "'--header': must be NAME: VALUE",
    "send http://127.0.0.1:9 --event push --header 'X: 日'": "'--header': must be NAME: VALUE",
    "send ftp://127.0.0.1 --event push": "must be a URL such as https://",
    "send http://127.0.0.1:9 --event push --secret mine": "'--secret': must be projects/PROJECT/secrets/SECRET",
    "send http://127.0.0.1:9 --event push --secret-key a": "--secret-key is a key of --secret: give both",
    "send http://127.0.0.1:9 --event push --secret-file /dev/null": "/dev/null is empty: it holds no key",
    "replay 127.0.0.1 infra": "must be a URL such as https://",
    "eval cel 1 --secret-namespace My_Lab": "'--secret-namespace': must be a namespace's name",
    "dev --triggers nowhere": "'--triggers': nowhere does not exist",
    "record /tmp/kept --triggers nowhere": "'--triggers': nowhere does not exist",
    "hooks create a/b/c https://hooks.example.com": "a/b/c is neither OWNER/REPO nor ORGANIZATION",
    "hooks create a/b https://": "must be a URL such as https://",
    "hooks create a/b https://hooks.example.com": "no token: set GITHUB_TOKEN, or give --token-secret",
    "hooks create a/b https://hooks.example.com --listener other": "EVENT_LISTENER: other: there is no such listener",
    "hooks create a/b https://hooks.example.com --secret mine": "'--secret': must be projects/PROJECT/secrets/SECRET",
    "hooks list a/b --token-secret mine": "'--token-secret': must be projects/PROJECT/secrets/SECRET",
    "hooks test a/b --id 0": "'--id'",
    "doctor --hook mine": "'--hook': must be repos/OWNER/REPO/hooks/ID, orgs/ORG/hooks/ID or app",
    "doctor --token-secret mine": "'--token-secret': must be projects/PROJECT/secrets/SECRET",
    "doctor --kubeconfig nowhere": "'--kubeconfig': nowhere does not exist",
    "dead-letters list --subscription mine": "'--subscription': must be projects/PROJECT/subscriptions/SUBSCRIPTION",
    "dead-letters replay --all --topic mine": "'--topic': must be projects/PROJECT/topics/TOPIC",
    "redeliver --hook mine": "'--hook': must be repos/OWNER/REPO/hooks/ID, orgs/ORG/hooks/ID or app",
    "migrate nowhere --out migrated": "nowhere does not exist",
    "migrate infra/triggers --out migrated --project 'My Project'": "'--project': must be a project's ID",
    "migrate infra/triggers --out migrated --namespace My_Lab": "'--namespace': must be a namespace's name",
}


@pytest.mark.parametrize(("line", "why"), WRONG.items(), ids=WRONG)
def test_a_wrong_value_ends_with_2_and_one_line_that_names_it_before_anything_is_done(
    line: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in set(os.environ) - clean().keys():
        monkeypatch.delenv(name)
    result = CliRunner().invoke(cli, shlex.split(line), prog_name="pipehook")
    assert result.exit_code == 2, result.output
    (said,) = [text for text in result.stderr.splitlines() if text.startswith("Error: ")]
    assert why in said
    assert not result.stdout


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


def test_a_checkout_knows_its_version() -> None:
    done = pipehook("--version")
    assert (done.code, done.out, done.err) == (0, f"pipehook {PROJECT['version']}\n", "")


def test_what_is_installed_has_a_home_of_its_own_and_is_the_same_program(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in ("functions", "pyproject.toml", "setup.py", "requirements.in", "README.md", "LICENSE"):
        found = ROOT / name
        if found.is_dir():
            shutil.copytree(found, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(found, source)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps"]
    site = tmp_path / "site"
    offline = ["--no-build-isolation", "--no-index", "--target", str(site), str(source)]
    subprocess.run([*pip, *offline], check=True, capture_output=True, timeout=120)
    assert {entry.name.partition("-")[0] for entry in site.iterdir()} == {"bin", "pipehook"}
    written = [file.relative_to(ROOT) for file in (ROOT / "functions").rglob("*") if "__pycache__" not in file.parts]
    assert [file for file in written if not (site / "pipehook" / "tree" / file).exists()] == []
    for command in ([str(site / "bin" / "pipehook")], [sys.executable, "-m", "pipehook"]):
        environment = clean() | {"PYTHONPATH": str(site)}
        for args, said in ((["--version"], f"pipehook {PROJECT['version']}\n"), (["send", "--list"], "push\n")):
            done = subprocess.run(
                [*command, *args], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
            assert said in done.stdout
