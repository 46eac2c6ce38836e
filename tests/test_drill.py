"""The outage drill, which `make drill` shows: nothing is lost and nothing runs twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.drill import DELIVERIES, QUEUE, RESTART_DELIVERIES, drill, report, report_restart, restart


@pytest.mark.long
def test_after_an_outage_the_cluster_holds_every_wanted_object_exactly_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []

    counted = drill(tmp_path, said.append)

    with capsys.disabled():
        print("", *report(counted), sep="\n  ")  # noqa: T201 -- the drill says what it counted
    assert (counted.missing, counted.doubled) == (0, 0), said
    assert sum(counted.answered.values()) == DELIVERIES
    assert counted.answered[202] > DELIVERIES // 2
    assert counted.answered[503] > DELIVERIES // 4
    assert counted.stopped
    assert counted.swept > counted.answered[503]
    assert counted.dead_letters == counted.replayed > 0


@pytest.mark.long
@pytest.mark.parametrize("queue", ["", QUEUE], ids=["without-a-queue", "with-a-queue"])
def test_a_restart_of_the_api_server_costs_no_delivery(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], queue: str
) -> None:
    restarted = restart(tmp_path, lambda _: None, queue=queue)

    with capsys.disabled():
        print("", report_restart(restarted), sep="\n  ")  # noqa: T201 -- the drill says what it counted
    assert restarted.once == RESTART_DELIVERIES
    assert sum(restarted.created.values()) == RESTART_DELIVERIES
    assert set(restarted.answered) <= {202, 503}
    assert restarted.dead_letters == 0
