"""Templates: one pass over parsed strings, in which a value can only become characters of its own string."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from functions.common.errors import LastingError
from functions.common.limits import Limits
from functions.common.ports import Deadline
from functions.common.values import Json
from functions.model.resources import ParamSpec, TemplateSpec
from functions.rendering.templates import MAX_RESOURCE_BYTES, CompiledTemplate, compile_template
from tests.support.memory import Counted


def template(*resources: Mapping[str, Json], params: tuple[ParamSpec, ...] = ()) -> CompiledTemplate:
    return compile_template(TemplateSpec(params, resources))


def text(source: str, params: Mapping[str, str], *specs: ParamSpec) -> Json:
    [resource] = template({"data": source}, params=specs).render(params, uid="UID")
    return resource["data"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("$(tt.params.a)", "A"),
        ("<$(tt.params.a)>", "<A>"),
        ("$(tt.params.a)$(tt.params.b)$(tt.params.a)", "ABA"),
        ("$(uid)", "UID"),
        ("run-$(uid)-$(uid)", "run-UID-UID"),
        ("$(tt.params.dotted.name)", "dots"),
        ("$(tt.params.a-b_c)", "dashes"),
        ("$(tt.params.with space)", "space"),
        ("$(tt.params.)", "no name"),
        ("$(tt.params.unknown)", "$(tt.params.unknown)"),
        ("$(params.a)", "$(params.a)"),
        ("$(tt.params['a'])", "$(tt.params['a'])"),
        ('$(tt.params["a"])', '$(tt.params["a"])'),
        ("$(tt.param.a)", "$(tt.param.a)"),
        ("$( tt.params.a )", "$( tt.params.a )"),
        ("$(TT.params.a)", "$(TT.params.a)"),
        ("$(tt.params.A)", "$(tt.params.A)"),
        ("$(tt.params.a", "$(tt.params.a"),
        ("$tt.params.a", "$tt.params.a"),
        ("${tt.params.a}", "${tt.params.a}"),
        ("$(context.pipelineRun.name)", "$(context.pipelineRun.name)"),
        ("$$(tt.params.a)", "$A"),
        ("$$(uid)", "$UID"),
        ("$(tt.params.$(tt.params.a))", "$(tt.params.A)"),
        ("$(tt.params.$(uid))", "$(tt.params.UID)"),
        ("$(echo $(tt.params.a))", "$(echo A)"),
        ("$(tt.params.empty)", ""),
        ("x$(tt.params.empty)y", "xy"),
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_replaces_what_tekton_replaces(source: str, expected: str) -> None:
    params = {
        "a": "A",
        "b": "B",
        "dotted.name": "dots",
        "a-b_c": "dashes",
        "with space": "space",
        "empty": "",
        "": "no name",
    }

    assert text(source, params) == expected


@pytest.mark.parametrize(
    ("source", "value", "expected"),
    [
        ("$(tt.params.v)", "$(uid)", "$$(uid)"),
        ("$(tt.params.v)", "$(tt.params.w)", "$$(tt.params.w)"),
        ("$(tt.params.v)", "$(params.x) $(tasks.y)", "$$(params.x) $$(tasks.y)"),
        ("$(tt.params.v)", "$$(x)", "$$$(x)"),
        ("$(tt.params.v)", "$(", "$$("),
        ("$(tt.params.v)", "$ (x) $x (", "$ (x) $x ("),
        # a variable that would only come about at the edge of what is inserted
        ("$(tt.params.v)$(tt.params.w)", "cost: $", "cost: $$(context.x)"),
        ("$(tt.params.v)$(tt.params.e)$(tt.params.w)", "$", "$$(context.x)"),
        ("$$(tt.params.v)", "(context.x)", "$$(context.x)"),
        ("$(tt.params.v)(context.x)", "$", "$$(context.x)"),
        ("$(tt.params.v)$(uid)", "$", "$UID"),
    ],
)
def test_an_inserted_value_is_no_variable_of_pipelines(source: str, value: str, expected: str) -> None:
    assert text(source, {"v": value, "w": "(context.x)", "e": ""}) == expected


@pytest.mark.parametrize(
    "value", ['"', '","kind":"Secret', "\\", "\\n", "\n", "\x00\x1f", "\u202e", "*a &a !!x", "{{x}}", "'"]
)
def test_a_value_stands_in_the_string_as_it_is(value: str) -> None:
    assert text("[$(tt.params.v)]", {"v": value}) == f"[{value}]"


def test_defaults_stand_behind_params() -> None:
    specs = (ParamSpec("a", "A"), ParamSpec("b", "B"), ParamSpec("none"), ParamSpec("empty", ""))

    rendered = text("$(tt.params.a)|$(tt.params.b)|$(tt.params.none)|$(tt.params.empty)", {"b": "bound"}, *specs)

    assert rendered == "A|bound|$(tt.params.none)|"


def test_a_bound_empty_string_goes_before_the_default() -> None:
    assert text("<$(tt.params.a)>", {"a": ""}, ParamSpec("a", "A")) == "<>"


def test_declared_defaults_are_told_and_decoded() -> None:
    compiled = template(params=(ParamSpec("a", r"two\nlines"), ParamSpec("b"), ParamSpec("c", "")))

    assert compiled.defaults == {"a": "two\nlines", "c": ""}


def test_a_default_is_escaped_too() -> None:
    assert text("$(tt.params.a)", {}, ParamSpec("a", "$(context.x)")) == "$$(context.x)"


def test_the_references_are_told() -> None:
    compiled = template(
        {"metadata": {"labels": {"$(tt.params.key)": ["$(tt.params.a)-$(tt.params.b)"]}}}, {"x": "$(uid) $(params.z)"}
    )

    assert compiled.references == {"key", "a", "b"}


def test_everything_but_strings_stays() -> None:
    source: dict[str, Json] = {
        "kind": "PipelineRun",
        "n": 1,
        "f": 1.5,
        "t": True,
        "nil": None,
        "list": [1, "$(tt.params.a)", ["x", {"y": "$(uid)"}], {}],
        "map": {"k": {"l": "$(tt.params.a)"}, "m": []},
    }

    [rendered] = template(source).render({"a": "true"}, uid="u")

    assert rendered == {
        "kind": "PipelineRun",
        "n": 1,
        "f": 1.5,
        "t": True,
        "nil": None,
        "list": [1, "true", ["x", {"y": "u"}], {}],
        "map": {"k": {"l": "true"}, "m": []},
    }
    assert list(rendered) == list(source)


def test_keys_are_replaced() -> None:
    [rendered] = template(
        {"data": {"$(tt.params.k)-$(uid)": "v", "other": {"$(tt.params.k)": "$(tt.params.k)"}}}
    ).render({"k": "key"}, uid="u")

    assert rendered == {"data": {"key-u": "v", "other": {"key": "key"}}}


@pytest.mark.parametrize("other", ["name", "$(tt.params.b)"])
def test_keys_that_become_equal_are_refused(other: str) -> None:
    compiled = template({"kind": "ConfigMap", "data": {other: "1", "$(tt.params.a)": "2"}})

    with pytest.raises(LastingError) as caught:
        compiled.render({"a": "name", "b": "name"}, uid="u")

    assert caught.value.reason == (
        "resourcetemplates[0] (ConfigMap): the key $(tt.params.a) becomes equal to another key of its object"
    )


def test_resources_keep_their_order_and_share_the_uid() -> None:
    rendered = template({"a": "$(uid)"}, {"b": "$(uid)"}).render({}, uid="u")

    assert rendered == [{"a": "u"}, {"b": "u"}]


def test_the_caller_may_change_metadata_and_the_object_itself() -> None:
    source: dict[str, Any] = {
        "kind": "Pod",
        "metadata": {"labels": {"app": "x"}, "finalizers": [{"a": []}]},
        "spec": {"static": {}},
    }
    compiled = template(source)

    [first] = compiled.render({}, uid="u")
    metadata: Any = first["metadata"]
    metadata["name"] = "changed"
    metadata["labels"]["app"] = "changed"
    metadata["finalizers"][0]["a"].append("changed")
    first["kind"] = "changed"
    first["spec"] = None

    pristine = {
        "kind": "Pod",
        "metadata": {"labels": {"app": "x"}, "finalizers": [{"a": []}]},
        "spec": {"static": {}},
    }
    assert source == pristine
    assert compiled.render({}, uid="u") == [pristine]


def test_metadata_whose_key_is_a_param_is_new_as_well() -> None:
    compiled = template({"$(tt.params.k)": {"labels": {}}})

    [first] = compiled.render({"k": "metadata"}, uid="u")
    metadata: Any = first["metadata"]
    metadata["labels"]["changed"] = "x"

    assert compiled.render({"k": "metadata"}, uid="u") == [{"metadata": {"labels": {}}}]


@pytest.mark.parametrize(
    "value", ["x" * MAX_RESOURCE_BYTES, "\x01" * (MAX_RESOURCE_BYTES // 6), "é" * (MAX_RESOURCE_BYTES // 2)]
)
def test_a_resource_that_etcd_would_refuse_is_refused(value: str) -> None:
    compiled = template({"kind": "ConfigMap", "data": {"v": "$(tt.params.v)"}})

    with pytest.raises(LastingError) as caught:
        compiled.render({"v": value}, uid="u")

    assert caught.value.reason == (
        "resourcetemplates[0] (ConfigMap) is larger with its params than the 1572864 bytes (1.5 MiB) that etcd takes: "
        "bind less of the event"
    )


def test_a_large_resource_within_the_bound_is_rendered() -> None:
    value = "x" * (MAX_RESOURCE_BYTES - 100)

    assert text("$(tt.params.v)", {"v": value}) == value


def test_a_value_inserted_many_times_is_refused_before_it_is_copied() -> None:
    compiled = template({"data": "$(tt.params.v) " * 5_000})

    with pytest.raises(LastingError, match=r"larger with its params"):
        compiled.render({"v": "x" * 1_000_000}, uid="u")


def test_a_template_that_nests_too_deeply_is_refused() -> None:
    deep: Json = "x"
    for _ in range(5_000):
        deep = [deep]

    with pytest.raises(LastingError, match=r"resourcetemplates\[0\] \(no kind\) nests deeper than 200 levels"):
        template({"deep": deep})


def test_what_is_inserted_takes_memory_in_each_of_its_places() -> None:
    resource: dict[str, Json] = {"kind": "K", "metadata": {"a": "$(tt.params.p)", "b": "-$(tt.params.p)"}}
    template = compile_template(TemplateSpec(params=(), resources=(resource,) * 3))
    for text, width in (("a" * 1000, 1), ("\N{GRINNING FACE}" * 1000, 4)):
        memory = Counted(1 << 20)
        template.render({"p": text}, uid="u", limits=Limits(Deadline(1.0, lambda: 0.0), memory))
        assert 6 * 1000 * width <= memory.taken <= 6 * 1001 * width
