"""What a trigger consists of, whether it is an object or stands inline in a listener: bindings, template, chain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from functions.common.values import Json
from functions.model.annotations import PREFIX
from functions.model.decode_interceptors import decode_interceptors
from functions.model.fields import Fields
from functions.model.resources import (
    Binding,
    BindingRef,
    InlineBinding,
    Param,
    ParamSpec,
    TemplateRef,
    TemplateSpec,
    TriggerSpec,
)

TRIGGER_SPEC = frozenset({"bindings", "interceptors", "name", "serviceAccountName", "template"})
"""The fields of a trigger's spec in both versions."""
TRIGGER_SPEC_V1ALPHA1 = TRIGGER_SPEC | {"interceptor", "serviceAccount"}
"""Early v1alpha1 had these two as well."""
TRIGGER_HINTS = {
    "interceptor": 'write "interceptors", a list',
    "params": 'give them as bindings: "- name: …" with "value: …"',
    "serviceAccount": 'write "serviceAccountName"',
}
TEMPLATE_SPEC = frozenset({"params", "resourcetemplates", "resourceTemplates"})
"""The fields of a TriggerTemplate's spec."""

# Tekton's Go fields are spelt `apiversion`; its webhook, matching without regard to case, takes `apiVersion` as well
_BINDING = frozenset({"apiVersion", "apiversion", "kind", "name", "ref", "value"})
_BINDING_V1ALPHA1 = _BINDING | {"spec"}
_BINDING_SPEC = frozenset({"params"})
_BINDING_KINDS: tuple[Literal["TriggerBinding", "ClusterTriggerBinding"], ...] = (
    "TriggerBinding",
    "ClusterTriggerBinding",
)
_PARAM = frozenset({"name", "value"})
_PARAM_SPEC = frozenset({"default", "description", "name"})
_TEMPLATE = frozenset({"apiVersion", "apiversion", "ref", "spec"})
_TEMPLATE_V1ALPHA1 = _TEMPLATE | {"name"}
_TEMPLATE_HINTS = {"name": 'write "ref"'}
_TEMPLATE_VERSIONS = ("", "v1alpha1", "v1beta1", "triggers.tekton.dev/v1alpha1", "triggers.tekton.dev/v1beta1")
_OBJECT_REFERENCE = frozenset({"apiVersion", "fieldPath", "kind", "name", "namespace", "resourceVersion", "uid"})


def decode_trigger_spec(fields: Fields, version: str, *, namespace: str) -> TriggerSpec:
    """Return the parts of a trigger in `namespace`."""
    bindings: list[Binding] = []
    known = _BINDING_V1ALPHA1 if version == "v1alpha1" else _BINDING
    for entry in fields.sections("bindings", known):
        bindings += _binding(entry, version)
    return TriggerSpec(
        bindings=tuple(bindings),
        template=_template(fields, version),
        interceptors=decode_interceptors(fields, version),
        service_account=_service_account(fields, version, namespace),
        name=fields.text("name"),
    )


def _binding(fields: Fields, version: str) -> list[Binding]:
    for unused in ("apiversion", "apiVersion", "value", "kind"):
        fields.text(unused)
    name, ref = fields.text("name"), fields.text("ref")
    if ref:
        if name:
            fields.mistake("name", "stands beside ref", "keep one of them: a binding is a ref, or a name with a value")
        return [BindingRef(ref, fields.choice("kind", _BINDING_KINDS))]
    if version == "v1alpha1" and fields.has("spec"):
        fields.note("spec", "old spelling", "give each param as a binding of its own")
        spec = fields.section("spec", _BINDING_SPEC)
        return [InlineBinding(param) for param in decode_params(spec)] if spec else []
    if not name:
        if all(fields.raw(field) in (None, "") for field in ("name", "ref")):  # else its type was the mistake
            fields.mistake("", "names nothing", 'write "ref", or "name" with "value"')
        return []
    if version == "v1alpha1" and not fields.stands("value"):
        fields.note("name", "old spelling", 'write "ref"')
        return [BindingRef(name, fields.choice("kind", _BINDING_KINDS))]
    fields.require("value", 'to refer to a TriggerBinding, write "ref" in place of "name"')
    return [InlineBinding(Param(name, fields.text("value")))]


