"""Settings of the garbage collector and the allocator: mixed deliveries to a fresh instance of each, by turns."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bench.flood import flood
from bench.inputs import ROOT
from bench.processes import served
from bench.rows import Row, progress
from bench.soak import scene

DELIVERIES, WARM, ROUNDS = 1_500, 300, 3
SETTINGS: Mapping[str, Mapping[str, str]] = {
    "as it is": {},
    "gc threshold 10,000": {"BENCH_GC": "10000"},
    "gc threshold 50,000": {"BENCH_GC": "50000"},
    "gc frozen after the start": {"BENCH_GC": "freeze"},
    "gc off": {"BENCH_GC": "off"},
    "MALLOC_ARENA_MAX=1": {"MALLOC_ARENA_MAX": "1"},
    "MALLOC_ARENA_MAX=2": {"MALLOC_ARENA_MAX": "2"},
    "MALLOC_TRIM_THRESHOLD_=128 KiB": {"MALLOC_TRIM_THRESHOLD_": "131072"},
    "PYTHONMALLOC=malloc": {"PYTHONMALLOC": "malloc"},
}


def measure(*, quick: bool) -> list[Row]:
    """Return processor time of each delivery and resident memory, the medians of all rounds, beside those as it is."""
    deliveries, rounds = (DELIVERIES // 5, 1) if quick else (DELIVERIES, ROUNDS)
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in SETTINGS}
    with tempfile.TemporaryDirectory() as directory, scene(Path(directory)) as around:
        for turn in range(rounds):
            for place, (name, setting) in enumerate(SETTINGS.items()):
                progress(f"tuning: {name}, round {turn + 1} of {rounds}")
                first = (turn * len(SETTINGS) + place) * (WARM + deliveries)
                with served(ROOT / "bench" / "tuned" / "main.py", {**around.environment, **setting}) as function:
                    flood([function], first, WARM, mixed=True)
                    before = function.cpu_seconds()
                    flood([function], first + WARM, deliveries, mixed=True)
                    spent = (function.cpu_seconds() - before) / deliveries * 1000
                    found[name].append((spent, function.megabytes(), function.peak_megabytes()))
                around.mend()
    middle = {name: [statistics.median(column) for column in zip(*of, strict=True)] for name, of in found.items()}
    least = middle["as it is"]
    return [
        Row("11 tuning", f"{name}: {what}", value, unit, beside, "as it is")
        for name, values in middle.items()
        for what, unit, value, beside in zip(
            ("processor, each", "resident", "resident at most"), ("ms", "MB", "MB"), values, least, strict=True
        )
    ]
