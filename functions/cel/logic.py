"""The logical operators, which absorb errors: what one side decides, the other side's error does not undo.

Source: evalOr, evalAnd and evalExhaustiveConditional in cel-go's interpreter/interpretable.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from functions.cel.errors import BEYOND_LIMITS, no_such_overload
from functions.cel.frame import Eval, Frame
from functions.cel.values import Value
from functions.common.errors import PipehookError


def decided(frame: Frame, terms: Iterable[Eval], *, decides: bool) -> bool:
    """Return `decides` when a term has this value, and its contrary when all have that.

    Raises the first error of a term when none decides, and at once what is beyond the limits.
    """
    problem: PipehookError | None = None
    for term in terms:
        try:
            value = term(frame)
        except BEYOND_LIMITS:
            raise
        except PipehookError as error:
            problem = problem or error
            continue
        if value is decides:
            return decides
        if type(value) is not bool and problem is None:
            problem = no_such_overload()
    if problem is not None:
        try:
            raise problem
        finally:
            del problem  # its frames would hold it, and it them, with the event
    return not decides


def conjunction(terms: list[Eval]) -> Eval:
    """Return `a && b && …`."""
    return partial(decided, terms=terms, decides=False)


def disjunction(terms: list[Eval]) -> Eval:
    """Return `a || b || …`."""
    return partial(decided, terms=terms, decides=True)


def negation(terms: list[Eval]) -> Eval:
    """Return `!a`."""
    (operand,) = terms

    def evaluate(frame: Frame) -> Value:
        value = operand(frame)
        if value is True:
            return False
        if value is False:
            return True
        raise no_such_overload()

    return evaluate


def conditional(terms: list[Eval]) -> Eval:
    """Return `a ? b : c`."""
    condition, yes, no = terms

    def evaluate(frame: Frame) -> Value:
        value = condition(frame)
        if value is True:
            return yes(frame)
        if value is False:
            return no(frame)
        raise no_such_overload()

    return evaluate
