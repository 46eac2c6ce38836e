"""Forged deliveries: how many a second, beside what the HMAC alone permits, with memory and calls of the API."""

from __future__ import annotations

import hmac
import tempfile
import time
from pathlib import Path

from bench.inputs import CEL_TRIGGERS, ROOT, SECRET, listener, push, write_secret
from bench.processes import python, served
from bench.rows import Row, progress

CASES = ((1, 8, 2_000), (24_000, 6, 60))
"""Kilobytes, senders at a time, deliveries: of eight threads, large bodies get six, and a seventh is turned away."""


def measure(*, quick: bool) -> list[Row]:
    """Send forgeries to the function and to the trivial one; no cluster is there, so a call of it would be a 503."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "triggers.yaml").write_text(listener(*CEL_TRIGGERS))
        (directory / "kubeconfig").write_text("")
        given = {
            "TRIGGERS_SOURCE": str(directory / "triggers.yaml"),
            "SECRETS_SOURCE": write_secret(directory),
            "KUBECONFIG": str(directory / "kubeconfig"),
        }
        for kilobytes, senders, amount in CASES:
            progress(f"rejecting forgeries of {kilobytes:,} KB")
            deliveries = amount // 4 if quick else amount
            job = {"deliveries": deliveries, "concurrency": senders, "first": 1, "forged": True}
            job["kilobytes"] = kilobytes
            with served(ROOT / "bench" / "trivial" / "main.py", {}) as trivial:
                python("load", job | {"port": trivial.port, "deliveries": senders})
                least = python("load", job | {"port": trivial.port})["rate"]
            with served(ROOT / "main.py", given) as function:
                python("load", job | {"port": function.port, "deliveries": senders})
                before = function.megabytes()
                cpu = function.cpu_seconds()
                found = python("load", job | {"port": function.port})
                cpu = function.cpu_seconds() - cpu
                after, peak = function.megabytes(), function.peak_megabytes()
            if found["statuses"] != {"401": deliveries}:
                raise RuntimeError(f"not every forgery was rejected: {found['statuses']}")
            case = f"{kilobytes:,} KB, concurrency {senders}"
            rows += [
                Row("5 rejecting", case, found["rate"], "/s", beside=least, beside_what="trivial function"),
                Row("5 rejecting", f"{case}: processor, each", cpu / deliveries * 1000, "ms", _hmac(kilobytes), "HMAC"),
                Row("5 rejecting", f"{case}: resident", after, "MB", before, "before"),
                Row("5 rejecting", f"{case}: resident at most", peak, "MB"),
            ]
    return rows


def _hmac(kilobytes: float) -> float:
    body = push(kilobytes)
    rounds = 20
    began = time.process_time()
    for _ in range(rounds):
        hmac.digest(SECRET, body, "sha256")
    return (time.process_time() - began) / rounds * 1000
