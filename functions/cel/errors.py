"""The CEL part of the error family. Reasons are in cel-go's words and never carry a value from the event."""

from __future__ import annotations

from functions.common.errors import ExhaustedError, LastingError, LimitError

MAX_REASON = 1000
_LONG = 1_000_000


class CelError(LastingError):
    """A fault of an expression, or of an expression on this event; `reason` is cut to a sane length."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason if len(reason) <= MAX_REASON else reason[: MAX_REASON - 1] + "…")


class CelCompileError(CelError):
    """The expression can never be compiled; every mistake found is in the reason, with line and column."""


class CelEvaluationError(CelError):
    """The expression cannot be evaluated on this event."""


class BudgetError(CelEvaluationError, LimitError):
    """The evaluation would cost too much, which says nothing of the event: nothing absorbs it."""


BEYOND_LIMITS = (LimitError, ExhaustedError)
"""What `||`, `&&` and comprehensions do not absorb, and no filter takes for its no."""


class CelConversionError(CelError):
    """The result cannot become JSON, so no overlay can hold it."""


def no_such_overload() -> CelEvaluationError:
    """Return an operator or function met values of types for which it is not defined."""
    return CelEvaluationError("no such overload")


def number(value: int) -> str:
    """Return an integer as a reason may name it: a long one is no index or size, but may be the event's."""
    return str(value) if abs(value) < _LONG else "…"
