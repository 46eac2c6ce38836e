"""YAML as sigs.k8s.io/yaml reads it: yaml.v2's scalars, turned into JSON.

YAML 1.1's yes, no, on and off are booleans; there are no timestamps and no base-60 numbers. libyaml's events are read
rather than nodes: they say whether a tag was written, and aliases are counted before they can multiply.
Source: https://github.com/kubernetes-sigs/yaml and go.yaml.in/yaml/v2's resolve.go.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable
from typing import Any

from functions.cel.errors import BudgetError, CelEvaluationError
from functions.go.text import format_general, go_string

MAX_NODES = 200_000
_EVENT = 8  # steps of the budget for one of libyaml's events
MAX_DEPTH = 200
_CORE = "tag:yaml.org,2002:"
_WORDS: dict[str, object] = {
    **{word: True for base in ("y", "yes", "true", "on") for word in (base, base.capitalize(), base.upper())},
    **{word: False for base in ("n", "no", "false", "off") for word in (base, base.capitalize(), base.upper())},
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}
_NOT_FINITE = frozenset(sign + word for word in (".inf", ".Inf", ".INF") for sign in ("", "+", "-")) | frozenset(
    {".nan", ".NaN", ".NAN"}
)
_INTEGER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")


def parse_yaml(source: str, spend: Callable[[int], None]) -> dict[str, object]:
    """Return the mapping that a document holds; an empty document is an empty one.

    Raises CelEvaluationError for what is no YAML, no mapping, or too large once its aliases are followed.
    """
    import yaml  # noqa: PLC0415 - few expressions read YAML

    loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        value = _Document(yaml, spend).read(yaml.parse(source, Loader=loader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise _refused(f"{getattr(error, 'problem', None) or 'it is no YAML'}{where}") from error
    except (ValueError, RecursionError) as error:
        raise _refused("it is no YAML") from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _refused("it is not a mapping")
    return value


def _beyond(why: str) -> BudgetError:
    return BudgetError(f"failed to decode the string in parseYAML: {why}")


def _refused(why: str) -> CelEvaluationError:
    return CelEvaluationError(f"failed to decode the string in parseYAML: {why}")


class _Open:
    """A collection that is being read: its value, its anchor and how many nodes it stands for."""

    __slots__ = ("anchor", "key", "merges", "nodes", "value")

    def __init__(self, value: dict[str, object] | list[object], anchor: str | None) -> None:
        self.value = value
        self.anchor = anchor
        self.key: str | None = None
        self.merges: list[object] = []
        self.nodes = 1


class _Document:
    def __init__(self, yaml: Any, spend: Callable[[int], None]) -> None:
        self.yaml = yaml
        self.spend = spend
        self.anchors: dict[str, tuple[object, int]] = {}
        self.open: list[_Open] = []
        self.result: object = None
        self.done = False

    def read(self, events: Any) -> object:
        yaml = self.yaml
        for event in events:
            self.spend(_EVENT)
            if isinstance(event, yaml.ScalarEvent):
                self.add(scalar(event), 1, event.anchor, plain_key=event.value)
            elif isinstance(event, yaml.AliasEvent):
                if event.anchor not in self.anchors:
                    raise _refused("an alias has no anchor, or is within it")
                value, nodes = self.anchors[event.anchor]
                self.add(value, nodes, None)
            elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                if len(self.open) >= MAX_DEPTH:
                    raise _beyond(f"it nests deeper than {MAX_DEPTH} levels")
                self.open.append(_Open({} if isinstance(event, yaml.MappingStartEvent) else [], event.anchor))
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                closed = self.open.pop()
                if isinstance(closed.value, dict):
                    for merged in closed.merges:
                        closed.value = {**merged, **closed.value}  # type: ignore[dict-item] # checked when read
                self.add(closed.value, closed.nodes, closed.anchor)
            if self.done:
                break  # as yaml.v2, the first document alone
        return self.result

    def add(self, value: object, nodes: int, anchor: str | None, plain_key: str | None = None) -> None:
        if anchor is not None:
            self.anchors[anchor] = (value, nodes)
        if not self.open:
            self.result, self.done = value, True
            return
        parent = self.open[-1]
        parent.nodes += nodes
        if parent.nodes > MAX_NODES:
            raise _beyond("document contains excessive aliasing")
        if isinstance(parent.value, list):
            parent.value.append(value)
        elif parent.key is None:
            parent.key = "<<" if plain_key == "<<" else _key(value)
        else:
            key, parent.key = parent.key, None
            if key == "<<":
                sources = value if isinstance(value, list) else [value]
                if not all(isinstance(source, dict) for source in sources):
                    raise _refused("map merge requires map or sequence of maps as the value")
                parent.merges += sources
            else:
                parent.value[key] = value


def _key(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return format_general(value)
    if isinstance(value, str | int):
        return str(value)
    raise _refused("a key is neither a string nor a number nor a boolean")


def scalar(event: Any) -> object:
    """Return the value of a scalar event; numbers are left as they are, CEL sees them as doubles."""
    value: str = event.value
    tag: str | None = event.tag
    if tag in {None, "!"}:
        if not event.implicit[0] or tag == "!":
            return value
        return resolved(value)
    if tag == f"{_CORE}str":
        return value
    if tag == f"{_CORE}binary":
        return go_string(base64.b64decode("".join(value.split())))
    found = resolved(value)
    if tag == f"{_CORE}float" and isinstance(found, int) and not isinstance(found, bool):
        return float(found)
    kinds = {"int": int, "float": float, "bool": bool, "null": type(None)}
    wanted = kinds.get((tag or "").removeprefix(_CORE))
    if wanted is not None and type(found) is not wanted:
        raise _refused(f"a value is not of its tag !!{tag.removeprefix(_CORE) if tag else ''}")
    return value if wanted is None else found


def resolved(value: str) -> object:
    """Return what yaml.v2 makes of a plain scalar."""
    if value in _WORDS:
        return _WORDS[value]
    if value[0] not in "0123456789+-.":
        return value
    if value in _NOT_FINITE:
        raise _refused("json: unsupported value: a number is not finite")
    digits = value.replace("_", "")
    if _INTEGER.match(digits) and len(digits) <= 70:  # noqa: PLR2004 - 64 bits, in base 2, with sign and prefix
        number = _integer(digits)
        if -(2**63) <= number < 2**64:
            return number
    if _FLOAT.match(digits):
        number_or_infinite = float(digits)
        if math.isinf(number_or_infinite):
            return value
        return number_or_infinite
    return value


def _integer(digits: str) -> int:
    sign = -1 if digits[0] == "-" else 1
    body = digits.lstrip("+-").lower()
    if body.startswith("0") and len(body) > 1 and body[1] not in "xbo":
        return sign * int(body, 8)
    return sign * int(body, 0)
