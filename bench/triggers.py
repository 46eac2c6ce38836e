"""What a listener's triggers cost as they grow in number: those that filter out, by event type and by CEL."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import celpy
from celpy import celtypes
from celpy.adapter import json_to_cel

from bench.inputs import cel, github, headers, listener, push
from bench.rows import Row, progress
from bench.warm import alternate, delivered, started

NUMBERS = (1, 10, 100, 1_000)
KILOBYTES = 20


def measure(*, quick: bool) -> list[Row]:
    """Deliver to listeners whose every trigger filters the delivery out; cel-python runs the same filters beside."""
    rows = []
    body = push(KILOBYTES)
    for number in NUMBERS:
        progress(f"{number:,} trigger(s)")
        rounds = max(5, 2_000 // (number + 10)) // (2 if quick else 1)
        by_type = [[github("pull_request")] for _ in range(number)]
        by_cel = [[github("push"), cel(_filter(place))] for place in range(number)]
        for what, chains, runner, at_most in (
            ("event type", by_type, None, 10.0),
            ("one CEL filter", by_cel, _cel_python(number, body), 20.0),
        ):
            rows += _rows(what, chains, runner, at_most, body=body, rounds=rounds)
    return rows


def _rows(
    what: str,
    chains: Sequence[Sequence[Mapping[str, Any]]],
    runner: Callable[[], float] | None,
    at_most: float,
    *,
    body: bytes,
    rounds: int,
) -> list[Row]:
    number = len(chains)
    began = time.perf_counter()
    with started(listener(*chains)) as serve:
        loaded = (time.perf_counter() - began) * 1000
        sent = headers(body)

        def deliver() -> float:
            delivered(serve, body, sent)  # cel-python's turn has left the processor's caches cold
            return delivered(serve, body, sent)

        found = alternate(deliver, *([runner] if runner else []), rounds=rounds)
    each = found[0] * 1000 / number
    case = f"{number:,} filtered by {what}, each"
    bound = at_most if number == NUMBERS[-1] else None
    rows = [Row("4 triggers", case, each, "µs", at_most=bound)]
    if runner:
        rows.append(Row("4 triggers", case, each, "µs", beside=found[1] * 1000 / number, beside_what="cel-python"))
    if number == NUMBERS[-1]:
        rows.append(Row("4 triggers", f"{number:,} with {what}: start", loaded, "ms"))
    return rows


def _filter(place: int) -> str:
    return f"body.ref == 'refs/heads/release-{place}' && header.match('X-GitHub-Event', 'push')"


def _cel_python(number: int, body: bytes) -> Callable[[], float]:
    """Return what evaluates so many filters with cel-python: the body converted once, programs compiled before."""
    environment = celpy.Environment()
    functions: dict[str, Any] = {"match": lambda header, name, value: celtypes.BoolType(header.get(name) == value)}
    sources = [_filter(place) for place in range(min(number, 100))]
    programs = [environment.program(environment.compile(source), functions=functions) for source in sources]
    header = json_to_cel({"X-GitHub-Event": "push"})

    def run() -> float:
        began = time.perf_counter()
        activation = {"body": json_to_cel(json.loads(body)), "header": header}
        for place in range(number):
            programs[place % len(programs)].evaluate(activation)
        return time.perf_counter() - began

    return run
