"""What the value of a CEL expression may be as text, from its types, its functions and the fields that it reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from string import ascii_letters, digits

from functions.cel.kinds import BOOL, DOUBLE, DURATION, INT, TIMESTAMP, UINT
from functions.cel.syntax import Call, Expr, Fold, Ident, ListExpr, Literal
from functions.lint import fields, trees
from functions.lint.regexes import removed
from functions.lint.text import ANYTHING, Text, constant, made_of, one_of

EXPRESSION = "="
"""Begins the path of what is known of a whole expression, by its key."""
Lookup = Callable[[trees.Path], Text]
"""From a path of the event to what stands there."""

_BY_TYPE = {INT: fields.NUMBER, UINT: fields.NUMBER, DOUBLE: fields.NUMBER, BOOL: fields.BOOLEAN}
_BY_TYPE |= {TIMESTAMP: fields.TIME, DURATION: fields.NUMBER}
_SAME = frozenset({"string", "dyn", "first", "last", "reverse", "flatten", "distinct", "sort", "slice"})
_PIECES = frozenset({"_[_]", "charAt", "split", "substring", "trim"})
_MADE: Mapping[str, Text] = {
    "encode": made_of(f"{ascii_letters}{digits}+/="),
    "base64.encode": made_of(f"{ascii_letters}{digits}+/="),
}
_CASES: Mapping[str, Callable[[str], str]] = {"lowerAscii": str.lower, "upperAscii": str.upper}


def text_of(expr: Expr, lookup: Lookup) -> Text:
    """Return what the expression's value may be, or what the items of its list may be."""
    return _Reader(lookup, {}, {}).text(expr)


class _Reader:
    """`aliases` are variables of macros over a path's items, `variables` those over anything else."""

    def __init__(self, lookup: Lookup, aliases: Mapping[str, trees.Path], variables: Mapping[str, Text]) -> None:
        self._lookup = lookup
        self._aliases = aliases
        self._variables = variables

    def text(self, expr: Expr) -> Text:
        if isinstance(expr, Literal):
            return constant(expr.value if isinstance(expr.value, str) else str(expr.value).lower())
        if found := _BY_TYPE.get(expr.type):
            return found
        if isinstance(expr, ListExpr):
            return one_of(self.text(item) for item in expr.items) or constant("")
        if isinstance(expr, Fold):
            return self._fold(expr)
        if name := trees.header_name(expr):
            return self._lookup(("header", name))
        if path := trees.path(expr):
            return self._at(path)
        if not isinstance(expr, Call):
            return ANYTHING
        fixed = self._lookup((EXPRESSION, trees.key(expr)))
        return self._call(expr) if fixed is ANYTHING else fixed

    def _at(self, path: trees.Path) -> Text:
        if path[0] in self._aliases:
            return self._lookup((*self._aliases[path[0]], *path[1:]))
        if path[0] in self._variables:
            return self._variables[path[0]] if len(path) == 1 else ANYTHING
        return self._lookup(path)

    def _fold(self, expr: Fold) -> Text:
        source = expr.source
        while isinstance(source, Fold) and source.macro in ("filter", "sortBy"):
            source = source.source  # the same items, fewer or in another order
        path = trees.path(source)
        if path:
            items = (*self._aliases.get(path[0], path[:1]), *path[1:], "*")
            inner = _Reader(self._lookup, {**self._aliases, expr.variable: items}, self._variables)
        else:
            inner = _Reader(self._lookup, self._aliases, {**self._variables, expr.variable: self.text(source)})
        if expr.macro == "map" and expr.result:
            return inner.text(expr.result)
        return inner.text(Ident(expr.offset, expr.variable))

    def _call(self, expr: Call) -> Text:
        """Return what a function makes of its subject: the receiver, or the first argument."""
        subject, *args = [expr.target, *expr.args] if expr.target else expr.args or [Literal(0, "")]
        text = self.text(subject)
        match expr.function, args:
            case "_+_", [other]:
                return text.then(self.text(other))
            case "_?_:_", [yes, no]:
                return self.text(yes).either(self.text(no))
            case (("translate" | "replace"), [old, new, *_]):
                return self._replaced(text, expr.function, old, new)
            case "truncate", [Literal(value=int(longest))]:
                return text.part(longest)
            case (("join" | "format"), [other]):
                return text.either(self.text(other)).part()
        if expr.function in _CASES:
            change = _CASES[expr.function]
            return text.mapped(lambda chars: frozenset(map(change, chars)))
        if expr.function in _PIECES:
            return text.part()
        return _MADE.get(expr.function) or (text if expr.function in _SAME else ANYTHING)

    def _replaced(self, text: Text, function: str, old: Expr, new: Expr) -> Text:
        source, gone = trees.text(old), frozenset[str]()
        if source is not None:
            gone = (removed(source) or gone) if function == "translate" else frozenset(source * (len(source) == 1))
        kept = text.mapped(lambda chars: chars - gone)
        inserted = self.text(new)
        # a replacement may name what was matched ($1), and so put back nothing but what stood there
        return Text(
            chars=kept.chars | inserted.chars,
            sent=kept.sent | inserted.sent,
            dash=True,
            known=kept.known and inserted.known,
        )
