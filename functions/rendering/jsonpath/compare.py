"""Comparison in a filter: the rules of Go's text/template, of which client-go carries a copy."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from functions.common.values import Json
from functions.rendering.jsonpath.values import GoByte, GoInt

_EQUALITY: dict[str, Callable[[Any, Any], bool]] = {"==": operator.eq, "!=": operator.ne}
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class ComparisonError(Exception):
    """Two values that the operator does not take; the text is client-go's."""


def compare(left: Json, sign: str, right: Json) -> bool:
    """Return whether `left sign right`. Raises ComparisonError for other kinds, and for an unknown sign."""
    test = _EQUALITY.get(sign) or _ORDER.get(sign)
    if test is None:
        raise ComparisonError(f"unrecognized filter operator {sign}")
    (kind, left), (other, right) = _typed(left), _typed(right)
    if kind != other:
        raise ComparisonError("incompatible types for comparison")
    if kind == "bool" and sign in _ORDER:
        raise ComparisonError("invalid type for comparison")
    return test(left, right)


def _typed(value: Json) -> tuple[str, Json]:
    """Return Go's kind of a value, and the value as it is compared."""
    if isinstance(value, str):
        return "string", value
    if isinstance(value, bool):
        return "bool", value
    if isinstance(value, GoInt):
        return "int", value
    if isinstance(value, GoByte):
        return "uint", value
    if isinstance(value, int | float):
        return "float", float(value)  # an expression cannot name all digits that integers of an event keep
    raise ComparisonError("invalid type for comparison")
