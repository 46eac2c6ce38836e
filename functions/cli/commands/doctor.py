"""`pipehook doctor`: a deployment from the inside out; what is wrong, and the command that mends it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

import click

from functions.cli.app import Command
from functions.cli.checkup import Patient
from functions.cli.findings import FAIL, OK, WARN, Check
from functions.cli.output import FAILED, document, finish, output_option, progress, say, status
from functions.cli.types import HOOK, SECRET, THERE

_EXAMPLES = """
Examples:
  pipehook doctor                                  with this shell's environment
  pipehook doctor --env-file function.env          with a deployment's: NAME=VALUE a line, or JSON
  terraform -chdir=infra output -json environment > environment.json
  pipehook doctor --env-file environment.json      with what Terraform deployed
  pipehook doctor --hook repos/acme/shop/hooks/521340097
  pipehook doctor -o json

Secrets are read as you, not as the function: impersonate its service account to see what it sees
(gcloud auth application-default login --impersonate-service-account=…).
Below what is wrong stands what mends it, for whoever may do that. Where a command names $FUNCTION_ACCOUNT, export the
function's service account as that first: terraform -chdir=infra output service_accounts
Exits with 1 when something is wrong.
"""

_WORDS = {OK: "ok", WARN: "warning", FAIL: "failed"}


@click.command(cls=Command, epilog=_EXAMPLES)
@click.option(
    "--env-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Read the environment from a file: NAME=VALUE lines, or JSON.",
)
@click.option(
    "--function", default="webhook", show_default=True, metavar="NAME", help="Whose environment, in a file of several."
)
@click.option(
    "--hook", "hooks", type=HOOK, multiple=True, metavar="repos/O/R/hooks/ID", help="Hook to look at [GITHUB_HOOKS]."
)
@click.option(
    "--token-secret", type=SECRET, default="", metavar="projects/P/secrets/S", help="GitHub's token [GITHUB_TOKEN]."
)
@click.option(
    "--kubeconfig", type=THERE, default="", metavar="PATH", help="Your own, to look at Tekton's sink and its events."
)
@output_option()
def doctor(
    *, env_file: Path | None, function: str, hooks: tuple[str, ...], token_secret: str, kubeconfig: str, output: str
) -> None:
    """Check settings, manifests, secrets, kubeconfig, rights, Tekton's kinds, clocks, GitHub's deliveries, statuses."""
    environment = {**os.environ, **(_read_environment(env_file, function) if env_file else {})}
    patient = Patient(environment, hooks=hooks, token_secret=token_secret, kubeconfig=kubeconfig)
    found = []
    for check in _checks(patient, quiet=output != "table"):
        found.append(check)
        if output == "table":
            _show(check)
    if output != "table":
        say(document([check.plain(_WORDS[check.result]) for check in found], output))
    wrong = sum(check.result == FAIL for check in found)
    doubts = sum(check.result == WARN for check in found)
    progress(f"{len(found)} checks: {wrong} failed, {doubts} doubtful" if wrong or doubts else "All is well.")
    if wrong:
        finish(FAILED)


def _checks(patient: Patient, *, quiet: bool) -> Iterator[Check]:
    parts: list[tuple[str, Callable[[], Iterator[Check]]]] = [
        ("settings", patient.settings_checks),
        ("manifests", patient.file_checks),
        ("cluster", patient.cluster_checks),
        ("secrets", patient.secret_checks),
        ("rights", patient.right_checks),
        ("GitHub", lambda: chain(patient.github_checks(), patient.status_checks())),
    ]
    for name, part in parts:
        if not quiet:
            progress(f"Looking at {name} …")
        yield from part()


def _show(check: Check) -> None:
    say(f"{status(_WORDS[check.result], width=7)}  {check.name}: {check.detail}")
    if check.remedy and check.result != OK:
        say(f"         {check.remedy}")


def _read_environment(path: Path, function: str) -> dict[str, str]:
    """Read NAME=VALUE lines, or JSON: an object of texts, or as Terraform gives it, one such for each function."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise click.UsageError(f"{path} cannot be read: {why}") from error
    return _of_json(text, path, function) if text.lstrip().startswith("{") else _of_lines(text, path)


def _of_json(text: str, path: Path, function: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise click.UsageError(f"{path} is no JSON") from error
    if isinstance(found.get("environment"), dict):  # all outputs, where `output -json environment` gives the one
        value = found["environment"].get("value")
        found = value if isinstance(value, dict) else {}
    if found and all(isinstance(value, dict) for value in found.values()):
        if function not in found:
            raise click.UsageError(f"{path} has no function {function}; --function names one of {', '.join(found)}")
        # the key of report's sink is told to report alone, and looked at with the rest
        shared = {name: value for name, value in found.get("report", {}).items() if name == "REPORT_KEY_SECRET"}
        found = {**shared, **found[function]}
    wrong = [name for name, value in found.items() if not isinstance(value, str)]
    if wrong:
        raise click.UsageError(f"{path}: {', '.join(wrong)}: the values must be texts")
    return dict(found)


def _of_lines(text: str, path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        entry = line.strip().removeprefix("export ")
        if not entry or entry.startswith("#"):
            continue
        name, equals, value = entry.partition("=")
        if not equals:
            raise click.UsageError(f"{path}:{number}: must be NAME=VALUE")
        value = value.strip()
        quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
        found[name.strip()] = value[1:-1] if quoted else value
    return found
