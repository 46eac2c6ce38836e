"""Params are read strictly: types, unknown and repeated fields, secret references."""

from __future__ import annotations

import pytest

from functions.errors import LastingError
from functions.interceptors.base import Place
from functions.interceptors.github import build
from functions.model.resources import InterceptorSpec, Registry
from functions.values import Json
from tests.interceptors.running import built


@pytest.mark.parametrize(
    ("interceptor", "params", "reason"),
    [
        ("github", {"eventTypes": "push"}, "github: eventTypes must be a list of strings"),
        ("github", {"eventTypes": ["push", 1]}, "github: eventTypes must be a list of strings"),
        ("gitlab", {"eventTypes": {"a": 1}}, "gitlab: eventTypes must be a list of strings"),
        ("github", {"secretRef": "hook"}, "github: secretRef must be an object"),
        ("github", {"secretRef": {"secretName": 1, "secretKey": "k"}}, "github: secretRef.secretName must be a string"),
        (
            "github",
            {"eventType": ["push"]},
            (
                "github: eventType is unknown (did you mean eventTypes?); known are "
                "addChangedFiles, eventTypes, githubOwners, secretRef"
            ),
        ),
        ("gitlab", {"zzz": 1}, "gitlab: zzz is unknown; known are eventTypes, secretRef"),
        (
            "bitbucket",
            {"secretRef": {"secretname": "hook", "secretKey": "k"}},
            (
                "bitbucket: secretRef.secretname is unknown (did you mean secretName?); known are "
                "namespace, secretKey, secretName"
            ),
        ),
        ("github", {"addChangedFiles": True}, "github: addChangedFiles must be an object"),
        ("github", {"addChangedFiles": {"enabled": "true"}}, "github: addChangedFiles.enabled must be true or false"),
        (
            "github",
            {"addChangedFiles": {"enable": True}},
            "github: addChangedFiles.enable is unknown (did you mean enabled?); known are enabled, personalAccessToken",
        ),
        (
            "github",
            {"githubOwners": {"enabled": True, "checkType": "orgmembers"}},
            (
                "github: githubOwners.checkType must be one of orgMembers, repoMembers, all, none "
                "(did you mean orgMembers?)"
            ),
        ),
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
            {"secretRef": {"secretName": "hook", "secretKey": "k", "namespace": "other"}},
            "github interceptor secretRef.namespace: secrets are read in the trigger's own namespace only",
        ),
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


def test_a_param_given_twice_is_a_mistake() -> None:
    spec = InterceptorSpec(ref_name="github", params=(("eventTypes", ["push"]), ("eventTypes", ["ping"])))
    with pytest.raises(LastingError, match="github: eventTypes is given twice"):
        build(spec, Place("team", "team", Registry()))


def test_the_triggers_own_namespace_may_be_named() -> None:
    ref: Json = {"secretName": "hook", "secretKey": "k", "namespace": "team"}
    assert built("github", {"secretRef": ref}).vouches


def test_null_is_a_param_that_is_not_there() -> None:
    assert not built("github", {"secretRef": None, "addChangedFiles": None, "githubOwners": None}).vouches


def test_slack_asks_for_requested_fields() -> None:
    with pytest.raises(LastingError, match="missing requested field definition"):
        built("slack")
