"""What the triggers of a listener refer to: bindings and templates, looked up and compiled once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from functions.common.errors import LastingError
from functions.common.values import Json
from functions.listening.prepared import NO_ANNOTATIONS
from functions.model.annotations import check, check_resource, literal
from functions.model.resources import (
    Binding,
    BindingRef,
    EventListener,
    InlineBinding,
    Param,
    Registry,
    TemplateSpec,
    TriggerSpec,
)
from functions.rendering.bindings import CompiledBindings, compile_bindings
from functions.rendering.templates import CompiledTemplate, compile_template


class References:
    """The references of one listener's triggers. Its methods raise LastingError that says which leads nowhere."""

    def __init__(self, listener: EventListener, registry: Registry) -> None:
        self._own = listener.metadata.annotations
        self._registry = registry
        self._bindings: dict[tuple[tuple[Param, ...], frozenset[str]], CompiledBindings] = {}
        self._templates: dict[tuple[str, str], CompiledTemplate] = {}

    def bindings(self, bindings: Sequence[Binding], namespace: str, defaulted: Collection[str]) -> CompiledBindings:
        """Return the params of all bindings, compiled once for all triggers that bind alike."""
        key = tuple(self._params(bindings, namespace)), frozenset(defaulted)
        if key not in self._bindings:
            self._bindings[key] = compile_bindings(key[0], defaulted=defaulted)
        return self._bindings[key]

    def _params(self, bindings: Sequence[Binding], namespace: str) -> list[Param]:
        params: list[Param] = []
        for position, binding in enumerate(bindings):
            if isinstance(binding, InlineBinding):
                params.append(binding.param)
            else:
                params += self._referenced(binding, namespace, position)
        return params

    def _referenced(self, ref: BindingRef, namespace: str, position: int) -> Sequence[Param]:
        if ref.kind == "ClusterTriggerBinding":
            binding = self._registry.cluster_bindings.get(ref.name)
            namespace = ""
        else:
            binding = self._registry.bindings.get((namespace, ref.name))
        if binding is None:
            raise LastingError(self.missing(ref.kind, ref.name, namespace, f"bindings[{position}].ref"))
        return binding.params

    def template(self, spec: TriggerSpec, namespace: str) -> CompiledTemplate:
        """Return the template, compiled once for all triggers that name it."""
        if isinstance(spec.template, TemplateSpec):
            return compile_template(spec.template, literal=literal(self._own, NO_ANNOTATIONS))
        if spec.template is None:
            raise LastingError("the trigger has no template: give template.ref or template.spec")
        key = (namespace, spec.template.name)
        if key not in self._templates:
            template = self._registry.templates.get(key)
            if template is None:
                raise LastingError(self.missing("TriggerTemplate", spec.template.name, namespace, "template.ref"))
            annotations = template.metadata.annotations
            check("TriggerTemplate", annotations)
            self._templates[key] = compile_template(template.spec, literal=literal(self._own, annotations))
        return self._templates[key]

    def resources(self, spec: TriggerSpec, namespace: str) -> Sequence[Mapping[str, Json]]:
        """Return a template's resources as written. Raises LastingError for annotations of ours that mean nothing."""
        written = spec.template
        if not isinstance(written, TemplateSpec):
            written = self._registry.templates[namespace, written.name].spec if written else None
        for resource in written.resources if written else ():
            check_resource(resource)
        return written.resources if written else ()

    def missing(self, kind: str, name: str, namespace: str, path: str) -> str:
        """Say that what the field `path` names is not there, or is not valid."""
        where = f"{namespace}/{name}" if namespace else name
        wrong = self._registry.invalid.get((kind, namespace, name))
        return f"{kind} {where}, which {path} names, {f'is not valid: {wrong}' if wrong else 'does not exist'}"
