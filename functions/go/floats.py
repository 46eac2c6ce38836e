"""Numbers as Go's strconv and encoding/json print them, and as strconv reads them."""

from __future__ import annotations

import math
import re

from functions.common.errors import LastingError

_FLOAT = re.compile(
    r"[+-]?(?:[0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?|[iI][nN][fF](?:[iI][nN][iI][tT][yY])?)\Z"
    r"|[nN][aA][nN]\Z"
)
_HEX = re.compile(r"[+-]?0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+\Z")
_BETWEEN = re.compile(r"(?<=[0-9])_(?=[0-9])")
_BETWEEN_HEX = re.compile(r"(?<=[0-9a-fA-FxX])_(?=[0-9a-fA-F])")
# Where %g turns to an exponent when the digits are the shortest possible.
_LEAST_PLAIN, _FIRST_EXPONENT = -4, 6
# Where JSON does, as ES6.
_JSON_PLAIN_FROM, _JSON_PLAIN_BELOW = 1e-6, 1e21


def _digits(value: float) -> tuple[str, int]:
    """Return the shortest digits that give the number back, and the decimal exponent of the first."""
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    if fraction == "0":
        fraction = ""
    digits = (whole + fraction).lstrip("0")
    power = int(exponent or 0) + len(whole) - 1
    if whole == "0":
        power = int(exponent or 0) - (len(fraction) - len(fraction.lstrip("0"))) - 1
    return digits.rstrip("0") or "0", power


def _special(value: float, infinity: str) -> str | None:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return ("-" if value < 0 else "+" if infinity == "Inf" else "") + infinity
    return None


def format_general(value: float) -> str:
    """FormatFloat(value, 'g', -1, 64): `1e+06`, `0.0001`, `+Inf`."""
    special = _special(value, "Inf")
    if special is not None:
        return special
    digits, power = _digits(value)
    if value and not _LEAST_PLAIN <= power < _FIRST_EXPONENT:
        return _exponential(value, digits, power, width=2)
    return format_plain(value)


def format_plain(value: float, infinity: str = "Inf") -> str:
    """FormatFloat(value, 'f', -1, 64): never an exponent."""
    special = _special(value, infinity)
    if special is not None:
        return special
    text = repr(value)
    if "e" not in text:
        return text.removesuffix(".0")
    digits, power = _digits(value)
    plain = f"0.{digits:0>{len(digits) - power - 1}}" if power < 0 else f"{digits:0<{power + 1}}"
    return f"-{plain}" if value < 0 else plain


def format_json(value: float) -> str:
    """Return a float as encoding/json does: the shortest digits that read back, ES6's choice of form.

    `1e21` gives `1e+21`, `0.000001` itself, `1e-7` itself, `1.0` gives `1`, `-0.0` gives `-0`. Raises LastingError for
    what is not finite.
    """
    if not math.isfinite(value):
        raise LastingError("a number that is not finite has no JSON text")
    if value and not _JSON_PLAIN_FROM <= abs(value) < _JSON_PLAIN_BELOW:
        return _exponential(value, *_digits(value), width=1)
    return format_plain(value)


def _exponential(value: float, digits: str, power: int, *, width: int) -> str:
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{'-' if value < 0 else ''}{digits[0]}{fraction}e{'-' if power < 0 else '+'}{abs(power):0{width}d}"


def parse_float(value: str) -> float | None:
    """ParseFloat(value, 64), or None when it is no number or out of range. Underscores may stand between digits."""
    value = (_BETWEEN_HEX if "x" in value.lower() else _BETWEEN).sub("", value)
    if _FLOAT.match(value):
        number = float(value)
        return None if math.isinf(number) and "n" not in value.lower() else number
    if _HEX.match(value):
        try:
            return float.fromhex(value)
        except OverflowError:
            return None
    return None


def parse_int(value: str, low: int, high: int, *, signed: bool) -> int | None:
    """ParseInt or ParseUint in base 10, or None."""
    digits = value[1:] if signed and value[:1] in {"+", "-"} else value
    if not digits.isascii() or not digits.isdigit():
        return None
    digits = digits.lstrip("0") or "0"
    if len(digits) > 20:  # noqa: PLR2004 - more digits than 2**64 has
        return None
    number = -int(digits) if value[0] == "-" else int(digits)
    return number if low <= number <= high else None
