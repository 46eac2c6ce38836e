"""What an expression may name: cel-go's standard library and extensions, and Tekton's variables and functions.

Signatures are written as cel-go prints them and read when a function is first looked up; `.` before the bracket marks
a receiver. Sources: cel-go common/stdlib/standard.go and ext/, Tekton Triggers pkg/interceptors/cel/{cel,triggers}.go.
"""

from __future__ import annotations

from functools import lru_cache

from msgspec import Struct

from functions.cel.kinds import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    NULL,
    STRING,
    TIMESTAMP,
    TYPE,
    UINT,
    Type,
    list_of,
    map_of,
    param,
)

_OBJECT = map_of(STRING, DYN)
VARIABLES: dict[str, Type] = {"body": _OBJECT, "header": _OBJECT, "extensions": _OBJECT, "requestURL": STRING}

TYPE_NAMES: dict[str, Type] = {
    "bool": BOOL,
    "bytes": BYTES,
    "double": DOUBLE,
    "google.protobuf.Duration": DURATION,
    "int": INT,
    "list": list_of(DYN),
    "map": map_of(DYN, DYN),
    "null_type": NULL,
    "string": STRING,
    "google.protobuf.Timestamp": TIMESTAMP,
    "type": TYPE,
    "uint": UINT,
}

# Where an operand may be of any type, such as `[][0]`, the first signature that fits is taken: their order is cel-go's.
_COMPARABLE = ("int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes")
_NUMERIC = ("double", "int", "uint")
_MIXED = [f"({a},{b})" for a in _NUMERIC for b in _NUMERIC if a != b]
_ORDER = " ".join(
    f"({kind},{kind})->bool" for kind in ("bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration")
) + "".join(f" {numbers}->bool" for numbers in _MIXED)
_EXTREMUM = " ".join(
    [f"({kind})->{kind}" for kind in _NUMERIC]
    + [f"({kind},{kind})->{kind}" for kind in _NUMERIC]
    + [f"{numbers}->dyn" for numbers in _MIXED]
    + [f"(list({kind}))->{kind}" for kind in _NUMERIC]
)
_BITS = "(int,int)->int (uint,uint)->uint"
_SHIFT = "(int,int)->int (uint,int)->uint"
_ROUND = "(double)->double"
_TEST = "(double)->bool"
_TIME = ".(timestamp)->int .(timestamp,string)->int"
_SPAN = _TIME + " .(duration)->int"
_ARITHMETIC = "(double,double)->double (int,int)->int (uint,uint)->uint"
_SETS = "(list(T),list(T))->bool"
_TEXT = ".(string,string)->bool"

