"""Rules for metadata, as in k8s.io/apimachinery/pkg/api/validation and pkg/util/validation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.standins.kubernetes.kinds import NAMESPACE
from tests.standins.kubernetes.statuses import Cause, StatusError, invalid

if TYPE_CHECKING:
    from tests.standins.kubernetes.kinds import Json, Kind

LABEL_TEXT = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
SUBDOMAIN_TEXT = rf"{LABEL_TEXT}(\.{LABEL_TEXT})*"
QUALIFIED_TEXT = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
VALUE_TEXT = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?"
LABEL = re.compile(LABEL_TEXT)
SUBDOMAIN = re.compile(SUBDOMAIN_TEXT)
QUALIFIED = re.compile(QUALIFIED_TEXT)
VALUE = re.compile(VALUE_TEXT)
MAX_ANNOTATION_BYTES = 256 * 1024

SUBDOMAIN_ERROR = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    f"start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    f"'{SUBDOMAIN_TEXT}')"
)
LABEL_ERROR = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and "
    f"end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    f"'{LABEL_TEXT}')"
)
QUALIFIED_ERROR = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    f"'{QUALIFIED_TEXT}')"
)
VALUE_ERROR = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for "
    f"validation is '{VALUE_TEXT}')"
)


def check_metadata(kind: Kind, metadata: Json) -> None:
    """Refuse metadata that cannot be stored, all mistakes at once (422)."""
    causes = [*_names(kind, metadata), *_labels(metadata.get("labels") or {})]
    annotations = metadata.get("annotations") or {}
    for key in annotations:
        causes += _key("metadata.annotations", key.lower())
    if annotations and sum(len(key) + len(value.encode()) for key, value in annotations.items()) > (
        MAX_ANNOTATION_BYTES
    ):
        text = f"Too long: may not be more than {MAX_ANNOTATION_BYTES} bytes"
        causes.append(Cause(reason="FieldValueTooLong", field="metadata.annotations", message=text))
    if causes:
        raise invalid(kind, metadata.get("name") or "", causes)


def check_types(kind: Kind, version: str, body: Json) -> None:
    """Refuse fields of a wrong JSON type, which the decoder of a real server cannot read (400)."""
    metadata = body.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        raise _undecodable(kind, version, metadata, f"{kind.kind}.metadata", "v1.ObjectMeta")
    for field in ("name", "generateName", "namespace"):
        value = (metadata or {}).get(field)
        if value is not None and not isinstance(value, str):
            raise _undecodable(kind, version, value, f"ObjectMeta.metadata.{field}", "string")
    maps: list[tuple[Json, str, tuple[str, ...]]] = [(metadata or {}, "ObjectMeta.metadata", ("labels", "annotations"))]
    if kind.kind in ("ConfigMap", "Secret") and not kind.group:
        maps.append((body, kind.kind, ("data", "stringData", "binaryData")))
    for holder, path, fields in maps:
        for field in fields:
            _check_map(kind, version, holder.get(field), f"{path}.{field}")


_RUN = "managedBy params status workspaces"
_SPECS = {
    ("PipelineRun", "v1"): f"{_RUN} pipelineRef pipelineSpec taskRunSpecs taskRunTemplate timeouts",
    ("PipelineRun", "v1beta1"): (
        f"{_RUN} pipelineRef pipelineSpec podTemplate resources serviceAccountName taskRunSpecs timeout timeouts"
    ),
    ("TaskRun", "v1"): (
        f"{_RUN} computeResources debug podTemplate retries serviceAccountName sidecarSpecs statusMessage stepSpecs "
        "taskRef taskSpec timeout"
    ),
}
"""The fields of a spec, by kind and version: https://tekton.dev/docs/pipelines/pipeline-api/"""
_JSON_NAMES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}


def pruned(kind: Kind, version: str, body: Json) -> Json:
    """Return an object without what a real server would not store: fields of its spec that the kind does not have."""
    unknown = _unknown(kind, version, body)
    if not unknown:
        return body
    return {**body, "spec": {name: value for name, value in body["spec"].items() if name not in unknown}}


def check_schema(kind: Kind, version: str, body: Json) -> None:
    """Refuse a run whose spec is none, or whose params are none, as the schemas of Tekton's CRDs do (422)."""
    spec = body.get("spec")
    causes = []
    if (kind.kind, version) not in _SPECS or spec is None:
        return
    params = spec.get("params") if isinstance(spec, dict) else None
    if not isinstance(spec, dict):
        causes.append(_of_type("spec", spec, "object"))
    elif params is not None and not isinstance(params, list):
        causes.append(_of_type("spec.params", params, "array"))
    for place, param in enumerate(params if isinstance(params, list) else []):
        for field in ("name", "value"):
            if isinstance(param, dict) and field not in param:
                where = f"spec.params[{place}].{field}"
                causes.append(Cause(reason="FieldValueRequired", field=where, message="Required value"))
    if causes:
        raise invalid(kind, (body.get("metadata") or {}).get("name") or "", causes)


