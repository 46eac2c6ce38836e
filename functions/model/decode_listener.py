"""EventListeners: inline triggers, trigger groups, selectors, and the fields that mean nothing without a pod."""

from __future__ import annotations

from functions.model.decode_interceptors import decode_interceptors
from functions.model.decode_metadata import check_label_value, decode_metadata, decode_selector
from functions.model.decode_trigger import TRIGGER_HINTS, TRIGGER_SPEC, TRIGGER_SPEC_V1ALPHA1, decode_trigger_spec
from functions.model.fields import Fields
from functions.model.resources import EventListener, InlineTrigger, TriggerGroup, TriggerRef

_LISTENER_SPEC = frozenset(
    {
        "cloudEventURI",
        "labelSelector",
        "namespaceSelector",
        "resources",
        "serviceAccountName",
        "triggerGroups",
        "triggers",
    }
)
_DEPLOYMENT = ("podTemplate", "replicas", "serviceType")
_LISTENER_SPEC_V1ALPHA1 = _LISTENER_SPEC.union(_DEPLOYMENT)
_LISTENER_HINTS = dict.fromkeys(_DEPLOYMENT, "v1beta1 has it under resources.kubernetesResource; no effect here")
_RESOURCES = frozenset({"customResource", "kubernetesResource"})
_LISTED = TRIGGER_SPEC | {"triggerRef"}
_LISTED_V1ALPHA1 = TRIGGER_SPEC_V1ALPHA1 | {"triggerRef"}
_SOURCES = ("triggers", "triggerGroups", "labelSelector")
_GROUP = frozenset({"interceptors", "name", "triggerSelector"})
_SELECTOR = frozenset({"labelSelector", "namespaceSelector"})
_PAYLOAD_VALIDATION = "tekton.dev/payload-validation"
_MAX_LISTENER_NAME = 60


def decode_listener(fields: Fields, version: str, namespace: str) -> EventListener:
    """Return an EventListener; `namespace` counts when it names none."""
    metadata = decode_metadata(fields, namespace=namespace, namespaced=True)
    if len(metadata.name) > _MAX_LISTENER_NAME:
        fields.reading.mistake(("metadata", "name"), f"must not be longer than {_MAX_LISTENER_NAME} characters")
    if metadata.annotations.get(_PAYLOAD_VALIDATION, "true") not in ("true", "false"):
        fields.reading.mistake(("metadata", "annotations", _PAYLOAD_VALIDATION), 'must be "true" or "false"')
    fields.require("spec")
    known = _LISTENER_SPEC_V1ALPHA1 if version == "v1alpha1" else _LISTENER_SPEC
    section = fields.section("spec", known, _LISTENER_HINTS)
    spec = section or Fields(fields.reading, ("spec",), {}, None)
    selector = decode_selector(spec)
    if section and not selector.namespaces and all(spec.raw(name) in (None, []) for name in _SOURCES):
        spec.mistake("", "selects no trigger", f"{', '.join(_SOURCES)} or namespaceSelector is required")
    _note_deployment(spec)
    return EventListener(
        metadata=metadata,
        triggers=tuple(
            _listed(entry, version, metadata.namespace)
            for entry in spec.sections(
                "triggers", _LISTED_V1ALPHA1 if version == "v1alpha1" else _LISTED, TRIGGER_HINTS
            )
        ),
        groups=tuple(_group(entry, version) for entry in spec.sections("triggerGroups", _GROUP)),
        selector=selector,
        source=fields.reading.place,
        service_account=spec.text("serviceAccountName"),
        cloud_event_uri=_cloud_event_uri(spec),
    )


def _cloud_event_uri(spec: Fields) -> str:
    uri = spec.text("cloudEventURI")
    if uri and not uri.lower().startswith(("http://", "https://")):
        spec.mistake("cloudEventURI", "must be an http or https URL")
    return uri


def _note_deployment(spec: Fields) -> None:
    resources = spec.section("resources", _RESOURCES)
    if resources and resources.section("kubernetesResource", None) and resources.section("customResource", None):
        resources.mistake("customResource", "stands beside kubernetesResource", "keep one of them")
    for name in ("resources", *_DEPLOYMENT):
        if spec.has(name):
            spec.note(name, "has no effect here: no pod serves this listener")
    if spec.has("serviceAccountName"):
        spec.note("serviceAccountName", "has no effect here: resources are created as the kubeconfig's user")


def _listed(fields: Fields, version: str, namespace: str) -> InlineTrigger | TriggerRef:
    source = fields.reading.source(fields.path)
    name = fields.text("name")
    check_label_value(fields, "name", name)
    ref = fields.text("triggerRef")
    if ref:
        beside = [part for part in ("template", "bindings", "interceptors") if fields.has(part)]
        if beside:
            fields.mistake("triggerRef", f"stands beside {', '.join(beside)}", "keep one of them")
        return TriggerRef(ref, source)
    spec = decode_trigger_spec(fields, version, namespace=namespace)
    if not fields.has("template") and fields.raw("triggerRef") in (None, ""):
        fields.mistake("", "has neither template nor triggerRef", "one of them is required")
    return InlineTrigger(name, spec, source)


def _group(fields: Fields, version: str) -> TriggerGroup:
    selector = fields.section("triggerSelector", _SELECTOR)
    decoded = decode_selector(selector or Fields(fields.reading, fields.path, {}, None))
    if not fields.has("triggerSelector") or (
        selector and decoded.namespaces is None and not selector.has("labelSelector")
    ):
        fields.mistake("triggerSelector", "selects no trigger", "labelSelector or namespaceSelector is required")
    if fields.raw("interceptors") in (None, []):
        fields.mistake("interceptors", "needs at least one interceptor")
    return TriggerGroup(
        name=fields.text("name"),
        interceptors=decode_interceptors(fields, version),
        selector=decoded,
        source=fields.reading.source(fields.path),
    )
