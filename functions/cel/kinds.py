"""The checker's types: their names, assignability and type parameters.

Source: cel-go's checker/types.go and common/types/types.go (https://github.com/google/cel-go).
"""

from __future__ import annotations

from typing import NamedTuple


class Type(NamedTuple):
    """A type: `list(string)` is Type("list", (STRING,)); a type parameter has the kind `param`."""

    kind: str
    parts: tuple[Type, ...] = ()
    name: str = ""

    def __str__(self) -> str:
        if self.kind == "param":
            return self.name
        return f"{self.kind}({', '.join(map(str, self.parts))})" if self.parts else self.kind


DYN = Type("dyn")
ERROR = Type("!error!")
NULL = Type("null")
BOOL = Type("bool")
INT = Type("int")
UINT = Type("uint")
DOUBLE = Type("double")
STRING = Type("string")
BYTES = Type("bytes")
TIMESTAMP = Type("timestamp")
DURATION = Type("duration")
TYPE = Type("type")
_NULLABLE = frozenset({"timestamp", "duration", "null"})
_WILD = frozenset({"dyn", "!error!"})

Substitutions = dict[Type, Type]


def list_of(item: Type) -> Type:
    """`list(item)`."""
    return Type("list", (item,))


def map_of(key: Type, value: Type) -> Type:
    """`map(key, value)`."""
    return Type("map", (key, value))


def param(name: str) -> Type:
    """Return a type parameter."""
    return Type("param", (), name)


def substitute(known: Substitutions, kind: Type, *, free_to_dyn: bool = False) -> Type:
    """Return the type with its parameters replaced by what is known of them."""
    found = known.get(kind)
    if found is not None:
        return substitute(known, found, free_to_dyn=free_to_dyn)
    if free_to_dyn and kind.kind == "param":
        return DYN
    if not kind.parts:
        return kind
    return Type(kind.kind, tuple(substitute(known, part, free_to_dyn=free_to_dyn) for part in kind.parts), kind.name)


def assignable(known: Substitutions, given: Type, wanted: Type) -> bool:
    """Whether a value of one type fits where another is wanted; what is learnt of parameters goes into `known`."""
    if wanted.kind == "param":
        valid, substituted = _valid_substitution(known, given, wanted)
        if valid:
            return True
        if substituted:
            return False
    if given.kind == "param":
        return _valid_substitution(known, wanted, given)[0]
    if given.kind in _WILD or wanted.kind in _WILD:
        return True
    if given.kind == "null":
        return wanted.kind in _NULLABLE
    if wanted.kind == "null":
        return given.kind in _NULLABLE
    if given.kind == "type":
        return wanted.kind == "type"
    return (
        given.kind == wanted.kind
        and len(given.parts) == len(wanted.parts)
        and all(assignable(known, a, b) for a, b in zip(given.parts, wanted.parts, strict=True))
    )


def all_assignable(known: Substitutions, given: list[Type], wanted: list[Type]) -> Substitutions | None:
    """Return what is known after all given types went to the wanted ones, or None when one does not fit."""
    if len(given) != len(wanted):
        return None
    learnt = dict(known)
    if all(assignable(learnt, a, b) for a, b in zip(given, wanted, strict=True)):
        return learnt
    return None


def _valid_substitution(known: Substitutions, given: Type, parameter: Type) -> tuple[bool, bool]:
    """Whether the parameter may stand for the type, and whether it already stands for something."""
    if given == parameter:
        return True, True
    current = known.get(parameter)
    if current is not None:
        if given == current:
            return True, True
        if assignable(known, given, current):
            general = most_general(given, current)
            if not _refers_to(known, parameter, general):
                known[parameter] = general
            return True, True
        return False, True
    if _refers_to(known, parameter, given):
        return False, False
    known[parameter] = given
    return True, False


def _refers_to(known: Substitutions, parameter: Type, kind: Type) -> bool:
    if kind == parameter:
        return True
    if kind.kind == "param":
        found = known.get(kind)
        return found is not None and _refers_to(known, parameter, found)
    return any(_refers_to(known, parameter, part) for part in kind.parts)


def most_general(first: Type, second: Type) -> Type:
    """Return the less specific of two types that fit each other."""
    return first if _less_specific(first, second) else second


def _less_specific(first: Type, second: Type) -> bool:
    if first.kind in {"dyn", "param"}:
        return True
    if second.kind in {"dyn", "param"} or first.kind != second.kind:
        return False
    return first.kind == "type" or all(_less_specific(a, b) for a, b in zip(first.parts, second.parts, strict=True))
