"""Tekton Triggers' resources as frozen values, in the shape of triggers.tekton.dev/v1beta1.

Older spellings (v1alpha1's `github:` keys, `template.name`, …) are rewritten while loading, as Tekton's admission
does, so nothing behind this module knows them. References are kept as written; `listening.listeners`
resolves them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

from functions.common.values import Json


class Source(Struct, frozen=True):
    """Where a resource stands: a file and line, or `cluster` and no line."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        """Return `file:line`."""
        return f"{self.file}:{self.line}" if self.line else self.file


class Metadata(Struct, frozen=True):
    """The parts of `metadata` that matter here."""

    name: str
    namespace: str
    """Empty for cluster-scoped kinds."""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    uid: str = ""


class Param(Struct, frozen=True):
    """A binding's `name` and `value` (`value` is text with `$(…)` expressions)."""

    name: str
    value: str


class ParamSpec(Struct, frozen=True):
    """A template's declared parameter; `default` None means none was given (an empty string is a default)."""

    name: str
    default: str | None = None
    description: str = ""


class InlineBinding(Struct, frozen=True):
    """`- name: …, value: …` in a trigger's bindings."""

    param: Param


class BindingRef(Struct, frozen=True):
    """`- ref: …, kind: …` in a trigger's bindings."""

    name: str
    kind: Literal["TriggerBinding", "ClusterTriggerBinding"] = "TriggerBinding"


Binding = InlineBinding | BindingRef


class TemplateSpec(Struct, frozen=True):
    """A TriggerTemplate's spec; `resources` are the parsed `resourcetemplates`, in order."""

    params: tuple[ParamSpec, ...]
    resources: tuple[Mapping[str, Json], ...]


class TemplateRef(Struct, frozen=True):
    """`template: {ref: …}`; the name may itself hold `$(tt.params…)`-free text only."""

    name: str


class ObjectRef(Struct, frozen=True):
    """A webhook interceptor's `objectRef` to a Service (core/v1 unless said otherwise)."""

    name: str
    namespace: str = ""
    kind: str = "Service"
    api_version: str = "v1"
    path: str = ""
    port: int | None = None


class WebhookSpec(Struct, frozen=True):
    """The old webhook interceptor: `webhook: {objectRef, url, header}`."""

    object_ref: ObjectRef | None
    url: str = ""
    header: tuple[tuple[str, tuple[str, ...]], ...] = ()


class InterceptorSpec(Struct, frozen=True):
    """One interceptor of a chain: either a `ref` with params, or the old `webhook`."""

    name: str = ""
    ref_name: str = ""
    ref_kind: Literal["ClusterInterceptor", "NamespacedInterceptor"] = "ClusterInterceptor"
    ref_api_version: str = ""
    params: tuple[tuple[str, Json], ...] = ()
    webhook: WebhookSpec | None = None


class TriggerSpec(Struct, frozen=True):
    """A trigger's spec, whether it stands inline in a listener or as an object of its own."""

    bindings: tuple[Binding, ...]
    template: TemplateRef | TemplateSpec | None
    interceptors: tuple[InterceptorSpec, ...] = ()
    service_account: str = ""
    name: str = ""
    """The spec's own `name` field (a Trigger object may carry one)."""


class Trigger(Struct, frozen=True):
    """A Trigger object."""

    metadata: Metadata
    spec: TriggerSpec
    source: Source


class InlineTrigger(Struct, frozen=True):
    """A trigger that stands in a listener's `triggers`."""

    name: str
    spec: TriggerSpec
    source: Source


class TriggerRef(Struct, frozen=True):
    """`- triggerRef: NAME` in a listener's `triggers`."""

    name: str
    source: Source


class Requirement(Struct, frozen=True):
    """One `matchExpressions` entry."""

    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: tuple[str, ...] = ()


class LabelSelector(Struct, frozen=True):
    """A label selector; an empty one matches everything."""

    match_labels: Mapping[str, str] = field(default_factory=dict)
    match_expressions: tuple[Requirement, ...] = ()


class TriggerSelector(Struct, frozen=True):
    """`namespaceSelector` (None: not given) and `labelSelector` (None: not given) of a listener or group."""

    namespaces: tuple[str, ...] | None = None
    labels: LabelSelector | None = None


class TriggerGroup(Struct, frozen=True):
    """One of a listener's `triggerGroups`."""

    name: str
    interceptors: tuple[InterceptorSpec, ...]
    selector: TriggerSelector
    source: Source


class EventListener(Struct, frozen=True):
    """An EventListener."""

    metadata: Metadata
    triggers: tuple[InlineTrigger | TriggerRef, ...]
    groups: tuple[TriggerGroup, ...]
    selector: TriggerSelector
    source: Source
    service_account: str = ""
    cloud_event_uri: str = ""


class TriggerBinding(Struct, frozen=True):
    """A TriggerBinding or ClusterTriggerBinding (then `metadata.namespace` is empty)."""

    metadata: Metadata
    params: tuple[Param, ...]
    source: Source


class TriggerTemplate(Struct, frozen=True):
    """A TriggerTemplate."""

    metadata: Metadata
    spec: TemplateSpec
    source: Source


class ClientConfig(Struct, frozen=True):
    """How a custom interceptor is reached: a `url`, or a `service` in the cluster."""

    url: str = ""
    ca_bundle: str = ""
    """PEM text, decoded from the manifest's base64; empty when none was given."""
    service: ObjectRef | None = None


class Interceptor(Struct, frozen=True):
    """An Interceptor (namespaced) or ClusterInterceptor (then `metadata.namespace` is empty)."""

    metadata: Metadata
    client_config: ClientConfig
    source: Source


Resource = EventListener | Trigger | TriggerBinding | TriggerTemplate | Interceptor


class Registry(Struct, frozen=True):
    """Everything loaded, by (namespace, name); cluster-scoped kinds by name. Immutable."""

    listeners: Mapping[tuple[str, str], EventListener] = field(default_factory=dict)
    triggers: Mapping[tuple[str, str], Trigger] = field(default_factory=dict)
    bindings: Mapping[tuple[str, str], TriggerBinding] = field(default_factory=dict)
    cluster_bindings: Mapping[str, TriggerBinding] = field(default_factory=dict)
    templates: Mapping[tuple[str, str], TriggerTemplate] = field(default_factory=dict)
    interceptors: Mapping[tuple[str, str], Interceptor] = field(default_factory=dict)
    cluster_interceptors: Mapping[str, Interceptor] = field(default_factory=dict)
    invalid: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    """Objects that were never read without mistakes, by (kind, namespace, name): what is wrong, without their name.

    Only a cluster has them; files with mistakes are not loaded. An invalid Trigger also stands in `triggers`, its spec
    empty, so that selectors find it by its labels.
    """


REGISTRY_FIELDS: Mapping[str, str] = {
    "ClusterInterceptor": "cluster_interceptors",
    "ClusterTriggerBinding": "cluster_bindings",
    "EventListener": "listeners",
    "Interceptor": "interceptors",
    "Trigger": "triggers",
    "TriggerBinding": "bindings",
    "TriggerTemplate": "templates",
}
"""The field of a Registry that holds the objects of each kind."""
