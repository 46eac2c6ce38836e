"""The steps of a compiled path: each turns the values reached so far into the next ones, as client-go's walk does."""

from __future__ import annotations

from msgspec import Struct

from functions.common.values import Json
from functions.rendering.jsonpath.compare import ComparisonError, compare
from functions.rendering.jsonpath.values import GoByte, GoStruct, go_type, utf8
from functions.rendering.jsonpath.walk import Nodes, Walk, WalkError, walk_nodes


class Field(Struct, frozen=True):
    """`.name`; an empty name is a field that nothing has."""

    name: str

    def step(self, values: list[Json], walk: Walk) -> list[Json]:
        """Reach the field of every object that has it."""
        if not values:
            return []
        walk.count(len(values))
        reached: list[Json] = []
        for value in values:
            if not isinstance(value, dict):
                continue
            if self.name in value:
                reached.append(value[self.name])
            elif isinstance(value, GoStruct) and (name := value.by_go_name(self.name)) in value:
                reached.append(value[name])
        if not reached:
            raise WalkError(f"{self.name} is not found", [])
        return reached


class Slice(Struct, frozen=True):
    """`[start:stop:step]`; an index is the slice up to `start + 1`, and `derived` says so."""

    start: int | None
    stop: int | None
    derived: bool
    stride: int | None

    def step(self, values: list[Json], walk: Walk) -> list[Json]:
        """Reach the items of every array; the first empty slice ends the step, without the values after it."""
        reached: list[Json] = []
        for value in values:
            if value is None:
                continue
            if not isinstance(value, list):
                raise WalkError(f"{go_type(value)} is not array or slice", values)
            length = len(value)
            start, stop = self._bounds(length)
            if start == stop:
                return reached
            if problem := _out_of_bounds(start, stop, length):
                raise WalkError(problem, values)
            if self.stride is not None and self.stride <= 0:
                raise WalkError("step must be > 0", values)
            items = value[start : stop : self.stride]
            walk.count(len(items) + 1)
            reached.extend(items)
        return reached

    def _bounds(self, length: int) -> tuple[int, int]:
        start = self.start or 0
        if start < 0:
            start += length
        stop = length if self.stop is None else self.stop
        if stop < 0 or (stop == 0 and self.derived):
            stop += length
        return start, stop


def _out_of_bounds(start: int, stop: int, length: int) -> str:
    if not 0 <= start < length:
        return f"array index out of bounds: index {start}, length {length}"
    if not 0 <= stop <= length:
        return f"array index out of bounds: index {stop - 1}, length {length}"
    if start > stop:
        return f"starting index {start} is greater than ending index {stop}"
    return ""


class Wildcard(Struct, frozen=True):
    """`.*`."""

    def step(self, values: list[Json], walk: Walk) -> list[Json]:
        """Reach every member of every object, array and string."""
        reached: list[Json] = []
        for value in values:
            if isinstance(value, str):
                walk.count(len(value))
                reached.extend(GoByte(byte) for byte in utf8(value))
            else:
                children = _children(value)
                walk.count(len(children) + 1)
                reached.extend(children)
        return reached


class Recursive(Struct, frozen=True):
    """`..`."""

    def step(self, values: list[Json], walk: Walk) -> list[Json]:
        """Reach every non-empty object, array and string, each before what is in it; numbers and null never."""
        reached: list[Json] = []
        stack = values[::-1]
        while stack:
            value = stack.pop()
            if not value or not isinstance(value, str | list | dict):
                continue
            reached.append(value)
            children = _children(value)
            walk.count(len(children) + 1)
            stack.extend(reversed(children))
        return reached


def _children(value: Json) -> list[Json]:
    if isinstance(value, list):
        return value
    if isinstance(value, GoStruct):
        return list(value.values())
    if isinstance(value, dict):
        return [value[key] for key in sorted(value)]
    return []


class Union(Struct, frozen=True):
    """`['a','b']`, `[0,2]`: several steps from the same place, one result after the other."""

    alternatives: tuple[Nodes, ...]

    def step(self, values: list[Json], walk: Walk) -> list[Json]:
        """Reach what all alternatives reach; one that fails fails them all."""
        reached: list[Json] = []
        for nodes in self.alternatives:
            try:
                reached.extend(walk_nodes(nodes, values, walk))
            except WalkError as error:
                raise WalkError(error.reason, values) from error
        return reached


class Filter(Struct, frozen=True):
    """`[?(left sign right)]`; without a sign, `[?(left)]` asks whether left exists."""

    left: Nodes
    sign: str
    right: Nodes

    def step(self, values: list[Json], walk: Walk) -> list[Json]:
        """Reach the items of every array that pass."""
        reached: list[Json] = []
        for value in values:
            if not isinstance(value, list):
                # client-go prints the value here; it is the sender's, so its type must do
                raise WalkError(f"{go_type(value)} is not array or slice and cannot be filtered", values)
            walk.count(len(value))
            for item in value:
                if self._passes(item, walk, values, reached):
                    reached.append(item)
        return reached

    def _passes(self, item: Json, walk: Walk, values: list[Json], reached: list[Json]) -> bool:
        if not self.sign:
            return self._exists(item, walk)
        try:
            left = walk_nodes(self.left, [item], walk)
            right = walk_nodes(self.right, [item], walk) if len(left) == 1 else []
        except WalkError as error:
            raise WalkError(error.reason, values) from error
        if len(left) > 1 or len(right) > 1:
            raise WalkError("can only compare one element at a time", values)
        if not left or not right:
            return False
        try:
            return compare(left[0], self.sign, right[0])
        except ComparisonError as error:
            raise WalkError(str(error), reached) from error

    def _exists(self, item: Json, walk: Walk) -> bool:
        try:
            return bool(walk_nodes(self.left, [item], walk))
        except WalkError as error:
            # an index out of bounds counts as existing in client-go, a missing key does not
            return bool(error.reached)


class Constant(Struct, frozen=True):
    """A number, true or false: one for each value reached. A quoted string: one in all."""

    value: Json
    once: bool = False

    def step(self, values: list[Json], walk: Walk) -> list[Json]:
        """Reach the constant."""
        walk.count(len(values))
        return [self.value] if self.once else [self.value] * len(values)


class Identifier(Struct, frozen=True):
    """A bare word: `range` and `end` of kubectl's templates, anything else is unknown."""

    name: str

    def step(self, values: list[Json], walk: Walk) -> list[Json]:
        """Note a `range`; nothing can stand inside it, since a binding's expression is a single action."""
        if self.name == "range":
            walk.in_range = True
            return values
        if self.name == "end":
            raise WalkError("not in range, nothing to end", [])
        raise WalkError(f"unrecognized identifier {self.name}", values)
