"""Regular expressions: RE2 for all of them, as in Go, so that none can take more than linear time."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from functions.cel.errors import BudgetError, CelEvaluationError
from functions.cel.frame import Frame, text
from functions.cel.values import Value
from functions.go.text import go_bytes, go_string, runes

MAX_PATTERN = 10_000
MAX_MEMORY = 4 * 1024 * 1024
_TOO_LARGE = "pattern too large"
_UNCLOSED = frozenset({"missing ]", "missing )"})
_NUMBER = re.compile(r"0|[1-9][0-9]{0,7}")
_EXPANSION = re.compile(r"\$(?:\$|(\w+)|\{(\w+)\})")


@lru_cache(maxsize=32)  # constant expressions are kept by their programs
def compiled(pattern: str) -> Any:  # the library has no types
    """Return the compiled expression over UTF-8 bytes.

    Raises CelEvaluationError when it is none in RE2's syntax, and BudgetError when it is too large.
    """
    import re2  # type: ignore[import-untyped]  # noqa: PLC0415 - no types; native, and most expressions do without

    if len(pattern) > MAX_PATTERN:
        raise BudgetError(f"error parsing regexp: the expression has more than {MAX_PATTERN} characters")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MAX_MEMORY
    try:
        return re2.compile(go_bytes(pattern), options)
    except re2.error as error:
        reason = _reason(error)
        kind = BudgetError if reason.startswith(_TOO_LARGE) else CelEvaluationError
        raise kind(f"error parsing regexp: {reason}") from error


def _reason(error: Exception) -> str:
    """RE2's words without the piece of the expression that follows them: it may come from the event."""
    message = error.args[0] if error.args else b""
    words = message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message)
    return words.partition(":")[0].replace("missing ", "missing closing " if words[:9] in _UNCLOSED else "missing ")


def matches(frame: Frame, value: Value, pattern: Value) -> Value:
    """`value.matches(pattern)`: whether the expression matches anywhere."""
    return search(frame, _met(frame, pattern), value)


def _met(frame: Frame, pattern: Value) -> Any:
    frame.spend(100 + len(text(pattern)) * 4)
    return compiled(text(pattern))


def search(frame: Frame, expression: Any, value: Value) -> bool:
    """Whether a compiled expression matches anywhere."""
    raw = go_bytes(runes(text(value)))
    frame.spend(1 + (len(raw) >> 6))
    return expression.search(raw) is not None


def translate(frame: Frame, value: Value, pattern: Value, replacement: Value) -> Value:
    """Every match replaced, `$1`, `${1}` and `$name` expanded, as Go's ReplaceAllString does."""
    expression = _met(frame, pattern)
    raw, template = go_bytes(text(value)), text(replacement)
    made: list[bytes] = []
    end = 0
    frame.spend(1 + (len(raw) >> 4))
    for hit in expression.finditer(raw):
        start, stop = hit.span()
        if start == stop and start < len(raw) and raw[start] & 0xC0 == 0x80:  # noqa: PLR2004 - within a character
            continue
        piece = raw[end:start]
        # no empty match right after another one: Go would replace twice
        if stop > end or start == 0:
            piece += _expanded(template, expression, hit)
        frame.produce(len(piece) + 128)
        made.append(piece)
        end = stop
    made.append(raw[end:])
    return go_string(b"".join(made))


def _expanded(template: str, expression: Any, hit: Any) -> bytes:
    if "$" not in template:
        return go_bytes(template)

    def group(place: re.Match[str]) -> str:
        name = place[1] or place[2]
        if name is None:
            return "$"
        if _NUMBER.fullmatch(name):
            found = hit.group(int(name)) if int(name) <= expression.groups else b""
        else:
            number = expression.groupindex.get(go_bytes(name))
            found = hit.group(number) if number is not None else b""
        return go_string(found or b"")

    return go_bytes(_EXPANSION.sub(group, template))
