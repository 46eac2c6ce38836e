"""Text to abstract syntax by recursive descent: literals are read, macros expanded, mistakes collected.

The grammar is cel-go's (https://github.com/google/cel-go/blob/master/parser/gen/CEL.g4), one method a rule but for the
binary operators, which one method reads by precedence. Places are those that cel-go's parser/parser.go reports.
"""

from __future__ import annotations

from functions.cel.errors import CelCompileError
from functions.cel.lexer import Token, failure, tokens, unexpected
from functions.cel.literals import BadLiteralError, number, string
from functions.cel.macros import MisusedError, call, method
from functions.cel.syntax import Call, Expr, Ident, ListExpr, Literal, MapExpr, Select, StructExpr, qualified_name

# cel-go's own limit is 250 rules deep; ours keeps the checker and the closures within Python's stack.
MAX_DEPTH = 150
# A level of nesting is four calls of the parser; any mixture of them stays below Python's thousand.
_MAX_CALLS = 4 * MAX_DEPTH

_RESERVED = "as break const continue else for function if import let loop package namespace return var void while"
RESERVED = frozenset(_RESERVED.split())
_RANKS = {
    "||": 1,
    "&&": 2,
    **dict.fromkeys(["<", "<=", ">", ">=", "==", "!=", "in"], 3),
    **dict.fromkeys("+-", 4),
    **dict.fromkeys("*/%", 5),
}


def read(source: str) -> Expr:
    """Return the abstract syntax of an expression.

    Raises CelCompileError for a syntax error, with its place, or else with all mistakes that are found.
    """
    parser = _Parser(source)
    expr = parser.expr()
    parser.take("<EOF>")
    if parser.mistakes:
        raise CelCompileError("\n".join(parser.mistakes))
    if expr.depth > MAX_DEPTH:
        raise _too_deep()
    return expr


def _too_deep() -> CelCompileError:
    return CelCompileError(f"expression recursion limit exceeded: {MAX_DEPTH}")


