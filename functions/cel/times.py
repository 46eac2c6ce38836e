"""Timestamps and durations as Go's time package reads and prints them, within CEL's ranges.

Source: cel-go's common/types/{timestamp,duration}.go and Go's time.ParseDuration and RFC3339Nano.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo

from functions.cel.errors import CelEvaluationError, no_such_overload
from functions.cel.frame import Frame, text
from functions.cel.values import MAX_INT, MIN_INT, Duration, Timestamp, Value
from functions.go.floats import format_plain

SECOND = 1_000_000_000
MIN_SECONDS, MAX_SECONDS = -62135596800, 253402300799  # 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z
_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": SECOND,
    "m": 60 * SECOND,
    "h": 3600 * SECOND,
}
_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h)")
_RFC3339 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?"
    r"(?:Z|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))\Z"
)
_OFFSET = re.compile(r"([+-]?[0-9]{1,4}):([+-]?[0-9]{1,4})\Z")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def timestamp(nanos: int, offset: int = 0) -> Timestamp:
    """Return an instant within CEL's range. Raises CelEvaluationError outside of it."""
    if not MIN_SECONDS <= nanos // SECOND <= MAX_SECONDS:
        raise CelEvaluationError("timestamp overflow")
    return Timestamp(nanos, offset)


def duration(nanos: int) -> Duration:
    """Return a span within 64 bits of nanoseconds. Raises CelEvaluationError outside of it."""
    if not MIN_INT <= nanos <= MAX_INT:
        raise CelEvaluationError("duration overflow")
    return Duration(nanos)


def parse_timestamp(value: str) -> Timestamp:
    """Return an RFC 3339 text. Raises CelEvaluationError for any other."""
    hit = _RFC3339.match(value)
    if hit is None:
        raise CelEvaluationError("invalid RFC 3339 timestamp")
    year, month, day, hour, minute, second = (int(part) for part in hit.groups()[:6])
    fraction, sign, zone_hours, zone_minutes = hit.groups()[6:]
    offset = 0
    if sign:
        offset = (int(zone_hours) * 3600 + int(zone_minutes) * 60) * (-1 if sign == "-" else 1)
    try:
        local = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as error:  # year 0, 30 February, hour 24
        raise _no_time("Timestamp") from error
    since = local - _EPOCH
    seconds = since.days * 86400 + since.seconds - offset
    if not MIN_SECONDS <= seconds <= MAX_SECONDS:
        raise CelEvaluationError("timestamp overflow")
    return Timestamp(seconds * SECOND + int((fraction or "0")[:9].ljust(9, "0")), offset)


def _no_time(kind: str) -> CelEvaluationError:
    return CelEvaluationError(f"type conversion error from 'string' to 'google.protobuf.{kind}'")


def format_timestamp(value: Timestamp, offset: int | None = None) -> str:
    """RFC3339Nano, in the offset in which the instant was written or a given one."""
    zone = value.offset if offset is None else offset
    seconds, nanos = divmod(value.nanos, SECOND)
    local = _shifted(seconds + zone)
    fraction = f".{nanos:09d}".rstrip("0") if nanos else ""
    sign, size = ("-", -zone) if zone < 0 else ("+", zone)
    tail = "Z" if zone == 0 else f"{sign}{size // 3600:02d}:{size % 3600 // 60:02d}"
    day = f"{local.year:04d}-{local.month:02d}-{local.day:02d}"
    return f"{day}T{local.hour:02d}:{local.minute:02d}:{local.second:02d}{fraction}{tail}"


def _shifted(seconds: int, nanos: int = 0) -> datetime:
    try:
        return _EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1000)
    except OverflowError as error:  # a zone beyond the first or last day
        raise CelEvaluationError("timestamp overflow") from error


def parse_duration(value: str) -> Duration:
    """Return a text as time.ParseDuration takes it: `1h30m`, `-1.5s`, `0`. Raises CelEvaluationError for any other."""
    sign = -1 if value[:1] == "-" else 1
    rest = value[1:] if value[:1] in {"+", "-"} else value
    if rest == "0":
        return Duration(0)
    total = 0
    at = 0
    if not rest or len(rest) > 1000:  # noqa: PLR2004 - no duration needs more
        raise _no_time("Duration")
    while at < len(rest):
        hit = _PART.match(rest, at)
        if hit is None or not (hit[1] or hit[2]):
            raise _no_time("Duration")
        unit = _UNITS[hit[3]]
        total += int(hit[1] or 0) * unit
        if hit[2]:
            total += int(hit[2]) * unit // 10 ** len(hit[2])
        at = hit.end()
    if not MIN_INT <= sign * total <= MAX_INT:
        raise _no_time("Duration")
    return Duration(sign * total)


def format_duration(value: Duration) -> str:
    """Seconds, as CEL prints durations: `5400s`, `0.5s`."""
    return format_plain(seconds_of(value)) + "s"


def seconds_of(value: Duration) -> float:
    """Duration.Seconds(): whole seconds plus the rest, as a double."""
    whole, rest = divmod(abs(value.nanos), SECOND)
    return (whole + rest / 1e9) * (-1 if value.nanos < 0 else 1)


def _zone(name: str) -> tzinfo:
    """Return the time zone of a name."""
    if name in {"", "UTC", "Local"}:
        return UTC
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - loads files, and few expressions name a zone

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise CelEvaluationError("unknown time zone") from error


def _offset(name: str) -> int:
    """Return the seconds of an offset like `-08:00`."""
    hit = _OFFSET.match(name)
    if hit is None:
        raise CelEvaluationError("unknown time zone")
    hours, minutes = int(hit[1]) * 3600, int(hit[2]) * 60
    return hours - minutes if name.startswith("-") else hours + minutes


def _local(value: Timestamp, zone: tuple[Value, ...]) -> datetime:
    """Return the date and time in a zone, and in UTC without one, in whatever offset the instant was written."""
    name = text(zone[0]) if zone else ""
    seconds, nanos = divmod(value.nanos, SECOND)
    if ":" in name:
        return _shifted(seconds + _offset(name), nanos)
    try:
        return _shifted(seconds, nanos).astimezone(_zone(name))
    except OverflowError as error:
        raise CelEvaluationError("timestamp overflow") from error


_FIELDS: dict[str, Callable[[datetime], int]] = {
    "getFullYear": lambda at: at.year,
    "getMonth": lambda at: at.month - 1,
    "getDayOfYear": lambda at: at.timetuple().tm_yday - 1,
    "getDayOfMonth": lambda at: at.day - 1,
    "getDate": lambda at: at.day,
    "getDayOfWeek": lambda at: at.isoweekday() % 7,
    "getHours": lambda at: at.hour,
    "getMinutes": lambda at: at.minute,
    "getSeconds": lambda at: at.second,
    "getMilliseconds": lambda at: at.microsecond // 1000,
}
_SPANS = {"getHours": 3600 * SECOND, "getMinutes": 60 * SECOND, "getSeconds": SECOND, "getMilliseconds": 1_000_000}


def accessor(name: str) -> Callable[..., Value]:
    """Return the function behind `getHours()` and its like."""
    field = _FIELDS[name]
    span = _SPANS.get(name)

    def access(_: Frame, value: Value, *zone: Value) -> Value:
        if type(value) is Timestamp:
            return field(_local(value, zone))
        if type(value) is Duration and span is not None and not zone:
            whole = abs(value.nanos) // span
            return -whole if value.nanos < 0 else whole
        raise no_such_overload()

    return access
