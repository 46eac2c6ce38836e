"""What all steps share: the state of one evaluation, its bound, and how a failed step is told."""

from __future__ import annotations

from typing import Protocol

from functions.common.limits import Limits
from functions.common.values import Json
from functions.rendering.jsonpath.values import PathLimitError

AT_ONCE = 20_000
"""Values visited between two looks at the clock."""
AT_FIRST = 1_000
"""Before the first look: most paths visit fewer, and the clock was looked at when their trigger began."""


class WalkError(Exception):
    """A step that failed. `reached` is what client-go hands on beside the error: an existence filter looks at it."""

    def __init__(self, reason: str, reached: list[Json]) -> None:
        super().__init__(reason)
        self.reason = reason
        self.reached = reached


class Walk:
    """The state of one evaluation: how much was visited, and whether `range` was met."""

    __slots__ = ("in_range", "limits", "look", "visited")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.visited = 0
        self.look = AT_FIRST
        self.in_range = False

    def count(self, values: int) -> None:
        """Charge for `values` more, as every step does for its work.

        Raises PathLimitError when they are too many, and ExhaustedError when the delivery's time is over.
        """
        self.visited += values
        if self.visited >= self.look:
            self.limits.in_time("look for the values of params")
            if self.visited > self.limits.visited:
                most = self.limits.visited
                raise PathLimitError(f"the expression visits more than {most} values of the event: narrow it")
            self.look = self.visited + AT_ONCE


class Node(Protocol):
    """One step."""

    def step(self, values: list[Json], walk: Walk) -> list[Json]:
        """Return the values that this step reaches from `values`. Raises WalkError."""


Nodes = tuple[Node, ...]


def walk_nodes(nodes: Nodes, values: list[Json], walk: Walk) -> list[Json]:
    """Take the steps one after the other."""
    for node in nodes:
        values = node.step(values, walk)
    return values
