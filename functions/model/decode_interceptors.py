"""Interceptors of a trigger or group: the current `ref` with params, the old `webhook`, and v1alpha1's own keys."""

from __future__ import annotations

from typing import Literal

from functions.common.values import Json
from functions.delivery import canonical_name
from functions.model.core_params import SHAPES, settled
from functions.model.fields import Fields
from functions.model.resources import InterceptorSpec, ObjectRef, WebhookSpec

_OLD_CORE = ("bitbucket", "cel", "github", "gitlab")
_CORE = tuple(SHAPES)
_INTERCEPTOR = frozenset({"name", "params", "ref", "webhook"})
_INTERCEPTOR_V1ALPHA1 = _INTERCEPTOR.union(_OLD_CORE)
_REF_KINDS: tuple[Literal["ClusterInterceptor", "NamespacedInterceptor"], ...] = (
    "ClusterInterceptor",
    "NamespacedInterceptor",
)
_REF = frozenset({"apiVersion", "kind", "name"})
_PARAM = frozenset({"name", "value"})
_WEBHOOK = frozenset({"header", "objectRef", "url"})
_OBJECT_REF = frozenset({"apiVersion", "fieldPath", "kind", "name", "namespace", "resourceVersion", "uid"})
_OLD_GIT = frozenset({"eventTypes", "secretRef"})
_OLD_CEL = frozenset({"filter", "overlays"})
_OVERLAY = frozenset({"expression", "key"})
_SECRET_REF = frozenset({"namespace", "secretKey", "secretName"})
_HINTS = {name: f'write "ref: {{name: {name}}}" and give its fields as params' for name in _CORE}


def decode_interceptors(fields: Fields, version: str) -> tuple[InterceptorSpec, ...]:
    """Return a chain, the old spellings of v1alpha1 rewritten as Tekton's admission does (updateCoreInterceptors)."""
    known = _INTERCEPTOR_V1ALPHA1 if version == "v1alpha1" else _INTERCEPTOR
    chain = [_interceptor(entry) for entry in fields.sections("interceptors", known, _HINTS)]
    if version == "v1alpha1" and (single := fields.section("interceptor", known, _HINTS)):
        fields.note("interceptor", "old spelling", 'write "interceptors", a list')
        if chain:
            fields.mistake("interceptor", "stands beside interceptors", "keep one of them")
        chain.append(_interceptor(single))
    return tuple(chain)


def _interceptor(fields: Fields) -> InterceptorSpec:
    old = [name for name in _OLD_CORE if fields.has(name)]
    ref = fields.section("ref", _REF)
    named = ref is not None and ref.has("name")
    kinds = [*(["ref"] if named else []), *(["webhook"] if fields.has("webhook") else []), *old]
    if len(kinds) > 1:
        fields.mistake("", f"more than one interceptor in one entry: {', '.join(kinds)}", "make each an entry")
    elif not kinds and ref is not None and ref.values:
        if _REF.issuperset(ref.values):  # else the name is misspelt, which is said already
            ref.require("name")
    elif not kinds and not any(fields.stands(core) for core in _CORE):
        fields.mistake("", "names no interceptor", 'write "ref: {name: github}", or the name of another one')
    name = fields.text("name")
    if old:
        return InterceptorSpec(name=name, ref_name=old[0], params=_old_params(fields, old[0]))
    return InterceptorSpec(
        name=name,
        ref_name=ref.text("name") if ref else "",
        ref_kind=ref.choice("kind", _REF_KINDS) if ref else "ClusterInterceptor",
        ref_api_version=ref.text("apiVersion") if ref else "",
        params=_params(fields, ref),
        webhook=_webhook(fields),
    )


def _params(fields: Fields, ref: Fields | None) -> tuple[tuple[str, Json], ...]:
    params: list[tuple[str, Json]] = []
    for param in fields.sections("params", _PARAM):
        if not param.stands("value"):
            param.require("value")
        params.append((param.text("name", required=True), param.raw("value")))
    shape = SHAPES.get(ref.text("name")) if ref and ref.raw("kind") != "NamespacedInterceptor" else None
    return settled(fields.reading, (*fields.path, "params"), params, shape) if shape else tuple(params)


def _old_params(fields: Fields, name: str) -> tuple[tuple[str, Json], ...]:
    fields.note(name, "old spelling", _HINTS[name])
    section = fields.section(name, _OLD_CEL if name == "cel" else _OLD_GIT)
    if section is None:
        return ()
    if name == "cel":
        section.text("filter")
        for overlay in section.sections("overlays", _OVERLAY):
            overlay.text("key")
            overlay.text("expression")
        wanted = ("filter", "overlays")
    else:
        section.texts("eventTypes")
        if secret := section.section("secretRef", _SECRET_REF):
            for part in sorted(_SECRET_REF):
                secret.text(part)
        wanted = ("secretRef", "eventTypes")
    return tuple((part, section.raw(part)) for part in wanted if section.has(part))


def _webhook(fields: Fields) -> WebhookSpec | None:
    section = fields.section("webhook", _WEBHOOK)
    if section is None:
        return None
    section.require("objectRef", "name the Service; Tekton does not take url alone")
    reference = section.section("objectRef", _OBJECT_REF)
    header = tuple(_header(entry) for entry in section.sections("header", _PARAM))
    url = section.text("url")
    return WebhookSpec(object_ref=_object_ref(reference, named=not url), url=url, header=header)


def _object_ref(fields: Fields | None, *, named: bool) -> ObjectRef | None:
    """Return the Service; beside a url, which counts alone, Tekton does not ask for its name."""
    if fields is None:
        return None
    return ObjectRef(
        name=fields.text("name", required=named),
        namespace=fields.text("namespace"),
        kind=fields.choice("kind", ("Service",)),
        api_version=fields.choice("apiVersion", ("v1",)),
    )


def _header(fields: Fields) -> tuple[str, tuple[str, ...]]:
    name = fields.text("name", required=True)
    if name and canonical_name(name) != name:
        fields.mistake("name", "must be in canonical form", f'write "{canonical_name(name)}"')
    values = fields.texts("value") if isinstance(fields.raw("value"), list) else (fields.text("value"),)
    if not any(values):
        fields.mistake("value", "must not be empty")
    return name, values
