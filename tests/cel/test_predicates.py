"""Conditions on strings that run in C say what the ordinary path says, on whatever an event holds in their place."""

from __future__ import annotations

import json

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from functions.cel import compiler
from functions.cel.predicates import predicate
from functions.cel.program import Program
from functions.common.errors import PipehookError
from functions.common.values import Json
from tests.cel.event import EVENT

TEXTS = st.text("aB./é😀\n", max_size=4)
PATTERNS = TEXTS | st.sampled_from(["^a", "B$", "[a", "(?i)b", "a|B", "a{2,1}", r"\.", "é"])
LITERALS = TEXTS.map(lambda text: json.dumps(text, ensure_ascii=False))
ATOMS = st.one_of(
    st.builds("f.{}({})".format, st.sampled_from(["startsWith", "endsWith", "contains"]), LITERALS),
    st.builds("f.matches({})".format, PATTERNS.map(lambda text: json.dumps(text, ensure_ascii=False))),
    st.builds("f {} {}".format, st.sampled_from(["==", "!="]), LITERALS),
    st.builds("f in [{}]".format, st.lists(LITERALS | st.sampled_from(["1", "f"]), max_size=3).map(", ".join)),
    # of another kind, alone or beside these
    st.sampled_from(["true", "false", "f > 'a'", "size(f) > 1", "f.startsWith(body.prefix)", "f.upperAscii() == f"]),
)
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(["&&", "||"]), inner), st.builds("!({})".format, inner)
    ),
    max_leaves=5,
)
OTHERS: st.SearchStrategy[Json] = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.floats(-1, 1), st.just(["a"]), st.just({"a": "B"})
)
LISTS: st.SearchStrategy[Json] = st.one_of(
    st.lists(TEXTS, max_size=5),
    st.lists(TEXTS | OTHERS, max_size=4),
    st.dictionaries(TEXTS, OTHERS, max_size=3),
    OTHERS,
)


def found(program: Program, values: Json) -> object:
    activation = replace(EVENT, body={"files": values, "prefix": "a"})
    try:
        value = program.evaluate(activation)
    except PipehookError as error:
        return type(error), error.reason
    return type(value), value


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["all", "exists", "exists_one", "filter"]), CONDITIONS, LISTS)
def test_they_say_the_same(macro: str, condition: str, values: Json) -> None:
    source = f"body.files.{macro}(f, {condition})"
    quick: list[object] = []

    def seen(*args: object) -> object:
        quick.append(predicate(*args))  # type: ignore[arg-type]
        return quick[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiler, "predicate", seen)
        try:
            fast = Program(source)
        except PipehookError as error:
            fast, refused = None, error.reason
        patch.setattr(compiler, "predicate", lambda *_: None)
        if fast is None:
            with pytest.raises(PipehookError) as caught:
                Program(source)
            assert caught.value.reason == refused
            return
        ordinary = Program(source)
    event("in C" if any(quick) else "ordinary")
    assert found(fast, values) == found(ordinary, values)
