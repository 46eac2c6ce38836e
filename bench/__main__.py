"""`python -m bench`: run the measurements, everything on this machine in one run, and print one table."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench import burst, cluster, cold, many, memory, rejecting, soak, telling, triggers, tuning, warm
from bench.rows import Row, as_json, progress, table

MEASUREMENTS: dict[str, Callable[..., list[Row]]] = {
    "cold": cold.measure,
    "warm": warm.measure,
    "many": many.measure,
    "triggers": triggers.measure,
    "rejecting": rejecting.measure,
    "memory": memory.measure,
    "telling": telling.measure,
    "cluster": cluster.measure,
    "burst": burst.measure,
    "soak": soak.measure,
    "tuning": tuning.measure,
}


def main() -> None:
    """Read the command line, measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=MEASUREMENTS, help="one measurement; repeatable")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: minutes become one, noise grows")
    parser.add_argument("--beside", type=Path, help="another checkout: its cold start by turns with this one's")
    parser.add_argument("--scale", type=float, default=0.0, help=f"the burst's part of 500 a second ({burst.SCALE:g})")
    parser.add_argument("--deliveries", type=int, default=0, help=f"the soak's ({soak.DELIVERIES:,})")
    parser.add_argument("--output", choices=("table", "json"), default="table")
    given = parser.parse_args()
    machine = (
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} processors, load average {os.getloadavg()[0]:.1f} at the start"
    )
    measurements = MEASUREMENTS | {
        "cold": partial(cold.measure, beside=given.beside and given.beside.resolve()),
        "burst": partial(burst.measure, scale=given.scale),
        "soak": partial(soak.measure, deliveries=given.deliveries),
    }
    rows: list[Row] = []
    try:
        for name in given.only or MEASUREMENTS:
            rows += measurements[name](quick=given.quick)
    except RuntimeError as error:
        sys.exit(f"bench: {error}")
    progress(f"load average {os.getloadavg()[0]:.1f} at the end")
    sys.stdout.write(as_json(rows, machine) if given.output == "json" else f"{machine}\n\n{table(rows)}")
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
