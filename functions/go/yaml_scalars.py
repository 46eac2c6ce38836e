"""YAML's scalars as go-yaml v2 resolves them: YAML 1.1's booleans (yes, no), octal `017`, `0o17`, `0x1F`, `0b1`.

Underscores may stand in numbers; there are no sexagesimals, and timestamps stay strings.
Source: go.yaml.in/yaml/v2's resolve.go.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from functions.common.values import Json
from functions.go.floats import parse_float

CORE = "tag:yaml.org,2002:"

Words = Mapping[str, bool | float | None]
"""Plain scalars that are no strings, beside the numbers."""

WORDS: Words = {
    **dict.fromkeys(("yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
"""Without go-yaml's lone `y` and `n`."""
ALL_WORDS: Words = {**WORDS, **dict.fromkeys("yY", True), **dict.fromkeys("nN", False)}

_NUMERIC_START = frozenset("+-.0123456789")
_INTEGER = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_BASES = (16, 2, 8, 10)
_MAX_INTEGER_DIGITS = 70
"""More than 64 binary digits; longer ones can be no 64-bit integer in any base."""
_TAGS: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "bool": (bool,), "null": (type(None),)}


class YamlError(ValueError):
    """Text that is no YAML, or YAML that is refused; lines and columns start at 1. The message quotes no value."""

    def __init__(self, message: str, *, line: int = 0, column: int = 0, hint: str = "") -> None:
        super().__init__(f"line {line}: {message}" if line else message)
        self.message = message
        self.line = line
        self.column = column
        self.hint = hint


def plain(text: str, words: Words = WORDS) -> Json:
    """Return what a plain scalar means. Raises YamlError for NaN and infinities, which JSON does not have."""
    try:
        value: Json = words[text]
    except KeyError:
        return _number(text) if text[0] in _NUMERIC_START else text
    if isinstance(value, float):
        raise YamlError("a number must be finite: JSON has neither .nan nor .inf", hint="put it in quotes")
    return value


def tagged(tag: str, text: str, words: Words = WORDS) -> Json:
    """Return what a scalar with a tag of JSON's types means. Raises YamlError, and KeyError for other tags."""
    if tag in ("!", f"{CORE}str"):
        return text
    name = tag.removeprefix(CORE)
    wanted = _TAGS[name if name != tag else ""]
    value = plain(text, words)
    if not isinstance(value, wanted) or (isinstance(value, bool) and name != "bool"):
        raise YamlError(f"the value does not fit its tag !!{name}")
    return value


def _number(text: str) -> int | float | str:
    if text[0] == ".":
        fraction = parse_float(text)
        return text if fraction is None else fraction
    digits_only = text.replace("_", "")
    if len(digits_only) <= _MAX_INTEGER_DIGITS and (match := _INTEGER.fullmatch(digits_only)):
        sign, *digits = match.groups()
        magnitude = next(int(found, base) for found, base in zip(digits, _BASES, strict=True) if found)
        if magnitude < 1 << (63 if sign else 64) or (sign == "-" and magnitude == 1 << 63):
            return -magnitude if sign == "-" else magnitude
    if _FLOAT.fullmatch(digits_only):
        value = float(digits_only)
        if math.isfinite(value):
            return value
    return text
