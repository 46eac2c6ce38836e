"""The outage drill of statuses, which `make drill` shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.status.drill import COMMITS, drill


def test_after_an_outage_every_commit_shows_its_newest_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []
    told = drill(tmp_path, said.append)

    with capsys.disabled():
        print("", *told.lines(), sep="\n  ")  # noqa: T201 -- the drill says what it counted
    assert (told.wrong, told.repeated) == (0, 0), said
    assert told.runs > COMMITS
    assert min(told.queued, told.forged, told.lost, told.retried, told.swept) > 0
