"""Macros: calls that the parser expands, as cel-go does it.

Source: cel-go's parser/macro.go, and ext/math.go and ext/lists.go for theirs.
"""

from __future__ import annotations

from functions.cel.syntax import Call, Expr, Fold, Ident, ListExpr, Literal, MapExpr, Select, StructExpr
from functions.cel.values import UInt

_FOLDS = {"all": 2, "exists": 2, "exists_one": 2, "filter": 2, "map": 2, "sortBy": 2}
_PAIR = 2


class MisusedError(ValueError):
    """A macro's arguments are none of its own; `offset` is where, the message is cel-go's."""

    def __init__(self, offset: int, message: str) -> None:
        super().__init__(message)
        self.offset = offset


def call(offset: int, name: str, args: list[Expr]) -> Expr:
    """Return `name(args)`: `has(a.b)` is a selection that tests. Raises MisusedError."""
    if name != "has" or len(args) != 1:
        return Call(offset, name, args)
    operand = args[0]
    if not isinstance(operand, Select):
        raise MisusedError(operand.offset, "invalid argument to has() macro")
    return Select(offset, operand.operand, operand.field, test=True)


def method(offset: int, name: str, target: Expr, args: list[Expr]) -> Expr:
    """Return `target.name(args)`: comprehensions become folds, `math.least` and `math.greatest` functions of a list.

    Raises MisusedError.
    """
    if len(args) == _FOLDS.get(name) or (name == "map" and len(args) == 3):  # noqa: PLR2004 - map(x, p, t)
        return _fold(offset, name, target, args)
    if name in {"least", "greatest"} and isinstance(target, Ident) and target.name == "math":
        return _extremum(offset, name, target, args)
    return Call(offset, name, args, target)


def _fold(offset: int, macro: str, source: Expr, args: list[Expr]) -> Expr:
    variable, *rest = args
    if not isinstance(variable, Ident):
        raise MisusedError(variable.offset, "argument must be a simple name")
    if variable.name == "__result__":
        raise MisusedError(variable.offset, "iteration variable overwrites accumulator variable")
    if macro == "sortBy" and not isinstance(source, ListExpr | Select | Ident | Fold | Call):
        message = "sortBy can only be applied to a list, identifier, comprehension, call or select expression"
        raise MisusedError(source.offset, message)
    condition = rest[0] if macro not in {"map", "sortBy"} or len(rest) > 1 else None
    return Fold(
        offset,
        macro,
        source=source,
        variable=variable.name,
        condition=condition,
        result=rest[-1] if macro in {"map", "sortBy"} else None,
    )


def _extremum(offset: int, macro: str, target: Expr, args: list[Expr]) -> Expr:
    """`math.least` and `math.greatest` take any number of arguments, none of them a literal that is no number."""
    function = "math.@min" if macro == "least" else "math.@max"
    if not args:
        raise MisusedError(target.offset, f"math.{macro}() requires at least one argument")
    if len(args) == 1:
        only = args[0]
        items = only.items if isinstance(only, ListExpr) else [only]
        if not items or not all(_may_be_number(item) for item in items):
            raise MisusedError(only.offset, f"math.{macro}() invalid single argument value")
        return Call(offset, function, args)
    for arg in args:
        if not _may_be_number(arg):
            raise MisusedError(arg.offset, f"math.{macro}() simple literal arguments must be numeric")
    return Call(offset, function, args if len(args) == _PAIR else [ListExpr(offset, args)])


def _may_be_number(expr: Expr) -> bool:
    if isinstance(expr, Literal):
        return type(expr.value) in {int, float, UInt}
    return not isinstance(expr, ListExpr | MapExpr | StructExpr)
