"""The checker: what cel-go's would refuse before it evaluates, refused with the same words and places.

Source: cel-go's checker/checker.go and checker/errors.go (https://github.com/google/cel-go/tree/master/checker).
"""

from __future__ import annotations

from functions.cel.declarations import OWN, TYPE_NAMES, VARIABLES, Overload, overloads
from functions.cel.errors import CelCompileError
from functions.cel.kinds import (
    BOOL,
    BYTES,
    DOUBLE,
    DYN,
    ERROR,
    INT,
    NULL,
    STRING,
    UINT,
    Substitutions,
    Type,
    all_assignable,
    assignable,
    list_of,
    map_of,
    most_general,
    param,
    substitute,
)
from functions.cel.lexer import failure
from functions.cel.syntax import Call, Expr, Fold, Ident, ListExpr, Literal, MapExpr, Select, StructExpr, qualified_name
from functions.cel.values import TypeValue, UInt

_LITERAL_TYPES: dict[type, Type] = {
    bool: BOOL,
    int: INT,
    UInt: UINT,
    float: DOUBLE,
    str: STRING,
    bytes: BYTES,
    type(None): NULL,
}
_LOGIC = frozenset({"_&&_", "_||_"})
_ORDERING = frozenset({"_<_", "_<=_", "_>_", "_>=_"})


def check(source: str, expr: Expr) -> Type:
    """Return the expression's type; the parts are marked with theirs, and namespaced functions resolved.

    Raises CelCompileError with every mistake found.
    """
    checker = _Checker(source)
    checker.check(expr)
    if checker.mistakes:
        raise CelCompileError("\n".join(text for _, text in sorted(checker.mistakes, key=lambda found: found[0])))
    return substitute(checker.known, expr.type, free_to_dyn=True)


