"""One evaluation: the event it looks at, its local variables, and how much work it may still do.

An expression comes from a repository's owner, the event from anybody: nested comprehensions over a large body must
not hold an instance. A step is about a microsecond's work; how many there may be follows from the body, and the
delivery's time ends them in any case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct

from functions.cel.errors import BudgetError, CelEvaluationError
from functions.cel.values import Value, elements
from functions.common.limits import UNLIMITED, Limits

STEPS_AT_ONCE = 50_000
"""Between two looks at the clock."""
AT_FIRST = 1_000
"""Before the first look: most expressions take less, and the clock was looked at when their trigger began."""
FREE = 1024 * 1024
"""Bytes that an evaluation may produce before it takes more of the process's memory."""
MAX_PRODUCED = 64 * 1024 * 1024


def no_secrets(_value: str, _key: str, _name: str) -> bool:
    """Know no secret, and so none that is right."""
    return False


class Activation(Struct, frozen=True):
    """What an expression may name.

    `body` and `extensions` are JSON as json.loads gives it, `header` has Go's canonical names, `request_url` is
    path?query. `compare_secret` is asked (candidate, key, name); what it raises surfaces unless `||` or `&&` absorb it.
    """

    body: object
    header: Mapping[str, Sequence[str]]
    extensions: Mapping[str, object]
    request_url: str
    compare_secret: Callable[[str, str, str], bool]
    limits: Limits = UNLIMITED


NO_EVENT = Activation(body=None, header={}, extensions={}, request_url="", compare_secret=no_secrets)
"""For constants, which are the same on every event."""


class Frame:
    """The mutable side of one evaluation; never shared between threads."""

    __slots__ = (
        "body",
        "compare_secret",
        "extensions",
        "granted",
        "header",
        "limits",
        "request_url",
        "room",
        "slots",
        "steps",
        "taken",
    )

    def __init__(self, activation: Activation, slots: int) -> None:
        self.body: Value = activation.body
        self.header = activation.header if type(activation.header) is dict else dict(activation.header)
        self.extensions: Value = (
            activation.extensions if type(activation.extensions) is dict else dict(activation.extensions)
        )
        self.request_url = activation.request_url
        self.compare_secret = activation.compare_secret
        self.limits = activation.limits
        self.slots: list[Value] = [None] * slots
        self.steps = self.granted = AT_FIRST
        self.room = FREE
        self.taken = 0

    def spend(self, steps: int) -> None:
        """Count work. Raises BudgetError when it is too much, and ExhaustedError when the delivery's time is over."""
        self.steps -= steps
        if self.steps < 0:
            self._go_on()

    def produce(self, size: int) -> None:
        """Count what is about to be made, in characters, bytes or elements.

        Raises BudgetError when it is too much, and ExhaustedError when the process has no memory, or no time, for it.
        """
        self.room -= size
        if self.room < 0:
            self._grow()
        self.spend(1 + (size >> 6))

    def release(self) -> None:
        """Give back the memory of what was produced, when it is not needed any more."""
        self.limits.give_back(self.taken)
        self.taken = 0

    def _go_on(self) -> None:
        self.limits.in_time("evaluate the expression")
        granted = min(max(STEPS_AT_ONCE, -self.steps), self.limits.steps - self.granted)
        self.steps += granted
        self.granted += granted
        if self.steps < 0:
            raise BudgetError(f"the expression takes more than {self.limits.steps} steps on this event")

    def _grow(self) -> None:
        more = max(FREE, -self.room)
        if self.taken + more > MAX_PRODUCED:
            raise BudgetError(f"the expression produces more than {MAX_PRODUCED} bytes on this event")
        self.limits.take(more)
        self.taken += more
        self.room += more


Eval: TypeAlias = Callable[[Frame], Value]
Function: TypeAlias = Callable[..., Value]  # (frame, *arguments)


def items(frame: Frame, value: Value) -> list[Value] | tuple[Value, ...]:
    """Return a list's elements and count the work of going through them.

    Raises CelEvaluationError when it is no list.
    """
    if type(value) is list or type(value) is tuple:
        frame.spend(1 + len(value) // 8)
    parts = elements(value)
    if parts is not value:  # a number is a new one
        frame.produce(40 * len(parts))
    return parts


def text(value: Value) -> str:
    """Return the value as a string. Raises CelEvaluationError when it is none."""
    if type(value) is not str:
        raise CelEvaluationError("no such overload")
    return value


def integer(value: Value) -> int:
    """Return the value as an int. Raises CelEvaluationError when it is none."""
    if type(value) is not int:
        raise CelEvaluationError("no such overload")
    return value
