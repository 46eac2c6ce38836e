"""Slotted dataclasses that are cheap to define: a cold start defines some ninety of them.

`dataclasses.dataclass` writes and compiles six methods for every frozen class, 0.7 ms each time; a third of a cold
start went there. Here the methods are shared, and `__init__` is written when the first value is made. Type checkers
see `dataclasses.dataclass`, and `fields` and `replace` work as ever.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

__all__ = ["dataclass"]

T = TypeVar("T")

_NOT_GIVEN: Any = object()


def _dataclass(*, slots: bool, frozen: bool = False, kw_only: bool = False) -> Callable[[type[T]], type[T]]:
    """Return the decorator of slotted dataclasses, which is the only sort that this makes."""
    if not slots:
        raise TypeError("only slotted dataclasses are made here: say slots=True")

    def decorate(cls: type[T]) -> type[T]:
        made = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True, kw_only=kw_only)(cls)
        _complete(made, frozen=frozen)
        return made

    return decorate


def _complete(cls: Any, *, frozen: bool) -> None:
    compared = [field.name for field in dataclasses.fields(cls) if field.compare]
    # two names at least, so that the getter always gives a tuple
    values = attrgetter(*compared, *["__class__"] * 2)

    def initialize(self: object, *args: object, **kwargs: object) -> None:
        cls.__init__ = _initializer(cls)
        cls.__init__(self, *args, **kwargs)

    def equal(self: object, other: object) -> bool:
        return bool(values(self) == values(other)) if other.__class__ is self.__class__ else NotImplemented

    def hashed(self: object) -> int:
        return hash(values(self))

    cls.__init__ = initialize
    cls.__eq__ = equal
    cls.__repr__ = _represent
    cls.__hash__ = hashed if frozen else None
    if frozen:
        cls.__setattr__ = cls.__delattr__ = _refuse


def _initializer(cls: Any) -> Callable[..., None]:
    """Write `__init__` from the fields, as `dataclasses` does; it sets the slots themselves."""
    scope: dict[str, Any] = {"_NOT_GIVEN": _NOT_GIVEN}
    positional, keyword, body = ["self"], ["*"], []
    for field in dataclasses.fields(cls):
        name = value = parameter = field.name
        scope[f"_set_{name}"] = getattr(cls, name).__set__
        if field.default is not dataclasses.MISSING:
            scope[f"_default_{name}"] = field.default
            parameter = f"{name}=_default_{name}"
        elif field.default_factory is not dataclasses.MISSING:
            scope[f"_make_{name}"] = field.default_factory
            parameter = f"{name}=_NOT_GIVEN"
            value = f"_make_{name}() if {name} is _NOT_GIVEN else {name}"
        (keyword if field.kw_only else positional).append(parameter)
        body.append(f"_set_{name}(self, {value})")
    parameters = ", ".join(positional + (keyword if len(keyword) > 1 else []))
    lines = "\n ".join(body or ["pass"])
    exec(f"def __init__({parameters}):\n {lines}", scope)  # noqa: S102 -- of field names alone, as in `dataclasses`
    written: Callable[..., None] = scope["__init__"]
    written.__qualname__ = f"{cls.__qualname__}.__init__"
    return written


def _refuse(self: object, name: str, *_value: object) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot change {name!r} of {type(self).__name__}: it is frozen")


def _represent(self: Any) -> str:
    shown = ", ".join(f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self) if field.repr)
    return f"{type(self).__qualname__}({shown})"


if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    dataclass = _dataclass
