"""Any text compiles or is refused; any value evaluates or is refused; many threads share one program."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.cel import Activation, CelCompileError, CelError, compile_expression, to_json
from functions.cel import program as programs
from functions.cel.declarations import VARIABLES, overloads
from functions.cel.functions import implementation
from functions.cel.parser import read
from tests.cel.event import CONFORMANCE, EVENT

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
NAMES = (
    "charAt indexOf lastIndexOf lowerAscii replace split substring trim join format reverse slice flatten sort "
    "distinct first last match canonical truncate parseJSON parseYAML parseURL marshalJSON translate decodeb64 "
    "size contains startsWith endsWith matches getHours getFullYear compareSecret int string double timestamp "
    "duration bool bytes uint lists.range math.abs math.least math.greatest sets.contains base64.decode type"
)
OPERATORS = "+ - * / % == != < <= > >= && || in"
ATOMS = ["body.a", "body.b", "body", "header", "1", "-1", "2u", "1.5", "'%s'", "b'\\xff'", "null", "true", "[]", "{}"]


def _combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = st.sampled_from(OPERATORS.split(" "))
    return st.one_of(
        st.tuples(inner, operators, inner).map(lambda t: f"(dyn({t[0]}) {t[1]} dyn({t[2]}))"),
        st.tuples(inner, st.sampled_from(NAMES.split()), inner).map(lambda t: f"dyn({t[0]}).{t[1]}(dyn({t[2]}))"),
        st.tuples(inner, st.sampled_from(NAMES.split())).map(lambda t: f"dyn({t[0]}).{t[1]}()"),
        st.tuples(st.sampled_from(NAMES.split()), inner).map(lambda t: f"{t[0]}(dyn({t[1]}))"),
        st.tuples(st.sampled_from(NAMES.split()), inner, inner, inner).map(
            lambda t: f"dyn({t[1]}).{t[0]}(dyn({t[2]}), dyn({t[3]}))"
        ),
        st.tuples(inner, st.sampled_from(["all", "exists", "exists_one", "map", "filter", "sortBy"]), inner).map(
            lambda t: f"dyn({t[0]}).{t[1]}(x, dyn({t[2]}))"
        ),
        st.tuples(inner, inner).map(lambda t: f"dyn({t[0]})[dyn({t[1]})]"),
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.tuples(inner, inner).map(lambda t: f"{{dyn({t[0]}): {t[1]}}}"),
    )


EXPRESSIONS = st.recursive(st.sampled_from(ATOMS), _combined, max_leaves=6)


@given(st.text(max_size=60))
def test_any_text_compiles_or_is_refused(source: str) -> None:
    try:
        compile_expression(source)
    except CelCompileError as error:
        assert error.reason


@given(st.sampled_from(CONFORMANCE["cases"]), st.data())
def test_damaged_expressions_compile_or_are_refused(case: dict[str, Any], data: st.DataObject) -> None:
    source = case["expr"]
    at = data.draw(st.integers(0, len(source)))
    cut = data.draw(st.integers(0, 5))
    put = data.draw(st.sampled_from(["", "(", ")", "'", "\\", ".", "?", "[", "{", "-", "in", "u", "\x00", "🎉"]))
    try:
        to_json(compile_expression(source[:at] + put + source[at + cut :]).evaluate(EVENT))
    except CelError as error:
        assert error.reason


@settings(max_examples=300, deadline=None)
@given(EXPRESSIONS, JSON, JSON)
def test_any_event_is_evaluated_or_refused(source: str, first: object, second: object) -> None:
    event = Activation(
        body={"a": first, "b": second},
        header={"X-A": ["1"]},
        extensions={},
        request_url="/",
        compare_secret=EVENT.compare_secret,
    )
    try:
        json.dumps(to_json(compile_expression(source).evaluate(event)))
    except CelError as error:
        assert error.reason


def test_64_threads_share_one_program() -> None:
    program = compile_expression("body.items.map(i, i.n * 2.0) == body.twice && body.items.exists(i, i.n == body.last)")
    start = threading.Barrier(64)

    def run(seed: int) -> bool:
        numbers = [seed * 100 + n for n in range(20)]
        body = {"items": [{"n": n} for n in numbers], "twice": [2 * n for n in numbers], "last": numbers[-1]}
        event = Activation(body=body, header={}, extensions={}, request_url="/", compare_secret=EVENT.compare_secret)
        start.wait()
        return all(program.test(event) for _ in range(20))

    with ThreadPoolExecutor(64) as pool:
        assert all(pool.map(run, range(64)))


def test_one_text_is_compiled_once_and_the_store_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert compile_expression("body.ref == 'once'") is compile_expression("body.ref == 'once'")
    monkeypatch.setattr(programs, "MAX_PROGRAMS", 3)
    monkeypatch.setattr(programs, "_programs", type(programs._programs)())
    for number in range(10):
        compile_expression(f"{number}")
    assert list(programs._programs) == ["7", "8", "9"]


def test_every_declared_function_can_be_called() -> None:
    from functions.cel.declarations import _SIGNATURES

    operators = {"_?_:_", "!_", "_&&_", "_||_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "_[_]", "@in"}
    for name in _SIGNATURES:
        assert overloads(name)
        if name not in operators:
            assert callable(implementation(name))
    assert set(VARIABLES) == {"body", "header", "extensions", "requestURL"}


def test_a_first_filter_imports_nothing_heavy() -> None:
    script = """
import sys
import msgspec
before = set(sys.modules)
import functions.cel
light = set(sys.modules)
program = functions.cel.compile_expression("header.match('X-GitHub-Event', 'push') && body.ref.startsWith('refs/')")
program.test(functions.cel.Activation({"ref": "x"}, {}, {}, "/", lambda *a: False))
heavy = {"lark", "celpy", "re2", "yaml", "pendulum", "decimal", "fractions", "zoneinfo"}
print(sorted(heavy & set(sys.modules) - before), "functions.cel.parser" in light)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] False"


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("f(", ")"),
        ("[", "]"),
        ("{1: ", "}"),
        ("a[", "]"),
        ("true ? 1 : ", ""),
        ("!-", ""),
        ("1 + (2 * ", ")"),
        ("a || b && c == d + e * !f(", ")"),
        ("[].map(x, ", ")"),
        ("A{b: ", "}"),
    ],
)
def test_nesting_of_any_kind_is_refused_before_pythons_stack_ends(opening: str, closing: str) -> None:
    with pytest.raises(CelCompileError, match="recursion limit exceeded"):
        read(opening * 2000 + "1" + closing * 2000)


def test_parentheses_in_a_row_are_no_nesting() -> None:
    assert compile_expression("-(" + "(" * 20_000 + "1 + (2)" + ")" * 20_000 + " * 2)").result_type == "int"
