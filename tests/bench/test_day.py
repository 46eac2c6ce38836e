"""The simulated day (`python -m bench.day`): what holds whatever the load, and small days computed by hand."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from bench.day import __main__ as command
from bench.day import cost, facts, search, simulation
from bench.day.facts import Services
from bench.day.plot import svg
from bench.day.policy import BEFORE, EVENTS, NOW, Load, Policy
from bench.day.quotas import Window
from bench.day.scaling import Service, Size
from bench.day.search import binds
from bench.day.simulation import Day, simulate
from bench.day.statuses import Hub
from bench.day.traffic import DAY, spread, weights
from functions.common.errors import PassingError

SERVICES = Services()
MINUTE = tuple([1 / 60] * 60)
_BUSY = weights(1)[16 * 3600 : 17 * 3600]
HOUR = [weight / sum(_BUSY) for weight in _BUSY]
LOADS = {
    "small": Load(deliveries=3_000),
    "quiet": Load(deliveries=200, statuses=False),
    "busy": Load(deliveries=30_000, creates=0.2, secrets=1_000, version=12, installations=1, clusters=1),
    "all-at-once": Load(deliveries=60_000, webhook=Size(max_instances=1, concurrency=2), queue=False),
}


@pytest.fixture(scope="module", params=[(name, policy) for name in LOADS for policy in (BEFORE, NOW)], ids=str)
def day(request: pytest.FixtureRequest) -> Day:
    name, policy = request.param
    over = MINUTE if name == "all-at-once" else HOUR
    return simulate(LOADS[name], policy, SERVICES, over)


def test_every_delivery_ends_once(day: Day) -> None:
    assert sum(day.arrived) == day.load.deliveries == day.ends.together
    assert day.made + day.queue.backlog == day.ends.created + day.ends.queued
    assert not day.webhook.waiting


def test_instances_stay_within_their_bounds(day: Day) -> None:
    assert all(0 <= alive <= day.load.webhook.max_instances for alive in day.webhook.history)
    assert day.webhook.busy <= sum(day.webhook.history)


def test_of_no_limit_more_is_given_than_it_has(day: Day) -> None:
    windows = [day.creates, day.secrets.lists, day.secrets.accesses]
    windows += [window for hub in day.telling.hubs for window in (hub.calls, hub.points, hub.minute, hub.hour)]
    assert all(window.most_given <= window.limit for window in windows)


def test_what_is_told_of_a_run_is_told_after_it_has_happened(day: Day) -> None:
    for run in day.telling.runs:
        assert run.pending_at is None or run.pending_at >= run.created
        assert run.end_at is None or run.end_at >= math.floor(run.ends)


def test_the_same_arguments_give_the_same_day() -> None:
    first, second = (simulate(LOADS["small"], NOW, SERVICES, HOUR) for _ in range(2))
    assert (first.ends, first.limits(), first.webhook.history) == (second.ends, second.limits(), second.webhook.history)
    assert weights(1) == weights(1) != weights(2)


def test_twice_the_load_never_takes_fewer_instances() -> None:
    sizes = (Load(deliveries=number, statuses=False) for number in (10_000, 20_000, 40_000, 80_000))
    for less, more in pairwise(simulate(load, NOW, SERVICES, HOUR).webhook.history for load in sizes):
        assert all(one <= other for one, other in zip(less, more, strict=True))


def test_a_minute_computed_by_hand() -> None:
    """Ten deliveries in each second of a minute, of which one makes a run; instances start in three seconds."""
    services = Services(reject_cpu=0.02, deliver_cpu=0.0, create_cpu=0.02, cold=2.0, platform=1.0)
    size = Size(max_instances=5, concurrency=4)
    load = Load(
        deliveries=600,
        forged=0.1,
        creates=0.1,
        asks=0.0,
        triggers=3,
        kilobytes=20,
        secrets=1,
        version=1,
        statuses=False,
        webhook=size,
    )
    day = simulate(load, NOW, services, MINUTE)
    # a fifth of a second of processor time in each second: 0.2 / 0.6 of an instance in the end. But nobody was there at
    # first: ten wait, three instances of four places are started for them, and again for the ten of each second until
    # the first are up; no more than five are allowed
    assert day.webhook.history[:5] == [0, 0, 0, 3, 5]
    assert day.webhook.starts == 5
    assert (day.ends.rejected, day.ends.created, day.ends.filtered) == (60, 60, 480)
    assert day.ends.refused == day.ends.failed == 0
    # one secret, one version: each of the instances reads it, and the kubeconfig and the token, every 45 s
    assert day.secrets.lists.peak == 0
    assert 3 * 5 <= day.secrets.read <= 2 * 3 * 5
    assert day.telling.most_going_on <= 60


def test_events_are_a_whole_and_larger_ones_and_more_triggers_cost_more() -> None:
    assert sum(share for _, share, _ in EVENTS) == pytest.approx(1)
    load = Load(deliveries=3_000, statuses=False, webhook=Size(min_instances=1))
    less, larger, more = (
        simulate(changed, NOW, SERVICES, MINUTE).webhook
        for changed in (load, replace(load, kilobytes=2_000.0), replace(load, triggers=2_000))
    )
    assert max(less.history) < max(larger.history)
    assert max(less.history) < max(more.history)


def test_an_instance_that_is_idle_goes_after_a_quarter_of_an_hour() -> None:
    service = Service(Size(), start_seconds=1.0)
    for now in range(3_000):
        service.second(now, 100 if now == 0 else 0, seconds=0.1, cpu=0.001, billed=0.1)
    assert service.history[10] == 7, "a hundred places, by sixteen"
    assert service.history[facts.IDLE_SECONDS - 1] == 7
    assert service.history[facts.IDLE_SECONDS + 70] == 0


def test_who_finds_no_place_for_ten_seconds_is_refused() -> None:
    service = Service(Size(max_instances=1, concurrency=1), start_seconds=1.0)
    ended = [service.second(now, 30 if now == 0 else 0, seconds=1.0, cpu=0.001, billed=1.0) for now in range(20)]
    assert sum(served for served, _ in ended) == 10, "one a second, once it has started"
    assert sum(refused for _, refused in ended) == 20


def test_a_deployment_with_many_secrets_lists_more_than_the_quota_before_and_less_now() -> None:
    load = Load(deliveries=1_200, secrets=100_000, statuses=False, webhook=Size(min_instances=4), deployed_at=-1)
    before, now = (simulate(load, policy, SERVICES, MINUTE) for policy in (BEFORE, NOW))
    assert before.secrets.lists.used > 1
    assert before.ends.failed > 0
    assert now.secrets.lists.used < 0.3
    assert now.ends.failed == 0


def test_github_refuses_what_is_too_much() -> None:
    hub = Hub()
    for _ in range(facts.CONTENT_A_MINUTE):
        hub.ask(0.0, write=True)
    with pytest.raises(PassingError):
        hub.ask(59.0, write=True)
    hub.ask(60.0, write=True)
    for minute in range(2, 8):
        for _ in range(60):
            hub.ask(minute * 60.0, write=True)
    for _ in range(facts.CONTENT_AN_HOUR - 80 - 1 - 6 * 60):
        hub.ask(500.0, write=True)
    with pytest.raises(PassingError):
        hub.ask(600.0, write=True)
    hub.ask(3600.0, write=True)


@pytest.mark.parametrize(("installations", "least"), [(1, 15.0), (8, 99.0)])
def test_more_ends_are_told_now_than_before(installations: int, least: float) -> None:
    load = Load(deliveries=6_000, creates=0.5, installations=installations, secrets=1)
    told: dict[str, float] = {}
    for policy in (BEFORE, NOW):
        runs = simulate(load, policy, SERVICES, [1 / 3600] * 3600 + [0.0] * 3600).telling.runs
        told[policy.name] = 100 * sum(run.end_at is not None for run in runs) / len(runs)
    assert told["now"] >= least
    assert told["now"] > told["before"]


def test_the_weights_are_a_day() -> None:
    found = weights(3)
    assert len(found) == DAY
    assert sum(found) == pytest.approx(1)
    assert sum(spread(1_000_003, found)) == 1_000_003
    night, noon = sum(found[2 * 3600 : 3 * 3600]), sum(found[17 * 3600 : 18 * 3600])
    assert noon > 1.5 * night


@pytest.mark.parametrize(
    ("points", "where"),
    [
        ([(10, 0.1), (100, 1.0), (1000, 10.0)], 100),
        ([(10, 0.1), (100, 0.5)], 269.8),
        ([(10, 2.0), (100, 20.0)], 10),
        ([(10, 0.0), (100, 0.0)], math.inf),
        ([(10, 0.3), (100, 0.3)], math.inf),
    ],
)
def test_where_a_limit_binds(points: Sequence[tuple[float, float]], where: float) -> None:
    assert binds(points) == pytest.approx(where, rel=0.01)


def test_measured_times_take_the_place_of_ours() -> None:
    rows = [
        {"measured": "3 many deliveries", "case": "1 worker(s), concurrency 1", "value": 500.0},
        {"measured": "5 rejecting", "case": "1 KB, concurrency 8: processor, each", "value": 1.0},
        {"measured": "other", "case": "thing", "value": 3.0},
    ]
    found = SERVICES.measured({"rows": rows})
    assert (found.create_cpu, found.reject_cpu, found.cold) == (0.002, 0.001, SERVICES.cold)


def test_the_names_of_what_is_measured_are_those_of_the_measurements() -> None:
    written = (Path(facts.__file__).parents[1] / "README.md").read_text()
    for measured, case, _ in facts.ROWS.values():
        assert re.search(
            rf"^\| {re.escape(case.removesuffix(': processor time'))} ", written, re.MULTILINE
        ) or re.search(rf"^\| {re.escape(measured)} +\| {re.escape(case)} ", written, re.MULTILINE), case


def test_a_month_costs_what_its_parts_do_above_the_free_tier() -> None:
    day = simulate(Load(deliveries=10_000, webhook=Size(min_instances=1)), NOW, SERVICES, HOUR)
    month: Mapping[str, float] = cost.of_month(day, SERVICES)
    amounts = cost.used(day, SERVICES)
    assert month["cpu"] == pytest.approx(max(0, amounts["cpu"] * 30 - 180_000) * 0.000024)
    assert month["idle cpu"] == pytest.approx(amounts["idle cpu"] * 30 * 0.0000025)
    assert amounts["idle cpu"] + day.webhook.busy >= 3600
    assert amounts["requests"] == day.ends.together + (day.ends.created + day.ends.queued) * 20
    assert cost.of_day(day, SERVICES) * 30 >= sum(month.values())


def test_the_picture_is_whole_and_names_its_axes() -> None:
    days = {policy.name: simulate(LOADS["small"], policy, SERVICES, HOUR) for policy in (BEFORE, NOW)}
    words = svg(days["now"], days["before"])
    assert words.count("<polyline") == 5
    for name in (
        "deliveries a second",
        "instances of the webhook",
        "runs at a time",
        "calls of GitHub",
        "12:00",
        "now",
    ):
        assert name in words
    assert "nan" not in words


@pytest.mark.parametrize("output", ["table", "json"])
def test_the_command_says_what_a_day_came_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, output: str
) -> None:
    measured = tmp_path / "bench.json"
    measured.write_text(json.dumps({"rows": []}))
    monkeypatch.setattr(simulation, "weights", lambda seed: HOUR)
    monkeypatch.setattr(search, "weights", lambda seed: MINUTE)
    monkeypatch.setattr(search, "SIZES", (100, 1_000))
    wanted = ["--deliveries=3000", "--search", f"--plot={tmp_path / 'day.svg'}", f"--measured={measured}"]
    monkeypatch.setattr(sys, "argv", ["bench.day", *wanted, f"--output={output}"])
    command.main()
    said = capsys.readouterr().out
    assert (tmp_path / "day.svg").read_text().startswith("<svg")
    if output == "table":
        assert "| deliveries | 3,000 | 3,000 |" in said
        assert "| binds from so many deliveries a day | before, with statuses | now, with statuses |" in said
        return
    document = json.loads(said)
    assert document["days"]["now"]["deliveries"] == 3_000
    assert set(document["limits"]["now"]) == set(document["binds"]["now, without"])


def test_a_window_counts_what_it_refuses() -> None:
    window = Window(10, 60)
    assert [window.take(0, 6), window.take(59, 6), window.take(60, 6)] == [6, 4, 6]
    assert (window.peak, window.refused, window.used) == (12, 2, 1.2)
    assert (window.left(60), window.left(120), window.so_far(61)) == (4, 10, 6)


def test_policies_differ_in_what_was_changed() -> None:
    assert isinstance(NOW, Policy)
    assert NOW.hints < BEFORE.hints
    assert NOW.listed_seconds > BEFORE.listed_seconds