class _Parser:
    def __init__(self, source: str) -> None:
        self.source = source
        self.mistakes: list[str] = []
        self.tokens = tokens(source)
        self.at = 0
        self.next = self.tokens[0]
        self.calls = 0

    def advance(self) -> Token:
        token = self.next
        if token.kind != "end":
            self.at += 1
            self.next = self.tokens[self.at]
        return token

    def found(self, text: str) -> bool:
        return self.next.text == text and self.next.kind in {"symbol", "end"}

    def take(self, text: str) -> Token:
        if not self.found(text):
            raise self.unexpected()
        return self.advance()

    def unexpected(self) -> CelCompileError:
        return unexpected(self.source, self.next, self.tokens[self.at - 1] if self.at else None)

    def mistake(self, offset: int, message: str) -> Expr:
        self.mistakes.append(failure(self.source, offset, message))
        return Literal(offset, None)

    def deeper(self) -> None:
        self.calls += 1
        if self.calls > _MAX_CALLS:
            raise _too_deep()

    def expr(self, first: Expr | None = None) -> Expr:
        """Read `a ? b : c`; `first` is what has been read of it, in parentheses."""
        self.deeper()
        expr = self.binary(1, first)
        if self.found("?"):
            mark = self.advance()
            yes = self.binary(1)
            self.take(":")
            expr = Call(mark.offset, "_?_:_", [expr, yes, self.expr()])
        self.calls -= 1
        return expr

    def binary(self, floor: int, first: Expr | None = None) -> Expr:
        """Read operators of at least this rank, from left to right; `a && b && c` is one call."""
        self.deeper()
        expr = self.operand(first)
        while self.next.kind == "symbol" and (rank := _RANKS.get(self.next.text, 0)) >= floor:
            operator = self.advance()
            operands = [expr, self.binary(rank + 1)]
            while operator.text in {"&&", "||"} and self.found(operator.text):
                self.advance()
                operands.append(self.binary(rank + 1))
            expr = Call(operator.offset, "@in" if operator.text == "in" else f"_{operator.text}_", operands)
        self.calls -= 1
        return expr

    def operand(self, first: Expr | None = None) -> Expr:
        """Read `!a`, `-a` and `a`; `!!a` and `--a` cancel out, and one minus belongs to the number that follows it."""
        self.deeper()
        if first is None and self.next.kind == "symbol" and self.next.text in {"!", "-"}:
            sign = self.advance()
            count = 1
            while self.found(sign.text):
                self.advance()
                count += 1
            if sign.text == "-" and count == 1 and self.next.kind in {"int", "double"}:
                token = self.advance()
                expr = self.members(self.literal(Token(token.kind, "-" + token.text, sign.offset)))
            else:
                expr = self.operand()
                if count % 2:
                    expr = Call(sign.offset, "!_" if sign.text == "!" else "-_", [expr])
        else:
            expr = self.members(self.primary() if first is None else first)
        self.calls -= 1
        return expr

    def members(self, expr: Expr) -> Expr:
        """Read what follows a value: `.field` (in backticks if need be), `.call(…)`, `[index]` and `{field: value}`."""
        while self.next.kind == "symbol":
            if self.found("."):
                dot = self.advance()
                quoted = self.next.kind == "quoted"
                name = self.advance() if quoted else self.name()
                if self.found("(") and not quoted:
                    expr = self.method(expr, name)
                else:
                    expr = Select(dot.offset, expr, name.text.strip("`"))
            elif self.found("["):
                bracket = self.advance()
                expr = Call(bracket.offset, "_[_]", [expr, self.expr()])
                self.take("]")
            elif self.found("{"):
                bracket = self.advance()
                self.entries(fields=True)
                expr = StructExpr(bracket.offset, qualified_name(expr) or "?")
            else:
                break
        return expr

    def primary(self) -> Expr:
        token = self.next
        if token.kind == "name":
            return self.named()
        if token.kind in {"end", "quoted"}:
            raise self.unexpected()
        if token.kind != "symbol":
            return self.literal(self.advance())
        match token.text:
            case ".":
                self.advance()
                return self.named()
            case "(":
                return self.parentheses()
            case "[":
                self.advance()
                return ListExpr(token.offset, self.sequence("]", trailing=True))
            case "{":
                self.advance()
                return MapExpr(token.offset, self.entries())
        raise self.unexpected()

    def parentheses(self) -> Expr:
        """Read `((a) + b)`: any number of them in a row is one level."""
        opened = 0
        while self.found("("):
            self.advance()
            opened += 1
        expr = self.expr()
        self.take(")")
        for _ in range(opened - 1):
            expr = self.expr(expr)
            self.take(")")
        return expr

    def named(self) -> Expr:
        name = self.name()
        if self.found("("):
            bracket = self.advance()
            args = self.sequence(")")
        else:
            bracket, args = name, None
        if name.text in RESERVED:
            return self.mistake(name.offset, f"reserved identifier: {name.text}")
        if args is None:
            return Ident(name.offset, name.text)
        try:
            return call(bracket.offset, name.text, args)
        except MisusedError as wrong:
            return self.mistake(wrong.offset, str(wrong))

    def method(self, target: Expr, name: Token) -> Expr:
        bracket = self.advance()
        args = self.sequence(")")
        try:
            return method(bracket.offset, name.text, target, args)
        except MisusedError as wrong:
            return self.mistake(wrong.offset, str(wrong))

    def name(self) -> Token:
        if self.next.kind != "name":
            raise self.unexpected()
        return self.advance()

    def sequence(self, close: str, *, trailing: bool = False) -> list[Expr]:
        """Read expressions between commas, and the bracket that ends them; `trailing` allows a comma before it."""
        found: list[Expr] = []
        self.deeper()
        while not self.found(close):
            if found:
                self.take(",")
                if trailing and self.found(close):
                    break
            elif trailing and self.found(","):
                self.advance()  # cel-go's grammar has `[,]`
                break
            found.append(self.expr())
        self.take(close)
        self.calls -= 1
        return found

    def entries(self, *, fields: bool = False) -> list[tuple[Expr, Expr]]:
        """Read `key: value` between commas, and the bracket that ends them; keys of a message are names."""
        found: list[tuple[Expr, Expr]] = []
        self.deeper()
        while not self.found("}"):
            if found:
                self.take(",")
                if self.found("}"):
                    break
            elif self.found(","):
                self.advance()  # cel-go's grammar has `{,}`
                break
            key = Ident(self.next.offset, self.name().text) if fields else self.expr()
            self.take(":")
            found.append((key, self.expr()))
        self.take("}")
        self.calls -= 1
        return found

    def literal(self, token: Token) -> Expr:
        match token.kind:
            case "bool":
                return Literal(token.offset, token.text == "true")
            case "null":
                return Literal(token.offset, None)
        try:
            value = string(token.text) if token.kind in {"string", "bytes"} else number(token.kind, token.text)
        except BadLiteralError as bad:
            return self.mistake(token.offset, str(bad))
        return Literal(token.offset, value)
