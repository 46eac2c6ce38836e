"""Tekton Triggers' own CEL functions. Source: its pkg/interceptors/cel/triggers.go."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from functions.cel.convert import marshalled
from functions.cel.errors import BudgetError, CelConversionError, CelEvaluationError, no_such_overload
from functions.cel.frame import Frame, integer, text
from functions.cel.lists import decoded
from functions.cel.values import CelMap, Value
from functions.common.errors import BadRequestError, JsonLimitError
from functions.go.decode import parse_json
from functions.go.encode import MAX_TEXT
from functions.go.text import go_bytes, go_string, runes

MAX_DOCUMENT = 25 * 1024 * 1024


def truncate(frame: Frame, value: Value, length: Value) -> Value:
    """Return the first bytes of a string: a character that is cut apart leaves bytes that are no UTF-8."""
    string, size = text(value), integer(length)
    if size < 0:
        raise CelEvaluationError("slice bounds out of range")
    frame.produce(min(size, len(string)) if string.isascii() else len(string))
    if string.isascii():
        return string[:size]
    return go_string(go_bytes(string)[:size])


def compare_secret(frame: Frame, value: Value, key: Value, name: Value, *namespace: Value) -> Value:
    """Whether the string is the secret's value; a third argument, a namespace, counts for nothing in Tekton either."""
    for part in namespace:
        text(part)
    return bool(frame.compare_secret(text(value), text(key), text(name)))


def parse_json_text(frame: Frame, value: Value) -> Value:
    """Return a JSON object in a string."""
    string = text(value)
    _bounded(frame, string)
    try:
        parsed = parse_json(go_bytes(runes(string)), lambda size: _making(frame, size))
    except JsonLimitError as error:
        reason = error.reason.replace("the body", "the string")
        raise BudgetError(f"failed to decode the string in parseJSON: {reason}") from error
    except BadRequestError as error:
        reason = error.reason.replace("the body", "the string")
        raise CelEvaluationError(f"failed to decode the string in parseJSON: {reason}") from error
    if parsed is None:
        return {}
    if not isinstance(parsed, dict):
        raise CelEvaluationError("failed to decode the string in parseJSON: it is not an object")
    return parsed


def parse_yaml_text(frame: Frame, value: Value) -> Value:
    """Return a YAML mapping in a string."""
    string = text(value)
    from functions.cel.yaml import parse_yaml  # noqa: PLC0415 - few expressions read YAML

    _bounded(frame, string)
    return parse_yaml(go_bytes(string).decode("utf-8", "replace"), frame.spend)


def _making(frame: Frame, size: int) -> AbstractContextManager[None]:
    frame.produce(size)
    return nullcontext()


def _bounded(frame: Frame, string: str) -> None:
    if len(string) > MAX_DOCUMENT:
        raise BudgetError(f"a document of more than {MAX_DOCUMENT} characters is not parsed")
    frame.produce(len(string))


def parse_url_text(frame: Frame, value: Value) -> Value:
    """Return a URL's parts as a map."""
    from functions.go.url import BadUrlError, parse_url, query_values  # noqa: PLC0415 -- few expressions have a URL

    frame.produce(8 * len(text(value)))
    try:
        url = parse_url(text(value))
    except BadUrlError as error:
        raise CelEvaluationError(f"failed to decode the string in parseURL: {error}") from error
    query = query_values(url.raw_query)
    parts: dict[str, Value] = {
        "scheme": url.scheme,
        "host": url.host,
        "path": url.path,
        "rawQuery": url.raw_query,
        "fragment": url.fragment,
        "queryStrings": query,
        "query": {key: ",".join(values) for key, values in query.items()},
    }
    if url.user is not None:
        parts["auth"] = {"username": url.user[0], "password": url.user[1]}
    return parts


def marshal_json(frame: Frame, value: Value) -> Value:
    """Return a map or a list as JSON text."""
    if type(value) not in {list, tuple, dict, CelMap}:
        raise no_such_overload()
    return _as_json(frame, value, "marshalJSON")


def json_encode(frame: Frame, value: Value) -> Value:
    """Return any value as JSON text: cel-go's ext/encoders.go, which makes the same text in another way."""
    return _as_json(frame, (value,), "json.encode")[1:-1]


def _as_json(frame: Frame, value: Value, function: str) -> str:
    try:
        made = marshalled(value, frame.spend)
    except CelConversionError as error:
        frame.produce(MAX_TEXT)
        reason = error.reason.replace("failed to convert overlay result to type", function)
        raise CelEvaluationError(reason) from error
    frame.produce(len(made))
    return made


def decode_b64(frame: Frame, value: Value) -> Value:
    """Return standard base64 as a string, as Tekton documents it."""
    frame.produce(len(text(value)))
    try:
        return decoded(text(value)).decode()
    except UnicodeDecodeError as error:
        raise CelEvaluationError("invalid UTF-8 in bytes, cannot convert to string") from error
