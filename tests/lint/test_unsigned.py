"""PH406: names that hold what no signature covers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lint.support import found, ids, listed, pinned, with_params
from tests.support.sources import cel, github, manifest

EVENTS = github(eventTypes=["push"])


def named(field: str, text: str = "c-$(tt.params.p)-") -> dict[str, Any]:
    resource = pinned(p="$(tt.params.p)")
    resource["metadata"] = {"generateName": "c-"} | {field: text}
    if field == "name":
        del resource["metadata"]["generateName"]
    return with_params("p", resource=resource)


@pytest.mark.parametrize("field", ["name", "generateName", "namespace"])
@pytest.mark.parametrize(
    "value",
    [
        "$(context.eventID)",
        "$(header.X-GitHub-Delivery)",
        "$(header.x-request-id)",
        "$(header['X-GitHub-Event'])",
        "$(header)",
        "a-$(body.after)-$(context.eventID)",
    ],
)
def test_what_is_not_signed_in_a_name(field: str, value: str) -> None:
    assert "PH406" in ids(listed(params={"p": value}), named(field))


@pytest.mark.parametrize(
    "value", ["$(body.after)", "$(extensions.sha)", "context.eventID", "$(body.header)", "$(body.context.eventID)"]
)
def test_what_is_signed_is_none(value: str) -> None:
    chain = (EVENTS, cel(sha="body.after.truncate(7)"))
    assert "PH406" not in ids(listed(*chain, params={"p": value}), named("generateName"))


@pytest.mark.parametrize(
    "overlays",
    [
        {"id": "header.canonical('X-GitHub-Delivery')"},
        {"id": "header['X-Github-Delivery'][0]"},
        {"id": "requestURL.parseURL().path"},
        {"a": "header.canonical('X')", "id": "extensions.a + 'x'"},
        {"id.below": "header.canonical('X')"},
    ],
)
def test_an_overlay_hands_it_on(overlays: dict[str, str]) -> None:
    chains = [cel(**{key: expression}) for key, expression in overlays.items()]
    assert "PH406" in ids(listed(EVENTS, *chains, params={"p": "$(extensions.id)"}), named("generateName"))
    assert "PH406" not in ids(listed(EVENTS, *chains, params={"p": "$(body.after)"}), named("generateName"))


def test_a_binding_of_its_own_and_one_finding_for_several_triggers() -> None:
    binding = manifest("TriggerBinding", "b", {"params": [{"name": "p", "value": "$(header.X-GitHub-Delivery)"}]})
    one = listed()
    one["spec"]["triggers"] = [
        {**one["spec"]["triggers"][0], "name": name, "bindings": [{"ref": "b"}]} for name in ("one", "two")
    ]
    [hit] = [finding for finding in found(one, binding, named("generateName")) if finding.rule.id == "PH406"]
    assert hit.path == "spec.resourcetemplates[0].metadata.generateName"
    assert hit.message.endswith(": $(tt.params.p)")


@pytest.mark.parametrize("field", ["labels", "annotations"])
def test_elsewhere_it_may_stand(field: str) -> None:
    resource = pinned(p="$(tt.params.p)")
    resource["metadata"] = {"generateName": "c-", field: {"id": "$(tt.params.p)"}}
    assert "PH406" not in ids(listed(params={"p": "$(context.eventID)"}), with_params("p", resource=resource))
