"""Bindings against a real Tekton's answers, and against pkg/template's code for what those do not show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.common.errors import LastingError, PipehookError
from functions.common.values import Event, Json
from functions.go.encode import MAX_TEXT, decode_pasted
from functions.model.resources import Param
from functions.rendering.bindings import Expression, compile_bindings

CONFORMANCE: dict[str, Any] = json.loads((Path(__file__).parents[1] / "conformance" / "bindings.json").read_text())

BODY: dict[str, Json] = {
    "a": "A",
    "b": "x",
    "nothing": None,
    "empty": "",
    "one": 1.0,
    "int": 12345678901234567890,
    "huge": 1e21,
    "yes": True,
    "list": ["p", "q"],
    "single": ["only"],
    "object": {"z": "<&>", "a": [1, {"k": 'say "hi"\n'}]},
    "text": 'line1\nline2\t"quoted" \\ back $(uid) $$(x) <b> \u2028',
    "dollar": "$",
    "name": "(ref)",
}


def event(body: Json = None, *, headers: dict[str, tuple[str, ...]] | None = None) -> Event:
    return Event(
        body=BODY if body is None else body,
        headers=headers or {"X-Github-Event": ("push",), "Two": ("1", "2"), "X-Y.z": ("dotted",)},
        extensions={"ext": {"v": 1}},
        request_url="/",
        event_id="id-1",
    )


def resolve(value: str, default: str | None = None) -> str:
    defaults = {} if default is None else {"p": default}
    return compile_bindings([Param("p", value)], defaulted=defaults).resolve(event(), defaults)["p"]


def failure(value: str, default: str | None = None) -> str:
    with pytest.raises(LastingError) as caught:
        resolve(value, default)
    return caught.value.reason


def canonical(name: str) -> str:
    return "-".join(word.capitalize() for word in name.split("-"))


@pytest.mark.parametrize("case", CONFORMANCE["cases"], ids=lambda case: case["value"])
def test_answers_as_tekton_did(case: dict[str, str]) -> None:
    sent = Event(
        body=CONFORMANCE["body"],
        headers={canonical(name): (value,) for name, value in CONFORMANCE["headers"].items()},
        extensions={},
        request_url="/",
        event_id="id-1",
    )

    def answer() -> str:
        return compile_bindings([Param("p", case["value"])]).resolve(sent, {})["p"]

    if "error" in case:
        with pytest.raises(LastingError) as caught:
            answer()
        assert caught.value.reason == f"failed to replace JSONPath value for param p: {case['error']}"
    else:
        assert answer() == decode_pasted(case["result"])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # where expressions begin and end
        ("", ""),
        ("plain", "plain"),
        ("$", "$"),
        ("$(", "$("),
        ("$()", ""),
        ("a$()b", "ab"),
        ("$(body.a)", "A"),
        ("<$(body.a)>", "<A>"),
        ("$(body.a)$(body.b)", "Ax"),
        ("$(body.a)-$(body.a)", "A-A"),
        ("$$(body.b)", "$x"),
        ("$($(body.b))", "$(x)"),
        ("$($($(body.b)))", "$($(x))"),
        ("$(body.$(body.b))", "$(body.x)"),
        ("$(body.a", "$(body.a"),
        ("$(body.a $(body.b)", "$(body.a x"),
        ("$(body.list[?(@=='p')])", "p"),
        ("body.a)", "body.a)"),
        ("((", "(("),
        ("${body.a}", "${body.a}"),
        ("$(body.dollar)$(body.name)", "$(ref)"),
        # how values become text
        ("$(body.nothing)", "null"),
        ("$(body.empty)", ""),
        ("$(body.one)", "1"),
        ("$(body.int)", "12345678901234567890"),
        ("$(body.huge)", "1e+21"),
        ("$(body.yes)", "true"),
        ("$(body.list)", '["p","q"]'),
        ("$(body.list[*])", '["p","q"]'),
        ("$(body.single)", '["only"]'),
        ("$(body.single[*])", "only"),
        ("$(body.list[?(@=='none')])", "[]"),
        ("$(body.list[0:0])", "[]"),
        ("$(body['a','b'])", '["A","x"]'),
        ("$(body['a','nothing','yes'])", '["A",null,true]'),
        ("$(body.object)", '{"a":[1,{"k":"say \\"hi\\"\\n"}],"z":"<&>"}'),
        ("$(body.text)", 'line1\nline2\t"quoted" \\ back $(uid) $$(x) <b> \u2028'),
        ("$(body.a.*)", "65"),
        ("$(body.single.*.*)", "[111,110,108,121]"),
        ("$(body range)", ""),
        ("$(body 'const')", "const"),
        # what is seen
        ("$(context.eventID)", "id-1"),
        ("$(context)", '{"eventID":"id-1"}'),
        ("$(extensions.ext.v)", "1"),
        ("$(extensions)", '{"ext":{"v":1}}'),
        ("$(header)", '{"Two":"1,2","X-Github-Event":"push","X-Y.z":"dotted"}'),
        ("$(Body.a)", "A"),
        ("$(..eventID)", "id-1"),
        # headers
        ("$(header.X-Github-Event)", "push"),
        ("$(header.x-github-event)", "push"),
        ("$(header.X-GITHUB-EVENT)", "push"),
        ("$(header.Two)", "1,2"),
        ("$(header['Two'])", "1,2"),
        ("$({header.Two})", "1,2"),
        ("$(header.*)", '["1,2","push","dotted"]'),
        # literals are pasted into JSON text
        (r"one\ntwo", "one\ntwo"),
        (r"\"$(body.a)\"", '"A"'),
        (r"\d+$(body.a)\n", "\\d+A\n"),
        ('{"a": "$(body.a)"}', '{"a": "A"}'),
        ("line\nbreak", "line\nbreak"),
    ],
)
def test_resolves(value: str, expected: str) -> None:
    assert resolve(value) == expected


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("$(body.x)", "x is not found"),
        ("a $(body.a) $(body.x) b", "x is not found"),
        ("$(uid)", "uid is not found"),
        ("$(tt.params.p)", "tt is not found"),
        ("$(context.uid)", "uid is not found"),
        ("$(event)", "event is not found"),
        ("$(.header.x-github-event)", "x-github-event is not found"),
        ("$({header.two})", "two is not found"),
        ("$(header['two'])", "two is not found"),
        ("$(headers.Two)", "headers is not found"),
        ("$(header.Two[1])", "string is not array or slice"),
        ("$(header.two[1])", "two is not found"),
        ("$(header.X-Y.Z)", "X-Y is not found"),
        ("$(header.x-y\\.z)", "x-y.z is not found"),
        ("$(header. Two)", " is not found"),
        ("$(body.a[0])", "string is not array or slice"),
        ("$(body.list[9])", "array index out of bounds: index 9, length 2"),
        ("$(body.list[)", "unterminated array"),
        ("$(body.a,b)", "unrecognized character in action: U+002C ','"),
        (
            "$({body})x$({body)",
            "unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'",
        ),
    ],
)
def test_fails_in_tektons_words(value: str, reason: str) -> None:
    assert failure(value) == f"failed to replace JSONPath value for param p: {value}: {reason}"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("$(body.x)", "DEF"),
        ("a-$(body.x)", "a-DEF"),
        ("$(body.x)$(body.a)$(body.y)", "DEFADEF"),
        ("$(body.a[0])", "DEF"),
        ("$(body.list[9])", "DEF"),
        ("$(body.list[)", "DEF"),
        ("$(body.nothing)", "null"),
        ("$(body.empty)", ""),
        ("$(body.list[?(@=='none')])", "[]"),
        ("$(body.a)", "A"),
        ("literal", "literal"),
    ],
)
def test_a_default_replaces_only_what_fails(value: str, expected: str) -> None:
    assert resolve(value, "DEF") == expected


def test_an_empty_default_is_a_default() -> None:
    assert resolve("a-$(body.x)", "") == "a-"


def test_a_default_of_another_param_is_not_used() -> None:
    bindings = compile_bindings([Param("p", "$(body.x)")])

    with pytest.raises(LastingError, match="x is not found"):
        bindings.resolve(event(), {"q": "DEF"})


def test_the_same_name_twice_is_refused() -> None:
    with pytest.raises(LastingError) as caught:
        compile_bindings([Param("x", "1"), Param("y", "2"), Param("x", "1")])

    assert caught.value.reason == "duplicate param name: x"


def test_an_expression_that_cannot_parse_is_refused_at_load() -> None:
    with pytest.raises(LastingError) as caught:
        compile_bindings([Param("p", "v$(body.a[x])")])

    assert caught.value.reason == "failed to replace JSONPath value for param p: v$(body.a[x]): invalid array index x"


def test_a_body_that_is_null_has_no_fields() -> None:
    sent = Event(body=None, headers={}, extensions={}, request_url="/", event_id="e")

    with pytest.raises(LastingError, match="a is not found"):
        compile_bindings([Param("p", "$(body.a)")]).resolve(sent, {})
    assert compile_bindings([Param("p", "$(body)")]).resolve(sent, {}) == {"p": "null"}


def test_a_reason_never_carries_a_value_of_the_event() -> None:
    body: Json = {"secret": "s3cr3t", "list": ["s3cr3t"]}

    for path in ("body.secret.x", "body.secret[0]", "body.secret[?(@.x)]", "body.list[?(@<1)]", "body.list[7]"):
        with pytest.raises(LastingError) as caught:
            compile_bindings([Param("p", f"$({path})")]).resolve(event(body), {})
        chain: BaseException | None = caught.value
        while chain is not None:
            assert "s3cr3t" not in str(chain)
            chain = chain.__cause__


@pytest.mark.parametrize(
    ("value", "default"),
    [("$(body.long)", None), ("$(body.long)", "DEF"), ("$(body)", "DEF"), ("$(body.half)$(body.half)x", None)],
)
def test_a_text_that_no_object_can_hold_is_refused_whatever_the_default(value: str, default: str | None) -> None:
    body: Json = {"long": "x" * (MAX_TEXT + 1), "half": "y" * (MAX_TEXT // 2)}
    defaults = {} if default is None else {"p": default}

    with pytest.raises(LastingError, match=r"param p: .*longer than 1572864 characters"):
        compile_bindings([Param("p", value)]).resolve(event(body), defaults)


def test_visiting_too_much_is_refused_whatever_the_default() -> None:
    with pytest.raises(LastingError, match=r"param p: \$\(body\.\.\): the expression visits more than"):
        compile_bindings([Param("p", "$(body..)")]).resolve(event([1] * 300_000), {"p": "DEF"})


def test_the_expressions_of_each_param_are_told() -> None:
    bindings = compile_bindings(
        [Param("a", "x $(body.a)-$(header.x-y)"), Param("b", "none"), Param("c", "$(body[)")], defaulted={"c"}
    )

    found = {param.name: [part for part in param.parts if isinstance(part, Expression)] for param in bindings.params}
    texts = {name: [expression.text for expression in expressions] for name, expressions in found.items()}
    assert texts == {"a": ["$(body.a)", "$(header.x-y)"], "b": [], "c": ["$(body[)"]}
    assert found["c"] == [Expression("$(body[)", None, "unterminated array")]


JSON: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)
VALUES = st.text(max_size=30) | st.lists(
    st.sampled_from(["$(", ")", "body", "header.", ".a", "[*]", "..", "\\", '"', "x", "$", "{", "}", "(", "[?(@)]"]),
    max_size=10,
).map("".join)


@settings(deadline=None)
@given(text=st.text())
def test_a_string_of_the_event_comes_through_as_it_is(text: str) -> None:
    bindings = compile_bindings([Param("p", "$(body.t)"), Param("q", "<$(body.t)|$(header.H)>")])

    params = bindings.resolve(event({"t": text}, headers={"H": (text, text)}), {})

    assert params == {"p": text, "q": f"<{text}|{text},{text}>"}


@settings(deadline=None)
@given(value=VALUES, body=JSON, default=st.none() | st.text(max_size=5))
def test_any_binding_on_any_event_resolves_or_fails_in_the_family(value: str, body: Json, default: str | None) -> None:
    defaults = {} if default is None else {"p": default}
    try:
        params = compile_bindings([Param("p", value)], defaulted=defaults).resolve(event(body), defaults)
    except PipehookError as error:
        assert error.reason.startswith("failed to replace JSONPath value for param p: ")
        return
    assert isinstance(params["p"], str)
