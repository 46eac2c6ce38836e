"""Manifests with one part left to the test, and what loading says about them."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest

from functions.model.findings import ManifestError
from functions.model.load import load_documents

API = "apiVersion: triggers.tekton.dev/v1beta1\n"


def mistakes(text: str | bytes) -> list[str]:
    """What is wrong with one text, without the name of its file."""
    with pytest.raises(ManifestError) as caught:
        load_documents({"x.yaml": text}, namespace="lab")
    return [mistake.removeprefix("x.yaml:") for mistake in caught.value.mistakes]


def listener(trigger: str) -> str:
    """A listener whose one trigger, beginning in line 7, has the fields of `trigger` and a template."""
    head = "kind: EventListener\nmetadata: {name: el}\nspec:\n  triggers:\n    - name: t\n"
    return API + head + indent(dedent(trigger).strip("\n") + "\ntemplate: {ref: tpl}\n", " " * 6)


def binding(params: str) -> str:
    """A TriggerBinding whose params begin in line 6."""
    return (
        API + "kind: TriggerBinding\nmetadata: {name: b}\nspec:\n  params:\n" + indent(dedent(params).strip("\n"), "  ")
    )


def template(resources: str) -> str:
    """A TriggerTemplate whose resources begin in line 6."""
    head = "kind: TriggerTemplate\nmetadata: {name: tpl}\nspec:\n  resourcetemplates:\n"
    return API + head + indent(dedent(resources).strip("\n"), "  ")


def selecting(selector: str) -> str:
    """A listener with `selector`, beginning in line 5, in its spec."""
    return API + "kind: EventListener\nmetadata: {name: el}\nspec:\n" + indent(dedent(selector).strip("\n"), "  ")


EL = "EventListener lab/el: spec"
TRIGGER = f"{EL}.triggers[0]"
QUOTE = "put it in quotes"
QUOTE_BOOLEAN = "put it in quotes: YAML reads yes, no, on and off as booleans"
