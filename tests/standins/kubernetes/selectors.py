"""Label and field selectors of lists and watches."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.standins.kubernetes.statuses import StatusError

if TYPE_CHECKING:
    from tests.standins.kubernetes.kinds import Json

Matcher = Callable[["Json"], bool]
SET_BASED = re.compile(r"^(\S+)\s+(in|notin)\s*\(([^)]*)\)$")
EQUALITY = re.compile(r"^([^\s!=]+)\s*(==|=|!=)\s*(\S*)$")
EXISTENCE = re.compile(r"^(!?)\s*([^\s!=,()]+)$")
OUTSIDE_PARENTHESES = re.compile(r",(?![^()]*\))")


def label_matcher(selector: str) -> Matcher:
    """Read a label selector: `a=b`, `a!=b`, `a in (b,c)`, `a notin (b)`, `a`, `!a`, joined with commas."""
    if not selector.strip():
        return lambda _: True
    tests = [_requirement(part.strip()) for part in OUTSIDE_PARENTHESES.split(selector)]

    def matches(entry: Json) -> bool:
        labels = entry["metadata"].get("labels") or {}
        return all(test(labels) for test in tests)

    return matches


def _requirement(text: str) -> Callable[[dict[str, str]], bool]:
    if found := SET_BASED.match(text):
        key, operator, listed = found.groups()
        values = {value.strip() for value in listed.split(",")}
        if operator == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if found := EQUALITY.match(text):
        key, operator, value = found.groups()
        if operator == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if found := EXISTENCE.match(text):
        absent, key = found.groups()
        return lambda labels: (key in labels) != bool(absent)
    raise StatusError(400, f'unable to parse requirement: found "{text}", expected: a label selector')


def field_matcher(selector: str, kind: str = "") -> Matcher:
    """Read a field selector over metadata.name and metadata.namespace, and of Events their reason."""
    tests: list[tuple[str, str, bool]] = []
    for part in filter(None, selector.split(",")):
        found = EQUALITY.match(part.strip())
        if found is None:
            raise StatusError(400, f"invalid selector: '{selector}'; can't understand '{part}'")
        path, operator, value = found.groups()
        if path not in ("metadata.name", "metadata.namespace") and (kind, path) != ("Event", "reason"):
            raise StatusError(400, f"field label not supported: {path}")
        tests.append((path, value, operator != "!="))

    def read(entry: Json, path: str) -> object:
        found: object = entry
        for name in path.split("."):
            found = found.get(name) if isinstance(found, dict) else None
        return found

    return lambda entry: all((read(entry, path) == value) is wanted for path, value, wanted in tests)
