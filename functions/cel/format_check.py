"""Constant format strings with a literal list of arguments are checked when the expression is loaded.

Source: the string_format validator that cel-go's strings extension installs (ext/formatting_v2.go).
"""

from __future__ import annotations

from collections.abc import Iterator

from functions.cel.errors import CelCompileError, CelEvaluationError
from functions.cel.lexer import failure
from functions.cel.syntax import Call, Expr, Fold, ListExpr, Literal, MapExpr, Select


def check_formats(source: str, expr: Expr) -> None:
    """Raise CelCompileError for a format string that does not fit its arguments."""
    mistakes: list[str] = []
    for part in _parts(expr):
        if isinstance(part, Call) and part.function == "format" and isinstance(part.target, Literal):
            (arguments,) = part.args
            if isinstance(arguments, ListExpr):
                mistakes += _mistakes(source, part, str(part.target.value), arguments.items)
    if mistakes:
        raise CelCompileError("\n".join(mistakes))


def _mistakes(source: str, call: Call, pattern: str, arguments: list[Expr]) -> Iterator[str]:
    from functions.cel.format import clauses, refusal, takes  # noqa: PLC0415 - few expressions format

    used = 0
    try:
        for clause in clauses(pattern):
            if isinstance(clause, str):
                continue
            if used >= len(arguments):
                yield failure(source, call.offset, f"index {used} out of range")
                return
            argument = arguments[used]
            used += 1
            kind = argument.type.kind
            if kind not in {"dyn", "param"} and not takes(clause[0], kind):
                yield failure(source, argument.offset, refusal(clause[0], kind))
                return
    except CelEvaluationError as error:
        yield failure(source, call.offset, error.reason)
        return
    if used < len(arguments):
        counts = f"(expected {used}, got {len(arguments)})"
        yield failure(source, call.offset, f"too many arguments supplied to string.format {counts}")


def _parts(expr: Expr) -> Iterator[Expr]:
    waiting: list[Expr | None] = [expr]
    while waiting:
        part = waiting.pop()
        if part is None:
            continue
        yield part
        match part:
            case Call():
                waiting += [*part.args, part.target]
            case Select():
                waiting.append(part.operand)
            case ListExpr():
                waiting += part.items
            case MapExpr():
                waiting += [side for entry in part.entries for side in entry]
            case Fold():
                waiting += [part.source, part.condition, part.result]
