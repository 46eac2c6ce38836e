"""The memory of a served function under more hostile bodies at once than it has threads, by their shape."""

from __future__ import annotations

import http.client
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.inputs import ROOT, headers, listener, push, write_secret
from bench.inputs import github as signed
from bench.processes import served
from bench.rows import Row, progress
from tests.security.shapes import MIB, SHAPES

THREADS = 16
PUSHES = 5


def measure(*, quick: bool) -> list[Row]:
    """Send each shape signed, in bodies of 1 and 4 MiB, as a dry run; small pushes go between them."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "triggers.yaml").write_text(listener([signed("push")]))
        given = {
            "TRIGGERS_SOURCE": str(directory / "triggers.yaml"),
            "SECRETS_SOURCE": write_secret(directory),
            "DRY_RUN": "true",
            "THREADS": str(THREADS),
        }
        for shape in list(SHAPES)[:: 5 if quick else 1]:
            progress(f"memory under {shape}")
            with served(ROOT / "main.py", given) as function:
                post(function.port, push(1))
                before = function.megabytes()
                slowest = max(under(function.port, SHAPES[shape](size)) for size in (MIB - 4096, 4 * MIB))
                rows.append(Row("6 memory", shape, function.peak_megabytes(), "MB", before, "before", at_most=14))
                rows.append(Row("6 memory", f"{shape}: slowest small push", slowest * 1000, "ms"))
    return rows


def under(port: int, body: bytes) -> float:
    """Send a body on twice as many connections as there are threads, and return the longest time of a small push."""
    times = []
    with ThreadPoolExecutor(2 * THREADS) as pool:
        hostile = [pool.submit(post, port, body) for _ in range(2 * THREADS)]
        for _ in range(PUSHES):
            began = time.perf_counter()
            if post(port, push(1)) != http.client.ACCEPTED:
                raise RuntimeError("a small push was not answered with 202")
            times.append(time.perf_counter() - began)
        found = Counter(future.result() for future in hostile)
    if not set(found) <= {0, 202, 400, 413, 503}:
        raise RuntimeError(f"hostile bodies were answered with {found}")
    return max(times)


def post(port: int, body: bytes) -> int:
    """Send a signed push on a connection of its own; 0 is one that was closed while it was sent."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", "/", body=body, headers=headers(body))
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()
