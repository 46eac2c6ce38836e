"""Loading what is right: every field of every kind, old spellings, files and directories, single objects."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from functions.common.values import Json
from functions.model.findings import ManifestError
from functions.model.load import Loaded, decode_object, load_documents, load_path
from functions.model.resources import (
    BindingRef,
    ClientConfig,
    EventListener,
    InlineBinding,
    InlineTrigger,
    InterceptorSpec,
    LabelSelector,
    ObjectRef,
    Param,
    ParamSpec,
    Requirement,
    Source,
    TemplateRef,
    TemplateSpec,
    Trigger,
    TriggerRef,
    TriggerSelector,
    WebhookSpec,
)
from tests.model.support import binding, listener, selecting, template

MANIFESTS = Path(__file__).parent / "manifests"
DEPLOYED = Path(__file__).parents[2] / "infra" / "triggers"
LISTENER = ("goldstine-lab", "build-deploy-pipeline-listener")


def load(name: str) -> Loaded:
    return load_documents({name: (MANIFESTS / name).read_bytes()}, namespace="lab")


def inline_triggers(listener: EventListener) -> dict[str, InlineTrigger]:
    return {trigger.name: trigger for trigger in listener.triggers if isinstance(trigger, InlineTrigger)}


def test_the_deployed_manifests_are_the_articles_case() -> None:
    loaded = load_path(DEPLOYED, namespace="default")
    (trigger,) = inline_triggers(loaded.registry.listeners[LISTENER]).values()
    assert trigger.name == "github-trigger"
    assert trigger.spec.bindings == (BindingRef("build-deploy-pipeline-binding"),)
    assert trigger.spec.template == TemplateRef("build-deploy-pipeline-template")
    assert trigger.spec.interceptors == (
        InterceptorSpec(
            ref_name="github",
            params=(
                ("secretRef", {"secretName": "github-webhook", "secretKey": "secretkey"}),
                ("eventTypes", ["push"]),
            ),
        ),
        InterceptorSpec(ref_name="cel", params=(("filter", "body.head_commit != null"),)),
    )
    assert loaded.registry.bindings["goldstine-lab", "build-deploy-pipeline-binding"].params == (
        Param("gitrevision", "$(body.head_commit.id)"),
        Param("gitrepositoryurl", "$(body.repository.url)"),
    )
    (resource,) = loaded.registry.templates["goldstine-lab", "build-deploy-pipeline-template"].spec.resources
    assert resource["apiVersion"] == "tekton.dev/v1"
    assert resource["metadata"] == {"generateName": "build-deploy-pipeline-"}
    assert resource["spec"] == {
        "pipelineRef": {"name": "build-deploy-pipeline"},
        "params": [
            {"name": "gitrevision", "value": "$(tt.params.gitrevision)"},
            {"name": "gitrepositoryurl", "value": "$(tt.params.gitrepositoryurl)"},
        ],
    }
    assert loaded.notes == ()


def test_the_articles_own_spelling_means_the_same_and_is_noted() -> None:
    old = load("article.yaml")
    new = load_path(DEPLOYED, namespace="default")
    deployed = inline_triggers(new.registry.listeners[LISTENER])["github-trigger"].spec
    without_filter = replace(deployed, interceptors=deployed.interceptors[:1])
    assert inline_triggers(old.registry.listeners[LISTENER])["github-trigger"].spec == without_filter
    assert len(old.registry.bindings) == len(old.registry.templates) == 1
    where = "EventListener goldstine-lab/build-deploy-pipeline-listener: spec"
    trigger = f"{where}.triggers[0]"
    assert [f"{note.line}: {note.subject}: {note.path}: {note.message}" for note in old.notes] == [
        f"44: {where}.serviceAccountName: has no effect here: resources are created as the kubeconfig's user",
        f"48: {trigger}.interceptors[0].github: old spelling",
        f"55: {trigger}.bindings[0].name: old spelling",
        f"57: {trigger}.template.name: old spelling",
    ]
    assert [note.hint for note in old.notes] == [
        "",
        'write "ref: {name: github}" and give its fields as params',
        'write "ref"',
        'write "ref"',
    ]


def test_the_spellings_of_early_releases_are_rewritten() -> None:
    loaded = load("early_v1alpha1.yaml")
    triggers = inline_triggers(loaded.registry.listeners["lab", "cron"])
    nightly = triggers["nightly"].spec
    assert nightly.service_account == "nightly"
    assert nightly.bindings == (
        InlineBinding(Param("when", "$(body.when)")),
        InlineBinding(Param("who", "cron")),
        BindingRef("shared", "ClusterTriggerBinding"),
    )
    assert nightly.template == TemplateRef("nightly")
    assert nightly.interceptors == (
        InterceptorSpec(
            ref_name="cel",
            params=(
                ("filter", "header.match('X-Cron', 'nightly')"),
                ("overlays", [{"key": "extra", "expression": "body.a"}]),
            ),
        ),
    )
    assert triggers["gits"].spec.interceptors == (
        InterceptorSpec(
            ref_name="gitlab",
            params=(
                ("secretRef", {"secretName": "gl", "secretKey": "token", "namespace": "lab"}),
                ("eventTypes", ["Push Hook"]),
            ),
        ),
        InterceptorSpec(
            ref_name="bitbucket",
            params=(("secretRef", {"secretName": "bb", "secretKey": "token"}), ("eventTypes", [])),
        ),
        InterceptorSpec(ref_name="cel"),
    )
    assert [note.path for note in loaded.notes if "no effect" in note.message] == [
        "spec.serviceAccountName",
        "spec.serviceType",
        "spec.replicas",
        "spec.podTemplate",
    ]
    assert len([note for note in loaded.notes if note.message == "old spelling"]) == 9


def test_interceptors_of_every_kind_load() -> None:
    registry = load("interceptors.yaml").registry
    listener = registry.listeners["samples", "interceptors"]
    assert listener.triggers[-1] == TriggerRef("elsewhere", Source("interceptors.yaml", 76))
    triggers = inline_triggers(listener)
    github, cel = triggers["github-pull-requests"].spec.interceptors
    assert (github.name, github.ref_api_version) == ("only pull requests", "triggers.tekton.dev")
    assert dict(github.params)["addChangedFiles"] == {
        "enabled": True,
        "personalAccessToken": {"secretName": "github", "secretKey": "pat"},
    }
    assert cel.ref_name == "cel"
    assert triggers["github-pull-requests"].spec.bindings == (
        BindingRef("github-pull-request"),
        BindingRef("platform", "ClusterTriggerBinding"),
        InlineBinding(Param("empty", "")),
    )
    webhook, policy = triggers["custom"].spec.interceptors
    assert webhook.webhook == WebhookSpec(
        object_ref=ObjectRef("checker", "tools"),
        url="https://checker.example.com",
        header=(("X-First", ("one",)), ("X-More", ("two", "three"))),
    )
    assert (policy.ref_name, policy.ref_kind) == ("policy", "NamespacedInterceptor")
    assert policy.params == (("anything", None),)
    assert triggers["custom"].spec.service_account == "custom"
    assert triggers["custom"].spec.template == TemplateSpec(
        params=(ParamSpec("rev", "", "What to build"),),
        resources=(
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "custom-$(uid)"},
                "data": {"rev": "$(tt.params.rev)"},
            },
        ),
    )
    for name in ("gitlab", "bitbucket"):
        assert triggers[f"{name}-push"].spec.interceptors[0].ref_name == name
    assert triggers["slack-command"].spec.interceptors[0].params == (("requestedFields", ["text"]),)
    assert registry.interceptors["samples", "policy"].client_config == ClientConfig(
        url="https://policy.example.com/check", ca_bundle="-----BEGIN CERTIFICATE-----"
    )
    core = registry.cluster_interceptors["github"]
    assert core.metadata.namespace == ""
    assert core.client_config.service == ObjectRef(
        "tekton-triggers-core-interceptors", "tekton-pipelines", path="github", port=8443
    )


def test_selectors_groups_lists_and_metadata_load() -> None:
    loaded = load("selectors.yaml")
    listener = loaded.registry.listeners["lab", "selectors"]
    assert listener.metadata.annotations == {"tekton.dev/payload-validation": "false"}
    assert (listener.service_account, listener.cloud_event_uri) == ("listener", "http://broker.example.com")
    assert listener.selector == TriggerSelector(
        namespaces=("*",),
        labels=LabelSelector(
            {"team": "a", "empty": ""},
            (Requirement("app.kubernetes.io/part-of", "In", ("x", "z")), Requirement("old", "DoesNotExist")),
        ),
    )
    assert [(group.name, group.interceptors[0].ref_name, group.selector) for group in listener.groups] == [
        ("ci", "github", TriggerSelector(("a", "b"), LabelSelector())),
        ("all", "gitlab", TriggerSelector(("*",), None)),
    ]
    trigger = loaded.registry.triggers["lab", "unit"]
    assert (trigger.metadata.uid, trigger.metadata.labels) == ("5f7c1f9e-0000-4000-8000-000000000000", {"team": "a"})
    assert (trigger.spec.name, trigger.spec.service_account) == ("inner", "runner")
    assert trigger.source == Source("selectors.yaml", 47)
    assert loaded.registry.cluster_bindings["platform"].params == (Param("a", "b"),)
    assert [note.path for note in loaded.notes] == ["spec.serviceAccountName", "spec.resources"]


def test_what_is_loaded_cannot_be_changed() -> None:
    registry = load("selectors.yaml").registry
    with pytest.raises(TypeError):
        registry.triggers["lab", "other"] = registry.triggers["lab", "unit"]  # type: ignore[index] # that is the test


def test_anchors_and_merges_work_within_a_document() -> None:
    text = binding("- &first {name: a, value: $(body.a)}\n- {<<: *first, name: b}")
    params = load_documents({"x": text}, namespace="lab").registry.bindings["lab", "b"].params
    assert params == (Param("a", "$(body.a)"), Param("b", "$(body.a)"))


def test_a_directory_is_read_as_kubectl_reads_it(tmp_path: Path) -> None:
    shutil.copytree(DEPLOYED, tmp_path, dirs_exist_ok=True)
    (tmp_path / "template.yaml").rename(tmp_path / "template.yml")
    (tmp_path / "kustomization.yaml").write_text("resources: [listener.yaml]\n")
    (tmp_path / ".hidden.yaml").write_text("a: [")
    (tmp_path / "README.md").write_text("# a: [")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "nested.yaml").write_text("a: [")
    (tmp_path / "empty.yaml").write_text("# nothing\n---\n---\n")
    json_text = json.dumps(
        {"apiVersion": "triggers.tekton.dev/v1beta1", "kind": "TriggerBinding", "metadata": {"name": "js"}}
        | {"spec": {"params": [{"name": "a", "value": "😀/"}]}},
        indent="\t",
    )
    assert "\\ud83d" in json_text
    (tmp_path / "binding.json").write_text(json_text)
    registry = load_path(str(tmp_path), namespace="default").registry
    assert list(registry.listeners) == [LISTENER]
    assert len(registry.templates) == 1
    assert registry.bindings["default", "js"].params == (Param("a", "😀/"),)


def test_a_file_of_any_name_can_be_loaded(tmp_path: Path) -> None:
    (tmp_path / "manifest").write_text(binding("- {name: a, value: b}"))
    assert load_path(tmp_path / "manifest", namespace="lab").registry.bindings.keys() == {("lab", "b")}


def test_a_list_in_json_with_escapes_that_yaml_refuses_is_unwrapped() -> None:
    item = {"apiVersion": "triggers.tekton.dev/v1beta1", "kind": "TriggerBinding", "metadata": {"name": "b"}}
    items = [{**item, "spec": {"params": [{"name": "a", "value": "😀"}]}}]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    registry = load_documents({"x.json": text}, namespace="lab").registry
    assert registry.bindings["lab", "b"].params == (Param("a", "😀"),)


@pytest.mark.parametrize("between", ["\n", "", " \r\n\n", "\n---\n", "\n--- \n---\n"])
def test_objects_in_json_one_after_the_other_are_as_many_documents(between: str) -> None:
    head = {"apiVersion": "triggers.tekton.dev/v1beta1", "kind": "TriggerBinding"}
    texts = [
        json.dumps({**head, "metadata": {"name": name}, "spec": {"params": [{"name": "a", "value": "😀"}]}})
        for name in ("b", "c", "d")
    ]
    registry = load_documents({"x.json": between.join(texts)}, namespace="lab").registry
    places = {name: binding.source.line for (_, name), binding in registry.bindings.items()}
    lines = between.count("\n")
    assert places == {"b": 1, "c": 1 + lines, "d": 1 + 2 * lines}


def test_json_with_escapes_that_yaml_refuses_stands_beside_yaml_and_has_its_numbers() -> None:
    resource = {"apiVersion": "v1", "kind": "X", "metadata": {"name": "x"}, "value": "😀", "numbers": [2.0, 1e3, 1.5]}
    found = {"apiVersion": "triggers.tekton.dev/v1beta1", "kind": "TriggerTemplate", "metadata": {"name": "t"}}
    text = json.dumps({**found, "spec": {"resourcetemplates": [resource]}})
    registry = load_documents({"x": f"{text}\n---\n{binding('- {name: a, value: b}')}"}, namespace="lab").registry
    assert registry.bindings["lab", "b"].source == Source("x", 3)
    (read,) = registry.templates["lab", "t"].spec.resources
    assert json.dumps(read["numbers"]) == "[2, 1000, 1.5]"


def test_every_namespace_beside_others_is_noted() -> None:
    text = selecting("namespaceSelector: {matchNames: [a, '*']}")
    loaded = load_documents({"x.yaml": text}, namespace="lab")
    assert [(note.line, note.path) for note in loaded.notes] == [(5, "spec.namespaceSelector.matchNames")]


@pytest.mark.parametrize(
    "text",
    [
        '{"a": "\\ud83d\\ude00", "a": 1}',
        '{"a": ["\\ud83d\\ude00", NaN]}',
        '{"a": ["\\ud83d"]}',
        '{"a": ["\\ud83d\\ude00", 1e999]}',
        '{"kind": "x"} {"a": 1, "a": 1}',
        '{"kind": "x"}, {"kind": "x"}',
        '{"kind": "x"}{}x',
    ],
)
def test_json_is_no_way_around_the_rules(text: str) -> None:
    with pytest.raises(ManifestError):
        load_documents({"x.json": text}, namespace="lab")


def test_a_kind_of_ours_in_a_group_of_others_is_passed_over_with_a_note() -> None:
    texts = {
        "old.yaml": "apiVersion: tekton.dev/v1alpha1\nkind: EventListener\nmetadata: {name: el}",
        "slip.yaml": "apiVersion: trigger.tekton.dev/v1beta1\nkind: Trigger\nmetadata: {name: t}",
        "knative.yaml": "apiVersion: eventing.knative.dev/v1\nkind: Trigger\nmetadata: {name: t}",
    }
    loaded = load_documents(texts, namespace="lab")
    assert [(note.file, note.line, note.path, note.message) for note in loaded.notes] == [
        ("old.yaml", 1, "apiVersion", "this EventListener is of another group and passed over"),
        ("slip.yaml", 1, "apiVersion", "this Trigger is of another group and passed over"),
    ]
    assert {note.hint for note in loaded.notes} == {'did you mean "triggers.tekton.dev/v1beta1"?'}


OBJECT: dict[str, Json] = {
    "apiVersion": "triggers.tekton.dev/v1beta1",
    "kind": "Trigger",
    "metadata": {"name": "t", "namespace": "ns", "uid": "u"},
    "spec": {"template": {"ref": "x"}},
}


def test_an_object_from_a_cluster_becomes_a_resource() -> None:
    trigger = decode_object(OBJECT, source=Source("cluster"), namespace="default")
    assert isinstance(trigger, Trigger)
    assert (trigger.metadata.namespace, trigger.spec.template) == ("ns", TemplateRef("x"))
    assert str(trigger.source) == "cluster"
    assert decode_object({"apiVersion": "v1", "kind": "Pod"}, source=Source("cluster"), namespace="default") is None


def test_an_object_with_mistakes_is_refused_with_all_of_them() -> None:
    with pytest.raises(ManifestError) as caught:
        decode_object({**OBJECT, "spec": {"templte": 1}}, source=Source("cluster"), namespace="default")
    assert caught.value.mistakes == (
        'cluster: Trigger ns/t: spec.templte: unknown field; did you mean "template"?',
        "cluster: Trigger ns/t: spec.template: this field is required",
    )


def test_resource_templates_may_be_spelt_in_camel_case_as_in_tektons_examples() -> None:
    text = template("- {apiVersion: v1, kind: ConfigMap, metadata: {name: c}}")
    camel = text.replace("resourcetemplates", "resourceTemplates")
    found = load_documents({"t.yaml": camel}, namespace="lab")
    assert found.registry.templates == load_documents({"t.yaml": text}, namespace="lab").registry.templates
    assert any("resourcetemplates" in str(note) for note in found.notes)
    both = f"{text}\n  resourceTemplates: []\n"
    with pytest.raises(ManifestError) as caught:
        load_documents({"t.yaml": both}, namespace="lab")
    assert "stands beside resourcetemplates" in caught.value.mistakes[0]


PAYLOADS = {
    "payload.json": '{"action": "opened", "metadata": {"name": "x"}, "kind": "thing"}',
    "list.json": '[{"id": 1}]',
    "tabs.json": '[\n\t{\n\t\t"smile": "\\ud83d\\ude00"\n\t}\n]',
    "values.yaml": "image: {tag: v1}\n---\n- a\n",
    "text.yml": "only words\n",
}


@pytest.mark.parametrize("file", PAYLOADS)
def test_a_document_that_is_no_object_is_passed_over_with_a_note(file: str) -> None:
    loaded = load_documents({"el.yaml": selecting("labelSelector: {}"), file: PAYLOADS[file]}, namespace="lab")
    assert set(loaded.registry.listeners) == {("lab", "el")}
    notes = [note for note in loaded.notes if note.file == file]
    assert {note.message for note in notes} == {"is no Kubernetes object and passed over"}
    assert len(notes) == len(PAYLOADS[file].split("---"))


@pytest.mark.parametrize(
    "text",
    [
        "kind: EventListener\nmetadata: {name: el}\nspec: {}",
        "apiVersion: triggers.tekton.dev/v1beta1\nmetadata: {name: el}",
        "apiVersion: v1\nmetadata: {name: el}",
        "metadata: {name: el}",
        "- kind: EventListener",
    ],
)
def test_what_was_meant_to_be_an_object_is_not_passed_over(text: str) -> None:
    with pytest.raises(ManifestError):
        load_documents({"x.yaml": text}, namespace="lab")


@pytest.mark.parametrize("stray", ["a: 1", "- a", "words"])
def test_beside_an_object_of_ours_in_one_file_every_document_must_be_one(stray: str) -> None:
    with pytest.raises(ManifestError):
        load_documents({"x.yaml": f"{binding('- {name: a, value: b}')}\n---\n{stray}"}, namespace="lab")


def test_a_service_needs_no_name_beside_a_url_that_counts_in_its_place() -> None:
    webhook = "webhook: {url: https://checker.example.com, objectRef: {kind: Service, apiVersion: v1}}"
    text = listener(f"interceptors:\n  - {webhook}")
    (trigger,) = load_documents({"x.yaml": text}, namespace="lab").registry.listeners["lab", "el"].triggers
    assert isinstance(trigger, InlineTrigger)
    (spec,) = trigger.spec.interceptors
    assert spec.webhook == WebhookSpec(object_ref=ObjectRef(""), url="https://checker.example.com")
