"""JSON as Go's encoding/json reads it, with bounds: the one parser for every body that comes from outside."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import NoReturn

from functions.common.errors import BadRequestError, JsonLimitError
from functions.common.values import Json
from functions.go.json_shape import Shape, rough_shape_of, shape_of
from functions.go.text import made_valid

MAX_DEPTH = 500
"""Levels of nesting. Real deliveries have fewer than 20; Go stops at 10,000, Python's own parser at about 1,000."""
MAX_VALUES = 1_500_000
"""Values in one text: a push of 25 MiB has about 900,000, while as many bytes of `{},` would take a gigabyte."""
MAX_INTEGER_DIGITS = 400
"""Digits of an integer. A float64 holds no more than 309, so Tekton refuses longer ones too."""

_SHORT = 128 * 1024
_LITTLE = 1024 * 1024
"""Bytes that may be taken without need: half of what nearly all deliveries stay below."""

Making = Callable[[int], AbstractContextManager[None]]

_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def free(_size: int) -> AbstractContextManager[None]:
    """Have as much memory as it takes, as the command line does."""
    return nullcontext()


def parse_json(raw: bytes, making: Making = free) -> Json:
    """Parse one JSON text in UTF-8.

    Of duplicate keys the last wins, lone surrogates and, in strings, bytes that are no UTF-8 become U+FFFD each,
    integers keep all their digits and -0 is a float, as in Go. `making` is told the bytes that the values will take,
    and surrounds their making; it raises what it likes. Raises BadRequestError for anything that Go's parser refuses
    (NaN and Infinity, numbers beyond float64, a byte-order mark, trailing text); JsonLimitError for nesting deeper than
    MAX_DEPTH and for more than MAX_VALUES values.
    """
    shape = _shape(raw)
    if shape.values > MAX_VALUES:
        raise JsonLimitError(f"the body holds more than {MAX_VALUES} values")
    if shape.depth > MAX_DEPTH:
        raise JsonLimitError(f"the body nests deeper than {MAX_DEPTH} levels")
    with making(shape.size):
        try:
            return _parsed(raw)
        except UnicodeDecodeError:
            raw = made_valid(raw)
    return parse_json(raw, making)  # in a turn of its own, for what has a shape now


def _shape(raw: bytes) -> Shape:
    """Return the shape of a text, or, where even that is little, what it has at most: most bodies are small."""
    if len(raw) <= _SHORT:
        rough = rough_shape_of(raw)
        if rough.size <= _LITTLE and rough.depth <= MAX_DEPTH:
            return rough
    return shape_of(raw)


def _parsed(raw: bytes) -> Json:
    try:
        value: Json = json.loads(
            raw.decode("utf-8"), parse_constant=_no_constant, parse_float=_finite, parse_int=_bounded
        )
    except json.JSONDecodeError as error:
        raise BadRequestError(f"the body is not JSON: {_said(error)}") from error
    except RecursionError as error:  # of a text that is no JSON, whose strings the shape takes for something else
        raise JsonLimitError(f"the body nests deeper than {MAX_DEPTH} levels") from error
    return _without_lone_surrogates(value) if _SURROGATE_ESCAPE.search(raw) else value


def _said(error: json.JSONDecodeError) -> str:
    """Return the decoder's phrase and position, which quote nothing of the body, the same ones under every Python.

    From 3.13 on it has a phrase of its own for a comma before a closing bracket, and points at the comma.
    """
    if error.msg.startswith("Illegal trailing comma"):
        missing = "value" if error.msg.endswith("array") else "property name enclosed in double quotes"
        bracket = len(error.doc) - len(error.doc[error.pos + 1 :].lstrip(" \t\n\r"))
        return _said(json.JSONDecodeError(f"Expecting {missing}", error.doc, bracket))
    return f"{error.msg} at line {error.lineno} column {error.colno}"


def _no_constant(name: str) -> NoReturn:
    raise BadRequestError(f"the body is not JSON: {name} is no JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise BadRequestError("the body has a number that is larger than a 64-bit float can be")
    return value


def _bounded(text: str) -> int | float:
    if text == "-0":  # which an integer cannot be
        return -0.0
    if len(text) <= 308:  # noqa: PLR2004 -- so many digits always fit a float64
        return int(text)
    if len(text) > MAX_INTEGER_DIGITS:
        raise BadRequestError(f"the body has an integer of more than {MAX_INTEGER_DIGITS} digits")
    _finite(text)
    return int(text)


def _without_lone_surrogates(root: Json) -> Json:
    # in place, since nobody else has the values yet, and without recursion, which would not reach as deep as the parser
    holder: list[Json] = [root]
    containers: list[list[Json] | dict[str, Json]] = [holder]
    while containers:
        container = containers.pop()
        if isinstance(container, dict):
            if any(_LONE_SURROGATE.search(key) for key in container):
                renamed = {_LONE_SURROGATE.sub("\ufffd", key): value for key, value in container.items()}
                container.clear()
                container.update(renamed)
            for key, value in container.items():
                if isinstance(value, str):
                    container[key] = _LONE_SURROGATE.sub("\ufffd", value)
                elif isinstance(value, list | dict):
                    containers.append(value)
            continue
        for index, value in enumerate(container):
            if isinstance(value, str):
                container[index] = _LONE_SURROGATE.sub("\ufffd", value)
            elif isinstance(value, list | dict):
                containers.append(value)
    return holder[0]