def _of_type(path: str, value: object, wanted: str) -> Cause:
    found = _JSON_NAMES.get(type(value), "null")
    text = f'Invalid value: "{found}": {path} in body must be of type {wanted}: "{found}"'
    return Cause(reason="FieldValueTypeInvalid", field=path, message=text)


def _unknown(kind: Kind, version: str, body: Json) -> list[str]:
    known = _SPECS.get((kind.kind, version))
    spec = body.get("spec")
    return [name for name in spec if name not in known.split()] if known and isinstance(spec, dict) else []


def check_fields(kind: Kind, version: str, body: Json) -> None:
    """Refuse fields of a spec that the kind does not have, as fieldValidation=Strict does (400)."""
    if unknown := _unknown(kind, version, body):
        named = ", ".join(f'unknown field "spec.{name}"' for name in unknown)
        raise StatusError(
            400,
            f'{kind.kind} in version "{version}" cannot be handled as a {kind.kind}: strict decoding error: {named}',
        )


def _check_map(kind: Kind, version: str, values: object, path: str) -> None:
    if values is None:
        return
    if not isinstance(values, dict):
        raise _undecodable(kind, version, values, path, "map[string]string")
    for value in values.values():
        if not isinstance(value, str):
            raise _undecodable(kind, version, value, path, "string")


def _undecodable(kind: Kind, version: str, value: object, path: str, wanted: str) -> StatusError:
    found = {bool: "bool", int: "number"}.get(type(value)) or _JSON_NAMES.get(type(value), "null")
    return StatusError(
        400,
        f'{kind.kind} in version "{version}" cannot be handled as a {kind.kind}: json: cannot unmarshal '
        f"{found} into Go struct field {path} of type {wanted}",
    )


def _names(kind: Kind, metadata: Json) -> list[Cause]:
    name, base = metadata.get("name"), metadata.get("generateName")
    causes: list[Cause] = []
    if base:
        # A trailing dash is fine there: characters follow. It cannot be the first one.
        tested = base[:-1] + "a" if len(base) > 1 and base.endswith("-") else base
        causes += _name(kind, "metadata.generateName", tested, base)
    elif not name:
        text = "Required value: name or generateName is required"
        causes.append(Cause(reason="FieldValueRequired", field="metadata.name", message=text))
    if name:
        causes += _name(kind, "metadata.name", name, name)
    return causes


def _name(kind: Kind, field: str, tested: str, shown: str) -> list[Cause]:
    label = kind is NAMESPACE
    limit, pattern, text = (63, LABEL, LABEL_ERROR) if label else (253, SUBDOMAIN, SUBDOMAIN_ERROR)
    causes = []
    if len(tested) > limit:
        causes.append(_invalid(field, shown, f"must be no more than {limit} bytes"))
    if not pattern.fullmatch(tested):
        causes.append(_invalid(field, shown, text))
    return causes


def _labels(labels: dict[str, str]) -> list[Cause]:
    causes: list[Cause] = []
    for key, value in labels.items():
        causes += _key("metadata.labels", key)
        if len(value) > 63:
            causes.append(_invalid("metadata.labels", value, "must be no more than 63 bytes"))
        if not VALUE.fullmatch(value):
            causes.append(_invalid("metadata.labels", value, VALUE_ERROR))
    return causes


def _key(field: str, key: str) -> list[Cause]:
    prefix, slash, name = key.rpartition("/")
    causes: list[Cause] = []
    if slash and not prefix:
        causes.append(_invalid(field, key, "prefix part must be non-empty"))
    elif slash and not SUBDOMAIN.fullmatch(prefix):
        causes.append(_invalid(field, key, f"prefix part {SUBDOMAIN_ERROR}"))
    if not name:
        causes.append(_invalid(field, key, "name part must be non-empty"))
    elif len(name) > 63:
        causes.append(_invalid(field, key, "name part must be no more than 63 bytes"))
    if not QUALIFIED.fullmatch(name):
        causes.append(_invalid(field, key, QUALIFIED_ERROR))
    return causes


def _invalid(field: str, value: Any, text: str) -> Cause:
    return Cause(reason="FieldValueInvalid", field=field, message=f'Invalid value: "{value}": {text}')
