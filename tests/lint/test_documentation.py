"""docs/lint.md: a section for each rule, whose first example breaks it and whose second does not."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from functions.lint import STRUCTURE
from functions.lint.rules import RULES
from tests.lint.support import ids, pinned
from tests.support.function import ROOT
from tests.support.sources import github, inline, listener, manifest

PAGE = (ROOT / "docs" / "lint.md").read_text(encoding="utf-8")
SECTIONS = {text[:5]: text for text in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]}
EXAMPLES = {rule: re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) for rule, text in SECTIONS.items()}


def broken(example: str) -> list[str]:
    """The rules that an example breaks: an object of its own beside a trigger, or a part of that trigger."""
    part: dict[str, Any] = yaml.safe_load(example)
    if "apiVersion" in part:
        plain = {"spec": {"resourcetemplates": [pinned()]}}
        return ids(listener(inline("t", github(eventTypes=["push"]), template=plain)), example, beside=True)
    bindings = part.get("bindings", [])
    names = [binding["name"] for binding in bindings]
    used = {"params": [{"name": name} for name in names]}
    used["resourcetemplates"] = [pinned(**{name: f"$(tt.params.{name})" for name in names})]
    trigger = {"interceptors": [github(eventTypes=["push"])], "template": {"spec": used}, "bindings": bindings, **part}
    return ids(manifest("EventListener", "l", {"triggers": [{"name": "t", **trigger}]}), beside=True)


def test_every_rule_has_a_section_in_order_with_its_name_and_severity() -> None:
    assert list(SECTIONS) == list(RULES)
    for rule, text in SECTIONS.items():
        assert text.split("\n")[2].startswith(f"**{RULES[rule].name}** ({RULES[rule].severity}"), rule
        assert "\nWrong:\n" in text
        assert "\nMended:" in text
        assert (f"`# pipehook:ignore={rule}`" in text) != (rule == STRUCTURE)


@pytest.mark.parametrize("rule", EXAMPLES)
def test_the_first_example_breaks_the_rule_and_the_second_does_not(rule: str) -> None:
    wrong, *right = EXAMPLES[rule]
    beside = {"PH501"} if "apiVersion" in wrong else set()  # no listener of theirs is shown
    assert rule in broken(wrong)
    assert set(broken(wrong)) <= {rule, "PH303"} | beside  # a binding that does not compile is unbindable, too
    for example in right:
        assert set(broken(example)) <= beside
