"""From one parsed object to one resource: which kinds are ours, and how each is read."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping

from functions.common.lenient import text_at
from functions.common.shown import shown
from functions.common.values import Json
from functions.model.decode_listener import decode_listener
from functions.model.decode_metadata import decode_metadata
from functions.model.decode_trigger import (
    TEMPLATE_SPEC,
    TRIGGER_HINTS,
    TRIGGER_SPEC,
    TRIGGER_SPEC_V1ALPHA1,
    decode_params,
    decode_template_spec,
    decode_trigger_spec,
)
from functions.model.fields import Fields, Reading
from functions.model.findings import did_you_mean
from functions.model.resources import (
    ClientConfig,
    Interceptor,
    ObjectRef,
    Resource,
    Trigger,
    TriggerBinding,
    TriggerTemplate,
)

GROUP = "triggers.tekton.dev"
VERSIONS = ("v1beta1", "v1alpha1")
KINDS: Mapping[str, tuple[str, ...]] = {
    "ClusterInterceptor": ("v1alpha1",),
    "ClusterTriggerBinding": VERSIONS,
    "EventListener": VERSIONS,
    "Interceptor": ("v1alpha1",),
    "Trigger": VERSIONS,
    "TriggerBinding": VERSIONS,
    "TriggerTemplate": VERSIONS,
}
"""Our kinds, and the versions that have them."""
CLUSTER_SCOPED = frozenset({"ClusterInterceptor", "ClusterTriggerBinding"})

_OBJECT = frozenset({"apiVersion", "kind", "metadata", "spec", "status"})
_BINDING_SPEC = frozenset({"params"})
_INTERCEPTOR_SPEC = frozenset({"clientConfig"})
_CLIENT_CONFIG = frozenset({"caBundle", "service", "url"})
_SERVICE = frozenset({"name", "namespace", "path", "port"})
_MAX_PORT = 65_535


def decode(values: Mapping[str, Json], reading: Reading, *, namespace: str) -> Resource | None:
    """Return one object as a resource, None when its kind is not ours; mistakes gather in `reading`.

    With mistakes in `reading`, what is returned is incomplete and must not be used.
    """
    head = Fields(reading, (), values, None)
    kind = head.text("kind", required=True)
    api_version = head.text("apiVersion", required=True)
    if not kind or not api_version:
        return None
    group, _, version = api_version.rpartition("/")
    if group != GROUP:
        _note_stranger(head, kind, group)
        return None
    reading.subject = _subject(values, kind, namespace)
    if not _is_known(head, kind, version):
        return None
    fields = Fields(reading, (), values, _OBJECT)
    fields.section("status", None)
    return _DECODERS[kind](fields, version, namespace)


def _subject(values: Mapping[str, Json], kind: str, namespace: str) -> str:
    name, own = text_at(values, "metadata", "name"), text_at(values, "metadata", "namespace")
    if not name:
        return f"{shown(kind)} without a name"
    if kind in CLUSTER_SCOPED:
        return f"{kind} {shown(name)}"
    return f"{shown(kind)} {shown(own) or namespace}/{shown(name)}"


def _note_stranger(head: Fields, kind: str, group: str) -> None:
    # Knative has a Trigger too; the other kinds are nobody else's, so their group is probably a slip
    if kind in KINDS and (kind not in ("Trigger", "Interceptor") or did_you_mean(group, [GROUP])):
        head.note("apiVersion", f"this {kind} is of another group and passed over", f'did you mean "{GROUP}/v1beta1"?')


def _is_known(head: Fields, kind: str, version: str) -> bool:
    versions = KINDS.get(kind)
    if versions is None:
        hint = did_you_mean(kind, list(KINDS)) or f"known are {', '.join(KINDS)}"
        head.mistake("kind", f"{GROUP} has no kind {shown(kind)}", hint)
        return False
    if version not in versions:
        wanted = " or ".join(f"{GROUP}/{known}" for known in versions)
        head.mistake("apiVersion", f"{kind} has no version {shown(version)}", f"write {wanted}")
        return False
    return True


def _trigger(fields: Fields, version: str, namespace: str) -> Trigger | None:
    metadata = decode_metadata(fields, namespace=namespace, namespaced=True)
    known = TRIGGER_SPEC_V1ALPHA1 if version == "v1alpha1" else TRIGGER_SPEC
    fields.require("spec")
    spec = fields.section("spec", known, TRIGGER_HINTS)
    if spec is None:
        return None
    spec.require("template")
    return Trigger(metadata, decode_trigger_spec(spec, version, namespace=metadata.namespace), fields.reading.place)


def _binding(fields: Fields, _version: str, namespace: str) -> TriggerBinding | None:
    metadata = decode_metadata(fields, namespace=namespace, namespaced=fields.raw("kind") not in CLUSTER_SCOPED)
    fields.require("spec")
    spec = fields.section("spec", _BINDING_SPEC)
    if spec is None:
        return None
    if spec.raw("params") in (None, []):
        spec.mistake("params", "needs at least one param")
    return TriggerBinding(metadata, decode_params(spec), fields.reading.place)


def _template(fields: Fields, _version: str, namespace: str) -> TriggerTemplate | None:
    metadata = decode_metadata(fields, namespace=namespace, namespaced=True)
    fields.require("spec")
    spec = fields.section("spec", TEMPLATE_SPEC)
    return TriggerTemplate(metadata, decode_template_spec(spec), fields.reading.place) if spec else None


def _interceptor(fields: Fields, _version: str, namespace: str) -> Interceptor:
    metadata = decode_metadata(fields, namespace=namespace, namespaced=fields.raw("kind") not in CLUSTER_SCOPED)
    spec = fields.section("spec", _INTERCEPTOR_SPEC)
    config = spec.section("clientConfig", _CLIENT_CONFIG) if spec else None
    return Interceptor(metadata, _client_config(config) if config else ClientConfig(), fields.reading.place)


def _client_config(fields: Fields) -> ClientConfig:
    if fields.has("url") and fields.has("service"):
        fields.mistake("service", "stands beside url", "keep one of them")
    service = fields.section("service", _SERVICE)
    return ClientConfig(
        url=fields.text("url"),
        ca_bundle=_pem(fields),
        service=ObjectRef(
            name=service.text("name", required=True),
            namespace=service.text("namespace", required=True),
            path=service.text("path"),
            port=service.integer("port", low=1, high=_MAX_PORT),
        )
        if service
        else None,
    )


def _pem(fields: Fields) -> str:
    encoded = fields.text("caBundle")
    try:
        # Kubernetes takes line breaks in base64 as Go's decoder does
        return base64.b64decode(encoded.replace("\n", "").replace("\r", ""), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        fields.mistake("caBundle", "must be PEM text in base64")
        return ""


_DECODERS: Mapping[str, Callable[[Fields, str, str], Resource | None]] = {
    "ClusterInterceptor": _interceptor,
    "ClusterTriggerBinding": _binding,
    "EventListener": decode_listener,
    "Interceptor": _interceptor,
    "Trigger": _trigger,
    "TriggerBinding": _binding,
    "TriggerTemplate": _template,
}
