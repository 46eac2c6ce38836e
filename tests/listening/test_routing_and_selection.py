"""Which listener a request is for, and which Trigger objects a selector means."""

from __future__ import annotations

import pytest

from functions.common.errors import BadRequestError, ConfigurationError
from functions.listening.prepared import Listener
from functions.listening.routing import choose, served
from functions.listening.selection import matches, selected_triggers
from functions.model.resources import (
    LabelSelector,
    Metadata,
    Registry,
    Requirement,
    Source,
    Trigger,
    TriggerSelector,
    TriggerSpec,
)


def listener(path: str) -> Listener:
    namespace, name = path.split("/")
    return Listener(name, namespace, "", (), takes_forms=False)


LISTENERS = {path: listener(path) for path in ("a/one", "a/two", "b/one")}


def test_a_single_listener_answers_on_every_path() -> None:
    only = {"a/one": listener("a/one")}
    assert choose(only, "", "/anything?x=1") is only["a/one"]


@pytest.mark.parametrize("left", [("a/one",), ()])
@pytest.mark.parametrize("path", ["/", "/b/one", "/anything"])
def test_what_is_left_of_several_answers_for_none_of_the_others(left: tuple[str, ...], path: str) -> None:
    seen = {name: LISTENERS[name] for name in left}
    with pytest.raises(BadRequestError) as caught:
        choose(seen, "", path, several=True)
    assert caught.value.status == 404


@pytest.mark.parametrize("path", ["/a/one", "/a/one?x=1"])
def test_what_is_left_of_several_answers_on_its_own_path(path: str) -> None:
    only = {"a/one": listener("a/one")}
    assert choose(only, "", path, several=True) is only["a/one"]
    assert choose(only, "one", "/anything", several=True) is only["a/one"]


@pytest.mark.parametrize("name", ["two", "a/two"])
def test_event_listener_names_the_one_that_answers_on_every_path(name: str) -> None:
    assert choose(LISTENERS, name, "/b/one") is LISTENERS["a/two"]


@pytest.mark.parametrize("path", ["/b/one", "/b/one/", "/b/one/more?x=1", "/%62/one"])
def test_of_several_the_path_chooses(path: str) -> None:
    assert choose(LISTENERS, "", path) is LISTENERS["b/one"]


@pytest.mark.parametrize("path", ["/", "/b", "/b/three", "/one", "//b/one", "/b%2Fone", ""])
def test_any_other_path_is_404(path: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        choose(LISTENERS, "", path)
    assert caught.value.status == 404
    assert not any(name in caught.value.reason for name in LISTENERS)


@pytest.mark.parametrize(
    ("listeners", "name", "said"),
    [
        ({}, "", "no EventListener"),
        (LISTENERS, "three", "no such listener"),
        (LISTENERS, "one", "several listeners"),
        (LISTENERS, "c/one", "no such listener"),
    ],
)
def test_what_cannot_be_served_is_said(listeners: dict[str, Listener], name: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        served(listeners, name)


def trigger(path: str, **labels: str) -> Trigger:
    namespace, name = path.split("/")
    return Trigger(Metadata(name, namespace, labels), TriggerSpec((), None), Source("f"))


REGISTRY = Registry(
    triggers={
        tuple(path.split("/")): trigger(path, **labels)  # type: ignore[misc]  # two parts each
        for path, labels in {
            "a/x": {"team": "a", "env": "prod"},
            "a/y": {"team": "b"},
            "b/z": {"team": "a"},
            "c/w": {},
        }.items()
    }
)


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        (TriggerSelector(), []),
        (TriggerSelector(namespaces=()), []),
        (TriggerSelector(labels=LabelSelector()), ["x", "y"]),
        (TriggerSelector(labels=LabelSelector({"team": "a"})), ["x"]),
        (TriggerSelector(namespaces=(), labels=LabelSelector({"team": "a"})), ["x"]),
        (TriggerSelector(namespaces=("b", "c")), ["z", "w"]),
        (TriggerSelector(namespaces=("*",)), ["x", "y", "z", "w"]),
        (TriggerSelector(namespaces=("*",), labels=LabelSelector({"team": "a"})), ["x", "z"]),
        (TriggerSelector(namespaces=("*", "b")), ["z"]),
    ],
)
def test_selectors_select_as_tekton_does(selector: TriggerSelector, names: list[str]) -> None:
    assert [found.metadata.name for found in selected_triggers(selector, REGISTRY, namespace="a")] == names


@pytest.mark.parametrize(
    ("requirement", "labels", "satisfied"),
    [
        (Requirement("k", "In", ("a", "b")), {"k": "b"}, True),
        (Requirement("k", "In", ("a",)), {}, False),
        (Requirement("k", "NotIn", ("a",)), {}, True),
        (Requirement("k", "NotIn", ("a",)), {"k": "a"}, False),
        (Requirement("k", "Exists"), {"k": ""}, True),
        (Requirement("k", "Exists"), {}, False),
        (Requirement("k", "DoesNotExist"), {}, True),
        (Requirement("k", "DoesNotExist"), {"k": ""}, False),
    ],
)
def test_requirements_mean_what_they_mean_in_kubernetes(
    requirement: Requirement, labels: dict[str, str], satisfied: bool
) -> None:
    assert matches(LabelSelector({}, (requirement,)), labels) is satisfied
