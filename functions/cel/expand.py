"""Parse tree to abstract syntax: literals are read, macros expanded, mistakes collected.

Source: cel-go's parser/parser.go and parser/macro.go, ext/math.go and ext/lists.go for their macros.
"""

from __future__ import annotations

from typing import Any

from functions.cel.errors import CelCompileError
from functions.cel.literals import BadLiteralError, number, string
from functions.cel.parser import Node, Token, failure, parse
from functions.cel.syntax import Call, Expr, Fold, Ident, ListExpr, Literal, MapExpr, Select, StructExpr, qualified_name
from functions.cel.values import UInt

# cel-go's own limit is 250 rules deep; ours keeps the checker and the closures within Python's stack.
MAX_DEPTH = 150

_RESERVED = "as break const continue else for function if import let loop package namespace return var void while"
RESERVED = frozenset(_RESERVED.split())
_FOLDS = {"all": 2, "exists": 2, "exists_one": 2, "existsOne": 2, "filter": 2, "map": 2, "sortBy": 2}
_BINARY = {"relation", "addition", "multiplication"}


def read(source: str) -> Expr:
    """Return the abstract syntax of an expression.

    Raises CelCompileError with all mistakes that the parser finds.
    """
    tree = parse(source)
    reader = _Reader(source)
    expr = reader.expr(tree, 0)
    if reader.mistakes:
        raise CelCompileError("\n".join(reader.mistakes))
    if expr.depth > MAX_DEPTH:
        raise CelCompileError(f"expression recursion limit exceeded: {MAX_DEPTH}")
    return expr


