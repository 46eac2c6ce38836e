"""Names as Go decodes them: in any case, unknown params of core interceptors ignored, and what is said of both."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

import pytest
import yaml

from functions import lint
from functions.common.values import Json
from functions.model.findings import Doubt
from functions.model.load import load_documents
from functions.model.resources import InterceptorSpec, LabelSelector, Param
from tests.model.support import API, binding, listener, mistakes


def chain(name: str, **params: Any) -> str:
    """A listener whose trigger has one core interceptor."""
    given = [{"name": param, "value": value} for param, value in params.items()]
    return listener(yaml.safe_dump({"interceptors": [{"ref": {"name": name}, "params": given}]}))


def spec(text: str) -> InterceptorSpec:
    loaded = load_documents({"x.yaml": text}, namespace="lab")
    return loaded.registry.listeners["lab", "el"].triggers[0].spec.interceptors[0]  # type: ignore[union-attr] # inline


def said(text: str) -> list[str]:
    found = load_documents({"x.yaml": text}, namespace="lab").notes
    return [f"{'doubt' if isinstance(note, Doubt) else 'note'} {note.message}; {note.hint}" for note in found]


SECRET = {"secretName": "hook", "secretKey": "key"}


@pytest.mark.parametrize(
    ("name", "given", "read"),
    [
        ("github", {"eventtypes": ["push"]}, {"eventTypes": ["push"]}),
        ("github", {"SECRETREF": {"SecretName": "hook", "secretkey": "key"}}, {"secretRef": SECRET}),
        (
            "github",
            {"GithubOwners": {"Enabled": True, "CheckType": "none", "PersonalAccessToken": {"secretname": "t"}}},
            {"githubOwners": {"enabled": True, "checkType": "none", "personalAccessToken": {"secretName": "t"}}},
        ),
        ("github", {"AddChangedFiles": {"ENABLED": True}}, {"addChangedFiles": {"enabled": True}}),
        (
            "cel",
            {"Filter": "true", "Overlays": [{"Key": "a", "EXPRESSION": "1"}]},
            {"filter": "true", "overlays": [{"key": "a", "expression": "1"}]},
        ),
        ("gitlab", {"EventTypes": ["Push Hook"]}, {"eventTypes": ["Push Hook"]}),
        ("bitbucket", {"secretRef": {"SecretKey": "key", "secretName": "hook"}}, {"secretRef": SECRET}),
        ("slack", {"requestedfields": ["text"]}, {"requestedFields": ["text"]}),
        ("github", {"\u017fecretRef": SECRET}, {"secretRef": SECRET}),
    ],
)
def test_params_of_core_interceptors_are_read_in_any_case_with_a_note(
    name: str, given: dict[str, Any], read: dict[str, Json]
) -> None:
    text = chain(name, **given)
    assert dict(spec(text).params) == read
    assert said(text)
    assert all(note.startswith("note ") for note in said(text))


@pytest.mark.parametrize(
    ("name", "given", "read", "doubt"),
    [
        (
            "cel",
            {"overlay": []},
            {"overlay": []},
            'overlay is unknown and ignored, as Tekton ignores it; did you mean "overlays"?',
        ),
        (
            "cel",
            {"overlays": [{"key": "a", "expresion": "1"}]},
            {"overlays": [{"key": "a"}]},
            'did you mean "expression"?',
        ),
        ("github", {"eventType": ["push"]}, {"eventType": ["push"]}, 'did you mean "eventTypes"?'),
        (
            "github",
            {"zzz": 1},
            {"zzz": 1},
            "known are addChangedFiles, addFailedContexts, addPRBody, eventTypes, githubOwners, secretRef",
        ),
        (
            "github",
            {"secretRef": {**SECRET, "namespace": "other"}},
            {"secretRef": SECRET},
            "namespace is unknown and ignored",
        ),
        (
            "github",
            {"githubOwners": {"enabled": True, "checkType": "orgmembers"}},
            {"githubOwners": {"enabled": True, "checkType": "orgmembers"}},
            'has a value that means nothing; did you mean "orgMembers"?',
        ),
    ],
)
def test_params_that_tekton_does_not_know_are_ignored_with_a_doubt(
    name: str, given: dict[str, Any], read: dict[str, Json], doubt: str
) -> None:
    text = chain(name, **given)
    assert dict(spec(text).params) == read
    [found] = said(text)
    assert found.startswith("doubt ")
    assert doubt in found


def test_a_doubt_is_a_warning_and_another_case_a_note() -> None:
    text = chain("github", secretRef=SECRET, EventTypes=["push"], zzz=1)
    found, _ = lint.check({"x.yaml": text}, namespace="lab")
    loading = {finding.rule.id: finding.rule.severity for finding in found if finding.rule.id in ("PH003", "PH004")}
    assert loading == {"PH003": "note", "PH004": "warning"}


@pytest.mark.parametrize(
    ("params", "read"),
    [
        ([("eventTypes", ["push"]), ("eventTypes", ["ping"])], ["ping"]),
        # sorted by bytes, as json.Marshal sorts a map: what is in lower case comes last
        ([("eventtypes", ["push"]), ("EventTypes", ["ping"])], ["push"]),
        ([("EventTypes", ["ping"]), ("eventTypes", None)], ["ping"]),
    ],
)
def test_of_several_spellings_the_last_counts(params: list[tuple[str, Any]], read: Json) -> None:
    given = [{"name": name, "value": value} for name, value in params]
    text = listener(yaml.safe_dump({"interceptors": [{"ref": {"name": "github"}, "params": given}]}))
    assert dict(spec(text).params) == {"eventTypes": read}


def test_two_spellings_of_an_object_are_read_into_one() -> None:
    text = chain("github", SecretRef={"secretName": "a", "secretKey": "k"}, secretRef={"secretName": "b"})
    assert dict(spec(text).params) == {"secretRef": {"secretName": "b", "secretKey": "k"}}


@pytest.mark.parametrize("param", ["{name: a}", "{name: a, value: }", "{name: a, value: null}", "{name: a, value: ''}"])
def test_a_param_without_a_value_is_empty_text(param: str) -> None:
    text = binding(f"- {param}")
    loaded = load_documents({"x.yaml": text}, namespace="lab")
    assert loaded.registry.bindings["lab", "b"].params == (Param("a", ""),)
    doubt = 'doubt has no value, so it is empty text, as in Tekton; write "value"'
    assert said(text) == ([] if "''" in param else [doubt])


@pytest.mark.parametrize("kind", ["NamespacedInterceptor", "ClusterInterceptor"])
def test_params_of_custom_interceptors_stay_as_they_are(kind: str) -> None:
    name = "github" if kind == "NamespacedInterceptor" else "policy"
    entry = {"ref": {"name": name, "kind": kind}, "params": [{"name": "EventTypes", "value": {"Key": 1}}]}
    text = listener(yaml.safe_dump({"interceptors": [entry]}))
    assert spec(text).params == (("EventTypes", {"Key": 1}),)
    assert said(text) == []


def test_every_field_of_our_kinds_is_read_in_any_case() -> None:
    text = API + dedent("""
        kind: EventListener
        metadata: {name: el}
        Spec:
          labelselector: {MatchLabels: {a: b}}
          Triggers:
            - Name: t
              Interceptors:
                - Ref: {Name: github}
                  Params: [{Name: eventTypes, Value: [push]}]
              template: {Ref: tpl}
        """)
    loaded = load_documents({"x.yaml": text}, namespace="lab")
    found = loaded.registry.listeners["lab", "el"]
    assert found.triggers[0].name == "t"
    assert found.selector.labels == LabelSelector({"a": "b"})
    assert spec(text) == InterceptorSpec(ref_name="github", params=(("eventTypes", ["push"]),))
    assert {note.message for note in loaded.notes} == {"is read in any case, as Tekton reads it"}
    assert {note.line for note in loaded.notes} == {5, 6, 7, 8, 9, 10, 11, 12}


def test_metadata_is_kubernetes_own_and_read_as_it_is_spelt() -> None:
    text = API + "kind: TriggerBinding\nmetadata: {name: b, Labels: {a: b}}\nspec: {params: [{name: p, value: v}]}"
    assert mistakes(text) == ['3: TriggerBinding lab/b: metadata.Labels: unknown field; did you mean "labels"?']


def test_what_is_required_is_required_in_any_case() -> None:
    text = listener("interceptors:\n  - Ref: {Kind: ClusterInterceptor}")
    assert [found for found in mistakes(text) if "required" in found] == [
        "8: EventListener lab/el: spec.triggers[0].interceptors[0].ref.name: this field is required"
    ]
