"""`pipehook render`: one delivery through all stages, without a cluster."""

from __future__ import annotations

import difflib
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click
from msgspec.structs import asdict

from functions.adapters.kubernetes.dry_run import DryRunSink
from functions.cli.app import Command
from functions.cli.manifests import Selection, triggers_options
from functions.cli.offline import GitHubAnswers, services
from functions.cli.output import FAILED, coloured, document, finish, output_option, progress, say, status, yaml_text
from functions.cli.recorded import Recorded, read_json
from functions.cli.requests import Given, changed_files_option, names_in, request_options
from functions.cli.trace import TriggerTrace, Watch, is_done
from functions.cli.types import THERE
from functions.common.ports import Deadline, head_of
from functions.common.values import Json, Status
from functions.pipeline import process

SECONDS = 8.0

_EXAMPLES = """
Examples:
  pipehook render --event push                                     a built-in push
  pipehook render --event push --payload push.json
  pipehook render --request deliveries/20261120T084112-0001-push.json
  pipehook render --event push --trigger build -o yaml | kubectl create --dry-run=server -f -
  pipehook render --event push --diff ../main/infra/triggers       what a change of the manifests changes
  pipehook render --event push --changed-files src/main.py,docs/a.md
  pipehook render --event issue_comment --pull-request pull.json --failed-contexts ci/build
  pipehook render --event push --server-dry-run                    let the cluster of KUBECONFIG check the resources

Signatures are taken as right, unless --verify checks them with SECRETS_SOURCE. Nobody is asked, unless --online allows
custom interceptors, GitHub (changed files, owners) and secrets for compareSecret.
Exits with 1 when a trigger fails, with --diff when something differs.
"""


@click.command(cls=Command, epilog=_EXAMPLES)
@request_options
@triggers_options
@click.option("--trigger", "only", default="", metavar="NAME", help="Show this trigger alone.")
@click.option("--verify", is_flag=True, help="Check signatures with SECRETS_SOURCE (implies --online).")
@click.option("--online", is_flag=True, help="Let interceptors ask custom interceptors, GitHub and secrets.")
@changed_files_option
@click.option(
    "--pull-request",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The pull request of a comment, as GitHub's API gives it: a JSON file.",
)
@click.option("--failed-contexts", default="", metavar="NAMES", help="What failed on its head, with commas between.")
@click.option(
    "--diff",
    "other",
    type=THERE,
    default="",
    metavar="PATH",
    help="Compare with what the manifests in PATH make of it.",
)
@click.option("--server-dry-run", is_flag=True, help="Create with dryRun=All on the cluster that KUBECONFIG names.")
@output_option()
def render(
    given: Given,
    *,
    triggers: str,
    listener: str,
    namespace: str,
    only: str,
    verify: bool,
    online: bool,
    changed_files: tuple[str, ...] | None,
    pull_request: Path | None,
    failed_contexts: str,
    other: str,
    server_dry_run: bool,
    output: str,
) -> None:
    """Run one delivery without a cluster; print each trigger's decision at every stage, and its resources.

    -o yaml writes the resources alone, as a stream that kubectl takes; -o json everything.
    """
    recorded = given.recorded()
    selection = Selection.of(triggers=triggers, listener=listener, namespace=namespace)
    if pull_request and (online or verify):
        raise click.UsageError("--pull-request says what GitHub would answer, and --online asks it: give one of them")
    if failed_contexts and not pull_request:
        raise click.UsageError("--failed-contexts are those of a --pull-request: give both")
    answers = GitHubAnswers(_read_pull_request(pull_request), names_in(failed_contexts)) if pull_request else None
    runner = _Runner(
        selection, recorded, verify=verify, online=online or verify, changed_files=changed_files, answers=answers
    )
    traces = runner.traces(only)
    if other:
        _diff(runner.traces(only, other), traces, other, selection.settings.triggers_source)
        return
    if output == "table":
        for trace in traces:
            show(trace)
    elif output == "yaml":
        _stream(traces)
    else:
        say(document({"triggers": [plain(trace) for trace in traces]}, output))
    failed = any(trace.outcome.status in (Status.FAILED, Status.REJECTED) for trace in traces)
    if server_dry_run:
        from functions.cli.admission import admitted  # noqa: PLC0415 -- the cluster's client, for those who ask

        failed = not admitted(traces, selection) or failed
    if failed:
        finish(FAILED)


def _read_pull_request(path: Path) -> Mapping[str, Json]:
    found = read_json(path)
    if not isinstance(found, dict) or not head_of(found):
        raise click.UsageError(f"{path} is no pull request as GitHub's API gives it: it has no head.sha")
    return found


