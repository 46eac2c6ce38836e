"""The cheap dataclasses behave as those of the standard library do."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from typing import Any

import pytest

import functions.dataclass

Decorator = Callable[..., Callable[[type], type]]
OURS: Decorator = functions.dataclass.dataclass
STANDARD: Decorator = dataclasses.dataclass


def point(decorator: Decorator, **options: bool) -> Any:
    class Point:
        x: int
        y: int = 2
        tags: list[str] = dataclasses.field(default_factory=list)
        note: str = dataclasses.field(default="", compare=False, repr=False)

        @property
        def total(self) -> int:
            return self.x + self.y

    Point.__annotations__ = {"x": "int", "y": "int", "tags": "list[str]", "note": "str"}
    return decorator(slots=True, **{"frozen": True, **options})(Point)


@pytest.fixture(params=[OURS, STANDARD], ids=["ours", "standard"])
def made(request: pytest.FixtureRequest) -> Any:
    return point(request.param)


def test_arguments_come_by_place_and_name_with_defaults(made: Any) -> None:
    value = made(1, tags=["a"])
    assert (value.x, value.y, value.tags, value.note, value.total) == (1, 2, ["a"], "", 3)
    assert repr(value).endswith("Point(x=1, y=2, tags=['a'])")
    assert made(1).tags is not made(1).tags


@pytest.mark.parametrize(
    ("arguments", "named"), [((), {}), ((1, 2, [], "", 5), {}), ((1,), {"x": 1}), ((1,), {"z": 1})]
)
def test_wrong_arguments_are_type_errors(made: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        made(*arguments, **named)


def test_values_are_equal_and_hash_by_their_compared_fields(made: Any) -> None:
    assert made(1, tags=["a"], note="b") == made(1, tags=["a"], note="c")
    assert made(1) != made(2)
    assert made(1) != (1, 2, [], "")
    assert hash(made(1, tags=())) == hash(made(1, tags=(), note="c"))
    assert len({made(1, tags=()), made(1, tags=()), made(2, tags=())}) == 2
    with pytest.raises(TypeError, match="unhashable"):
        hash(made(1))


def test_frozen_values_cannot_be_changed(made: Any) -> None:
    value = made(1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        value.x = 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        del value.x
    with pytest.raises((AttributeError, TypeError)):
        value.other = 1
    assert not hasattr(value, "__dict__")


def test_replace_and_fields_work(made: Any) -> None:
    assert dataclasses.replace(made(1, tags=["a"]), y=5) == made(1, 5, ["a"])
    assert [field.name for field in dataclasses.fields(made)] == ["x", "y", "tags", "note"]
    match made(1, 7):
        case made(x, y):
            assert (x, y) == (1, 7)


@pytest.mark.parametrize("decorator", [OURS, STANDARD], ids=["ours", "standard"])
def test_mutable_ones_can_be_changed_and_have_no_hash(decorator: Decorator) -> None:
    value = point(decorator, frozen=False)(1)
    value.x = 5
    assert value.total == 7
    with pytest.raises(TypeError, match="unhashable"):
        hash(value)


@pytest.mark.parametrize("decorator", [OURS, STANDARD], ids=["ours", "standard"])
def test_keyword_only_fields_have_no_place(decorator: Decorator) -> None:
    made = point(decorator, kw_only=True)
    assert made(x=1).total == 3
    with pytest.raises(TypeError):
        made(1)


@pytest.mark.parametrize("decorator", [OURS, STANDARD], ids=["ours", "standard"])
def test_a_class_may_derive_from_another(decorator: Decorator) -> None:
    base = point(decorator)
    derived: Any = decorator(frozen=True, slots=True)(type("Derived", (base,), {}))
    assert derived(1, 3).total == 4
    assert derived(1, 3, []) != base(1, 3, [])


def test_threads_may_make_the_first_values_at_once() -> None:
    made = point(OURS)
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(made(1).total)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [3] * 8


def test_slots_must_be_asked_for() -> None:
    with pytest.raises(TypeError, match="slots=True"):
        OURS(slots=False)
