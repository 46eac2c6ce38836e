"""Params of the core interceptors as Go's encoding/json reads them: names in any case, unknown ones ignored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from functions.common.shown import shown
from functions.common.values import Json
from functions.go.encode import folded
from functions.model.fields import Reading
from functions.model.findings import Path, did_you_mean

Shape: TypeAlias = "Mapping[str, Shape | tuple[str, ...]]"
"""Fields by name, each with those of the object (or of each object in a list) in it, or with the texts that mean
something (none: any)."""

_ANY = ()
_SECRET: Shape = {"secretName": _ANY, "secretKey": _ANY}
_GIT: Shape = {"secretRef": _SECRET, "eventTypes": _ANY}
CHECK_TYPES = ("orgMembers", "repoMembers", "all", "none")
"""Of githubOwners."""

SHAPES: Mapping[str, Shape] = {
    "bitbucket": {**_GIT, "addChangedFiles": {"enabled": _ANY}},
    "cel": {"filter": _ANY, "overlays": {"key": _ANY, "expression": _ANY}},
    "github": {
        **_GIT,
        "addChangedFiles": {"enabled": _ANY, "personalAccessToken": _SECRET},
        "addFailedContexts": _ANY,
        "addPRBody": {"enabled": _ANY, "personalAccessToken": _SECRET},
        "githubOwners": {"enabled": _ANY, "personalAccessToken": _SECRET, "checkType": CHECK_TYPES},
    },
    "gitlab": {**_GIT, "addChangedFiles": {"enabled": _ANY}},
    "slack": {"requestedFields": _ANY, "secretRef": _SECRET},
}
"""The InterceptorParams of Tekton's pkg/interceptors/*; ours are slack's secretRef, addFailedContexts, and
addChangedFiles of those who are not GitHub; addPRBody is of its pull request 2136."""


def settled(
    reading: Reading, path: Path, params: Sequence[tuple[str, Json]], shape: Shape
) -> tuple[tuple[str, Json], ...]:
    """Return params of one core interceptor under the names that Tekton reads, notes taken of what it passes over.

    The order stays. Of several spellings of one name the last counts, sorted as Tekton's UnmarshalParams sorts them,
    and every one of them carries its value.
    """
    last = {name: position for position, (name, _) in enumerate(params)}
    values: dict[str, Json] = {}
    for given in sorted(last, key=_in_bytes):
        below = (*path, last[given])
        name = _known(reading, (*below, "name"), given, shape)
        if name:
            values[name] = _merged(
                values.get(name), _value(reading, (*below, "value"), params[last[given]][1], shape[name])
            )
    for position, (given, _) in enumerate(params):
        if last[given] != position:
            reading.doubt((*path, position, "name"), "is given twice, and the last one counts", "keep one of them")
    names = [_named(given, shape) for given, _ in params]
    return tuple((name, values[name]) if name else param for name, param in zip(names, params, strict=True))


def _value(reading: Reading, path: Path, value: Json, shape: Shape | tuple[str, ...]) -> Json:
    if isinstance(shape, tuple):
        if shape and isinstance(value, str) and value not in ("", *shape):
            hint = did_you_mean(value, shape) or f"known are {', '.join(shape)}"
            reading.doubt(path, "has a value that means nothing", hint)
        return value
    if isinstance(value, list):
        return [_value(reading, (*path, position), item, shape) for position, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    found: dict[str, Json] = {}
    for given in sorted(value, key=_in_bytes):
        below = (*path, given)
        name = _known(reading, below, given, shape)
        if name:
            found[name] = _merged(found.get(name), _value(reading, below, value[given], shape[name]))
    return found


def _in_bytes(name: str) -> bytes:
    return name.encode("utf-8", "replace")


def _named(given: str, shape: Shape) -> str:
    return given if given in shape else next((name for name in shape if folded(name) == folded(given)), "")


def _known(reading: Reading, path: Path, given: str, shape: Shape) -> str:
    """Return the name of the field that `given` is, empty for none, and say what is odd about it."""
    name = _named(given, shape)
    if not name:
        hint = did_you_mean(given, tuple(shape)) or f"known are {', '.join(sorted(shape))}"
        reading.doubt(path, f"{shown(given)} is unknown and ignored, as Tekton ignores it", hint)
    elif given != name:
        reading.note(path, f"{shown(given)} is taken for {name}, as Tekton takes it", f'write "{name}"')
    return name


def _merged(before: Json, value: Json) -> Json:
    # in Go a null changes nothing, and an object is read into the one that is there
    if isinstance(before, dict) and isinstance(value, dict):
        return {**before, **value}
    return before if value is None else value
