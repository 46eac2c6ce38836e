"""`header.match(…)` and `header.canonical(…)`. Source: Tekton's pkg/interceptors/cel/triggers.go."""

from __future__ import annotations

import re

from functions.cel.errors import CelEvaluationError, no_such_overload
from functions.cel.frame import Frame, text
from functions.cel.values import CelMap, Value, elements, entries

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+\Z")


def canonical_name(name: str) -> str:
    """Go's textproto.CanonicalMIMEHeaderKey; a name with other characters stays as it is."""
    if not _TOKEN.match(name):
        return name
    return "-".join(map(str.capitalize, name.split("-")))


def canonical(frame: Frame, header: Value, name: Value) -> Value:
    """Return the first value of a header, or the empty string."""
    if type(header) is not dict and type(header) is not CelMap:
        raise no_such_overload()
    wanted = canonical_name(text(name))
    if header is frame.header:  # every event's own are lists of texts by name
        values = frame.header.get(wanted)
        return values[0] if values else ""
    frame.spend(len(header))
    found = ""
    for key, values in entries(header):
        if type(key) is not str or type(values) not in {list, tuple}:
            raise CelEvaluationError("failed to convert to http.Header")
        parts = elements(values)
        if any(type(part) is not str for part in parts):
            raise CelEvaluationError("failed to convert to http.Header")
        if key == wanted and parts:
            found = text(parts[0])
    return found


def match(frame: Frame, header: Value, name: Value, value: Value) -> Value:
    """Whether the first value of a header is the given one."""
    return canonical(frame, header, name) == text(value)
