"""Conditions on one string alone, as filters over file names have them: evaluated ten times as fast as others.

`f.startsWith('src/') || f.endsWith('.md')` needs no frame, and on a string it cannot fail, so that a list of strings
can be gone through in C. Whatever is not of this kind has no predicate, and is evaluated as any other expression.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import eq, methodcaller, ne
from typing import Any, TypeAlias

from functions.cel.errors import CelEvaluationError
from functions.cel.syntax import Call, Expr, Ident, ListExpr, Literal
from functions.go.text import go_bytes

Predicate: TypeAlias = Callable[[Any], bool]

_METHODS = {"startsWith": "startswith", "endsWith": "endswith", "contains": "__contains__"}
_EQUALITY = {"_==_": eq, "_!=_": ne}
_MEMBERSHIP = 2


def predicate(expr: Expr, variable: str) -> Predicate | None:
    """Return what says whether a condition holds for a string in the place of `variable`, None for other conditions."""
    if not isinstance(expr, Call):
        return None
    if expr.function in ("_||_", "_&&_", "!_"):
        terms = [predicate(arg, variable) for arg in expr.args]
        known = [term for term in terms if term is not None]
        return _JOINED[expr.function](known) if len(known) == len(terms) else None
    args = [*([expr.target] if expr.target else []), *expr.args]
    if len(args) != _MEMBERSHIP or not isinstance(args[0], Ident) or args[0].name != variable:
        return None
    if expr.function == "@in":
        return _among(args[1])
    constant = args[1].value if isinstance(args[1], Literal) else None
    if not isinstance(constant, str):
        return None
    if expr.function in _METHODS:
        return methodcaller(_METHODS[expr.function], constant)
    if expr.function in _EQUALITY:
        return partial(_EQUALITY[expr.function], constant)
    return _matching(constant) if expr.function == "matches" else None


def _among(expr: Expr) -> Predicate | None:
    if not isinstance(expr, ListExpr):
        return None
    texts = [item.value for item in expr.items if isinstance(item, Literal) and isinstance(item.value, str)]
    return frozenset(texts).__contains__ if len(texts) == len(expr.items) else None


def _matching(pattern: str) -> Predicate | None:
    from functions.cel.regex import compiled  # noqa: PLC0415 - loads RE2

    try:
        search = compiled(pattern).search
    except CelEvaluationError:
        return None
    return lambda text: search(go_bytes(text)) is not None


def _any(terms: list[Predicate]) -> Predicate:
    return lambda text: any(term(text) for term in terms)


def _all(terms: list[Predicate]) -> Predicate:
    return lambda text: all(term(text) for term in terms)


def _not(terms: list[Predicate]) -> Predicate:
    (term,) = terms
    return lambda text: not term(text)


_JOINED: dict[str, Callable[[list[Predicate]], Predicate]] = {"_||_": _any, "_&&_": _all, "!_": _not}
