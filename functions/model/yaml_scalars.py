"""Plain YAML scalars as Kubernetes reads them: go-yaml v2's resolution, then sigs.k8s.io/yaml's way to JSON.

That is YAML 1.1 with its booleans (yes, no, on, off), octal `017`, `0o17`, `0x1F` and `0b1`, underscores in numbers,
but no sexagesimals; timestamps stay strings. One deviation: a lone `y` or `n` is a string here. go-yaml makes it a
boolean, but many emitters (PyYAML's among them) write the string so, and no manifest that works in a cluster has it
where only a string will do.
"""

from __future__ import annotations

import math
import re

from functions.common.values import Json

ONLY_CORE_TAGS = "only the core tags !!str, !!int, !!float, !!bool, !!null, !!map and !!seq may be used"
"""What is said about any other tag."""


class YamlError(ValueError):
    """Text that is no YAML, or YAML that Kubernetes or this loader refuses; lines and columns start at 1."""

    def __init__(self, message: str, *, line: int = 0, column: int = 0, hint: str = "") -> None:
        super().__init__(f"line {line}: {message}" if line else message)
        self.message = message
        self.line = line
        self.column = column
        self.hint = hint


_FIXED: dict[str, bool | float | None] = {
    **dict.fromkeys(("yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_NUMERIC_START = frozenset("+-.0123456789")
_INTEGER = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_BASES = (16, 2, 8, 10)
_MAX_INTEGER_DIGITS = 70
"""More than 64 binary digits; longer ones can be no 64-bit integer in any base."""
_JSON_INTEGERS_BELOW = 1e21
"""Go writes a float64 below this without an exponent, so that it comes back as an integer."""


def resolve_plain(text: str) -> Json:
    """Return what a plain scalar means. Raises YamlError for NaN and infinities, which JSON does not have."""
    try:
        value: Json = _FIXED[text]
    except KeyError:
        value = _number(text) if text[0] in _NUMERIC_START else text
    return as_json_number(value) if isinstance(value, float) else value


def as_json_number(value: float) -> int | float:
    """Return a float as it looks after Go has written and Kubernetes has read it: 8.0 is 8."""
    if not math.isfinite(value):
        raise YamlError("a number must be finite: JSON has neither .nan nor .inf", hint="put it in quotes")
    return int(value) if value.is_integer() and abs(value) < _JSON_INTEGERS_BELOW else value


def _number(text: str) -> int | float | str:
    plain = text if text[0] == "." else text.replace("_", "")
    if len(plain) <= _MAX_INTEGER_DIGITS and (match := _INTEGER.fullmatch(plain)):
        sign, *digits = match.groups()
        magnitude = next(int(found, base) for found, base in zip(digits, _BASES, strict=True) if found)
        if magnitude < 1 << (63 if sign else 64) or (sign == "-" and magnitude == 1 << 63):
            return -magnitude if sign == "-" else magnitude
    if _FLOAT.fullmatch(plain):
        value = float(plain)
        if math.isfinite(value):
            return value
    return text


def resolve_tagged(tag: str, text: str) -> Json:
    """Return what a scalar with an explicit core tag means. Raises YamlError for other tags and unfit values."""
    if tag in ("!", "tag:yaml.org,2002:str"):
        return text
    name = tag.removeprefix("tag:yaml.org,2002:")
    wanted = _TAGS.get(name)
    if wanted is None or name == tag:
        raise YamlError(ONLY_CORE_TAGS)
    value = resolve_plain(text)
    if not isinstance(value, wanted) or (isinstance(value, bool) and name != "bool"):
        raise YamlError(f"the value does not fit its tag !!{name}")
    return value


_TAGS: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "bool": (bool,), "null": (type(None),)}
