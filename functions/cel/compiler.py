"""Abstract syntax to closures: each part becomes a function of the frame, once, when the expression is loaded.

What cel-go computes when it creates a program is computed here too, and fails here: conversions of constants
(`double('abc')`) and constant regular expressions.
"""

from __future__ import annotations

from collections.abc import Callable

from functions.cel.access import chain, has_field, index, named_field
from functions.cel.constants import constant, uncreatable
from functions.cel.declarations import CONVERSIONS
from functions.cel.errors import CelEvaluationError
from functions.cel.folds import fold, fold_texts
from functions.cel.frame import Eval, Frame, text
from functions.cel.functions import implementation
from functions.cel.logic import conditional, conjunction, disjunction, negation
from functions.cel.predicates import predicate
from functions.cel.syntax import Call, Expr, Fold, Ident, ListExpr, Literal, MapExpr, Select
from functions.cel.values import KEYS, CelMap, Value, compare, contains, equal, type_name
from functions.common.errors import PassingError, VerificationSetupError

_ORDER: dict[str, frozenset[int | None]] = {
    "_<_": frozenset({-1}),
    "_<=_": frozenset({-1, 0}),
    "_>_": frozenset({1}),
    "_>=_": frozenset({0, 1}),
}


class Compiler:
    """Compiles one expression; `slots` is the number of local variables that a frame needs.

    `reads` are the variables of the event that it looks at.
    """

    def __init__(self) -> None:
        self.scope: list[tuple[str, int]] = []
        self.slots = 0
        self.compares_secret = False
        self.reads: set[str] = set()

    def compile(self, expr: Expr) -> Eval:
        """Return the closure of a part. Raises CelCompileError for constants that cannot be converted."""
        match expr:
            case Literal(value=value):
                return _constant(value)
            case Ident():
                return self._ident(expr)
            case Select():
                return self._select(expr)
            case Call():
                return self._call(expr)
            case ListExpr(items=items):
                return _list([self.compile(item) for item in items])
            case MapExpr(entries=entries):
                return _map([(self.compile(key), self.compile(value)) for key, value in entries])
            case Fold():
                return self._fold(expr)
        raise TypeError(type(expr).__name__)  # pragma: no cover - the checker refuses the rest

    def _ident(self, expr: Ident) -> Eval:
        for name, slot in reversed(self.scope):
            if name == expr.name:
                return lambda frame: frame.slots[slot]
        if expr.constant is not None:
            return _constant(expr.constant)
        self.reads.add(expr.name)
        return _VARIABLES[expr.name]

    def _select(self, expr: Select) -> Eval:
        if expr.constant is not None:
            return _constant(expr.constant)
        if expr.test:
            return has_field(self.compile(expr.operand), expr.field)
        fields = [expr.field]
        base = expr.operand
        while isinstance(base, Select) and not base.test and base.constant is None:
            fields.append(base.field)
            base = base.operand
        fields.reverse()
        if len(fields) == 1:
            return named_field(self.compile(base), fields[0])
        return chain(self.compile(base), tuple(fields))

    def _call(self, expr: Call) -> Eval:
        name = expr.function
        if name in _LOGIC:
            return _LOGIC[name]([self.compile(arg) for arg in expr.args])
        if name in _ORDER:
            return _ordering(_ORDER[name], *(self.compile(arg) for arg in expr.args))
        if name in CONVERSIONS and (known := constant(expr)) is not None:
            return _constant(known.value)
        special = _SPECIAL.get(name)
        if special is not None:
            return special(self, expr)
        return self._function(expr)

    def _function(self, expr: Call) -> Eval:
        args = expr.args if expr.target is None else [expr.target, *expr.args]
        return _applied(implementation(expr.function), [self.compile(arg) for arg in args])

    def _compare_secret(self, expr: Call) -> Eval:
        self.compares_secret = True
        compared = self._function(expr)
        return compared if all(constant(arg) is not None for arg in expr.args) else _unnamed(compared)

    def _index(self, expr: Call) -> Eval:
        target, key = expr.args
        known = constant(key)
        if known is None:
            return index(self.compile(target), self.compile(key), shown=False)
        if type(known.value) is str:
            return named_field(self.compile(target), known.value)
        if type(known.value) not in KEYS:
            raise uncreatable(CelEvaluationError(f"invalid qualifier type: {type_name(known.value)}"))
        return index(self.compile(target), _constant(known.value), shown=True)

    def _equality(self, expr: Call) -> Eval:
        left, right = (self.compile(arg) for arg in expr.args)
        same = expr.function == "_==_"
        known = constant(expr.args[1])
        if known is not None and type(known.value) is str:
            return _equals_text(left, known.value, same=same)

        def compared(frame: Frame) -> Value:
            return equal(left(frame), right(frame), frame.spend) is same

        return compared

    def _membership(self, expr: Call) -> Eval:
        value, container = expr.args
        known = constant(container)
        sought = self.compile(value)
        if isinstance(container, ListExpr) and not container.items:
            return _constant(False)  # noqa: FBT003 - cel-go's optimizer does not evaluate the left side either
        if known is not None and isinstance(known.value, tuple) and all(type(item) is str for item in known.value):
            texts = frozenset(known.value)

            def among(frame: Frame) -> Value:
                found = sought(frame)
                return type(found) is str and found in texts

            return among
        within = self.compile(container)

        def member(frame: Frame) -> Value:
            left = sought(frame)
            return contains(within(frame), left, frame.spend)

        return member

    def _matches(self, expr: Call) -> Eval:
        value, pattern = expr.args if expr.target is None else (expr.target, *expr.args)
        known = constant(pattern)
        if known is None or type(known.value) is not str:
            return self._function(expr)
        from functions.cel.regex import compiled, search  # noqa: PLC0415 - loads RE2

        try:
            expression = compiled(known.value)
        except CelEvaluationError as error:
            raise uncreatable(error) from error
        subject = self.compile(value)
        return lambda frame: search(frame, expression, subject(frame))

    def _paths(self, expr: Call) -> Eval:
        """Read globs that are constant; whether the list is whole stands in the extensions, which nothing names."""
        from functions.cel.globs import gitignore_globs, gobwas_glob  # noqa: PLC0415 - loads RE2

        self.reads.add("extensions")
        args = expr.args if expr.target is None else [expr.target]
        compiled = [self.compile(arg) for arg in args]
        known = constant(args[-1])
        try:
            if known is not None and isinstance(known.value, str):
                compiled[-1] = _constant(gobwas_glob(known.value))
            elif known is not None and isinstance(known.value, tuple):
                compiled[-1] = _constant(gitignore_globs(tuple(text(item) for item in known.value)))
        except CelEvaluationError as error:
            raise uncreatable(error) from error
        return _applied(implementation(expr.function), compiled)

    def _command(self, expr: Call) -> Eval:
        """Whether the comment is new stands in the body or in a header."""
        self.reads |= {"body", "header"}
        return self._function(expr)

    def _fold(self, expr: Fold) -> Eval:
        source = self.compile(expr.source)
        slot = len(self.scope)
        self.slots = max(self.slots, slot + 1)
        self.scope.append((expr.variable, slot))
        condition = self.compile(expr.condition) if expr.condition is not None else None
        result = self.compile(expr.result) if expr.result is not None else None
        self.scope.pop()
        weight = 1 + expr.size // 2

        def folded(source: Eval) -> Eval:
            return fold(expr.macro, source=source, slot=slot, condition=condition, result=result, weight=weight)

        simple = predicate(expr.condition, expr.variable) if expr.condition is not None and result is None else None
        return fold_texts(expr.macro, simple, source, folded) if simple is not None else folded(source)


