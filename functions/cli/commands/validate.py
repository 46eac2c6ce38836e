"""`pipehook validate`: every mistake of the manifests, and what the lint has to say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import click

from functions import lint
from functions.cli.app import Command
from functions.cli.manifests import Selection, namespace_option, texts_of
from functions.cli.output import FAILED, coloured, document, finish, output_option, progress, say, status, table
from functions.cli.requests import names_in
from functions.cli.second_opinion import stops_at
from functions.cli.types import THERE
from functions.lint.rules import Finding, Severity

_EXAMPLES = """
Examples:
  pipehook validate                             what TRIGGERS_SOURCE names
  pipehook validate infra/triggers other.yaml
  helm template . | pipehook validate /dev/stdin    and so kubectl kustomize DIR
  pipehook validate --ignore PH403,PH5          PH5: all rules that begin so
  pipehook validate --fail-on warning           for a strict build
  pipehook validate -o sarif > pipehook.sarif   for code scanning
  pipehook validate --rules                     every rule, and why; docs/lint.md has more

One place is silenced by a comment at the end of its line, or alone above it:  # pipehook:ignore=PH202
Exits with 1 when there is a finding at least as bad as --fail-on says.
"""


def _prefixes(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    prefixes = tuple(name.upper() for value in values for name in names_in(value))
    for prefix in prefixes:
        if not any(rule.startswith(prefix) for rule in lint.RULES):
            raise click.BadParameter(f"no rule begins with {prefix}; pipehook validate --rules lists them")
    return prefixes


@click.command(cls=Command, epilog=_EXAMPLES)
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=THERE)
@click.option(
    "--ignore",
    "ignored",
    multiple=True,
    callback=_prefixes,
    metavar="RULE[,RULE…]",
    help="Rules, or their first letters.",
)
@click.option(
    "--fail-on",
    type=click.Choice([severity.value for severity in Severity]),
    default="error",
    show_default=True,
    help="The least severity that makes the command fail.",
)
@click.option("--rules", "show_rules", is_flag=True, help="List the rules and end.")
@namespace_option
@output_option("sarif")
def validate(
    paths: tuple[str, ...], *, ignored: tuple[str, ...], fail_on: str, show_rules: bool, namespace: str, output: str
) -> None:
    """Load manifests as the function would and show every mistake with file, line and column; then lint them.

    Files, and the *.yaml, *.yml and *.json of directories, are taken together, as the function takes a directory.
    """
    if show_rules:
        _show_rules(output)
        return
    settings = Selection.of(triggers=paths[0] if paths else "", namespace=namespace).settings
    texts = texts_of(paths or [settings.triggers_source])
    found, loaded = lint.check(
        texts,
        namespace=settings.namespace,
        allow_unverified=settings.allow_unverified,
        clusters=settings.cluster_names or None,
        outbound_hosts=settings.outbound_hosts,
        opinion=stops_at,
    )
    kept = [
        finding for finding in found if finding.rule.id == lint.STRUCTURE or not finding.rule.id.startswith(ignored)
    ]
    _show(kept, output, files=len(texts))
    if loaded is not None and not loaded.registry.listeners:
        progress("There is no EventListener in these files: what belongs to one is not checked.")
    if any(finding.rule.severity.rank >= Severity(fail_on).rank for finding in kept):
        finish(FAILED)


def _show(findings: Sequence[Finding], output: str, *, files: int) -> None:
    if output == "sarif":
        from functions.cli.version import version  # noqa: PLC0415 -- for this form alone
        from functions.lint.sarif import sarif  # noqa: PLC0415 -- as above

        say(document(sarif(findings, version=version()), "json"))
        return
    if output != "table":
        say(document([_plain(finding) for finding in findings], output))
        return
    for finding in findings:
        said = ": ".join(part for part in (finding.subject, finding.path, finding.message) if part)
        rule = f"{status(finding.rule.severity.value)} {coloured(finding.rule.id, 'white', bold=True)}"
        say(f"{finding.place}: {rule} {said}")
        if finding.hint:
            say(f"    {finding.hint}")
    counts = Counter(finding.rule.severity.value for finding in findings)
    summary = ", ".join(f"{counts[word]} {word}{'s' * (counts[word] != 1)}" for word in ("error", "warning", "note"))
    progress(f"{files} file{'s' * (files != 1)}: {summary if findings else 'nothing found'}")
    if findings:
        rules = sorted(Counter(finding.rule.id for finding in findings).items())
        progress("by rule: " + ", ".join(f"{rule} {count}" for rule, count in rules))


def _plain(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule.id,
        "name": finding.rule.name,
        "severity": finding.rule.severity.value,
        "file": finding.file,
        "line": finding.line,
        "column": finding.column,
        "subject": finding.subject,
        "path": finding.path,
        "message": finding.message,
        "hint": finding.hint,
    }


def _show_rules(output: str) -> None:
    rules = lint.RULES.values()
    if output in ("json", "yaml"):
        say(document([{"id": r.id, "name": r.name, "severity": r.severity.value, "why": r.why} for r in rules], output))
        return
    say(table([[r.id, status(r.severity.value), r.name, r.why] for r in rules], ["rule", "severity", "name", "why"]))
