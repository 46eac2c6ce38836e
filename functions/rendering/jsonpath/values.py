"""The kinds of value that Go's reflection tells apart and Python's JSON does not, and the errors of a path."""

from __future__ import annotations

from functions.common.errors import LastingError, LimitError
from functions.common.values import Json
from functions.go.encode import Ordered


class JsonPathError(LastingError):
    """An expression that does not parse, or finds nothing or the wrong thing in this event."""


class PathLimitError(JsonPathError, LimitError):
    """An expression that would visit more of the event than is allowed."""


class GoStruct(Ordered):
    """An object that is a struct in Tekton: its fields have an order, and a Go name (`Body`) beside the JSON one."""

    __slots__ = ("go_type",)

    def __init__(self, go_type: str, fields: dict[str, Json]) -> None:
        super().__init__(fields)
        self.go_type = go_type

    def by_go_name(self, name: str) -> str:
        """Return the JSON name of the field that Go calls `name`."""
        return name[:1].lower() + name[1:] if name[:1].isupper() else name


class StringMap(dict[str, Json]):
    """An object that is a map[string]string in Tekton: the headers."""

    __slots__ = ()


class GoInt(int):
    """An integer written in an expression: Go's int, which never compares with the event's float64."""

    __slots__ = ()


class GoByte(int):
    """One byte of a string, which `*` steps into."""

    __slots__ = ()


_GO_TYPES: tuple[tuple[type, str], ...] = (
    (StringMap, "map[string]string"),
    (dict, "map[string]interface {}"),
    (list, "[]interface {}"),
    (str, "string"),
    (bool, "bool"),
    (GoInt, "int"),
    (GoByte, "uint8"),
    (int, "float64"),
    (float, "float64"),
)
"""The first that fits, so subclasses stand before their bases."""


def go_type(value: Json) -> str:
    """Return the Go type, as client-go's messages name it."""
    if isinstance(value, GoStruct):
        return value.go_type
    return next((name for kind, name in _GO_TYPES if isinstance(value, kind)), "<nil>")


def utf8(text: str) -> bytes:
    """Return the bytes as Go holds them; a lone surrogate, which Go cannot hold, is U+FFFD."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
