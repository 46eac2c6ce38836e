"""Event data in scripts, shells' commands, expressions and arguments: PH202 and PH203."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from functions.lint.hits import Hit
from functions.lint.places import Place
from functions.lint.reach import Condition, Library, Scope, Step, reached, references
from functions.lint.text import Text
from functions.lint.views import View

_SHELLS = frozenset({"sh", "bash", "ash", "dash", "zsh", "ksh", "mksh", "fish", "busybox"})
_INTERPRETERS: Mapping[str, frozenset[str]] = {
    "python": frozenset({"-c"}),
    "perl": frozenset({"-e", "-E"}),
    "ruby": frozenset({"-e"}),
    "node": frozenset({"-e", "--eval", "-p", "--print"}),
    "php": frozenset({"-r"}),
    "pwsh": frozenset({"-c", "-Command", "-command"}),
    "su": frozenset({"-c", "--command"}),
    "runuser": frozenset({"-c", "--command"}),
}
_COMMAND = re.compile(r"-[A-Za-z]*c[A-Za-z]*")
_WITH_VALUE = re.compile(r"[-+][A-Za-z]*[oO]|--rcfile|--init-file")
_BY_ENVIRONMENT = 'hand it over in env, and write "$NAME" in the script'
_Word = tuple[Place, str]


def check(view: View, texts: Mapping[str, Text], library: Library) -> Iterator[Hit]:
    """Check the resources of one trigger's template, and what the library has of what they refer to."""
    for place, resource in view.resources:
        for found in reached(resource, place, texts, library):
            hits = _condition(found) if isinstance(found, Condition) else _step(found)
            for rule, where, what, names in hits:
                hint = _HINTS[what] if rule == "PH202" else 'write it as --option=…, or put "--" before it'
                yield Hit(rule, where, f"text that the event's sender chooses becomes part of {what}", hint, names)


_HINTS = {
    "the script": _BY_ENVIRONMENT,
    "the shell's command": f'{_BY_ENVIRONMENT}; or make it an argument behind the script, and write "$1" there',
    "the program": "hand it over in env, and read it there",
    "the when expression": "use input, operator and values",
}
_Found = tuple[str, Place, str, tuple[str, ...]]


def _condition(found: Condition) -> Iterator[_Found]:
    if names := _running(found.text, found.scope):
        yield "PH202", found.place, "the when expression", names


def _step(step: Step) -> Iterator[_Found]:
    script = step.fields.get("script")
    if isinstance(script, str) and (names := _running(script, step.scope)):
        yield "PH202", step.place.below("script"), "the script", names
    words = [*_words(step, "command"), *_words(step, "args")]
    pasted, what, positional = _program(words)
    # the arguments of a step's own script are no options unless it takes them so, and nobody fears those of echo
    ended = bool(script) or (bool(words) and words[0][1].rsplit("/", 1)[-1] in ("echo", "printf"))
    for position, (place, text) in enumerate(words):
        ended = ended or text == "--"
        if position in pasted:
            if names := _running(text, step.scope, step.variables):
                yield "PH202", place, what, names
        elif position < positional and not ended and (names := _optional(text, step.scope, step.variables)):
            yield "PH203", place, "the argument", names


def _words(step: Step, part: str) -> list[_Word]:
    values = step.fields.get(part)
    return [
        (step.place.below(part, position), text)
        for position, text in enumerate(values if isinstance(values, list) else ())
        if isinstance(text, str)
    ]


def _program(words: Sequence[_Word]) -> tuple[range, str, int]:
    """Return which words are the text of a program, what it is, and where its own arguments begin."""
    for position, (_, text) in enumerate(words):
        name = text.rsplit("/", 1)[-1].removesuffix(".exe")
        if name in _SHELLS:
            at = _shell_command(words, position + 1)
            return (range(at, at + 1), "the shell's command", at + 1) if at < len(words) else (range(0), "", len(words))
        if name == "ssh":  # all that follows the host, which comes first or behind options
            return range(position + 2, len(words)), "the shell's command", len(words)
        flags = _INTERPRETERS.get(re.sub(r"[0-9.]+$", "", name))
        if flags:
            for at in range(position + 1, len(words)):
                if words[at][1] in flags:
                    end = len(words) if name == "pwsh" else at + 2
                    return range(at + 1, end), "the program", end
    return range(0), "", len(words)


def _shell_command(words: Sequence[_Word], start: int) -> int:
    """Return which word a shell takes for its script: the first behind its options, when one of them is -c."""
    position, command = start, False
    while position < len(words):
        text = words[position][1]
        if text.rsplit("/", 1)[-1] in _SHELLS:  # busybox sh
            position += 1
            continue
        if not text.startswith(("-", "+")) or text in ("-", "--"):
            return position + (text == "--") if command else len(words)
        command = command or bool(_COMMAND.fullmatch(text))
        position += 2 if _WITH_VALUE.fullmatch(text) else 1
    return position


def _running(text: str, scope: Scope, variables: Scope | None = None) -> tuple[str, ...]:
    return tuple(name for name, value in references(text, scope, variables).items() if value.runs)


def _optional(text: str, scope: Scope, variables: Scope) -> tuple[str, ...]:
    if not text.startswith("$("):
        return ()
    found = references(text, scope, variables)
    return tuple(name for name, value in found.items() if text.startswith(name) and value.dash and value.sent)
