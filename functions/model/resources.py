"""Tekton Triggers' resources as frozen values, in the shape of triggers.tekton.dev/v1beta1.

Older spellings (v1alpha1's `github:` keys, `template.name`, …) are rewritten while loading, as Tekton's admission
does, so nothing behind this module knows them. References are kept as written; `listening.listeners`
resolves them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from functions.common.values import Json


@dataclass(frozen=True, slots=True)
class Source:
    """Where a resource stands: a file and line, or `cluster` and no line."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        """Return `file:line`."""
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Metadata:
    """The parts of `metadata` that matter here."""

    name: str
    namespace: str
    """Empty for cluster-scoped kinds."""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Param:
    """A binding's `name` and `value` (`value` is text with `$(…)` expressions)."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class ParamSpec:
    """A template's declared parameter; `default` None means none was given (an empty string is a default)."""

    name: str
    default: str | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class InlineBinding:
    """`- name: …, value: …` in a trigger's bindings."""

    param: Param


@dataclass(frozen=True, slots=True)
class BindingRef:
    """`- ref: …, kind: …` in a trigger's bindings."""

    name: str
    kind: Literal["TriggerBinding", "ClusterTriggerBinding"] = "TriggerBinding"


Binding = InlineBinding | BindingRef


@dataclass(frozen=True, slots=True)
class TemplateSpec:
    """A TriggerTemplate's spec; `resources` are the parsed `resourcetemplates`, in order."""

    params: tuple[ParamSpec, ...]
    resources: tuple[Mapping[str, Json], ...]


@dataclass(frozen=True, slots=True)
class TemplateRef:
    """`template: {ref: …}`; the name may itself hold `$(tt.params…)`-free text only."""

    name: str


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """A webhook interceptor's `objectRef` to a Service (core/v1 unless said otherwise)."""

    name: str
    namespace: str = ""
    kind: str = "Service"
    api_version: str = "v1"
    path: str = ""
    port: int | None = None


@dataclass(frozen=True, slots=True)
class WebhookSpec:
    """The old webhook interceptor: `webhook: {objectRef, url, header}`."""

    object_ref: ObjectRef | None
    url: str = ""
    header: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class InterceptorSpec:
    """One interceptor of a chain: either a `ref` with params, or the old `webhook`."""

    name: str = ""
    ref_name: str = ""
    ref_kind: Literal["ClusterInterceptor", "NamespacedInterceptor"] = "ClusterInterceptor"
    ref_api_version: str = ""
    params: tuple[tuple[str, Json], ...] = ()
    webhook: WebhookSpec | None = None
    source: Source | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class TriggerSpec:
    """A trigger's spec, whether it stands inline in a listener or as an object of its own."""

    bindings: tuple[Binding, ...]
    template: TemplateRef | TemplateSpec | None
    interceptors: tuple[InterceptorSpec, ...] = ()
    service_account: str = ""
    name: str = ""
    """The spec's own `name` field (a Trigger object may carry one)."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """A Trigger object."""

    metadata: Metadata
    spec: TriggerSpec
    source: Source


@dataclass(frozen=True, slots=True)
class InlineTrigger:
    """A trigger that stands in a listener's `triggers`."""

    name: str
    spec: TriggerSpec
    source: Source


@dataclass(frozen=True, slots=True)
class TriggerRef:
    """`- triggerRef: NAME` in a listener's `triggers`."""

    name: str
    source: Source


@dataclass(frozen=True, slots=True)
class Requirement:
    """One `matchExpressions` entry."""

    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """A label selector; an empty one matches everything."""

    match_labels: Mapping[str, str] = field(default_factory=dict)
    match_expressions: tuple[Requirement, ...] = ()


@dataclass(frozen=True, slots=True)
class TriggerSelector:
    """`namespaceSelector` (None: not given) and `labelSelector` (None: not given) of a listener or group."""

    namespaces: tuple[str, ...] | None = None
    labels: LabelSelector | None = None


@dataclass(frozen=True, slots=True)
class TriggerGroup:
    """One of a listener's `triggerGroups`."""

    name: str
    interceptors: tuple[InterceptorSpec, ...]
    selector: TriggerSelector
    source: Source


@dataclass(frozen=True, slots=True)
class EventListener:
    """An EventListener."""

    metadata: Metadata
    triggers: tuple[InlineTrigger | TriggerRef, ...]
    groups: tuple[TriggerGroup, ...]
    selector: TriggerSelector
    source: Source
    service_account: str = ""
    cloud_event_uri: str = ""


@dataclass(frozen=True, slots=True)
class TriggerBinding:
    """A TriggerBinding or ClusterTriggerBinding (then `metadata.namespace` is empty)."""

    metadata: Metadata
    params: tuple[Param, ...]
    source: Source


@dataclass(frozen=True, slots=True)
class TriggerTemplate:
    """A TriggerTemplate."""

    metadata: Metadata
    spec: TemplateSpec
    source: Source


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """How a custom interceptor is reached: a `url`, or a `service` in the cluster."""

    url: str = ""
    ca_bundle: str = ""
    """PEM text, decoded from the manifest's base64; empty when none was given."""
    service: ObjectRef | None = None


@dataclass(frozen=True, slots=True)
class Interceptor:
    """An Interceptor (namespaced) or ClusterInterceptor (then `metadata.namespace` is empty)."""

    metadata: Metadata
    client_config: ClientConfig
    source: Source


Resource = EventListener | Trigger | TriggerBinding | TriggerTemplate | Interceptor


@dataclass(frozen=True, slots=True)
class Registry:
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
