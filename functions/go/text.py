"""Numbers as Go's strconv prints and reads them, and strings as Go's bytes."""

from __future__ import annotations

import math
import re

_FLOAT = re.compile(
    r"[+-]?(?:[0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?|[iI][nN][fF](?:[iI][nN][iI][tT][yY])?)\Z"
    r"|[nN][aA][nN]\Z"
)
_HEX = re.compile(r"[+-]?0[xX](?:[0-9a-fA-F_]+\.?[0-9a-fA-F_]*|\.[0-9a-fA-F_]+)[pP][+-]?[0-9]+\Z")
# Where %g turns to an exponent when the digits are the shortest possible.
_LEAST_PLAIN, _FIRST_EXPONENT = -4, 6
_LONE = re.compile("[\ud800-\udfff]")


def go_bytes(value: str) -> bytes:
    """Return the bytes of a Go string: escaped bytes as they were, any other surrogate as U+FFFD."""
    try:
        return value.encode()
    except UnicodeEncodeError:
        kept = _LONE.sub(lambda hit: hit[0] if "\udc80" <= hit[0] <= "\udcff" else "�", value)
        return kept.encode("utf-8", "surrogateescape")


def go_string(value: bytes) -> str:
    """Return a Go string of bytes; those that are no UTF-8 are escaped."""
    return value.decode("utf-8", "surrogateescape")


def is_valid(value: str) -> bool:
    """Whether the string is UTF-8 throughout."""
    return value.isascii() or _LONE.search(value) is None


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
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    digits, power = _digits(value)
    if power < _LEAST_PLAIN or power >= _FIRST_EXPONENT:
        fraction = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{'-' if value < 0 else ''}{digits[0]}{fraction}e{'-' if power < 0 else '+'}{abs(power):02d}"
    return format_plain(value)


def format_plain(value: float, infinity: str = "Inf") -> str:
    """FormatFloat(value, 'f', -1, 64): never an exponent."""
    special = _special(value, infinity)
    if special is not None:
        return special
    digits, power = _digits(value)
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    if power < 0:
        plain = "0." + "0" * (-power - 1) + digits
    elif len(digits) <= power + 1:
        plain = digits + "0" * (power + 1 - len(digits))
    else:
        plain = f"{digits[: power + 1]}.{digits[power + 1 :]}"
    return ("-" if value < 0 else "") + plain


def parse_float(value: str) -> float | None:
    """ParseFloat(value, 64), or None when it is no number or out of range."""
    if _FLOAT.match(value):
        number = float(value)
        return None if math.isinf(number) and "n" not in value.lower() else number
    if _HEX.match(value) and "_" not in value:
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
