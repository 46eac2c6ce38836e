"""PH401 to PH403: names, labels and annotations, as they stand and with what is inserted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lint.support import ids, listed, pinned, with_params
from tests.support.sources import cel, github

LONG = "a" * 63


def metadata(value: str = "$(body.pusher.email)", *chain: dict[str, Any], **fields: Any) -> list[str]:
    """The rules that the metadata of a PipelineRun break; its template has the param p."""
    resource = {**pinned(p="$(tt.params.p)"), "metadata": {"generateName": "r-", **fields}}
    if "name" in fields:
        resource["metadata"].pop("generateName")
    return ids(listed(*chain, params={"p": value}), with_params("p", resource=resource))


@pytest.mark.parametrize(
    ("fields", "rules"),
    [
        ({"labels": {"a": True}}, ["PH401"]),
        ({"labels": {"a": 1}}, ["PH401"]),
        ({"labels": {"a": ["x"]}}, ["PH401"]),
        ({"labels": ["a"]}, ["PH401"]),
        ({"labels": {"a": "two words"}}, ["PH401"]),
        ({"labels": {"a": "a/b"}}, ["PH401"]),
        ({"labels": {"a": "-b"}}, ["PH401"]),
        ({"labels": {"a": "b_"}}, ["PH401"]),
        ({"labels": {"a": f"{LONG}b"}}, ["PH401"]),
        ({"labels": {"a b": "c"}}, ["PH401"]),
        ({"labels": {"A/b/c": "c"}}, ["PH401"]),
        ({"labels": {"a": "", "b.example.com/c_d": "E-f.9", "e": LONG, "n": None}}, []),
        ({"annotations": {"a": True}}, ["PH401"]),
        ({"annotations": {"a": 1.5}}, ["PH401"]),
        ({"annotations": {"a": {"b": "c"}}}, ["PH401"]),
        ({"annotations": {"a": "any text / at all", "b.example.com/c": "$(tt.params.p)"}}, []),
        ({"generateName": "Build-"}, ["PH401"]),
        ({"generateName": "build_"}, ["PH401"]),
        ({"generateName": "-build-"}, ["PH401"]),
        ({"generateName": "build--"}, []),
        ({"generateName": f"{LONG}-"}, []),  # what is appended takes the place of its end
        ({"name": f"{LONG[:28]}$(uid)"}, ["PH401"]),
        ({"name": f"{LONG[:27]}$(uid)"}, []),
        ({"name": "Build-$(uid)"}, ["PH401"]),
        ({"namespace": "Team_A"}, ["PH401"]),
        ({"labels": {"a": "v $(tt.params.p)"}}, ["PH401"]),
        ({"labels": {"a": "$(tt.params.p)-"}}, ["PH401"]),
    ],
)
def test_what_kubernetes_refuses_as_it_stands(fields: dict[str, Any], rules: list[str]) -> None:
    assert metadata("$(body.after)", **fields) == rules


@pytest.mark.parametrize(
    ("value", "label", "name"),
    [
        ("$(body.ref)", ["PH401"], ["PH401"]),
        ("$(body.repository.full_name)", ["PH401"], ["PH401"]),
        ("$(body.repository.html_url)", ["PH401"], ["PH401"]),
        ("$(body.pusher.email)", ["PH402"], ["PH402"]),
        ("$(body.head_commit.message)", ["PH304", "PH402"], ["PH304", "PH402"]),
        ("$(body.after)", [], []),
        ("$(body.repository.id)", [], []),
        ("$(body.repository.name)", [], []),
        ("$(body.sender.login)", [], []),
        ("$(context.eventID)", [], ["PH406"]),
        ("$(header.X-GitHub-Delivery)", [], ["PH406"]),
        ("main", [], []),
        ("Main", [], ["PH401"]),  # no name has capitals
    ],
)
def test_event_data_in_labels_and_names(value: str, label: list[str], name: list[str]) -> None:
    assert metadata(value, labels={"a": "$(tt.params.p)"}) == label
    assert metadata(value, generateName="r-$(tt.params.p)-") == name


def test_hashes_that_make_a_name_or_label_too_long() -> None:
    assert metadata("$(body.after)", name="build-of-the-storefront-$(tt.params.p)") == ["PH401"]
    assert metadata("$(body.after)", name="build-$(tt.params.p)") == []
    assert metadata("$(body.after)", labels={"a": "$(tt.params.p)-$(uid)"}) == ["PH401"]
    short = [github(eventTypes=["push"]), cel(s="body.after.truncate(7)")]
    assert metadata("$(extensions.s)", *short, name="build-of-the-storefront-$(tt.params.p)") == []


def test_nothing_is_guessed_of_bodies_that_nobody_knows() -> None:
    own = {"ref": {"name": "cel"}, "params": [{"name": "filter", "value": "body.t.compareSecret('k', 's')"}]}
    assert metadata("$(body.target.namespace)", own, generateName="r-$(tt.params.p)-") == []
    assert metadata("$(body.head_commit.message)", own, labels={"a": "$(tt.params.p)"}) == ["PH304", "PH402"]


@pytest.mark.parametrize(
    ("expression", "rules"),
    [
        ("body.ref.split('/')[2]", ["PH402"]),
        ("body.ref.split('/')[2].lowerAscii()", ["PH402"]),
        ("body.ref.split('/')[2].translate('[^A-Za-z0-9]+', '-')", []),
        ("body.ref.split('/')[2].translate('[^A-Za-z0-9]+', '/')", ["PH402"]),
        ("body.ref == 'refs/heads/main' ? 'prod' : 'dev'", []),
        ("string(body.repository.id)", []),
        ("body.repository.full_name.replace('/', '-')", []),
    ],
)
def test_overlays_in_labels(expression: str, rules: list[str]) -> None:
    chain = [github(eventTypes=["push"]), cel(v=expression)]
    assert metadata("$(extensions.v)", *chain, labels={"a": "$(tt.params.p)"}) == rules


def test_a_config_map_may_have_a_longer_name() -> None:
    resource = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{LONG}-$(tt.params.p)"}}
    assert ids(listed(params={"p": "$(body.after)"}), with_params("p", resource=resource)) == []
