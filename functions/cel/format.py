"""`string.format(list)`: the clauses %s %d %f %e %b %x %X %o, at run time and where the checker can foresee them.

Source: cel-go ext/formatting_v2.go.
"""

from __future__ import annotations

import math

from functions.cel.errors import BudgetError, CelEvaluationError
from functions.cel.frame import Frame, items, text
from functions.cel.times import format_duration, format_timestamp
from functions.cel.values import CelMap, Duration, Timestamp, TypeValue, UInt, Value, elements, entries, type_name
from functions.go.floats import format_plain
from functions.go.text import go_bytes, go_string

DEFAULT_PRECISION = 6
MAX_PRECISION = 100
MAX_DEPTH = 200
_PRECISION = "could not parse formatting clause: error while parsing precision"
# What each clause is called and, in words and as the checker's types, takes; None is any type that has a text.
_CLAUSES: dict[str, tuple[str, str, frozenset[str] | None]] = {
    "s": ("string", "strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps", None),
    "d": ("decimal", "ints, uints, and doubles", frozenset({"int", "uint", "double"})),
    "f": ("fixed-point", "ints, uints, and doubles", frozenset({"int", "uint", "double"})),
    "e": ("scientific", "ints, uints, and doubles", frozenset({"int", "uint", "double"})),
    "b": ("binary", "ints, uints, and bools", frozenset({"bool", "int", "uint"})),
    "x": ("hex", "ints, uints, bytes, and strings", frozenset({"int", "uint", "string", "bytes"})),
    "X": ("hex", "ints, uints, bytes, and strings", frozenset({"int", "uint", "string", "bytes"})),
    "o": ("octal", "ints and uints", frozenset({"int", "uint"})),
}


def takes(verb: str, kind: str) -> bool:
    """Say whether a clause takes a value of a type."""
    types = _CLAUSES[verb][2]
    return types is None or kind in types


def refusal(verb: str, kind: str) -> str:
    """Why a clause does not take a value of a type."""
    name, allowed, _ = _CLAUSES[verb]
    of_bits = verb in "bxX"
    taken = f"only {allowed} can be formatted as {name}" if of_bits else f"{name} clause can only be used on {allowed}"
    return f"error during formatting: {taken}, was given {kind}"


def clauses(pattern: str) -> list[str | tuple[str, int]]:
    """Return a pattern as literal texts and (verb, precision). Raises CelEvaluationError when it is malformed."""
    found: list[str | tuple[str, int]] = []
    at = 0
    while (percent := pattern.find("%", at)) >= 0:
        found.append(pattern[at:percent])
        at = percent + 1
        if pattern[at : at + 1] == "%":
            found.append("%")
            at += 1
            continue
        precision = DEFAULT_PRECISION
        if pattern[at : at + 1] == ".":
            end = at + 1
            while pattern[end : end + 1].isascii() and pattern[end : end + 1].isdigit():
                end += 1
            if end >= len(pattern):
                raise CelEvaluationError(f"{_PRECISION}: could not find its end")
            if end == at + 1 or end - at > 5 or int(pattern[at + 1 : end]) > MAX_PRECISION:  # noqa: PLR2004 - digits
                raise CelEvaluationError(f"{_PRECISION}: it is no number up to {MAX_PRECISION}")
            precision = int(pattern[at + 1 : end])
            at = end
        verb = pattern[at : at + 1]
        if verb not in _CLAUSES:
            what = "unrecognized formatting clause" if verb else "unexpected end of string"
            raise CelEvaluationError(f"could not parse formatting clause: {what}")
        found.append((verb, precision))
        at += 1
    found.append(pattern[at:])
    return found


def format_text(frame: Frame, pattern: Value, arguments: Value) -> Value:
    """`pattern.format(arguments)`."""
    values = items(frame, arguments)
    made: list[str] = []
    used = 0
    for clause in clauses(text(pattern)):
        if isinstance(clause, str):
            piece = clause
        else:
            if used >= len(values):
                raise CelEvaluationError(f"index {used} out of range")
            piece = _formatted(frame, *clause, values[used])
            used += 1
        frame.produce(len(piece))
        made.append(piece)
    return "".join(made)


def _formatted(frame: Frame, verb: str, precision: int, value: Value) -> str:
    if verb == "s":
        return plain_text(frame, value)
    kind = type_name(value)
    if not takes(verb, kind):
        raise CelEvaluationError(refusal(verb, kind))
    if verb in "fe":
        return _double(verb, precision, float(value))  # type: ignore[arg-type] # a number
    if isinstance(value, float):
        return format_plain(value, "Infinity")
    if verb in "xX" and isinstance(value, str | bytes):
        raw = value if isinstance(value, bytes) else go_bytes(value)
        return raw.hex().upper() if verb == "X" else raw.hex()
    return format(int(value), verb)  # type: ignore[call-overload] # an integer or a bool


def _double(verb: str, precision: int, value: float) -> str:
    if not math.isfinite(value):
        return format_plain(value, "Infinity")
    return f"{value:.{precision}{verb}}"


def plain_text(frame: Frame, value: Value, depth: int = 0) -> str:
    """Return a value as %s prints it; strings without quotes, also within lists and maps."""
    if depth > MAX_DEPTH:
        raise BudgetError("the value is nested too deeply to be formatted")
    match value:
        case str():
            made = value
        case bool():
            made = "true" if value else "false"
        case UInt() | int():
            made = str(int(value))
        case float():
            made = format_plain(value, "Infinity")
        case None:
            made = "null"
        case bytes():
            made = go_string(value)
        case Timestamp():
            made = format_timestamp(Timestamp(value.nanos), 0)
        case Duration():
            made = format_duration(value)
        case TypeValue():
            made = value.name
        case dict() | CelMap():
            pairs = sorted(
                (plain_text(frame, key, depth + 1), plain_text(frame, item, depth + 1)) for key, item in entries(value)
            )
            made = "{" + ", ".join(f"{key}: {item}" for key, item in pairs) + "}"
        case _:
            made = "[" + ", ".join(plain_text(frame, item, depth + 1) for item in elements(value)) + "]"
    frame.produce(len(made))
    return made
