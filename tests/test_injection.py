"""Injection: what an event holds changes nothing of what is created beyond the strings that refer to it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from functions.common.errors import PipehookError
from functions.common.values import Event, Json
from functions.model.resources import Param, TemplateSpec
from functions.rendering.bindings import compile_bindings
from functions.rendering.templates import compile_template

PARAM_NAMES = ("a", "b", "c")
SAFE_KEYS = st.sampled_from(["metadata", "labels", "kind", "spec", "name", "x"])
NASTY = st.text() | st.lists(
    st.sampled_from(
        [
            "$(",
            "$$(",
            "$",
            "(",
            ")",
            "uid)",
            "tt.params.a)",
            "$(tt.params.b)",
            '"',
            "\\",
            "\n",
            "{",
            "}",
            ",",
            "\x00",
            "\u202e",
        ]
    ),
    max_size=8,
).map("".join)
SOURCES = st.lists(
    st.sampled_from(
        ["$(tt.params.a)", "$(tt.params.b)", "$(tt.params.zz)", "$(uid)", "$", "(x)", "$(params.k)", "lit"]
    ),
    max_size=5,
).map("".join)
TEMPLATES: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | SOURCES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SAFE_KEYS, inner, max_size=4),
    max_leaves=15,
)


def render(source: Mapping[str, Json], params: Mapping[str, str]) -> dict[str, Json]:
    [resource] = compile_template(TemplateSpec((), (source,))).render(params, uid="u1")
    return resource


def assert_same_but_for_references(source: Json, rendered: Json) -> None:
    assert type(source) is type(rendered)
    if isinstance(source, dict) and isinstance(rendered, dict):
        assert list(source) == list(rendered)
        for key, value in source.items():
            assert_same_but_for_references(value, rendered[key])
    elif isinstance(source, list) and isinstance(rendered, list):
        assert len(source) == len(rendered)
        for before, after in zip(source, rendered, strict=True):
            assert_same_but_for_references(before, after)
    elif not isinstance(source, str) or not any(name in source for name in ("$(tt.params.", "$(uid)")):
        assert source == rendered


@settings(deadline=None)
@given(
    source=st.dictionaries(SAFE_KEYS, TEMPLATES, max_size=4),
    params=st.dictionaries(st.sampled_from(PARAM_NAMES), NASTY),
)
def test_values_change_nothing_but_the_strings_of_their_references(
    source: dict[str, Json], params: dict[str, str]
) -> None:
    before = json.dumps(source)

    rendered = render(source, params)

    assert_same_but_for_references(source, rendered)
    assert json.dumps(source) == before


@settings(deadline=None)
@given(
    pieces=st.lists(st.sampled_from([*PARAM_NAMES, "-", "$", "(x)", " "]), max_size=6),
    values=st.lists(NASTY, min_size=3),
)
def test_no_variable_comes_out_of_values(pieces: list[str], values: list[str]) -> None:
    params = dict(zip(PARAM_NAMES, values, strict=False))
    source = "".join(f"$(tt.params.{piece})" if piece in params else f"{piece} " for piece in pieces)

    rendered = render({"data": source}, params)["data"]

    assert isinstance(rendered, str)
    # every `$(` is escaped by one more dollar; none stands alone
    assert all(rendered[at - 1 : at] == "$" for at in range(len(rendered)) if rendered.startswith("$(", at))


@settings(deadline=None)
@given(value=NASTY, source=st.text(max_size=30) | SOURCES)
def test_from_event_to_manifest_nothing_but_the_family_is_raised(value: str, source: str) -> None:
    event = Event(body={"v": value}, headers={}, extensions={}, request_url="/", event_id="e")
    try:
        params = compile_bindings([Param("a", "$(body.v)"), Param("b", source)]).resolve(event, {})
        rendered = render({source: source, "$(tt.params.a)": [source]}, params)
    except PipehookError:
        return
    assert len(rendered) == 2
