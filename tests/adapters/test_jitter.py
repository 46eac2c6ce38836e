"""Waits with a random part leave the process's own generator alone."""

from __future__ import annotations

import random

from functions.adapters import jitter


def test_pauses_double_and_differ() -> None:
    for attempt in (1, 2, 3):
        pauses = {jitter.pause(attempt) for _ in range(50)}
        assert len(pauses) > 1
        assert all(0.05 * 2**attempt <= seconds <= 0.15 * 2**attempt for seconds in pauses)


def test_the_processs_generator_is_left_alone() -> None:
    before = random.getstate()
    jitter.pause(1)
    assert 0 <= jitter.draw() < 1
    assert random.getstate() == before