_LOGIC: dict[str, Callable[[list[Eval]], Eval]] = {
    "_&&_": conjunction,
    "_||_": disjunction,
    "!_": negation,
    "_?_:_": conditional,
}
_SPECIAL: dict[str, Callable[[Compiler, Call], Eval]] = {
    "_==_": Compiler._equality,  # noqa: SLF001 - this module's own
    "_!=_": Compiler._equality,  # noqa: SLF001 - this module's own
    "@in": Compiler._membership,  # noqa: SLF001 - this module's own
    "_[_]": Compiler._index,  # noqa: SLF001 - this module's own
    "matches": Compiler._matches,  # noqa: SLF001 - this module's own
    "compareSecret": Compiler._compare_secret,  # noqa: SLF001 - this module's own
    "paths.match": Compiler._paths,  # noqa: SLF001 - this module's own
    "paths.only": Compiler._paths,  # noqa: SLF001 - this module's own
    "pathChanged": Compiler._paths,  # noqa: SLF001 - this module's own
    "comment.command": Compiler._command,  # noqa: SLF001 - this module's own
}
_VARIABLES: dict[str, Eval] = {
    "body": lambda frame: frame.body,
    "header": lambda frame: frame.header,
    "extensions": lambda frame: frame.extensions,
    "requestURL": lambda frame: frame.request_url,
}


def _unnamed(compared: Eval) -> Eval:
    """Leave the secret's name and key out of what became of it: they are the event's."""

    def hidden(frame: Frame) -> Value:
        try:
            return compared(frame)
        except VerificationSetupError as error:
            raise VerificationSetupError("error getting secret: none that the event names can be had") from error
        except PassingError as error:
            if type(error) is not PassingError:
                raise
            raise PassingError(
                "a secret that the event names cannot be read now", retry_after=error.retry_after
            ) from error

    return hidden


def _constant(value: Value) -> Eval:
    return lambda _: value


def _list(items: list[Eval]) -> Eval:
    return lambda frame: tuple([item(frame) for item in items])


def _map(entries: list[tuple[Eval, Eval]]) -> Eval:
    def made(frame: Frame) -> Value:
        result = CelMap()
        for key, value in entries:
            result.add(key(frame), value(frame))
        return result

    return made


def _equals_text(left: Eval, known: str, *, same: bool) -> Eval:
    if same:
        return lambda frame: left(frame) == known
    return lambda frame: left(frame) != known


def _ordering(orders: frozenset[int | None], left: Eval, right: Eval) -> Eval:
    def compared(frame: Frame) -> Value:
        first, second = left(frame), right(frame)
        if type(first) is str:
            frame.spend(len(first) >> 10)
        return compare(first, second) in orders

    return compared


def _applied(function: Callable[..., Value], args: list[Eval]) -> Eval:
    if len(args) == 1:
        (only,) = args
        return lambda frame: function(frame, only(frame))
    if len(args) == 2:  # noqa: PLR2004 - one and two arguments without a list
        first, second = args
        return lambda frame: function(frame, first(frame), second(frame))
    return lambda frame: function(frame, *[arg(frame) for arg in args])