class _Checker:
    def __init__(self, source: str) -> None:
        self.source = source
        self.mistakes: list[tuple[int, str]] = []
        self.known: Substitutions = {}
        self.scopes: dict[str, list[Type]] = {}
        self.fresh = 0
        self.mixes = False
        """Whether numbers of two types may be ordered: in cel-go, from the first macro on."""

    def mistake(self, offset: int, message: str) -> Type:
        found = (offset, failure(self.source, offset, message))
        if found not in self.mistakes:
            self.mistakes.append(found)
        return ERROR

    def new_param(self) -> Type:
        self.fresh += 1
        return param(f"_var{self.fresh - 1}")

    def check(self, expr: Expr) -> Type:
        """Return the type of a part."""
        match expr:
            case Literal():
                expr.type = _LITERAL_TYPES[type(expr.value)]
            case Ident():
                expr.type = self.ident(expr)
            case Select():
                expr.type = self.select(expr)
            case Call():
                expr.type = self.call(expr)
            case ListExpr():
                expr.type = self.list(expr)
            case MapExpr():
                expr.type = self.map(expr)
            case Fold():
                expr.type = self.fold(expr)
            case StructExpr():
                expr.type = self.undeclared(expr.offset, expr.name)
            case _:  # pragma: no cover - the parser makes no other
                raise TypeError(type(expr).__name__)
        return expr.type

    def undeclared(self, offset: int, name: str) -> Type:
        return self.mistake(offset, f"undeclared reference to '{name}' (in container '')")

    def ident(self, expr: Ident) -> Type:
        scope = self.scopes.get(expr.name)
        if scope:
            return scope[-1]
        if expr.name in VARIABLES:
            return VARIABLES[expr.name]
        if expr.name in TYPE_NAMES:
            expr.constant = TypeValue(expr.name)
            return Type("type", (TYPE_NAMES[expr.name],))
        return self.undeclared(expr.offset, expr.name)

    def select(self, expr: Select) -> Type:
        if not expr.test and (name := qualified_name(expr)) in TYPE_NAMES and name is not None:
            expr.constant = TypeValue(name)
            return Type("type", (TYPE_NAMES[name],))
        operand = substitute(self.known, self.check(expr.operand))
        result: Type
        if operand.kind == "map":
            result = operand.parts[1]
        elif operand.kind == "param":
            assignable(self.known, DYN, operand)
            result = DYN
        elif operand.kind in {"dyn", "!error!"}:
            result = DYN
        else:
            result = self.mistake(expr.offset, f"type '{operand}' does not support field selection")
        return BOOL if expr.test else substitute(self.known, result)

    def call(self, expr: Call) -> Type:
        args = [self.check(arg) for arg in expr.args]
        if expr.target is not None:
            prefix = qualified_name(expr.target)
            name = f"{prefix}.{expr.function}"
            # a name of ours takes nothing from a variable of a macro, which Tekton would find
            if prefix is not None and overloads(name) is not None and not (name in OWN and self.scopes.get(prefix)):
                expr.function, expr.target = name, None
            else:
                self.check(expr.target)
        candidates = overloads(expr.function)
        if candidates is None:
            return self.undeclared(expr.offset, expr.function)
        if expr.function in _LOGIC:
            for arg in expr.args:
                self.expect_bool(arg)
            return BOOL
        if expr.target is not None:
            args = [expr.target.type, *args]
        return self.resolve(expr.offset, expr.function, candidates, args, member=expr.target is not None)

    def expect_bool(self, expr: Expr) -> None:
        learnt = all_assignable(self.known, [expr.type], [BOOL])
        if learnt is None:
            found = substitute(self.known, expr.type, free_to_dyn=True)
            self.mistake(expr.offset, f"expected type 'bool' but found '{found}'")
        else:
            self.known = learnt

    def resolve(
        self, offset: int, function: str, candidates: tuple[Overload, ...], args: list[Type], *, member: bool
    ) -> Type:
        """Return the type that a call gives: of the first overload that fits, or dyn when those that fit disagree."""
        result: Type | None = None
        for overload in candidates:
            wanted, gives = overload.args, overload.result
            if overload.member != member or (function in _ORDERING and wanted[0] != wanted[1] and not self.mixes):
                continue
            if overload.generic:
                fresh: Substitutions = {param(name): self.new_param() for name in "ABT"}
                wanted = [substitute(fresh, kind) for kind in wanted]
                gives = substitute(fresh, gives)
            learnt = all_assignable(self.known, args, wanted)
            if learnt is None:
                continue
            self.known = learnt
            found = substitute(self.known, gives)
            if result is None:
                result = found
            elif result.kind != "dyn" and found != result:
                result = DYN
        if result is not None:
            return result
        shown = [str(substitute(self.known, arg, free_to_dyn=True)) for arg in args]
        applied = f"{shown[0]}.({', '.join(shown[1:])})" if member else f"({', '.join(shown)})"
        return self.mistake(offset, f"found no matching overload for '{function}' applied to '{applied}'")

    def join(self, previous: Type | None, current: Type) -> Type:
        if previous is None:
            return current
        learnt = all_assignable(self.known, [previous], [current])
        if learnt is None:
            return DYN
        self.known = learnt
        return most_general(previous, current)

    def list(self, expr: ListExpr) -> Type:
        joined: Type | None = None
        for item in expr.items:
            joined = self.join(joined, self.check(item))
        return list_of(self.new_param() if joined is None else joined)

    def map(self, expr: MapExpr) -> Type:
        keys: Type | None = None
        values: Type | None = None
        for key, value in expr.entries:
            keys = self.join(keys, self.check(key))
            values = self.join(values, self.check(value))
        if keys is None or values is None:
            return map_of(self.new_param(), self.new_param())
        return map_of(keys, values)

    def fold(self, expr: Fold) -> Type:
        source = substitute(self.known, self.check(expr.source))
        if source.kind in {"list", "map"}:
            variable = source.parts[0]
        elif source.kind in {"dyn", "!error!", "param"}:
            assignable(self.known, DYN, source)
            variable = DYN
        else:
            variable = self.mistake(
                expr.source.offset,
                f"expression of type '{source}' cannot be range of a comprehension (must be list, map, or dynamic)",
            )
        scope = self.scopes.setdefault(expr.variable, [])
        scope.append(variable)
        self.mixes = True
        condition = None if expr.condition is None else self.check(expr.condition)
        result = None if expr.result is None else self.check(expr.result)
        scope.pop()
        if expr.macro in {"all", "exists"} and expr.condition is not None:
            self.expect_bool(expr.condition)
            return BOOL
        made = list_of(variable) if result is None else list_of(result)
        if condition is not None:
            branch = INT if expr.macro == "exists_one" else substitute(self.known, made)
            self.resolve(expr.offset, "_?_:_", overloads("_?_:_") or (), [condition, branch, branch], member=False)
        if expr.macro == "exists_one":
            return BOOL
        if expr.macro == "sortBy":
            candidates = overloads("@sortByAssociatedKeys") or ()
            args = [source, substitute(self.known, made)]
            return self.resolve(expr.offset, "@sortByAssociatedKeys", candidates, args, member=True)
        return substitute(self.known, made)
