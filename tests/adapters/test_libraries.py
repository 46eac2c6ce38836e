"""Importing something large: the garbage collector waits, and goes on whatever happens."""

from __future__ import annotations

import gc
import uuid
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from functions.adapters.libraries import importing


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


def test_the_collector_waits_and_passes_over_what_was_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"large_{uuid.uuid4().hex}"
    (tmp_path / f"{name}.py").write_text("tables = [[] for _ in range(1000)]\n")
    monkeypatch.syspath_prepend(tmp_path)
    before = gc.get_freeze_count()
    with importing():
        assert not gc.isenabled()
        module = import_module(name)
    assert gc.isenabled()
    assert gc.get_freeze_count() >= before + len(module.tables)


def test_what_is_there_already_freezes_nothing() -> None:
    before = gc.get_freeze_count()
    for _ in range(3):
        with importing():
            import_module("json")
    assert gc.get_freeze_count() <= before


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