class _Reader:
    def __init__(self, source: str) -> None:
        self.source = source
        self.mistakes: list[str] = []

    def mistake(self, offset: int, message: str) -> Expr:
        self.mistakes.append(failure(self.source, offset, message))
        return Literal(offset, None)

    def expr(self, tree: Node | Token, depth: int) -> Expr:
        while isinstance(tree, Node) and tree.rule == "paren_expr":
            tree = tree.children[1]
        if depth > MAX_DEPTH:
            raise CelCompileError(f"expression recursion limit exceeded: {MAX_DEPTH}")
        if not isinstance(tree, Node):
            raise TypeError(f"a terminal where the grammar has a rule: {tree.kind}")
        if tree.rule in _BINARY:
            return self.operators(tree, depth + 1)
        method = getattr(self, f"_{tree.rule}")
        made: Expr = method(tree, tree.children, depth + 1)
        return made

    def operators(self, tree: Node, depth: int) -> Expr:
        """Return `a + b - c`: the left side may be long, so it is walked, not recursed into."""
        steps: list[tuple[Token, Any]] = []
        left: Any = tree
        while isinstance(left, Node) and left.rule in _BINARY:
            half, right = left.children
            left, operator = half.children
            steps.append((operator, right))
        expr = self.expr(left, depth)
        for operator, right in reversed(steps):
            name = "@in" if operator.kind == "IN" else f"_{operator.text}_"
            expr = Call(operator.offset, name, [expr, self.expr(right, depth)])
        return expr

    def _expr(self, _: Node, children: list[Any], depth: int) -> Expr:
        condition, mark, yes, _colon, no = children
        return Call(mark.offset, "_?_:_", [self.expr(part, depth) for part in (condition, yes, no)])

    def _logic(self, tree: Node, depth: int) -> Expr:
        terms: list[Any] = []
        offset = tree.children[1].offset
        left: Any = tree
        while isinstance(left, Node) and left.rule == tree.rule:
            terms.append(left.children[2])
            offset = left.children[1].offset
            left = left.children[0]
        terms.append(left)
        name = "_||_" if tree.rule == "conditionalor" else "_&&_"
        return Call(offset, name, [self.expr(term, depth) for term in reversed(terms)])

    def _conditionalor(self, tree: Node, _: list[Any], depth: int) -> Expr:
        return self._logic(tree, depth)

    def _conditionaland(self, tree: Node, _: list[Any], depth: int) -> Expr:
        return self._logic(tree, depth)

    def _unary(self, tree: Node, children: list[Any], depth: int) -> Expr:
        """`!!x` and `--x` cancel out, as in cel-go; one minus belongs to the number that follows it."""
        rule = children[0].rule
        offset = children[0].offset
        count = 0
        operand: Any = tree
        while isinstance(operand, Node) and operand.rule == "unary" and operand.children[0].rule == rule:
            count += 1
            operand = operand.children[1]
        if rule == "unary_neg" and count == 1:
            token = _leading_number(operand)
            if token is not None:
                sign = "-" + token.text
                return self.expr(_signed(operand, Token(token.kind, sign, offset)), depth)
        inner = self.expr(operand, depth)
        if count % 2 == 0:
            return inner
        return Call(offset, "!_" if rule == "unary_not" else "-_", [inner])

    def _literal(self, _: Node, children: list[Any], _depth: int) -> Expr:
        token: Token = children[0]
        kind = token.kind
        if kind == "BOOL_LIT":
            return Literal(token.offset, token.text == "true")
        if kind == "NULL_LIT":
            return Literal(token.offset, None)
        try:
            value = (
                string(token.text) if kind in {"STRING_LIT", "MLSTRING_LIT", "BYTES_LIT"} else number(kind, token.text)
            )
        except BadLiteralError as bad:
            return self.mistake(token.offset, str(bad))
        return Literal(token.offset, value)

    def _ident(self, _: Node, children: list[Any], _depth: int) -> Expr:
        token: Token = children[-1]
        if token.text in RESERVED:
            return self.mistake(token.offset, f"reserved identifier: {token.text}")
        return Ident(token.offset, token.text)

    _dot_ident = _ident

    def arguments(self, children: list[Any], depth: int) -> list[Expr]:
        found = [child for child in children if isinstance(child, Node) and child.rule == "exprlist"]
        return [self.expr(arg, depth) for arg in found[0].children if isinstance(arg, Node)] if found else []

    def _ident_arg(self, _: Node, children: list[Any], depth: int) -> Expr:
        at = next(i for i, child in enumerate(children) if isinstance(child, Token) and child.kind == "IDENT")
        name, bracket = children[at], children[at + 1]
        args = self.arguments(children[at:], depth)
        if name.text in RESERVED:
            return self.mistake(name.offset, f"reserved identifier: {name.text}")
        if name.text == "has" and len(args) == 1:
            operand = args[0]
            if isinstance(operand, Select) and not operand.test:
                return Select(bracket.offset, operand.operand, operand.field, test=True)
            return self.mistake(operand.offset, "invalid argument to has() macro")
        return Call(bracket.offset, name.text, args)

    _dot_ident_arg = _ident_arg

    def _member_dot(self, tree: Node, _: list[Any], depth: int) -> Expr:
        """`a.b.c`, walked: chains may be long."""
        steps: list[tuple[int, str]] = []
        left: Any = tree
        while isinstance(left, Node) and left.rule == "member_dot":
            left, dot, name = left.children
            steps.append((dot.offset, name.text))
        expr = self.expr(left, depth)
        for offset, name in reversed(steps):
            expr = Select(offset, expr, name)
        return expr

    def _member_index(self, _: Node, children: list[Any], depth: int) -> Expr:
        operand, bracket, index, _close = children
        return Call(bracket.offset, "_[_]", [self.expr(operand, depth), self.expr(index, depth)])

    def _member_object(self, _: Node, children: list[Any], depth: int) -> Expr:
        operand = self.expr(children[0], depth)
        for child in children[2:]:
            if isinstance(child, Node):
                self.expr(child, depth)
        return StructExpr(children[1].offset, qualified_name(operand) or "?")

    def _list_lit(self, _: Node, children: list[Any], depth: int) -> Expr:
        return ListExpr(children[0].offset, [self.expr(c, depth) for c in children if isinstance(c, Node)])

    def _map_lit(self, _: Node, children: list[Any], depth: int) -> Expr:
        parts = [self.expr(c, depth) for c in children if isinstance(c, Node)]
        return MapExpr(children[0].offset, list(zip(parts[::2], parts[1::2], strict=True)))

    def _member_dot_arg(self, _: Node, children: list[Any], depth: int) -> Expr:
        operand, _dot, name, bracket = children[:4]
        target = self.expr(operand, depth)
        args = self.arguments(children, depth)
        if len(args) == _FOLDS.get(name.text) or (name.text == "map" and len(args) == 3):  # noqa: PLR2004 - map(x, p, t)
            return self.fold(bracket.offset, name.text, target, args)
        if name.text in {"least", "greatest"} and isinstance(target, Ident) and target.name == "math":
            return self.extremum(bracket.offset, name.text, target, args)
        return Call(bracket.offset, name.text, args, target)

    def fold(self, offset: int, macro: str, source: Expr, args: list[Expr]) -> Expr:
        variable, *rest = args
        if not isinstance(variable, Ident):
            return self.mistake(variable.offset, "argument must be a simple name")
        if variable.name == "__result__":
            return self.mistake(variable.offset, "iteration variable overwrites accumulator variable")
        if macro == "sortBy" and not isinstance(source, ListExpr | Select | Ident | Fold | Call):
            return self.mistake(
                source.offset,
                "sortBy can only be applied to a list, identifier, comprehension, call or select expression",
            )
        condition = rest[0] if macro not in {"map", "sortBy"} or len(rest) > 1 else None
        return Fold(
            offset,
            "exists_one" if macro == "existsOne" else macro,
            source=source,
            variable=variable.name,
            condition=condition,
            result=rest[-1] if macro in {"map", "sortBy"} else None,
        )

    def extremum(self, offset: int, macro: str, target: Expr, args: list[Expr]) -> Expr:
        """`math.least` and `math.greatest` take any number of arguments, none of them a literal that is no number."""
        function = "math.@min" if macro == "least" else "math.@max"
        if not args:
            return self.mistake(target.offset, f"math.{macro}() requires at least one argument")
        if len(args) == 1:
            only = args[0]
            items = only.items if isinstance(only, ListExpr) else [only]
            if not items or not all(_may_be_number(item) for item in items):
                return self.mistake(only.offset, f"math.{macro}() invalid single argument value")
            return Call(offset, function, args)
        for arg in args:
            if not _may_be_number(arg):
                return self.mistake(arg.offset, f"math.{macro}() simple literal arguments must be numeric")
        pair = 2
        return Call(offset, function, args if len(args) == pair else [ListExpr(offset, args)])


def _may_be_number(expr: Expr) -> bool:
    if isinstance(expr, Literal):
        return type(expr.value) in {int, float, UInt}
    return not isinstance(expr, ListExpr | MapExpr | StructExpr)


def _leading_number(tree: Any) -> Token | None:
    """Return the number with which `1`, `1.0.f()` or `1[x]` begins; a uint takes no sign."""
    while isinstance(tree, Node) and (tree.rule.startswith("member_") or tree.rule == "literal"):
        tree = tree.children[0]
    return tree if isinstance(tree, Token) and tree.kind in {"INT_LIT", "FLOAT_LIT"} else None


def _signed(tree: Any, token: Token) -> Any:
    if isinstance(tree, Token):
        return token
    return Node(tree.rule, [_signed(tree.children[0], token), *tree.children[1:]])
