"""Expressions whose value cel-go knows when it creates the program: literals, lists of them, their conversions."""

from __future__ import annotations

from functions.cel.declarations import CONVERSIONS
from functions.cel.errors import CelCompileError, CelEvaluationError
from functions.cel.frame import NO_EVENT, Frame
from functions.cel.functions import implementation
from functions.cel.syntax import Call, Expr, ListExpr, Literal


def constant(expr: Expr) -> Literal | None:
    """Return the value of an expression that cel-go knows when it creates the program, or None.

    Raises CelCompileError when it has none.
    """
    if isinstance(expr, Literal):
        return expr
    if isinstance(expr, ListExpr):
        items = [constant(item) for item in expr.items]
        if any(item is None for item in items):
            return None
        return Literal(expr.offset, tuple(item.value for item in items if item is not None))
    if isinstance(expr, Call) and expr.function in CONVERSIONS and expr.target is None and len(expr.args) == 1:
        argument = constant(expr.args[0])
        if argument is None:
            return None
        try:
            return Literal(expr.offset, implementation(expr.function)(Frame(NO_EVENT, 0), argument.value))
        except CelEvaluationError as error:
            raise uncreatable(error) from error
    return None


def uncreatable(error: CelEvaluationError) -> CelCompileError:
    """Return the error of an expression of which cel-go would make no program."""
    return CelCompileError(f"failed to create a Program: {error.reason}")
