"""The drill of bursts in disorder, which `make drill` shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.concurrency.drill import drill


@pytest.mark.long
def test_after_bursts_in_disorder_the_newest_runs_go_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []
    settled = drill(tmp_path, said.append)

    with capsys.disabled():
        print("", *settled.lines(), sep="\n  ")  # noqa: T201 -- the drill says what it counted
    assert (settled.wrong, settled.beyond, settled.undone, settled.ended) == (0, 0, 0, 0), said
    assert min(settled.answered[status] for status in ("created", "queued", "superseded")) > 0
    assert settled.cancelled > 0