class _Runner:
    """Runs the same delivery through several manifests."""

    def __init__(
        self,
        selection: Selection,
        recorded: Recorded,
        *,
        verify: bool,
        online: bool,
        changed_files: tuple[str, ...] | None,
        answers: GitHubAnswers | None,
    ) -> None:
        self._selection = selection
        self._delivery = recorded.delivery()
        self._services = services(selection.settings, online=online, answers=answers)
        self._watch = partial(Watch, assume=not verify, changed_files=changed_files, tokens=answers is None)

    def traces(self, only: str, source: str = "") -> list[TriggerTrace]:
        """Run it. Raises ManifestError, ConfigurationError and BadRequestError."""
        listener = self._selection.listener(self._delivery.path, source)
        watch = self._watch()
        report = process(
            self._delivery,
            watch.listener(listener),
            services=self._services,
            sink=watch.sink(DryRunSink()),
            deadline=Deadline(time.monotonic() + SECONDS, time.monotonic),
            # what verifies nothing is refused here as it will be there
            allow_unverified=self._selection.settings.allow_unverified,
        )
        found = watch.traces(report)
        chosen = [trace for trace in found if only in ("", trace.name, f"{trace.namespace}/{trace.name}")]
        if not chosen:
            known = ", ".join(trace.name or trace.identity for trace in found) or "none"
            raise click.UsageError(f"the listener {listener.path} has no trigger {only}; it has {known}")
        return chosen


def verdict(trace: TriggerTrace) -> str:
    """Return a trigger's end in a word: what a dry run calls filtered was to be created."""
    if trace.resources and trace.outcome.status is not Status.FAILED and trace.steps[-1].stage == "create":
        return "would create" if trace.outcome.reason.startswith("dry run") else trace.outcome.status.value
    return trace.outcome.status.value


def show(trace: TriggerTrace) -> None:
    """Print one trigger's path."""
    say(f"{coloured(f'{trace.namespace}/{trace.name}', 'white', bold=True)}  {status(verdict(trace))}")
    for step in trace.steps:
        reason = "" if step.reason.startswith("dry run") else step.reason
        more = ", ".join(part for part in (step.name, reason) if part)
        say(f"  {step.stage.ljust(9)}  {status(step.verdict, width=7)}  {more}".rstrip())
        for key, value in step.added.items():
            say(f"             extensions.{key} = {document(value, 'json')}")
    for due in trace.told:
        say(f"  {'tell'.ljust(9)}  {status('due', width=7)}  {due}")
    for name, value in trace.params.items():
        say(f"  {name} = {document(value, 'json')}")
    if trace.resources:
        say()
        say(yaml_text([dict(resource) for resource in trace.resources], many=True))
    say()


def _stream(traces: Sequence[TriggerTrace]) -> None:
    """Print the resources alone, and on standard error what became of the triggers that have none."""
    resources = [dict(resource) for trace in traces for resource in trace.resources if not is_done(resource)]
    if resources:
        say(yaml_text(resources, many=True))
    for trace in traces:
        if verdict(trace) != "would create":
            progress(f"{trace.namespace}/{trace.name}  {status(verdict(trace))}  {trace.outcome.reason}")


def plain(trace: TriggerTrace) -> dict[str, Any]:
    """Return one trigger's path as plain values."""
    return {
        "name": trace.name,
        "namespace": trace.namespace,
        "outcome": verdict(trace),
        "reason": "" if verdict(trace) == "would create" else trace.outcome.reason,
        "steps": [
            {
                "stage": step.stage,
                "name": step.name,
                "verdict": step.verdict,
                "reason": step.reason,
                "extensions": dict(step.added),
            }
            for step in trace.steps
        ],
        "told": [asdict(due) for due in trace.told],
        "params": dict(trace.params),
        "serviceAccountName": trace.service_account,
        "resources": [dict(resource) for resource in trace.resources],
    }


def _diff(before: Sequence[TriggerTrace], after: Sequence[TriggerTrace], old: str, new: str) -> None:
    lines = list(difflib.unified_diff(_lines(before), _lines(after), fromfile=old, tofile=new, lineterm="", n=3))
    for line in lines:
        colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
        say(coloured(line, colour) if colour else line)
    if lines:
        finish(FAILED)
    progress("Both make the same of this delivery.")


def _lines(traces: Sequence[TriggerTrace]) -> list[str]:
    lines: list[str] = []
    for trace in traces:
        lines.append(f"# trigger {trace.namespace}/{trace.name}: {verdict(trace)}")
        if verdict(trace) != "would create":
            lines.append(f"# {trace.outcome.reason}")
        lines += yaml_text([dict(resource) for resource in trace.resources], many=True).split("\n")
    return lines
