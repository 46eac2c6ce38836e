"""The event of the conformance examples, as an Activation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from functions.cel import Activation, CelEvaluationError, compile_expression, to_json
from functions.cel.headers import canonical_name

CONFORMANCE: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "conformance" / "cel.json").read_text(encoding="utf-8")
)


def compare_secret(value: str, key: str, name: str) -> bool:
    if (name, key) != ("hook-secret", "token"):
        raise CelEvaluationError(f"failed to find secret '{name}' key '{key}' in compareSecret")
    return value == "secret-token"


EVENT = Activation(
    body=CONFORMANCE["body"],
    header={canonical_name(name): [value] for name, value in CONFORMANCE["headers"].items()},
    extensions={},
    request_url=CONFORMANCE["url"],
    compare_secret=compare_secret,
)


def value_of(source: str, event: Activation = EVENT) -> object:
    """What an expression evaluates to."""
    return compile_expression(source).evaluate(event)


def overlay(source: str, event: Activation = EVENT) -> object:
    """What an overlay of an expression holds."""
    return to_json(value_of(source, event))
