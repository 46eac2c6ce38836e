"""The outage drill, which `make drill` shows: nothing is lost and nothing runs twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.drill import DELIVERIES, drill, report


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
