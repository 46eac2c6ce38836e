"""`python -m bench.day`: simulate a day of deliveries, before and now, and say which limit binds first."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bench.day import cost
from bench.day.facts import Services
from bench.day.plot import svg
from bench.day.policy import BEFORE, NOW, Load, Policy
from bench.day.search import busiest_minute, ladder
from bench.day.simulation import Day, simulate
from bench.rows import progress

Told = dict[str, float | str]


def main() -> None:
    """Read the command line, simulate and print."""
    given = _parser().parse_args()
    load = _load(given)
    services = Services()
    if given.measured:
        services = services.measured(json.loads(Path(given.measured).read_text()))
    days: dict[str, Day] = {}
    for policy in (BEFORE, NOW):
        progress(f"a day of {load.deliveries:,} deliveries, {policy.name}")
        days[policy.name] = simulate(load, policy, services)
    told = {name: summary(day, services) for name, day in days.items()}
    limits = {name: day.limits() for name, day in days.items()}
    first = _search(load, services) if given.search else {}
    if given.plot:
        Path(given.plot).write_text(svg(days["now"], days["before"]))
    if given.output == "json":
        document = {"services": services.rows(), "days": told, "limits": limits, "binds": first}
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return
    sys.stdout.write(_table(("a day", *told), told) + "\n\n")
    sys.stdout.write(_table(("part of the limit used at the most", *limits), limits) + "\n")
    if first:
        sys.stdout.write("\n" + _table(("binds from so many deliveries a day", *first), _ranked(first)) + "\n")


def summary(day: Day, services: Services) -> Told:
    """Return what a day came to, for people."""
    alive = sorted(day.webhook.history[: len(day.arrived)])
    month = cost.of_month(day, services)
    told: Told = {
        "deliveries": day.ends.together,
        "deliveries a second in the busiest minute": busiest_minute(day),
        "ended well (2xx, 401)": day.ends.rejected + day.ends.filtered + day.ends.created + day.ends.queued,
        "503 or 429, for the sweep": day.ends.failed + day.ends.refused,
        "runs": day.ends.created + day.ends.queued,
        "queued": day.ends.queued,
        "instances, p50": _part(alive, 0.5),
        "instances, p95": _part(alive, 0.95),
        "instances, most": alive[-1],
        "cold starts": day.webhook.starts,
        "deliveries that met one, of 100": 100 * day.webhook.met_cold / max(1, day.ends.together),
        "US dollars a day, no free tier": cost.of_day(day, services),
        "US dollars a month": sum(month.values()),
    }
    told |= {f"- of it {name}": dollars for name, dollars in month.items() if dollars}
    runs = day.telling.runs
    if runs:
        late = sorted(max(0.0, run.end_at - run.ends) for run in runs if run.end_at is not None)
        told |= {
            "runs whose pending was told, of 100": 100 * sum(run.pending_at is not None for run in runs) / len(runs),
            "runs whose end was told, of 100": 100 * len(late) / len(runs),
            "seconds from an end to its status, p95 of those": _part(late, 0.95),
            "calls that GitHub refused or asked to wait for": day.telling.lost,
        }
    return told


def _search(load: Load, services: Services) -> Mapping[str, Mapping[str, float]]:
    cases: tuple[tuple[str, Policy, bool], ...] = (
        ("before, with statuses", BEFORE, True),
        ("now, with statuses", NOW, True),
        ("before, without", BEFORE, False),
        ("now, without", NOW, False),
    )
    return {
        name: ladder(replace(load, statuses=statuses), policy, services, progress) for name, policy, statuses in cases
    }


def _ranked(first: Mapping[str, Mapping[str, float]]) -> Mapping[str, Mapping[str, float]]:
    order = sorted(first["now, with statuses"], key=lambda limit: first["now, with statuses"][limit])
    return {name: {limit: found[limit] for limit in order} for name, found in first.items()}


def _part(values: Sequence[float], share: float) -> float:
    return values[min(len(values) - 1, int(len(values) * share))] if values else 0.0


def _table(head: Sequence[str], columns: Mapping[str, Mapping[str, float | str]]) -> str:
    names = list(dict.fromkeys(name for column in columns.values() for name in column))
    rows = [[name, *(_cell(column.get(name, "")) for column in columns.values())] for name in names]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows))


def _cell(value: float | str) -> str:
    if isinstance(value, str):
        return value
    if value == float("inf"):
        return "never"
    if value >= 10_000:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def _load(given: argparse.Namespace) -> Load:
    load = Load()
    webhook = replace(
        load.webhook,
        min_instances=given.min_instances,
        max_instances=given.max_instances,
        concurrency=given.concurrency,
    )
    return replace(
        load,
        deliveries=given.deliveries,
        creates=given.creates,
        triggers=given.triggers,
        secrets=given.secrets,
        version=given.version,
        installations=given.installations,
        clusters=given.clusters,
        statuses=not given.no_statuses,
        seed=given.seed,
        webhook=webhook,
    )


def _parser() -> argparse.ArgumentParser:
    load = Load()
    parser = argparse.ArgumentParser(prog="python -m bench.day", description=__doc__)
    parser.add_argument("--deliveries", type=int, default=load.deliveries, help="a day (default: %(default)s)")
    parser.add_argument("--creates", type=float, default=load.creates, help="share that makes a run (%(default)s)")
    parser.add_argument("--triggers", type=int, default=load.triggers, help="of a listener (%(default)s)")
    parser.add_argument("--secrets", type=int, default=load.secrets, help="keys of webhooks (%(default)s)")
    parser.add_argument(
        "--version", type=int, default=load.version, help="number of their newest version (%(default)s)"
    )
    parser.add_argument("--installations", type=int, default=load.installations, help="owners at GitHub (%(default)s)")
    parser.add_argument("--clusters", type=int, default=load.clusters, help="that take the runs (%(default)s)")
    parser.add_argument("--no-statuses", action="store_true", help="tell GitHub nothing")
    parser.add_argument("--min-instances", type=int, default=load.webhook.min_instances, help="(%(default)s)")
    parser.add_argument("--max-instances", type=int, default=load.webhook.max_instances, help="(%(default)s)")
    parser.add_argument("--concurrency", type=int, default=load.webhook.concurrency, help="(%(default)s)")
    parser.add_argument("--seed", type=int, default=load.seed, help="another day of the same kind (%(default)s)")
    parser.add_argument("--measured", metavar="FILE", help="take service times from `python -m bench --output json`")
    parser.add_argument("--search", action="store_true", help="also: where each limit first binds; some minutes")
    parser.add_argument("--plot", metavar="FILE", help="write the day as an SVG")
    parser.add_argument("--output", choices=("table", "json"), default="table")
    return parser


if __name__ == "__main__":
    logging.disable()  # what the product's own parts would say
    main()
