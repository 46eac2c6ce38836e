"""What cel-python's parser says of an expression: another implementation of CEL, for `validate` to ask."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from celpy import Environment


def stops_at(expression: str) -> str:
    """Return where the parser stops, such as `line 1, column 7`; empty when it takes the expression.

    It reads syntax alone: functions that it does not know are calls like others.
    """
    from celpy.celparser import CELParseError  # noqa: PLC0415 -- half a second, for manifests that have expressions

    try:
        _environment().compile(expression)
    except CELParseError as error:
        return f"line {error.line or 1}, column {error.column or 1}"
    return ""


@cache
def _environment() -> Environment:
    from celpy import Environment  # noqa: PLC0415 -- see above

    return Environment()
