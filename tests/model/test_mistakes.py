"""Mistakes of structure: what each is called, and where. Each case is one text and everything that is said about it."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from functions.common.errors import ConfigurationError
from functions.model.findings import ManifestError
from functions.model.load import load_documents, load_path
from tests.model.support import API, QUOTE, QUOTE_BOOLEAN, binding, listener, mistakes, template

CASES: dict[str, tuple[str, list[str]]] = {
    "an unknown field in metadata": (
        API + "kind: Trigger\nmetadata: {name: t, lables: {}}\nspec: {template: {ref: x}}",
        ['3: Trigger lab/t: metadata.lables: unknown field; did you mean "labels"?'],
    ),
    "a field outside the spec": (
        API + "kind: TriggerBinding\nmetadata: {name: b}\nspec: {params: [{name: a, value: b}]}\nparams: []",
        ["5: TriggerBinding lab/b: params: unknown field; known are apiVersion, kind, metadata, spec, status"],
    ),
    "a number where a string belongs": (
        binding("- name: a\n  value: 5"),
        [f"7: TriggerBinding lab/b: spec.params[0].value: must be a string, not a number; {QUOTE}"],
    ),
    "a version number where a string belongs": (
        binding("- {name: a, value: 1.10}"),
        [f"6: TriggerBinding lab/b: spec.params[0].value: must be a string, not a number; {QUOTE}"],
    ),
    "a word that YAML 1.1 takes for a boolean": (
        binding("- {name: a, value: yes}"),
        [f"6: TriggerBinding lab/b: spec.params[0].value: must be a string, not a boolean; {QUOTE_BOOLEAN}"],
    ),
    "an object where a string belongs": (
        binding("- {name: a, value: {b: c}}"),
        ["6: TriggerBinding lab/b: spec.params[0].value: must be a string, not an object"],
    ),
    "a string where an object belongs": (
        binding("- a=b"),
        ["6: TriggerBinding lab/b: spec.params[0]: must be an object, not a string"],
    ),
    "an object where a list belongs": (
        API + "kind: TriggerBinding\nmetadata: {name: b}\nspec:\n  params: {name: a, value: b}",
        ["5: TriggerBinding lab/b: spec.params: must be a list, not an object"],
    ),
    "a binding's param without a name": (
        binding("- value: a\n- name: ''\n  value: b"),
        [
            "6: TriggerBinding lab/b: spec.params[0].name: this field is required",
            "7: TriggerBinding lab/b: spec.params[1].name: must not be empty",
        ],
    ),
    "no params": (
        API + "kind: TriggerBinding\nmetadata: {name: b}\nspec: {params: []}",
        ["4: TriggerBinding lab/b: spec.params: needs at least one param"],
    ),
    "no spec": (
        API + "kind: TriggerBinding\nmetadata: {name: b}",
        ["1: TriggerBinding lab/b: spec: this field is required"],
    ),
    "no metadata": (
        API + "kind: TriggerBinding\nspec: {params: [{name: a, value: b}]}",
        ["1: TriggerBinding without a name: metadata: this field is required; with a name"],
    ),
    "no name": (
        API + "kind: TriggerBinding\nmetadata: {namespace: n}\nspec: {params: [{name: a, value: b}]}",
        ["3: TriggerBinding without a name: metadata.name: this field is required"],
    ),
    "a generated name": (
        API + "kind: TriggerBinding\nmetadata: {generateName: b-}\nspec: {params: [{name: a, value: b}]}",
        [
            (
                "3: TriggerBinding without a name: metadata.generateName: others refer to this object, so its"
                ' name must be fixed; write "name"'
            )
        ],
    ),
    "a name that Kubernetes refuses": (
        API + "kind: TriggerBinding\nmetadata: {name: My_Binding}\nspec: {params: [{name: a, value: b}]}",
        [
            (
                "3: TriggerBinding lab/My_Binding: metadata.name: is no valid name; lower-case letters,"
                " digits, '-' and '.', beginning and ending with a letter or digit"
            )
        ],
    ),
    "a namespace that Kubernetes refuses": (
        API + "kind: TriggerBinding\nmetadata: {name: b, namespace: a.b}\nspec: {params: [{name: a, value: b}]}",
        [
            (
                "3: TriggerBinding a.b/b: metadata.namespace: is no valid namespace; lower-case letters,"
                " digits and '-', at most 63"
            )
        ],
    ),
    "labels that Kubernetes refuses": (
        API + "kind: Trigger\nmetadata: {name: t, labels: {a b: c, d: e f, g: on}}\nspec: {template: {ref: x}}",
        [
            '3: Trigger lab/t: metadata.labels["a b"]: is no valid label key',
            (
                "3: Trigger lab/t: metadata.labels.d: must be a valid label value; letters, digits, '-', '_' and '.',"
                " at most 63, beginning and ending with a letter or digit"
            ),
            f"3: Trigger lab/t: metadata.labels.g: must be a string, not a boolean; {QUOTE_BOOLEAN}",
        ],
    ),
    "an unknown kind of our group": (
        API + "kind: TriggerBindings\nmetadata: {name: x}",
        [
            (
                "2: TriggerBindings lab/x: kind: triggers.tekton.dev has no kind TriggerBindings;"
                ' did you mean "TriggerBinding"?'
            )
        ],
    ),
    "an unknown version of our group": (
        "kind: Trigger\napiVersion: triggers.tekton.dev/v1\nmetadata: {name: x}",
        [
            (
                "2: Trigger lab/x: apiVersion: Trigger has no version v1;"
                " write triggers.tekton.dev/v1beta1 or triggers.tekton.dev/v1alpha1"
            )
        ],
    ),
    "a version that has other kinds": (
        API + "kind: ClusterInterceptor\nmetadata: {name: x}",
        [
            (
                "1: ClusterInterceptor x: apiVersion: ClusterInterceptor has no version v1beta1;"
                " write triggers.tekton.dev/v1alpha1"
            )
        ],
    ),
    "no kind, no version": (
        "metadata: {name: x}",
        ["1: kind: this field is required", "1: apiVersion: this field is required"],
    ),
    "a Trigger without a template": (
        API + "kind: Trigger\nmetadata: {name: t}\nspec: {bindings: []}",
        ["4: Trigger lab/t: spec.template: this field is required"],
    ),
    "a template without resources": (
        API + "kind: TriggerTemplate\nmetadata: {name: tpl}\nspec: {params: []}",
        ["4: TriggerTemplate lab/tpl: spec.resourcetemplates: needs at least one resource"],
    ),
    "resources that lack what every object needs": (
        template(
            """
            - kind: PipelineRun
              metadata: {generateName: a-}
            - apiVersion: v1
              metadata: {name: a}
            - apiVersion: v1
              kind: ConfigMap
            - apiVersion: v1
              kind: ConfigMap
              metadata: {labels: {}}
            - just text
            """
        ),
        [
            "6: TriggerTemplate lab/tpl: spec.resourcetemplates[0].apiVersion: this field is required",
            "8: TriggerTemplate lab/tpl: spec.resourcetemplates[1].kind: this field is required",
            (
                "10: TriggerTemplate lab/tpl: spec.resourcetemplates[2].metadata: this field is required;"
                " with a name or generateName"
            ),
            "14: TriggerTemplate lab/tpl: spec.resourcetemplates[3].metadata: needs a name or generateName",
            "15: TriggerTemplate lab/tpl: spec.resourcetemplates[4]: must be an object, not a string",
        ],
    ),
    "a template's params": (
        API
        + "kind: TriggerTemplate\nmetadata: {name: tpl}\nspec:\n  params: [{name: a, default: 1}, {defualt: a}]\n"
        + "  resourcetemplates: [{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}]",
        [
            f"5: TriggerTemplate lab/tpl: spec.params[0].default: must be a string, not a number; {QUOTE}",
            "5: TriggerTemplate lab/tpl: spec.params[1].name: this field is required",
            '5: TriggerTemplate lab/tpl: spec.params[1].defualt: unknown field; did you mean "default"?',
        ],
    ),
    "a custom interceptor": (
        """
        apiVersion: triggers.tekton.dev/v1alpha1
        kind: Interceptor
        metadata: {name: i}
        spec:
          clientConfig:
            url: https://example.com
            caBundle: "!!"
            service: {port: 70000}
        """,
        [
            "8: Interceptor lab/i: spec.clientConfig.caBundle: must be PEM text in base64",
            "9: Interceptor lab/i: spec.clientConfig.service: stands beside url; keep one of them",
            "9: Interceptor lab/i: spec.clientConfig.service.name: this field is required",
            "9: Interceptor lab/i: spec.clientConfig.service.namespace: this field is required",
            "9: Interceptor lab/i: spec.clientConfig.service.port: must be between 1 and 65535",
        ],
    ),
    "a port that is no number, in a ClusterInterceptor": (
        """
        apiVersion: triggers.tekton.dev/v1alpha1
        kind: ClusterInterceptor
        metadata: {name: i}
        spec: {clientConfig: {service: {name: a, namespace: b, port: "80"}}}
        """,
        ["5: ClusterInterceptor i: spec.clientConfig.service.port: must be an integer, not a string"],
    ),
    "a spec that is a list": (
        API + "kind: Trigger\nmetadata: []\nspec: []",
        [
            "3: Trigger without a name: metadata: must be an object, not a list",
            "4: Trigger without a name: spec: must be an object, not a list",
        ],
    ),
    "the same object twice": (
        binding("- {name: a, value: b}") + "\n---\n" + binding("- {name: c, value: d}"),
        ["8: TriggerBinding lab/b: stands twice, first at x.yaml:1; keep one of them"],
    ),
    "a key twice": (
        API + "kind: Trigger\nmetadata: {name: t}\nspec:\n  template: {ref: a}\n  template: {ref: b}",
        ['6: the key "template" stands twice in one object, first in line 5; keep one of them'],
    ),
    "a list whose items are none": (
        "apiVersion: v1\nkind: List\nitems: {}",
        ["3: items: must be a list, not an object"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_is_named_with_its_line_its_path_and_what_would_be_right(name: str) -> None:
    text, expected = CASES[name]
    assert mistakes(dedent(text)) == expected


def test_all_mistakes_of_all_files_are_told_at_once() -> None:
    texts: dict[str, str | bytes] = {
        "b.yaml": binding("- {name: ''}") + "\n---\nkind: [\n---\n" + template("- {}"),
        "a.yaml": b"kind: \xff",
        "c.json": '{"apiVersion": "triggers.tekton.dev/v1beta1", "kind": "Triger"}',
    }
    with pytest.raises(ConfigurationError) as caught:
        load_documents(texts, namespace="lab")
    assert [mistake.split(": ")[0] for mistake in caught.value.mistakes] == [
        "a.yaml:1",
        "b.yaml:6",
        "b.yaml:9",
        "b.yaml:15",
        "b.yaml:15",
        "b.yaml:15",
        "c.json:1",
    ]
    assert caught.value.reason == "the trigger manifests have 7 mistakes"


def test_a_mistake_tells_its_parts() -> None:
    with pytest.raises(ManifestError) as caught:
        load_documents({"x.yaml": binding("- name: a\n  vale: b\n  value: c")}, namespace="lab")
    (mistake,) = caught.value.found
    assert (mistake.file, mistake.line, mistake.column) == ("x.yaml", 7, 5)
    assert (mistake.subject, mistake.path) == ("TriggerBinding lab/b", "spec.params[0].vale")
    assert (mistake.message, mistake.hint) == ("unknown field", 'did you mean "value"?')


def test_no_value_stands_in_a_message() -> None:
    text = binding("- {name: a, value: {canary: canary}}\n- canary-canary") + "\nstatus: canary\n"
    text += "---\n" + listener("interceptors: [{ref: {name: x, kind: canary}}]\ncloudEventURI: canary")
    assert not [mistake for mistake in mistakes(text) if "canary" in mistake]


def test_what_cannot_be_read_is_a_mistake_too(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="one mistake") as caught:
        load_path(tmp_path / "none", namespace="lab")
    assert caught.value.mistakes == (
        f"{tmp_path}/none: does not exist; set TRIGGERS_SOURCE to a file or directory of manifests",
    )
    (tmp_path / "notes.txt").write_text("nothing here")
    with pytest.raises(ManifestError) as caught:
        load_path(tmp_path, namespace="lab")
    assert caught.value.mistakes == (f"{tmp_path}: holds no manifests: no file ends in .json, .yaml, .yml",)


def test_a_file_that_cannot_be_read_is_a_mistake_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    (tmp_path / "a.yaml").write_text("")
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(ManifestError) as caught:
        load_path(tmp_path, namespace="lab")
    assert caught.value.mistakes == (f"{tmp_path}/a.yaml: cannot be read: Permission denied",)
