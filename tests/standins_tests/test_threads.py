"""The tests' own check: who leaves a thread at work is named."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from tests.support.threads import left


def test_a_thread_that_goes_on_is_named_and_one_that_ends_is_awaited() -> None:
    before, going_on = set(threading.enumerate()), threading.Event()
    thread = threading.Thread(target=going_on.wait, name="forgotten")
    thread.start()
    assert left(before, 0.0) == ["forgotten"]
    assert left({*before, thread}, 0.0) == []
    going_on.set()
    assert left(before) == []


def test_a_pool_may_be_idle_and_not_at_work() -> None:
    before, going_on = set(threading.enumerate()), threading.Event()
    with ThreadPoolExecutor(1, thread_name_prefix="pool") as pool:
        waiting = pool.submit(going_on.wait)
        assert left(before, 0.0) == ["pool_0"]
        going_on.set()
        waiting.result()
        assert left(before) == []
