"""Exactly once while somebody edits the manifests between two attempts of one delivery."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.standins.faults import Fault
from tests.support.production import KEY, Production, config_map, manifests, open_production, push, pushed
from tests.support.sources import cel, github, inline, listener, run, template


@pytest.fixture
def production(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Production]:
    with open_production(tmp_path, monkeypatch) as found:
        yield found


def attempt(production: Production, body: bytes) -> list[str]:
    """Deliver to a new instance, which reads the manifests as they are now; the outcomes are sorted."""
    return sorted(push(production.application(), body).statuses)


def trigger(name: str, expression: str, kind: str = "template") -> dict[str, Any]:
    return inline(name, github(KEY), cel(expression), template={"ref": kind})


FILTERS = ["true", "body.ref != ''", "has(body.ref)"]


@pytest.mark.parametrize("order", [(2, 1, 0), (1, 0, 2), (0, 2, 1)])
@pytest.mark.parametrize("name", ["", "alike"])
def test_the_order_of_triggers_means_nothing(production: Production, name: str, order: tuple[int, ...]) -> None:
    triggers = [trigger(name, expression) for expression in FILTERS]
    body = pushed()
    production.write(listener(*triggers), template())
    assert attempt(production, body) == ["created"] * 3
    production.write(listener(*(triggers[place] for place in order)), template())
    assert attempt(production, body) == ["duplicate"] * 3
    assert len(production.objects()) == 3


def test_a_trigger_before_the_unnamed_ones_changes_nothing_of_them(production: Production) -> None:
    unnamed, body = [trigger("", expression) for expression in FILTERS], pushed()
    production.write(listener(*unnamed), template())
    assert attempt(production, body) == ["created"] * 3
    production.write(listener(trigger("new", "true"), *unnamed[::-1]), template())
    assert attempt(production, body) == ["created", *["duplicate"] * 3]


def test_unnamed_triggers_that_say_the_same_each_run_once(production: Production) -> None:
    alike, body = [trigger("", "true"), trigger("", "true")], pushed()
    production.write(listener(*alike), template())
    assert attempt(production, body) == ["created"] * 2
    production.write(listener(trigger("", "has(body.ref)"), *alike), template())
    assert attempt(production, body) == ["created", "duplicate", "duplicate"]


def test_what_a_named_trigger_says_may_be_mended(production: Production) -> None:
    body = pushed()
    production.write(listener(trigger("named", "true")), template())
    assert attempt(production, body) == ["created"]
    production.write(listener(trigger("named", "has(body.ref)")), template("template", run(m="mended")))
    assert attempt(production, body) == ["duplicate"]


RESOURCES = [
    run(),
    config_map("settings-"),
    run("check-"),
    run(which="a"),  # with the first one's name, so told apart by what it holds
    run(which="b"),
    run(which="b"),
]


@pytest.mark.parametrize("order", [(5, 4, 3, 2, 1, 0), (1, 0, 3, 2, 5, 4), (3, 4, 5, 0, 1, 2)])
def test_the_order_of_a_templates_resources_means_nothing(production: Production, order: tuple[int, ...]) -> None:
    body = pushed()
    production.write(*manifests(*RESOURCES))
    # of one kind nothing is created by the first attempt
    fault = production.cluster.faults.add(Fault(status=500, method="POST", kind="ConfigMap"))
    assert push(production.application(), body).status == 503
    assert len(production.objects()) == 5
    production.cluster.faults.remove(fault)
    production.write(*manifests(*(RESOURCES[place] for place in order)))
    answer = push(production.application(), body)
    assert (answer.statuses, answer.reasons) == (["created"], ["5 of 6 resources existed from this delivery"])
    assert (len(production.objects()), len(production.objects("ConfigMap"))) == (5, 1)
    assert attempt(production, body) == ["duplicate"]


def test_what_is_not_signed_has_no_part_in_the_names(production: Production) -> None:
    """Resources that share a generateName are told apart by what the template says, not by what is rendered."""
    two = [run(which=which, guid="$(tt.params.guid)") for which in ("a", "b")]
    trigger = inline("t", github(KEY), bindings=[{"name": "guid", "value": "$(header.X-GitHub-Delivery)"}])
    production.write(listener(trigger), template("template", *two))
    body = pushed()
    assert attempt(production, body) == ["created"]
    assert attempt(production, body) == ["duplicate"]
    assert len(production.objects()) == 2


@pytest.mark.parametrize("edit", ["trigger", "listener", "generateName", "unnamed"])
def test_another_name_is_another_object(production: Production, edit: str) -> None:
    """What cannot be known for the same, as docs/reply.md says."""
    before, after, body = trigger("t", "true"), trigger("t", "true"), pushed()
    name, base = "listener", "run-"
    if edit == "trigger":
        after = trigger("renamed", "true")
    elif edit == "unnamed":
        before, after = trigger("", "true"), trigger("", "has(body.ref)")
    elif edit == "listener":
        name = "renamed"
    else:
        base = "renamed-"
    production.write(listener(before), template())
    assert attempt(production, body) == ["created"]
    production.write(listener(after, name=name), template("template", run(base)))
    assert attempt(production, body) == ["created"]
