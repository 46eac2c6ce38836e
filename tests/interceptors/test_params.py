"""Params are read as Go reads them: types strictly, unknown fields not at all, secret references complete."""

from __future__ import annotations

import pytest

from functions.common.errors import LastingError
from functions.common.values import Json
from functions.interceptors.base import Place
from functions.interceptors.github import build
from functions.interceptors.signatures import HubSignature
from functions.model.resources import InterceptorSpec, Registry
from tests.interceptors.running import built


@pytest.mark.parametrize(
    ("interceptor", "params", "reason"),
    [
        ("github", {"eventTypes": "push"}, "github: eventTypes must be a list of strings"),
        ("github", {"eventTypes": ["push", 1]}, "github: eventTypes must be a list of strings"),
        ("gitlab", {"eventTypes": {"a": 1}}, "gitlab: eventTypes must be a list of strings"),
        ("github", {"secretRef": "hook"}, "github: secretRef must be an object"),
        ("github", {"secretRef": {"secretName": 1, "secretKey": "k"}}, "github: secretRef.secretName must be a string"),
        ("github", {"addChangedFiles": True}, "github: addChangedFiles must be an object"),
        ("github", {"addChangedFiles": {"enabled": "true"}}, "github: addChangedFiles.enabled must be true or false"),
        ("slack", {"requestedFields": "text"}, "slack: requestedFields must be a list of strings"),
    ],
)
def test_mistakes_are_named_in_tektons_words(interceptor: str, params: dict[str, Json], reason: str) -> None:
    with pytest.raises(LastingError) as caught:
        built(interceptor, params)
    assert caught.value.reason == f"failed to parse interceptor params: {reason}"


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"secretRef": {"secretName": "hook"}}, "github interceptor secretRef.secretKey is empty"),
        ({"secretRef": {"secretName": "hook", "secretKey": ""}}, "github interceptor secretRef.secretKey is empty"),
        ({"secretRef": {}}, "github interceptor secretRef.secretKey is empty"),
        ({"secretRef": {"secretKey": "k"}}, "github interceptor secretRef.secretName is empty"),
        (
            {"githubOwners": {"enabled": True, "personalAccessToken": {"secretName": "pat"}}},
            "github interceptor githubOwners.personalAccessToken.secretKey is empty",
        ),
    ],
)
def test_incomplete_secret_references_are_named(params: dict[str, Json], reason: str) -> None:
    with pytest.raises(LastingError) as caught:
        built("github", params)
    assert caught.value.reason == reason


def test_of_a_param_given_twice_the_last_counts() -> None:
    spec = InterceptorSpec(ref_name="github", params=(("eventTypes", ["push"]), ("eventTypes", ["ping"])))
    assert build(spec, Place("team", "team", Registry())).event_types == ("ping",)


@pytest.mark.parametrize("section", ["addChangedFiles", "githubOwners"])
def test_what_is_not_enabled_may_be_incomplete(section: str) -> None:
    built("github", {section: {"enabled": False, "personalAccessToken": {}}})


@pytest.mark.parametrize("namespace", ["team", "other"])
def test_a_secret_is_read_in_the_triggers_own_namespace_whatever_is_named(namespace: str) -> None:
    made = built("github", {"secretRef": {"secretName": "hook", "secretKey": "k", "namespace": namespace}})
    assert isinstance(made.verifier, HubSignature)
    assert made.verifier.ref.namespace == "team"


def test_null_is_a_param_that_is_not_there() -> None:
    assert not built("github", {"secretRef": None, "addChangedFiles": None, "githubOwners": None}).vouches


def test_slack_asks_for_requested_fields() -> None:
    with pytest.raises(LastingError, match="missing requested field definition"):
        built("slack")
