"""Importing something large: the garbage collector waits, and goes on whatever happens."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from functions.adapters.libraries import importing


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


def test_the_collector_waits_and_passes_over_what_was_imported() -> None:
    before = gc.get_freeze_count()
    with importing():
        assert not gc.isenabled()
        module: list[dict[str, str]] = [{} for _ in range(1000)]
    assert gc.isenabled()
    assert gc.get_freeze_count() >= before + len(module)


def test_an_import_within_another_leaves_the_collector_to_the_outer_one() -> None:
    with importing():
        with importing():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_library_that_is_not_there_stops_no_collector() -> None:
    with pytest.raises(ModuleNotFoundError), importing():
        raise ModuleNotFoundError
    assert gc.isenabled()


def test_who_has_switched_the_collector_off_keeps_it_so() -> None:
    gc.disable()
    with importing():
        pass
    assert not gc.isenabled()
