"""The abstract syntax: what an expression consists of once macros are expanded, each part with its place.

Places follow cel-go's parser: an operator's own, the opening bracket of a call, an index or a literal, the dot of a
selection. Macros become `Fold`, `Select(test=True)` or a call; the checker notes its findings on the parts.
"""

from __future__ import annotations

from functions.cel.kinds import DYN, Type


class Expr:
    """A part of an expression; `offset` is where cel-go reports it, in code points from 0."""

    __slots__ = ("depth", "offset", "size", "type")

    def __init__(self, offset: int, *parts: Expr) -> None:
        self.offset = offset
        self.type: Type = DYN
        self.depth: int = 1 + max((part.depth for part in parts), default=0)
        self.size: int = 1 + sum(part.size for part in parts)


class Literal(Expr):
    """A constant, as the evaluator represents it."""

    __slots__ = ("value",)

    def __init__(self, offset: int, value: object) -> None:
        super().__init__(offset)
        self.value = value


class Ident(Expr):
    """A name; `constant` is the type that it stands for, if it is a type's name."""

    __slots__ = ("constant", "name")

    def __init__(self, offset: int, name: str) -> None:
        super().__init__(offset)
        self.name = name
        self.constant: object = None


class Select(Expr):
    """`operand.field`, or `has(operand.field)` with `test`; `constant` as for Ident, for a dotted type name."""

    __slots__ = ("constant", "field", "operand", "test")

    def __init__(self, offset: int, operand: Expr, field: str, *, test: bool = False) -> None:
        super().__init__(offset, operand)
        self.operand = operand
        self.field = field
        self.test = test
        self.constant: object = None


class Call(Expr):
    """An operator (named as in cel-go: `_+_`, `_&&_`, …) or a function, with its receiver if it has one.

    The checker drops the target of a namespaced function and makes it part of the name: `math.abs`.
    """

    __slots__ = ("args", "function", "target")

    def __init__(self, offset: int, function: str, args: list[Expr], target: Expr | None = None) -> None:
        super().__init__(offset, *args, *([target] if target else []))
        self.function = function
        self.args = args
        self.target = target


class ListExpr(Expr):
    """`[a, b]`."""

    __slots__ = ("items",)

    def __init__(self, offset: int, items: list[Expr]) -> None:
        super().__init__(offset, *items)
        self.items = items


class MapExpr(Expr):
    """`{k: v}`."""

    __slots__ = ("entries",)

    def __init__(self, offset: int, entries: list[tuple[Expr, Expr]]) -> None:
        super().__init__(offset, *(part for entry in entries for part in entry))
        self.entries = entries


class StructExpr(Expr):
    """`Name{…}`: a message, of which Tekton declares none."""

    __slots__ = ("name",)

    def __init__(self, offset: int, name: str) -> None:
        super().__init__(offset)
        self.name = name


class Fold(Expr):
    """A comprehension macro over `source`, binding `variable`.

    `macro` is all, exists, exists_one, map, filter or sortBy; `condition` and `result` are what it evaluates for each
    element, either of which a macro may not have.
    """

    __slots__ = ("condition", "macro", "result", "source", "variable")

    def __init__(
        self, offset: int, macro: str, *, source: Expr, variable: str, condition: Expr | None, result: Expr | None
    ) -> None:
        super().__init__(offset, source, *(part for part in (condition, result) if part))
        self.macro = macro
        self.source = source
        self.variable = variable
        self.condition = condition
        self.result = result


def qualified_name(expr: Expr) -> str | None:
    """`a.b.c` for a chain of selections on a name; None for anything else."""
    fields: list[str] = []
    while isinstance(expr, Select) and not expr.test:
        fields.append(expr.field)
        expr = expr.operand
    if not isinstance(expr, Ident):
        return None
    return ".".join([expr.name, *reversed(fields)])
