"""A compiled path and its evaluation."""

from __future__ import annotations

from msgspec import Struct

from functions.common.limits import UNLIMITED, Limits
from functions.common.values import Json
from functions.rendering.jsonpath.values import JsonPathError
from functions.rendering.jsonpath.walk import Nodes, Walk, WalkError, walk_nodes


class Path(Struct, frozen=True):
    """An expression, compiled once; immutable, so threads share it."""

    expression: str
    """What stands between `$(` and `)`."""
    nodes: Nodes | None
    """None for the empty expression, which gives the empty text."""

    def find(self, root: Json, limits: Limits = UNLIMITED) -> list[Json]:
        """Return what the path finds in `root`, in client-go's order.

        An expression that prints nothing at all (`$()`, a `range` without an action) finds one empty string. Raises
        JsonPathError with client-go's reason, PathLimitError (one of them) beyond `Limits.visited` values, and
        ExhaustedError without time.
        """
        if self.nodes is None:
            return [""]
        walk = Walk(limits)
        try:
            found = walk_nodes(self.nodes, [root], walk)
        except WalkError as error:
            raise JsonPathError(error.reason) from error
        return [""] if walk.in_range else found
