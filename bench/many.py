"""Many deliveries that end as created objects, beside the same client creating the same objects by itself."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.inputs import NAMESPACE, ROOT, github, listener, write_secret
from bench.processes import Served, cluster, python, served
from bench.rows import Row, progress

CONCURRENCIES = (1, 4, 16, 64)
TARGET_CONCURRENCY = 16
THREADS = 64
LONG = 20_000


def measure(*, quick: bool) -> list[Row]:
    """Send from 1 to 64 connections to an instance of one and of two workers, each rate beside the bare client's."""
    rows = []
    amount = 300 if quick else 1_500
    with tempfile.TemporaryDirectory() as name, cluster(Path(name), NAMESPACE) as kubeconfig:
        for workers in (1, 2):
            with _function(Path(name), kubeconfig, workers) as function:
                _send(function, 200, 16, first=0)
                for place, concurrency in enumerate(CONCURRENCIES):
                    progress(f"many deliveries, {workers} worker(s), concurrency {concurrency}")
                    first = 1_000_000 * (10 * workers + place)
                    bare = _bare(kubeconfig, amount, concurrency)
                    rate = _send(function, amount, concurrency, first=first)
                    bare = (bare + _bare(kubeconfig, amount, concurrency)) / 2
                    rows.append(
                        Row(
                            "3 many deliveries",
                            f"{workers} worker(s), concurrency {concurrency}",
                            rate,
                            "/s",
                            beside=bare,
                            beside_what="bare client",
                            at_least=0.6 if concurrency == TARGET_CONCURRENCY else None,
                        )
                    )
        rows += _memory(Path(name), kubeconfig, LONG // 10 if quick else LONG)
    return rows


def _memory(directory: Path, kubeconfig: Path, deliveries: int) -> list[Row]:
    with _function(directory, kubeconfig, workers=1) as function:
        progress(f"memory over {deliveries:,} deliveries")
        _send(function, deliveries // 10, 16, first=500_000_000)
        before = function.megabytes()
        _send(function, deliveries, 16, first=600_000_000)
        after = function.megabytes()
    case = f"resident after {deliveries:,} more deliveries, no error"
    return [Row("3 many deliveries", case, after, "MB", beside=before, beside_what="before", at_most=1.05)]


@contextlib.contextmanager
def _function(directory: Path, kubeconfig: Path, workers: int) -> Iterator[Served]:
    (directory / "triggers.yaml").write_text(listener([github("push")]))
    given = {
        "TRIGGERS_SOURCE": str(directory / "triggers.yaml"),
        "SECRETS_SOURCE": write_secret(directory),
        "KUBECONFIG": str(kubeconfig),
        "WORKERS": str(workers),
        "THREADS": str(THREADS),
    }
    with served(ROOT / "main.py", given) as function:
        yield function


def _send(function: Served, deliveries: int, concurrency: int, *, first: int) -> float:
    job = {"port": function.port, "deliveries": deliveries, "concurrency": concurrency, "kilobytes": 2, "forged": False}
    found = python("load", job | {"first": first})
    if found["statuses"] != {"202": deliveries}:
        raise RuntimeError(f"not every delivery was accepted: {found['statuses']}")
    return float(found["rate"])


def _bare(kubeconfig: Path, objects: int, concurrency: int) -> float:
    job = {"kubeconfig": str(kubeconfig), "objects": objects, "concurrency": concurrency}
    return float(python("bare", job | {"prefix": f"bare-{time.time_ns():x}"})["rate"])