_SIGNATURES: dict[str, str] = {
    "_?_:_": "(bool,A,A)->A",
    "_&&_": "(bool,bool)->bool",
    "_||_": "(bool,bool)->bool",
    "!_": "(bool)->bool",
    "-_": "(double)->double (int)->int",
    "_==_": "(A,A)->bool",
    "_!=_": "(A,A)->bool",
    "_<_": _ORDER,
    "_<=_": _ORDER,
    "_>_": _ORDER,
    "_>=_": _ORDER,
    "_+_": "(bytes,bytes)->bytes (double,double)->double (duration,duration)->duration (duration,timestamp)->timestamp"
    " (timestamp,duration)->timestamp (int,int)->int (list(A),list(A))->list(A) (string,string)->string"
    " (uint,uint)->uint",
    "_-_": "(double,double)->double (duration,duration)->duration (int,int)->int (timestamp,duration)->timestamp"
    " (timestamp,timestamp)->duration (uint,uint)->uint",
    "_*_": _ARITHMETIC,
    "_/_": _ARITHMETIC,
    "_%_": "(int,int)->int (uint,uint)->uint",
    "_[_]": "(list(A),int)->A (map(A,B),A)->B",
    "@in": "(A,list(A))->bool (A,map(A,B))->bool",
    "size": "(bytes)->int .(bytes)->int (list(A))->int .(list(A))->int (map(A,B))->int .(map(A,B))->int"
    " (string)->int .(string)->int",
    "type": "(A)->type(A)",
    "bool": "(bool)->bool (string)->bool",
    "bytes": "(bytes)->bytes (string)->bytes",
    "double": "(double)->double (int)->double (string)->double (uint)->double",
    "duration": "(duration)->duration (string)->duration",
    "dyn": "(A)->dyn",
    "int": "(int)->int (double)->int (duration)->int (string)->int (timestamp)->int (uint)->int",
    "string": "(string)->string (bool)->string (bytes)->string (double)->string (duration)->string (int)->string"
    " (timestamp)->string (uint)->string",
    "timestamp": "(timestamp)->timestamp (int)->timestamp (string)->timestamp",
    "uint": "(uint)->uint (double)->uint (int)->uint (string)->uint",
    "contains": _TEXT,
    "endsWith": _TEXT,
    "startsWith": _TEXT,
    "matches": "(string,string)->bool " + _TEXT,
    **dict.fromkeys(("getFullYear", "getMonth", "getDayOfYear", "getDayOfMonth", "getDate", "getDayOfWeek"), _TIME),
    **dict.fromkeys(("getHours", "getMinutes", "getSeconds", "getMilliseconds"), _SPAN),
    # ext.Strings
    "charAt": ".(string,int)->string",
    "indexOf": ".(string,string)->int .(string,string,int)->int",
    "lastIndexOf": ".(string,string)->int .(string,string,int)->int",
    "lowerAscii": ".(string)->string",
    "upperAscii": ".(string)->string",
    "replace": ".(string,string,string)->string .(string,string,string,int)->string",
    "split": ".(string,string)->list(string) .(string,string,int)->list(string)",
    "substring": ".(string,int)->string .(string,int,int)->string",
    "trim": ".(string)->string",
    "join": ".(list(string))->string .(list(string),string)->string",
    "format": ".(string,list(dyn))->string",
    "strings.quote": "(string)->string",
    "reverse": ".(string)->string .(list(T))->list(T)",
    # ext.Encoders
    "base64.decode": "(string)->bytes",
    "base64.encode": "(bytes)->string",
    "json.encode": "(dyn)->string",
    # ext.Sets
    "sets.contains": _SETS,
    "sets.equivalent": _SETS,
    "sets.intersects": _SETS,
    # ext.Lists
    "slice": ".(list(T),int,int)->list(T)",
    "flatten": ".(list(list(T)))->list(T) .(list(dyn),int)->list(dyn)",
    "sort": " ".join(f".(list({kind}))->list({kind})" for kind in _COMPARABLE),
    "@sortByAssociatedKeys": " ".join(f".(list(T),list({kind}))->list(T)" for kind in _COMPARABLE),
    "lists.range": "(int)->list(int)",
    "distinct": ".(list(T))->list(T)",
    # ext.Math
    "math.@min": _EXTREMUM,
    "math.@max": _EXTREMUM,
    **dict.fromkeys(("math.ceil", "math.floor", "math.round", "math.trunc"), _ROUND),
    **dict.fromkeys(("math.isInf", "math.isNaN", "math.isFinite"), _TEST),
    **dict.fromkeys(("math.abs", "math.sign"), "(double)->double (int)->int (uint)->uint"),
    **dict.fromkeys(("math.bitAnd", "math.bitOr", "math.bitXor"), _BITS),
    "math.bitNot": "(int)->int (uint)->uint",
    **dict.fromkeys(("math.bitShiftLeft", "math.bitShiftRight"), _SHIFT),
    "math.sqrt": "(double)->double (int)->double (uint)->double",
    # Tekton's own; decodeb64 is in its documentation though no longer in its code.
    "match": ".(map(string,dyn),string,string)->bool",
    "canonical": ".(map(string,dyn),string)->string",
    "truncate": ".(string,int)->string",
    "compareSecret": ".(string,string,string,string)->bool .(string,string,string)->bool",
    "parseJSON": ".(string)->map(string,dyn)",
    "parseYAML": ".(string)->map(string,dyn)",
    "parseURL": ".(string)->map(string,dyn)",
    "marshalJSON": ".(map(string,dyn))->string .(list(dyn))->string",
    "first": ".(list(dyn))->dyn",
    "last": ".(list(dyn))->dyn",
    "translate": ".(string,string,string)->string",
    "decodeb64": ".(string)->string",
    # Pipehook's own; pathChanged is Pipelines as Code's
    "paths.match": "(list(string),list(string))->bool",
    "paths.only": "(list(string),list(string))->bool",
    "pathChanged": ".(string)->bool",
    "comment.command": "(string)->map(string,dyn)",
}
OWN = frozenset({"paths.match", "paths.only", "pathChanged", "comment.command"})
"""What Tekton's cel interceptor does not know."""

CONVERSIONS = frozenset({"bool", "bytes", "double", "duration", "dyn", "int", "string", "timestamp", "type", "uint"})


class Overload(Struct, frozen=True):
    """One signature of a function; a receiver is the first argument."""

    member: bool
    args: list[Type]
    result: Type
    generic: bool


@lru_cache(maxsize=512)
def overloads(function: str) -> tuple[Overload, ...] | None:
    """Return the signatures of a function, or None when there is no such function."""
    text = _SIGNATURES.get(function)
    if text is None:
        return None
    return tuple(_overload(signature) for signature in text.split())


_BY_NAME = {
    **{str(kind): kind for kind in (BOOL, INT, UINT, DOUBLE, STRING, BYTES, DYN)},
    "timestamp": TIMESTAMP,
    "duration": DURATION,
    **{name: param(name) for name in "ABT"},
}


def _overload(text: str) -> Overload:
    args, result = text.split("->")
    found = _read_types(args.lstrip(".")[1:-1])
    return Overload(
        member=args.startswith("."),
        args=found,
        result=_read_types(result)[0],
        generic=any(name in text for name in "ABT"),
    )


def _read_types(text: str) -> list[Type]:
    """`string,list(T)` as types."""
    found: list[Type] = []
    depth = start = 0
    for at, char in enumerate(f"{text},"):
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            word = text[start:at]
            start = at + 1
            name, _, inner = word.partition("(")
            found.append(Type(name, tuple(_read_types(inner[:-1]))) if inner else _BY_NAME[name])
    return found
