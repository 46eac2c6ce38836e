"""Generated expressions against Google's C++ runtime (cel-expr-python), where it and cel-go mean the same."""

from __future__ import annotations

from typing import Any

from cel_expr_python import cel  # type: ignore[import-untyped] # it marks no types
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.cel import CelCompileError, CelEvaluationError, compile_expression
from functions.cel.values import UInt
from tests.cel.event import EVENT

_ENVIRONMENT = cel.NewEnv(variables={})
_REFUSED = "refused"
_FAILED = "failed"
_UNCREATABLE = "uncreatable"

INTEGERS = st.sampled_from(["0", "1", "-1", "7", "-3", "x", "9223372036854775807", "-9223372036854775808"])
UNSIGNED = st.sampled_from(["0u", "1u", "7u", "18446744073709551615u"])
DOUBLES = st.sampled_from(["0.0", "1.5", "-2.5", "1e300", "7.0"])
TEXTS = st.sampled_from(["''", "'a'", "'abc'", "'é🎉'", "'b' + 'c'", "string(x)", "'1'"])


def _numbers(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "%"]), inner).map(" ".join).map("({})".format),
        inner.map("-({})".format),
        st.tuples(BOOLEANS, inner, inner).map(lambda t: f"({t[0]} ? {t[1]} : {t[2]})"),
        LISTS.map("size({})".format),
        TEXTS.map("size({})".format),
        TEXTS.map("int({})".format),
    )


def _booleans(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, st.sampled_from(["&&", "||", "==", "!="]), inner).map(" ".join).map("({})".format),
        inner.map("!{}".format),
        st.tuples(LISTS, st.sampled_from(["all", "exists", "exists_one"]), inner).map(
            lambda t: f"{t[0]}.{t[1]}(x, {t[2]})"
        ),
    )


COMPARISONS = st.one_of(
    *(
        st.tuples(kind, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), kind).map(" ".join).map("({})".format)
        for kind in (INTEGERS, UNSIGNED, DOUBLES, TEXTS)
    ),
    st.tuples(st.one_of(INTEGERS, UNSIGNED, DOUBLES), st.one_of(INTEGERS, UNSIGNED, DOUBLES)).map(
        lambda t: f"dyn({t[0]}) == dyn({t[1]})"
    ),
    st.tuples(TEXTS, st.sampled_from(["contains", "startsWith", "endsWith", "matches"]), TEXTS).map(
        lambda t: f"({t[0]}).{t[1]}({t[2]})"
    ),
)
LISTS = st.lists(INTEGERS, max_size=3).map(lambda items: f"[{', '.join(items)}]")
BOOLEANS = st.recursive(st.one_of(st.sampled_from(["true", "false"]), COMPARISONS), _booleans, max_leaves=5)
EXPRESSIONS = st.one_of(
    st.recursive(INTEGERS, _numbers, max_leaves=6),
    BOOLEANS,
    st.tuples(UNSIGNED, st.sampled_from(["+", "-", "*", "/", "%"]), UNSIGNED).map(" ".join),
    st.tuples(DOUBLES, st.sampled_from(["+", "-", "*", "/"]), DOUBLES).map(" ".join),
    st.tuples(LISTS, INTEGERS).map(lambda t: f"{t[0]}[{t[1]}]"),
    st.tuples(INTEGERS, LISTS).map(lambda t: f"{t[0]} in {t[1]}"),
    st.tuples(LISTS, INTEGERS).map(lambda t: f"{t[0]}.map(y, y / ({t[1]}))"),
    st.tuples(LISTS, BOOLEANS).map(lambda t: f"{t[0]}.filter(x, {t[1]})"),
)


def _theirs(source: str) -> Any:
    try:
        program = _ENVIRONMENT.compile(source)
    except RuntimeError:
        return _REFUSED
    value = program.eval()
    return _FAILED if value.type() == cel.Type.ERROR else value.plain_value()


def _ours(source: str) -> Any:
    try:
        return _plain(compile_expression(source).evaluate(EVENT))
    except CelCompileError as error:
        return _UNCREATABLE if "failed to create a Program" in error.reason else _REFUSED
    except CelEvaluationError:
        return _FAILED


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, UInt) else value


@settings(max_examples=400, deadline=None)
@given(EXPRESSIONS)
def test_agrees_with_the_cpp_runtime(source: str) -> None:
    # `x` is bound by every macro above; outside of one it is a constant
    wrapped = f"[2].map(x, {source})"
    theirs, ours = _theirs(wrapped), _ours(wrapped)
    # cel-go converts constants when it creates the program, even those that are never reached
    if ours != _UNCREATABLE:
        assert repr(ours) == repr(theirs)
