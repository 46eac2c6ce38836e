"""One evaluation: the event it looks at, its local variables, and how much work it may still do.

An expression comes from a repository's owner, the event from anybody: nested comprehensions over a large body must
not hold an instance. A step is about a microsecond's work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from functions.cel.errors import CelEvaluationError
from functions.cel.values import Value, elements
from functions.dataclass import dataclass

MAX_STEPS = 1_000_000
MAX_PRODUCED = 64 * 1024 * 1024


class BudgetError(CelEvaluationError):
    """The evaluation would cost too much; unlike other errors, `||` and `&&` do not absorb it."""


@dataclass(frozen=True, slots=True)
class Activation:
    """What an expression may name.

    `body` and `extensions` are JSON as json.loads gives it, `header` has Go's canonical names, `request_url` is
    path?query. `compare_secret` is asked (candidate, key, name); what it raises surfaces unless `||` or `&&` absorb it.
    """

    body: object
    header: Mapping[str, Sequence[str]]
    extensions: Mapping[str, object]
    request_url: str
    compare_secret: Callable[[str, str, str], bool]


def _no_secrets(_value: str, _key: str, _name: str) -> bool:
    return False


NO_EVENT = Activation(body=None, header={}, extensions={}, request_url="", compare_secret=_no_secrets)
"""For constants, which are the same on every event."""


class Frame:
    """The mutable side of one evaluation; never shared between threads."""

    __slots__ = ("body", "compare_secret", "extensions", "header", "request_url", "room", "slots", "steps")

    def __init__(self, activation: Activation, slots: int) -> None:
        self.body: Value = activation.body
        self.header: Value = activation.header if type(activation.header) is dict else dict(activation.header)
        self.extensions: Value = (
            activation.extensions if type(activation.extensions) is dict else dict(activation.extensions)
        )
        self.request_url = activation.request_url
        self.compare_secret = activation.compare_secret
        self.slots: list[Value] = [None] * slots
        self.steps = MAX_STEPS
        self.room = MAX_PRODUCED

    def spend(self, steps: int) -> None:
        """Count work.

        Raises BudgetError when it is too much.
        """
        self.steps -= steps
        if self.steps < 0:
            raise BudgetError(f"the expression takes more than {MAX_STEPS} steps on this event")

    def produce(self, size: int) -> None:
        """Count what is about to be made, in characters, bytes or elements.

        Raises BudgetError when it is too much.
        """
        self.room -= size
        self.steps -= 1 + (size >> 6)
        if self.room < 0:
            raise BudgetError(f"the expression produces more than {MAX_PRODUCED} bytes on this event")
        if self.steps < 0:
            raise BudgetError(f"the expression takes more than {MAX_STEPS} steps on this event")


Eval: TypeAlias = Callable[[Frame], Value]
Function: TypeAlias = Callable[..., Value]  # (frame, *arguments)


def items(frame: Frame, value: Value) -> list[Value] | tuple[Value, ...]:
    """Return a list's elements and count the work of going through them.

    Raises CelEvaluationError when it is no list.
    """
    if type(value) is list or type(value) is tuple:
        frame.spend(1 + len(value) // 8)
    return elements(value)


def text(value: Value) -> str:
    """Return the value as a string.

    Raises CelEvaluationError when it is none.
    """
    if type(value) is not str:
        raise CelEvaluationError("no such overload")
    return value


def integer(value: Value) -> int:
    """Return the value as an int.

    Raises CelEvaluationError when it is none.
    """
    if type(value) is not int:
        raise CelEvaluationError("no such overload")
    return value
