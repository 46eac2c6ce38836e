"""PH005, and the checks of bindings and templates that no listener of these manifests uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.lint.support import ids, listed, pinned, with_params
from tests.support.sources import github, inline, listener, manifest, trigger

LONG = "b" * 64
HOOK = {"url": "https://hooks.example.com/x", "objectRef": {"name": "x"}}
OUT = frozenset({"hooks.example.com"})


OLDER = {"apiVersion": "triggers.tekton.dev/v1alpha1"}
BOTH = listener(inline("t", github(eventTypes=["push"])), cloudEventURI="https://events.example.com")


def binding(*params: tuple[str, str], name: str = "b", kind: str = "TriggerBinding") -> dict[str, Any]:
    return manifest(kind, name, {"params": [{"name": key, "value": value} for key, value in params]})


@pytest.mark.parametrize(
    "refused",
    [
        binding(("a", "x"), name=LONG),
        binding(("a", "x"), ("a", "y")),
        binding(("a", "x"), ("a", "y"), kind="ClusterTriggerBinding"),
        manifest("TriggerTemplate", LONG, {"resourcetemplates": [pinned()]}),
        trigger(LONG, github(eventTypes=["push"]), labels={}),
        trigger("t", github(eventTypes=["push"]), {"webhook": HOOK}, labels={}),
        listener(inline("t", github(eventTypes=["push"]), {"webhook": HOOK})),
        listener(inline("t", github(eventTypes=["push"])), resources={"kubernetesResource": {"replicas": -1}}),
        listener(
            inline("t", github(eventTypes=["push"])),
            resources={"kubernetesResource": {"serviceType": "NodePort", "serviceLoadBalancerClass": "x"}},
        ),
        listener(
            inline("t", github(eventTypes=["push"])),
            resources={"kubernetesResource": {"spec": {"template": {"spec": {"containers": [{}, {}]}}}}},
        ),
        BOTH | OLDER,
    ],
)
def test_what_tekton_does_not_take(refused: Mapping[str, Any]) -> None:
    assert "PH005" in ids(refused, with_params(), outbound_hosts=OUT)


def test_what_tekton_takes() -> None:
    full = {**HOOK, "objectRef": {"name": "x", "kind": "Service", "apiVersion": "v1"}}
    balancer = {"kubernetesResource": {"serviceType": "LoadBalancer", "serviceLoadBalancerClass": "x", "replicas": 2}}
    taken = [
        binding(("a", "x"), ("b", "y"), name=LONG[1:]),
        listener(inline("t", github(eventTypes=["push"]), {"webhook": full}), resources=balancer),
        BOTH,
    ]
    assert "PH005" not in ids(*taken, with_params(), outbound_hosts=OUT)


@pytest.mark.parametrize("beside", [[], [listed(), with_params()]])
@pytest.mark.parametrize(
    ("alone", "rule"),
    [
        (binding(("a", "$(event.body.after)")), "PH303"),
        (binding(("a", "$(body.after")), "PH305"),
        (binding(("a", "$(body.ref.split('/')[2])")), "PH303"),
        (manifest("TriggerTemplate", "other", {"resourcetemplates": [pinned(v="$(tt.params.v)")]}), "PH101"),
        (
            manifest(
                "TriggerTemplate", "other", {"params": [{"name": "v"}], "resourcetemplates": [pinned(v="$(params.v)")]}
            ),
            "PH103",
        ),
        (
            manifest(
                "TriggerTemplate",
                "other",
                {"resourcetemplates": [{**pinned(), "metadata": {"generateName": "r-", "labels": {"a": True}}}]},
            ),
            "PH401",
        ),
    ],
)
def test_bindings_and_templates_are_checked_without_a_listener(
    alone: Mapping[str, Any], rule: str, beside: list[Mapping[str, Any]]
) -> None:
    assert [found for found in ids(*beside, alone) if found != "PH501"] == [rule]


def test_nothing_is_guessed_of_a_chain_that_stands_elsewhere() -> None:
    other = manifest(
        "TriggerTemplate", "other", {"params": [{"name": "v"}], "resourcetemplates": [pinned(v="$(tt.params.v)")]}
    )
    assert ids(binding(("v", "$(extensions.any)"), ("w", "$(body.pull_request.head.repo.x)")), other) == []
