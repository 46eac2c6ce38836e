"""Fields, indexes and has(), on JSON and on what expressions made. Source: cel-go interpreter/attributes.go."""

from __future__ import annotations

from functions.cel.errors import CelEvaluationError, number
from functions.cel.frame import Eval, Frame
from functions.cel.values import MISSING, CelMap, UInt, Value, find, float_of, type_name

_LISTS = frozenset({list, tuple})


def _missing(name: str) -> CelEvaluationError:
    return CelEvaluationError(f"no such key: {name}")


def _other(value: Value, name: str) -> Value:
    """Return a field of anything but a JSON object."""
    if type(value) is CelMap:
        found = find(value, name)
        if found is not MISSING:
            return found
    elif type(value) in _LISTS:
        raise CelEvaluationError("unsupported index type 'string' in list")
    raise _missing(name)


def named_field(operand: Eval, name: str) -> Eval:
    """`operand.name`."""

    def get(frame: Frame) -> Value:
        value = operand(frame)
        if type(value) is not dict:
            return _other(value, name)
        found = value.get(name, MISSING)
        if found is MISSING:
            raise _missing(name)
        return float_of(found) if type(found) is int else found

    return get


def chain(operand: Eval, names: tuple[str, ...]) -> Eval:
    """`operand.a.b.c` in one function."""

    def get(frame: Frame) -> Value:
        value = operand(frame)
        for name in names:
            if type(value) is dict:
                value = value.get(name, MISSING)
                if value is MISSING:
                    raise _missing(name)
                if type(value) is int:
                    value = float_of(value)
            else:
                value = _other(value, name)
        return value

    return get


def has_field(operand: Eval, name: str) -> Eval:
    """`has(operand.name)`: false also on what has no fields at all; an error in the operand stays one."""

    def test(frame: Frame) -> Value:
        value = operand(frame)
        if type(value) is dict:
            return name in value
        if type(value) in _LISTS:
            raise CelEvaluationError("unsupported index type 'string' in list")
        return find(value, name) is not MISSING

    return test


def index(operand: Eval, key: Eval, *, shown: bool) -> Eval:
    """`operand[key]`; `shown` says that the key is the expression's own and may stand in an error."""

    def get(frame: Frame) -> Value:
        value, at = operand(frame), key(frame)
        if type(value) is list or type(value) is tuple:
            place = _place(at)
            if not 0 <= place < len(value):
                raise CelEvaluationError(f"index out of bounds: {number(place)}")
            found = value[place]
            return float_of(found) if type(found) is int and type(value) is list else found
        found = find(value, at)
        if found is MISSING:
            raise _missing(str(at).lower()) if shown else CelEvaluationError("no such key")
        return found

    return get


def _place(at: Value) -> int:
    if type(at) is int or type(at) is UInt:
        return int(at)
    if type(at) is float:
        if at.is_integer():
            return int(at)
        raise CelEvaluationError("unsupported index value in list")
    raise CelEvaluationError(f"unsupported index type '{type_name(at)}' in list")