def decode_params(fields: Fields) -> tuple[Param, ...]:
    """Return a binding's `params`."""
    params: list[Param] = []
    for entry in fields.sections("params", _PARAM):
        name = entry.text("name", required=True)
        if not entry.has("value"):
            entry.reading.doubt(entry.path, "has no value, so it is empty text, as in Tekton", 'write "value"')
        params.append(Param(name, entry.text("value")))
    return tuple(params)


def _template(fields: Fields, version: str) -> TemplateRef | TemplateSpec | None:
    known = _TEMPLATE_V1ALPHA1 if version == "v1alpha1" else _TEMPLATE
    section = fields.section("template", known, _TEMPLATE_HINTS)
    if section is None:
        return None
    for spelling in ("apiversion", "apiVersion"):
        section.choice(spelling, _TEMPLATE_VERSIONS)
    has_ref, has_spec = section.has("ref"), section.has("spec")
    if version == "v1alpha1" and section.has("name") and not has_ref:
        section.note("name", "old spelling", 'write "ref"')
        if has_spec:
            section.mistake("spec", "stands beside name", "keep one of them")
        return TemplateRef(section.text("name", required=True))
    if has_ref and section.stands("name") and version == "v1alpha1":
        section.mistake("name", "stands beside ref", "keep ref")
    if has_ref and has_spec:
        section.mistake("spec", "stands beside ref", "keep one of them")
    if has_ref:
        return TemplateRef(section.text("ref", required=True))
    spec = section.section("spec", TEMPLATE_SPEC)
    if spec is not None:
        return decode_template_spec(spec)
    if not has_spec and not section.stands("name"):
        section.mistake("", "is empty", 'write "ref" or "spec"')
    return None


def decode_template_spec(fields: Fields) -> TemplateSpec:
    """Return a template's params and resources."""
    params = tuple(
        ParamSpec(
            name=param.text("name", required=True),
            default=param.optional_text("default"),
            description=param.text("description"),
        )
        for param in fields.sections("params", _PARAM_SPEC)
    )
    resources: list[Mapping[str, Json]] = []
    name = _resource_templates(fields)
    templates = fields.sections(name, None)
    for template in templates:
        template.text("apiVersion", required=True)
        template.text("kind", required=True)
        if not str(template.raw("apiVersion")).startswith(PREFIX):  # what is done and not created needs no name
            _check_named(template)
        resources.append(template.values)
    if not templates and fields.raw(name) in (None, []):
        fields.mistake(name, "needs at least one resource")
    return TemplateSpec(params, tuple(resources))


def _resource_templates(fields: Fields) -> str:
    # Go's decoder does not mind case, and some of Tekton's own examples write the camel case
    if not fields.has("resourceTemplates"):
        return "resourcetemplates"
    fields.note("resourceTemplates", "spelt in another case than the field has", 'write "resourcetemplates"')
    if fields.has("resourcetemplates"):
        fields.mistake("resourceTemplates", "stands beside resourcetemplates", "keep one of them")
    return "resourceTemplates"


def _check_named(template: Fields) -> None:
    if not template.require("metadata", "with a name or generateName"):
        return
    metadata = template.section("metadata", None)
    if metadata is None:
        return
    if not (metadata.optional_text("name") or metadata.optional_text("generateName")):
        metadata.mistake("", "needs a name or generateName")


def _service_account(fields: Fields, version: str, namespace: str) -> str:
    account = fields.text("serviceAccountName")
    if version != "v1alpha1" or not fields.has("serviceAccount"):
        return account
    fields.note("serviceAccount", "old spelling", 'write "serviceAccountName"')
    if account:
        fields.mistake("serviceAccount", "stands beside serviceAccountName", "keep one of them")
    reference = fields.section("serviceAccount", _OBJECT_REFERENCE)
    if reference is None:
        return account
    if reference.text("namespace") not in ("", namespace):
        reference.mistake("namespace", "accounts are taken from the trigger's own namespace only", "remove it")
    return reference.text("name", required=True)
