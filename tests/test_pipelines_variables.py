"""`pipehook.dev/pipelines-variables: literal`: no text of an event is ever a variable of Tekton Pipelines."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.common.values import Json
from functions.model.resources import TemplateSpec
from functions.rendering.templates import compile_template
from tests.support.application import Application
from tests.support.deliveries import PUSH, SECRET, encoded, headers
from tests.support.function import Answer
from tests.support.sources import github, inline, listener, run, template
from tests.support.workspace import Workspace

LITERAL = {"pipehook.dev/pipelines-variables": "literal"}
NUMBERS = itertools.count()
VALUE = "$(tt.params.m)"
VARIABLE = re.compile(r"\$\([^)]*\)")
"""What every replacer and finder of Pipelines looks for: ApplyReplacements, ResultRef, StepResultRegex, …"""
TEXTS = st.text(alphabet="$()a.[]*'\" ", max_size=12) | st.sampled_from(
    ["$(context.pipelineRun.name)", "$$(tasks.a.results.b)", "$", "(context.pipelineRun.uid)", "$(params.b"]
)


def pasted(text: str, params: Mapping[str, str]) -> str:
    """Replace as pkg/substitution's ApplyReplacements: all in one pass, and nothing that it does not know."""
    names = {f"$(params.{name})": value for name, value in params.items()}
    return re.sub("|".join(map(re.escape, names)), lambda found: names[found[0]], text)


@given(a=TEXTS, b=TEXTS, between=st.sampled_from(["", "$", "(", ")", "$$", "x"]))
def test_neither_a_value_nor_values_together_are_a_variable(a: str, b: str, between: str) -> None:
    source: dict[str, Json] = {
        "a": "$(tt.params.a)",
        "b": "$(tt.params.b)",
        "both": f"$(tt.params.a){between}$(tt.params.b)",
    }
    spec = TemplateSpec((), ({"spec": source},))
    [made] = compile_template(spec, literal=True).render({"a": a, "b": b}, uid="u")
    values: Any = made["spec"]
    assert not VARIABLE.search(values["both"])
    # and when a Pipeline sets them side by side, its own text before and between them
    for text in (f"$(params.a){between}$(params.b)", "$$(params.a)$$(params.b))"):
        assert not VARIABLE.search(pasted(text, values))
    # nothing is lost but the bareness: what was put in is spaces
    assert values["a"].replace(" ", "") == a.replace(" ", "")


@pytest.mark.parametrize(
    ("value", "literal", "tekton"),
    [
        ("$(context.pipelineRun.name)", "$ (context.pipelineRun.name)", "$$(context.pipelineRun.name)"),
        ("a $$(tasks.t.results.r)", "a $$ (tasks.t.results.r)", "a $$$(tasks.t.results.r)"),
        ("costs 5$", "costs 5$ ", "costs 5$"),
        ("(core) mend it", " (core) mend it", "(core) mend it"),
        ("plain $HOME ${x} f(x)", "plain $HOME ${x} f(x)", "plain $HOME ${x} f(x)"),
    ],
)
def test_the_annotation_decides_what_becomes_of_a_value(
    workspace: Workspace, value: str, literal: str, tekton: str
) -> None:
    for said, wanted in ((LITERAL, literal), ({}, tekton)):
        for kind in ("EventListener", "TriggerTemplate"):
            answer = pushed(deployed(workspace, {kind: said}), value)
            assert answer.statuses == ["created"]
            made = workspace.cluster.objects("PipelineRun", workspace.namespace)[-1]
            assert {param["name"]: param["value"] for param in made["spec"]["params"]} == {"m": wanted}


@pytest.mark.parametrize("kind", ["EventListener", "TriggerTemplate"])
def test_any_other_word_fails_the_trigger(workspace: Workspace, kind: str) -> None:
    for annotation, reason in (
        ({"pipehook.dev/pipelines-variables": "yes"}, "must be literal"),
        ({"pipehook.dev/pipeline-variables": "literal"}, f"means nothing on an? {kind}"),
    ):
        answer = pushed(deployed(workspace, {kind: annotation}), "x")
        assert answer.status == 422
        assert re.search(reason, answer.reasons[0])


@pytest.mark.parametrize(
    "text", ["$(params.$(tt.params.m))", "$($(tt.params.m))", "x $(tasks.a-$(tt.params.m).results.r)"]
)
def test_a_value_that_would_choose_a_variable_fails_the_trigger(workspace: Workspace, text: str) -> None:
    assert pushed(deployed(workspace, {}, text), "m").statuses == ["created"]
    answer = pushed(deployed(workspace, {"EventListener": LITERAL}, text), "m")
    assert answer.status == 422
    assert "stands inside of a variable" in answer.reasons[0]


def test_shell_in_a_template_is_its_own(workspace: Workspace) -> None:
    application = deployed(workspace, {"EventListener": LITERAL}, "$(basename $(tt.params.m)) $(params.own)")
    assert pushed(application, "a$(b)").statuses == ["created"]
    [made] = workspace.cluster.objects("PipelineRun", workspace.namespace)
    assert made["spec"]["params"][0]["value"] == "$(basename a$ (b)) $(params.own)"


def deployed(workspace: Workspace, annotations: Mapping[str, Mapping[str, str]], text: str = VALUE) -> Application:
    """A listener and its template with annotations by kind, whose run has the push's message in a param."""
    found = listener(inline("t", github(), bindings=[{"name": "m", "value": "$(body.message)"}]))
    written = template("template", run(m=text))
    written["spec"]["params"] = [{"name": "m"}]
    for manifest in (found, written):
        manifest["metadata"]["annotations"] = dict(annotations.get(manifest["kind"], {}))
    workspace.secret("hook", "token", SECRET)
    workspace.write([found, written])
    return Application(workspace.environment())


def pushed(application: Application, message: str) -> Answer:
    """Push a message, each time another push."""
    body = encoded(PUSH | {"message": message, "before": f"{next(NUMBERS)}"})
    return application.post(body, headers("push", body))
