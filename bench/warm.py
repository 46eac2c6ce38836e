"""One delivery to a warm function: the time inside it, without the API call, beside HMAC and json.loads."""

from __future__ import annotations

import contextlib
import hmac
import io
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from flask import Request
from werkzeug.test import EnvironBuilder

from bench.inputs import CEL_TRIGGERS, SECRET, headers, listener, push, write_secret
from bench.rows import Row, progress
from functions.entrypoints import webhook

SIZES = (1, 20, 1_000, 24_000)


def measure(*, quick: bool) -> list[Row]:
    """Deliver in this process with DRY_RUN, which renders and names everything and calls no API."""
    rows = []
    with started(listener(*CEL_TRIGGERS)) as serve:
        for kilobytes in SIZES:
            progress(f"one delivery of {kilobytes:,} KB")
            body = push(kilobytes)
            sent = headers(body)
            rounds = max(5, min(400, 200_000 // (kilobytes + 100))) // (4 if quick else 1)

            def deliver(body: bytes = body, sent: dict[str, str] = sent) -> float:
                return delivered(serve, body, sent)

            def floor(body: bytes = body) -> float:
                began = time.perf_counter()
                hmac.digest(SECRET, body, "sha256")
                json.loads(body)
                return time.perf_counter() - began

            ours, least = alternate(deliver, floor, rounds=rounds)
            case = f"{kilobytes:,} KB, three CEL triggers"
            bound = 2.0 if kilobytes == SIZES[-1] else None
            rows.append(
                Row("2 one delivery", case, ours, "ms", beside=least, beside_what="HMAC + json.loads", at_most=bound)
            )
            if kilobytes == 20:
                rows.append(Row("2 one delivery", case, ours, "ms", at_most=0.5))
    return rows


@contextlib.contextmanager
def started(manifests: str) -> Iterator[webhook.Webhook]:
    """Start the function in this process on manifests, as a dry run; its log is written to nowhere."""
    with (
        tempfile.TemporaryDirectory() as name,
        Path(os.devnull).open("w") as nowhere,
        contextlib.redirect_stdout(nowhere),
    ):
        directory = Path(name)
        (directory / "triggers.yaml").write_text(manifests)
        given = {
            "TRIGGERS_SOURCE": str(directory / "triggers.yaml"),
            "SECRETS_SOURCE": write_secret(directory),
            "DRY_RUN": "true",
        }
        serve = webhook.start(given)
        if not isinstance(serve, webhook.Webhook):
            raise TypeError("the function did not start")
        yield serve


def delivered(serve: webhook.Webhook, body: bytes, sent: dict[str, str], status: int = 202) -> float:
    """Deliver once and return the seconds inside the function."""
    environ = EnvironBuilder(method="POST", headers=list(sent.items()), input_stream=io.BytesIO(body)).get_environ()
    environ["CONTENT_LENGTH"] = str(len(body))
    request = Request(environ)
    began = time.perf_counter()
    answer = serve(request)
    spent = time.perf_counter() - began
    if answer[1] != status:
        raise RuntimeError(f"the delivery was answered with {answer[1]}: {answer[0]!r}")
    return spent


def alternate(*measured: Callable[[], float], rounds: int) -> list[float]:
    """Return the medians, in milliseconds, of measuring by turns."""
    for once in measured:
        once()
    found = [[once() for once in measured] for _ in range(rounds)]
    return [statistics.median(column) * 1000 for column in zip(*found, strict=True)]
