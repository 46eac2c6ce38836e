"""Metadata and selectors, with Kubernetes' rules for names and labels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from functions.model.fields import Fields
from functions.model.resources import LabelSelector, Metadata, Requirement, TriggerSelector

_OBJECT_META = frozenset(
    {
        "annotations",
        "clusterName",
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "finalizers",
        "generateName",
        "generation",
        "labels",
        "managedFields",
        "name",
        "namespace",
        "ownerReferences",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)
_NAMESPACE_SELECTOR = frozenset({"matchNames"})
_LABEL_SELECTOR = frozenset({"matchExpressions", "matchLabels"})
_REQUIREMENT = frozenset({"key", "operator", "values"})
_OPERATORS: tuple[Literal["In", "NotIn", "Exists", "DoesNotExist"], ...] = ("In", "NotIn", "Exists", "DoesNotExist")

_MAX_NAME = 253
_MAX_LABEL = 63
_DNS_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_DNS_SUBDOMAIN = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")
_LABEL_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
_LABEL_VALUE_HINT = "letters, digits, '-', '_' and '.', at most 63, beginning and ending with a letter or digit"
_NAME_HINT = "lower-case letters, digits, '-' and '.', beginning and ending with a letter or digit"


def is_label_value(text: str) -> bool:
    """Say whether Kubernetes takes `text` as a label's value."""
    return len(text) <= _MAX_LABEL and _LABEL_VALUE.fullmatch(text) is not None


def _is_label_key(text: str) -> bool:
    prefix, slash, name = text.rpartition("/")
    if slash and not (len(prefix) <= _MAX_NAME and _DNS_SUBDOMAIN.fullmatch(prefix)):
        return False
    return name != "" and is_label_value(name)


def check_label_value(fields: Fields, name: str, text: str) -> None:
    """Collect a mistake at the field `name` unless `text` can be a label's value."""
    if not is_label_value(text):
        fields.mistake(name, "must be a valid label value", _LABEL_VALUE_HINT)


def decode_metadata(resource: Fields, *, namespace: str, namespaced: bool) -> Metadata:
    """Return a resource's metadata; `namespace` counts for namespaced kinds that name none."""
    if not resource.require("metadata", "with a name"):
        return Metadata("", namespace if namespaced else "")
    meta = resource.section("metadata", _OBJECT_META)
    if meta is None:
        return Metadata("", namespace if namespaced else "")
    name = _name(meta)
    own = meta.text("namespace")
    if own and namespaced and not _DNS_LABEL.fullmatch(own):
        meta.mistake("namespace", "is no valid namespace", "lower-case letters, digits and '-', at most 63")
    return Metadata(
        name=name,
        namespace=(own or namespace) if namespaced else "",
        labels=_labels(meta, "labels"),
        annotations=meta.text_map("annotations"),
        uid=meta.text("uid"),
    )


def _name(meta: Fields) -> str:
    if meta.has("generateName") and not meta.has("name"):
        meta.mistake("generateName", "others refer to this object, so its name must be fixed", 'write "name"')
        return ""
    name = meta.text("name", required=True)
    if name and not (len(name) <= _MAX_NAME and _DNS_SUBDOMAIN.fullmatch(name)):
        meta.mistake("name", "is no valid name", _NAME_HINT)
    return name


def _labels(fields: Fields, name: str) -> Mapping[str, str]:
    labels = fields.text_map(name)
    if labels:
        section = Fields(fields.reading, (*fields.path, name), labels, None)
        for key, value in labels.items():
            if not _is_label_key(key):
                section.mistake(key, "is no valid label key")
            check_label_value(section, key, value)
    return labels


def decode_selector(fields: Fields) -> TriggerSelector:
    """Return `namespaceSelector` and `labelSelector`; an empty namespaceSelector counts as none, as in Tekton."""
    namespaces = fields.section("namespaceSelector", _NAMESPACE_SELECTOR)
    labels = fields.section("labelSelector", _LABEL_SELECTOR)
    names = namespaces.texts("matchNames") if namespaces else ()
    if namespaces and "*" in names and len(names) > 1:
        namespaces.note("matchNames", '"*" means every namespace only when it stands alone', "remove the other names")
    return TriggerSelector(namespaces=names or None, labels=_label_selector(labels) if labels else None)


def _label_selector(fields: Fields) -> LabelSelector:
    return LabelSelector(
        match_labels=_labels(fields, "matchLabels"),
        match_expressions=tuple(
            _requirement(expression) for expression in fields.sections("matchExpressions", _REQUIREMENT)
        ),
    )


def _requirement(fields: Fields) -> Requirement:
    key = fields.text("key", required=True)
    if key and not _is_label_key(key):
        fields.mistake("key", "is no valid label key")
    if not fields.require("operator", f"one of {', '.join(_OPERATORS)}"):
        return Requirement(key, "Exists")
    operator = fields.choice("operator", _OPERATORS)
    values = fields.texts("values")
    if fields.raw("operator") == operator:
        takes_values = operator in ("In", "NotIn")
        if takes_values and not values:
            fields.mistake("values", f"{operator} needs at least one value")
        if not takes_values and values:
            fields.mistake("values", f"{operator} takes no values", "remove them")
    for value in values:
        check_label_value(fields, "values", value)
    return Requirement(key, operator, values)
