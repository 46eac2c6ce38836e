"""`pipehook eval`: CEL expressions and binding values on one delivery; one, a file of them, or a prompt."""

from __future__ import annotations

import hmac
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import click
from msgspec import Struct

from functions.cli.app import Command, Group
from functions.cli.manifests import Selection
from functions.cli.offline import services
from functions.cli.output import FAILED, coloured, document, finish, output_option, progress, say
from functions.cli.prompt import lines_of_prompt
from functions.cli.requests import Given, changed_files_option, request_options
from functions.cli.types import NAMESPACE
from functions.common.errors import PipehookError
from functions.common.ports import Deadline
from functions.common.values import Event, Json, SecretRef
from functions.delivery import opened
from functions.interceptors.changed_files import extensions as with_files

SECONDS = 8.0

Evaluator = Callable[[str], Json]

_CEL = """
Examples:
  pipehook eval cel "body.ref.startsWith('refs/heads/')" --event push
  pipehook eval cel --batch filters.txt --request delivery.json     an expression a line; # begins a comment
  pipehook eval cel "'docs/**'.pathChanged()" --changed-files docs/cel.md,src/main.py
  pipehook eval cel --event pull_request                            a prompt with history
  echo "header.canonical('X-GitHub-Event')" | pipehook eval cel --batch -

Without --request and --event the built-in push is taken. Exits with 1 when an expression cannot be evaluated.
"""
_BINDING = """
Examples:
  pipehook eval binding '$(body.head_commit.id)' --event push
  pipehook eval binding '$(body.repository.full_name)-$(header.X-GitHub-Event)'
  pipehook eval binding --batch values.txt --request delivery.json

Write the value in single quotes, or the shell reads $(…) itself.
"""


@click.group(cls=Group)
def evaluate() -> None:
    """Evaluate CEL expressions and binding values on a recorded or built-in delivery."""


@evaluate.command("cel", cls=Command, epilog=_CEL)
@click.argument("expression", required=False)
@request_options
@click.option("--batch", type=click.File("r", encoding="utf-8"), help="File with one expression a line; - is stdin.")
@changed_files_option
@click.option("--extensions", default="{}", metavar="JSON", help="Extensions that earlier interceptors added.")
@click.option(
    "--secret-namespace", type=NAMESPACE, default="default", show_default=True, help="Where compareSecret looks."
)
@click.option("--online", is_flag=True, help="Let compareSecret ask SECRETS_SOURCE.")
@output_option()
def cel(
    given: Given,
    *,
    expression: str | None,
    batch: Any,
    changed_files: tuple[str, ...] | None,
    extensions: str,
    secret_namespace: str,
    online: bool,
    output: str,
) -> None:
    """Evaluate a CEL expression as the cel interceptor does, and print its value as JSON."""
    event = _event(given, extensions, changed_files)
    _run(_cel_evaluator(event, secret_namespace, online=online), expression, batch, output, prompt="cel> ")


@evaluate.command("binding", cls=Command, epilog=_BINDING)
@click.argument("value", required=False)
@request_options
@click.option("--batch", type=click.File("r", encoding="utf-8"), help="File with one value a line; - is stdin.")
@changed_files_option
@click.option("--extensions", default="{}", metavar="JSON", help="Extensions that interceptors added.")
@output_option()
def binding(
    given: Given, *, value: str | None, batch: Any, changed_files: tuple[str, ...] | None, extensions: str, output: str
) -> None:
    """Evaluate the value of a binding's param, and print the text that the template gets."""
    _run(_binding_evaluator(_event(given, extensions, changed_files)), value, batch, output, prompt="binding> ")


def _event(given: Given, extensions: str, changed_files: tuple[str, ...] | None) -> Event:
    import json  # noqa: PLC0415 -- needed for this option alone

    from msgspec.structs import replace  # noqa: PLC0415 -- as above

    try:
        added = json.loads(extensions)
    except ValueError as error:
        raise click.UsageError("--extensions is no JSON") from error
    if not isinstance(added, dict):
        raise click.UsageError("--extensions must be a JSON object")
    if changed_files is not None:
        added = {**with_files(changed_files, truncated=False), **added}
    return replace(opened(given.recorded(default="push").delivery().event(forms=True)), extensions=added)


def _cel_evaluator(event: Event, namespace: str, *, online: bool) -> Evaluator:
    from functions.cel import Activation, compile_expression, to_json  # noqa: PLC0415 -- the language, when it is used

    asked = services(Selection.of().settings, online=online).secrets

    def compare(candidate: str, key: str, name: str) -> bool:
        deadline = Deadline(time.monotonic() + SECONDS, time.monotonic)
        values = asked.accepted(SecretRef(namespace, name, key), deadline)
        return any(hmac.compare_digest(value, candidate.encode("utf-8", "replace")) for value in values)

    activation = Activation(
        body=event.body if isinstance(event.body, dict) else {},
        header=event.headers,
        extensions=event.extensions,
        request_url=event.request_url,
        compare_secret=compare,
    )

    def evaluated(source: str) -> Json:
        return cast("Json", to_json(compile_expression(source).evaluate(activation)))

    return evaluated


def _binding_evaluator(event: Event) -> Evaluator:
    from functions.model.resources import Param  # noqa: PLC0415 -- see above
    from functions.rendering.bindings import compile_bindings  # noqa: PLC0415 -- see above

    def evaluated(value: str) -> Json:
        return compile_bindings([Param("value", value)]).resolve(event, {})["value"]

    return evaluated


class _Result(Struct, frozen=True):
    source: str
    value: Json = None
    error: str = ""

    def plain(self) -> dict[str, Any]:
        return {"expression": self.source, **({"error": self.error} if self.error else {"value": self.value})}


def _run(evaluator: Evaluator, one: str | None, batch: Any, output: str, *, prompt: str) -> None:
    if one is not None and batch is not None:
        raise click.UsageError("give an expression or --batch, not both")
    if one is None and batch is None:
        if not sys.stdin.isatty():
            raise click.UsageError("give an expression, or --batch FILE (- is standard input)")
        for line in lines_of_prompt(prompt, history=Path.home() / ".local" / "state" / "pipehook" / "eval_history"):
            _print(_evaluated(evaluator, line), "table", many=False)
        return
    results = [_evaluated(evaluator, line) for line in (_lines(batch) if batch is not None else [one or ""])]
    if output == "table":
        for result in results:
            _print(result, output, many=batch is not None)
    else:
        found = [result.plain() for result in results]
        say(document(found if batch is not None else found[0], output))
    if any(result.error for result in results):
        finish(FAILED)


def _lines(batch: Any) -> Iterator[str]:
    for line in batch:
        text = line.strip()
        if text and not text.startswith("#"):
            yield text


def _evaluated(evaluator: Evaluator, source: str) -> _Result:
    try:
        return _Result(source, evaluator(source))
    except PipehookError as error:
        return _Result(source, error=error.reason)


def _print(result: _Result, output: str, *, many: bool) -> None:
    if many:
        say(coloured(result.source, "white", bold=True))
    if result.error:
        progress(coloured(result.error, "red")) if not many else say(f"  {coloured(result.error, 'red')}")
    else:
        text = document(result.value, "json" if output == "table" else output)
        say(text if not many else "\n".join(f"  {line}" for line in text.split("\n")))
